"""The .latent file: a whole space in one SQLite database (docs/format.md)."""

from .backup import backup
from .caches import Anchor
from .compact import rewrite as compact
from .contents import Cache, Contents, check
from .later import Later
from .mend import mend
from .reader import LatentFile, read, version
from .verify import Finding, Verified, verify
from .writer import FileChangedError, append, put, put_cache, put_map, remove, write

__all__ = [
    "Anchor",
    "Cache",
    "Contents",
    "FileChangedError",
    "Finding",
    "LatentFile",
    "Later",
    "Verified",
    "append",
    "backup",
    "check",
    "compact",
    "mend",
    "put",
    "put_cache",
    "put_map",
    "read",
    "remove",
    "verify",
    "version",
    "write",
]
