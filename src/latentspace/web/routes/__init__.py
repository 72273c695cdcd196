"""What can be asked for, one file a subject; docs/decisions/0018 lists it all."""

from . import decode, encode, items, search, spaces, tell

ROUTERS = [spaces.router, items.router, search.router, decode.router, encode.router, tell.router]
