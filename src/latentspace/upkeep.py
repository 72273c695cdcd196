"""What a space's search index and file are like, and their upkeep: learning an index, giving room back."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import by_features, keeping, store
from .errors import UnsupportedError
from .search.metrics import check_metric

if TYPE_CHECKING:
    from .search.plan import Rerank
    from .verbs.state import Metric, State

_LATENTS, _FEATURES = "index-", "index-features-"  # what is kept of an index is called that and its metric
_BY_FEATURES = " by features"
_SHOWN = ("kind", "recall", "target", "queries", "tail", "tombstones", "bytes", "frugal")
_OF_FEATURES = (*_SHOWN, "of", "plan")


def describe_index(space: "State") -> dict[str, dict[str, Any]]:
    """What each metric's approximate index is, in memory or else in the file; a metric without one is searched exactly.

    Returns
    -------
    dict of metric to dict
        `recall` of ten neighbours, `queries` that it was measured on, `tail` (items that came since and are searched
        exactly), `tombstones` (that went since), `bytes`, `frugal` (whether the vectors stay in a file). An index of
        features is called "cosine by features" or the like; `of` says whether its candidates come from the "latents"
        or the "vectors" themselves, and `plan` why.
    """
    kept = {}
    if space.path is not None and space._anchor is not None:
        with store.LatentFile(space.path) as file:
            for name in file.cache_names:
                if name.startswith(_LATENTS) and (cache := file.cache(name, space._anchor, arrays=False)) is not None:
                    kept[_called(name)] = _from_cache(cache, len(space)) | {"bytes": file.cache_bytes(name)}
    here = {} if space._index is None else space._index.report
    if space._features_index is not None:
        here = here | {f"{metric}{_BY_FEATURES}": one for metric, one in space._features_index.report.items()}
    return {
        called: {name: one.get(name) for name in (_OF_FEATURES if called.endswith(_BY_FEATURES) else _SHOWN)}
        for called, one in sorted({**kept, **here}.items())
    }


def _called(name: str) -> str:
    """`index-cosine` to "cosine", `index-features-cosine` to "cosine by features"."""
    if name.startswith(_FEATURES):
        return name.removeprefix(_FEATURES) + _BY_FEATURES
    return name.removeprefix(_LATENTS)


def build_index(
    space: "State", metric: "Metric", recall: float, by: str | None, rerank: "Rerank", frugal: bool
) -> dict[str, Any]:
    """Learns an index of a space's latents or features; see `LatentSpace.build_index`."""
    if by not in (None, "latents", "features"):
        raise ValueError(f"by={by!r} is not known; choose 'latents' or 'features'.")
    if rerank not in ("auto", True, False):
        raise ValueError(f"rerank={rerank!r} is not known; choose 'auto', True or False.")
    if by == "latents" and rerank is True:
        raise ValueError("rerank=True puts candidates in order by the features; leave by='latents' out.")
    from .search.approximate import SMALLEST

    check_metric(metric)
    if by == "features" or rerank is True:
        if len(space) < SMALLEST:
            raise ValueError(f"{len(space)} items are too few for approximate search, which takes {SMALLEST}.")
        return by_features.index_of(space, frugal).build(metric, recall, rerank, frugal)
    return space.index.build(metric, recall, frugal=frugal)


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


def backup(space: "State", path: str | Path, overwrite: bool) -> Path:
    """Copies the space's file while it is in use; see `LatentSpace.backup`."""
    if space.path is None:
        raise UnsupportedError("backup() copies a space's file. This one lives in none: space.save('name.latent').")
    store.backup(space.path, path, overwrite)
    return Path(path)


def compact(space: "State") -> dict[str, int]:
    """Gives back the room of removed items, in the file and in the search index; see `LatentSpace.compact`."""
    if space.path is None:
        raise UnsupportedError("compact() is for a space that lives in a file. Call space.save('name.latent') first.")
    keeping.refresh(space)
    with store.LatentFile(space.path) as file:
        removed, before = file.removed, os.path.getsize(space.path)
        kept = [name for name in file.cache_names if name.startswith(_LATENTS)]
    of_features = [name.removeprefix(_FEATURES) for name in kept if name.startswith(_FEATURES)]
    for name in kept:
        if not name.startswith(_FEATURES):
            space.index.load(name.removeprefix(_LATENTS))
    space.index.tidy()
    if of_features:
        _tidy_features(space, of_features)
    store.compact(space.path)
    with store.LatentFile(space.path) as file:
        if file.version == space._version:  # the same items at other positions
            space._anchor = file.anchor()
    return {"removed": removed, "bytes_before": before, "bytes": os.path.getsize(space.path)}


def _tidy_features(space: "State", metrics: list[str]) -> None:
    try:
        index = by_features.index_of(space)
    except (
        UnsupportedError,
        MemoryError,
    ):  # their source is gone, or too large now: the file is compacted all the same
        return
    for metric in metrics:
        index.load(metric)
    index.tidy()
