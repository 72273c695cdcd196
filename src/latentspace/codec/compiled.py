"""`njit` of numba, or, where numba is not installed, the same loops in plain Python: slow, with the same bytes.

Numba keeps what it compiled until the very file of a function changes, whatever became of the functions and constants
from other files that were compiled into it. A coder would then write what another release cannot read. So here what was
compiled is good for one state of all files of this room.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

try:
    import numba

    IS_COMPILED = True
except ImportError:
    IS_COMPILED = False

__all__ = ["IS_COMPILED", "njit"]


def njit(**options: Any) -> Callable[[Any], Any]:
    """As numba's, with a cache that is safe to keep; without numba, what leaves a function as it is."""
    if not IS_COMPILED:
        return lambda function: function

    def compiled(function: Any) -> Any:
        found = numba.njit(**options)(function)
        file: Any = getattr(getattr(found, "_cache", None), "_cache_file", None)
        if hasattr(file, "_source_stamp"):
            file._source_stamp = (file._source_stamp, _state_of_the_room())
        elif options.get("cache"):  # a numba that keeps it elsewhere: rather compile again than read what is old
            found = numba.njit(**{**options, "cache": False})(function)
        return found

    return compiled


@lru_cache(maxsize=1)
def _state_of_the_room() -> str:
    together = hashlib.blake2b(digest_size=16)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        together.update(path.read_bytes())
    return together.hexdigest()
