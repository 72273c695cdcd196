"""The .latent file: a whole space in one SQLite database (docs/format.md)."""

from .caches import Anchor
from .compact import rewrite as compact
from .contents import Cache, Contents, check
from .later import Later
from .reader import LatentFile, read, version
from .writer import FileChangedError, append, put, put_cache, put_map, remove, write

__all__ = [
    "Anchor",
    "Cache",
    "Contents",
    "FileChangedError",
    "LatentFile",
    "Later",
    "append",
    "check",
    "compact",
    "put",
    "put_cache",
    "put_map",
    "read",
    "remove",
    "version",
    "write",
]
