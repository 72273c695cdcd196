"""What can be asked for, one file a subject; docs/decisions/0018 lists it all."""

from . import axes, decode, encode, items, match, regions, search, shades, spaces, tell

# shades before tell: the first route that fits an address answers.
ROUTERS = [module.router for module in (spaces, items, search, decode, encode, match, regions, axes, shades, tell)]
