"""The .latent file: a whole space in one SQLite database (docs/format.md)."""

from .contents import Contents, check
from .reader import LatentFile, read, version
from .writer import FileChangedError, append, put, put_map, remove, write

__all__ = [
    "Contents",
    "FileChangedError",
    "LatentFile",
    "append",
    "check",
    "put",
    "put_map",
    "read",
    "remove",
    "version",
    "write",
]
