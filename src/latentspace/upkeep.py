"""What a space's search index and file are like, and their upkeep: learning an index, giving room back."""

import os
from typing import TYPE_CHECKING, Any

from . import keeping, store
from .errors import UnsupportedError

if TYPE_CHECKING:
    from .verbs.state import State

_PREFIX = "index-"


def describe_index(space: "State") -> dict[str, dict[str, Any]]:
    """What each metric's approximate index is, in memory or else in the file; a metric without one is searched exactly.

    Returns
    -------
    dict of metric to dict
        `recall` of ten neighbours, `queries` that it was measured on, `tail` (items that came since and are searched
        exactly), `tombstones` (that went since), `bytes`.
    """
    kept = {}
    if space.path is not None and space._anchor is not None:
        with store.LatentFile(space.path) as file:
            for name in file.cache_names:
                if name.startswith(_PREFIX) and (cache := file.cache(name, space._anchor, arrays=False)) is not None:
                    kept[name.removeprefix(_PREFIX)] = _from_cache(cache, len(space)) | {
                        "bytes": file.cache_bytes(name)
                    }
    here = {} if space._index is None else space._index.report
    shown = ("kind", "recall", "target", "queries", "tail", "tombstones", "bytes")
    return {metric: {name: one.get(name) for name in shown} for metric, one in sorted({**kept, **here}.items())}


def _from_cache(cache: store.Cache, n: int) -> dict[str, Any]:
    facts = cache.facts.get("approximate")
    report = facts.get("report") if isinstance(facts, dict) else None
    gone = int((cache.rows < 0).sum())
    return {
        **(report if isinstance(report, dict) else {}),
        "tail": n - (len(cache.rows) - gone), "tombstones": gone,
    }  # fmt: skip


def describe_file(space: "State") -> dict[str, Any] | None:
    """The file's version, its bytes, and of how many removed items the latents and features are still in it."""
    if space.path is None:
        return None
    with store.LatentFile(space.path) as file:
        return {
            "version": file.version,
            "bytes": os.path.getsize(space.path),
            "removed": file.removed,
            "kept": {name: file.cache_bytes(name) for name in file.cache_names},
        }


def compact(space: "State") -> dict[str, int]:
    """Gives back the room of removed items, in the file and in the search index; see `LatentSpace.compact`."""
    if space.path is None:
        raise UnsupportedError("compact() is for a space that lives in a file. Call space.save('name.latent') first.")
    keeping.refresh(space)
    with store.LatentFile(space.path) as file:
        removed, before = file.removed, os.path.getsize(space.path)
        metrics = [name.removeprefix(_PREFIX) for name in file.cache_names if name.startswith(_PREFIX)]
    for metric in metrics:
        space.index.load(metric)
    space.index.tidy()
    store.compact(space.path)
    with store.LatentFile(space.path) as file:
        if file.version == space._version:  # the same items at other positions
            space._anchor = file.anchor()
    return {"removed": removed, "bytes_before": before, "bytes": os.path.getsize(space.path)}
