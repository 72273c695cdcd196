"""What can be asked for, one file a subject; docs/decisions/0017 lists it all."""

from . import items, spaces

ROUTERS = [spaces.router, items.router]
