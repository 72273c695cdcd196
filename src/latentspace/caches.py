"""What was computed from a space's latents and takes long to compute again: kept in its file, or beside it in memory.

A search index and a neighbour graph are kept here by name. What is found again says which of the present items it
describes; it never describes latents other than those it was computed from.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from . import store
from .errors import CorruptFileError

if TYPE_CHECKING:
    from .verbs.state import State

Cache = store.Cache


def find(space: "State", name: str) -> Cache | None:
    """Returns what was kept under this name, with the rows of the space that it describes now; None if nothing was.

    `cache.is_of_all(len(space))` tells whether items came or went since it was kept.
    """
    if name in space._caches:
        return space._caches[name]
    if space.path is None or space._anchor is None:
        return None
    try:
        with store.LatentFile(space.path) as file:
            return file.cache(name, space._anchor)
    except (OSError, CorruptFileError):  # moved, or unreadable: all that is lost is time
        return None


def keep(
    space: "State", name: str, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], rows: Any = None
) -> bool:
    """Keeps facts (JSON) and arrays under a name; returns whether they are in the file, else they are in memory.

    Parameters
    ----------
    space : LatentSpace
    name : str
        Printable, without "/".
    facts, arrays
        What the reader needs, checked when it is read: a file may come from anyone.
    rows : int64 array of shape (m,), optional
        The present row of each item that was described, ascending, -1 where it is gone; by default all items in order.
    """
    rows = np.arange(len(space)) if rows is None else np.asarray(rows, np.int64)
    cache = Cache(dict(facts), dict(arrays), rows)
    if space.path is not None:
        try:
            store.put_cache(space.path, name, cache, expect=space._version, wait=1.0)
        except (OSError, CorruptFileError, store.FileChangedError):
            pass  # a file that cannot be written, is in use or has changed: what was computed still serves this space
        else:
            space._caches.pop(name, None)
            return True
    space._caches[name] = cache
    return False


def drop(space: "State", name: str) -> None:
    """Forgets what was kept under this name, in the file too where it can be written."""
    space._caches.pop(name, None)
    if space.path is not None:
        store.put_cache(space.path, name, None)


def all_of(space: "State") -> dict[str, Cache]:
    """Returns everything that is kept of a space, to be written to another file."""
    names = list(space._caches)
    if space.path is not None and space._anchor is not None:
        try:
            with store.LatentFile(space.path) as file:
                names = [*file.cache_names, *names]
        except (OSError, CorruptFileError):
            pass
    return {name: cache for name in dict.fromkeys(names) if (cache := find(space, name)) is not None}


def follow(space: "State", rows: np.ndarray) -> None:
    """Tells what is kept in memory where items went: `rows[old]` is the present row of an item, -1 if it is gone."""
    for cache in space._caches.values():
        there = cache.rows >= 0
        cache.rows = cache.rows.copy()
        cache.rows[there] = rows[cache.rows[there]]
