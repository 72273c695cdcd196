"""Finding by the items' features: what is nearest in x, with candidates from the latents where that pays."""

import math
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse

from . import beside, caches, store
from .errors import UnsupportedError
from .features import Features, as_float, dense, rows_at_once
from .models import adapter
from .progress import Progress
from .resources import refuse_if_too_large

if TYPE_CHECKING:
    from .finding import Query
    from .search.index import Index
    from .verbs.state import State

NAME = "index-features"  # what is kept of it: NAME-metric
_WIDEST = 65_536  # features of an item; search among more is for a coarser view of them
_VALUES = 2**22  # float32 values that are read at a time


def index_of(space: "State", frugal: bool = False) -> "Index":
    """The index over the features of a space's items, made when it is first asked for; it follows what comes and goes.

    Parameters
    ----------
    frugal : bool, default=False
        Whether the features shall lie in a file rather than in memory; they do anyway where a frugal index is kept.

    Raises
    ------
    UnsupportedError
        If the space has no features that can be searched.
    MemoryError
        If they do not fit in the memory that is free.
    """
    from .search.index import Index

    index = space._features_index
    if index is None or index.near is not space.latents or len(index) != len(space):
        folder = space.path.parent if space.path is not None else None
        x = _rows_of(space, frugal or _is_kept_frugal(space), folder)
        index = space._features_index = Index(
            x, space.latents, find=partial(caches.find, space), keep=partial(caches.keep, space), name=NAME,
            folder=folder,
        )  # fmt: skip
    return index


def _rows_of(space: "State", frugal: bool, folder: Any) -> np.ndarray:
    """The features of all items as float32 (n, p)."""
    from .search.mapped import mapped

    features = _checked(space)
    shape = (len(space), math.prod(features.shape))
    blocks = _blocks(space, features)
    first = next(blocks, np.zeros((0, *features.shape), np.float32))
    if issparse(first):
        raise UnsupportedError(
            f"by='features' is for features that are dense; those of these {space.modality.kind} are counts of "
            f"{shape[1]:,} words or things, nearly all 0. Search by='latents'."
        )
    if not frugal:
        kept = features._kept  # not read from the file as a whole: blocks are
        if kept is not None and kept.dtype == np.float32:
            return np.ascontiguousarray(kept.reshape(shape))
        refuse_if_too_large(
            4 * math.prod(shape), f"the features of {shape[0]:,} items at {shape[1]:,} numbers",
            "Call build_index(by='features', frugal=True), which leaves them on disk; or search by='latents'.",
        )  # fmt: skip
    x = mapped(shape, folder) if frugal else np.empty(shape, np.float32)
    x[: len(first)] = _flat(first)
    start = len(first)
    with Progress("Reading features", len(x)) as progress:
        progress.advance(start)
        for block in blocks:
            x[start : start + len(block)] = _flat(block)
            start += len(block)
            progress.advance(len(block))
    return x


def _checked(space: "State") -> Features:
    if beside.shape_of(space) is not None:
        raise UnsupportedError(
            "by='features' needs the vectors that this space was fitted on, and it keeps what it made of them only. "
            "Fit on the vectors alone, which then are the items; or with model=None, where they are the latents."
        )
    features = space._features
    if features is None:
        raise UnsupportedError(
            "by='features' needs the items' features, and neither the file nor the items' source has them any more. "
            "Search by='latents'."
        )
    if math.prod(features.shape) > _WIDEST:
        raise UnsupportedError(
            f"by='features' compares up to {_WIDEST:,} numbers an item, and these have "
            f"{math.prod(features.shape):,}. Fit a space on smaller ones, as with size=; or search by='latents'."
        )
    return features


def _blocks(space: "State", features: Features) -> Iterator[Any]:
    """All rows in order; from a file in blocks, so that they are never in memory as a whole."""
    size = rows_at_once(features.shape, _VALUES)
    if features._kept is None and features._later is not None and space.path is not None:
        with store.LatentFile(space.path) as file:
            if file.version == space._version:
                for start in range(0, len(space), size):
                    yield as_float(file.features(np.arange(start, min(start + size, len(space)))))
                return
    yield from features.blocks(size)


def _flat(block: Any) -> np.ndarray:
    return dense(block).reshape(len(block), -1)


def _is_kept_frugal(space: "State") -> bool:
    """Whether an index that is kept leaves the features on disk."""
    facts = [cache.facts for name, cache in space._caches.items() if name.startswith(NAME)]
    if space.path is not None and space._anchor is not None:
        with store.LatentFile(space.path) as file:
            kept = [file.cache(name, space._anchor, arrays=False) for name in file.cache_names if name.startswith(NAME)]
        facts += [cache.facts for cache in kept if cache is not None]
    reports = [one["approximate"].get("report") for one in facts if isinstance(one.get("approximate"), dict)]
    return any(isinstance(report, dict) and report.get("frugal") is True for report in reports)


# ---------------------------------------------------------------------- coming and going
def follow_added(space: "State", more: Features) -> None:
    """Adds the features of items whose latents the space has got just now."""
    index = space._features_index
    if index is None:
        return
    try:
        rows = [_flat(block) for block in more.blocks()]
        index.add(np.concatenate(rows) if rows else index.z[:0], space.latents)
    except (OSError, ValueError, MemoryError):  # their source is gone: read again, or refused, at the next search
        space._features_index = None


def follow_removed(space: "State", rows: np.ndarray) -> None:
    """Removes the features at these rows, whose latents the space has let go of."""
    if space._features_index is not None:
        space._features_index.remove(rows, space.latents)


# ---------------------------------------------------------------------- what to look for
def query_of(space: "State", query: Any, id: str | None, vector: Any, like: Any, unlike: Any, metric: str) -> "Query":
    """The one thing that is looked for, as features (q, p), with latents beside them where there are any."""
    from .finding import Query

    index = index_of(space)
    if like is not None:
        return _examples(space, index, like, unlike, metric)
    if vector is not None:
        x = _vector(index, vector)
        return Query(x, None, np.ndim(vector) == 2, adapter.encode(space.model, x.reshape(-1, *space.modality.shape)))
    if id is not None or (isinstance(query, str) and query in space._positions):
        row = space.position(id if id is not None else query)
        return Query(index.z[row : row + 1], [[row]], False, space.latents[row : row + 1])
    x = _read(space, query)
    return Query(x, None, isinstance(query, list) or len(x) != 1, space.encode(query, on_error="raise"))


def _vector(index: "Index", vector: Any) -> np.ndarray:
    x = np.atleast_2d(np.asarray(vector, dtype=np.float32))
    if x.shape[1:] != index.z.shape[1:]:
        raise ValueError(
            f"vector= of shape {np.shape(vector)} are no features of this space: with by='features' pass "
            f"({index.z.shape[1]:,},), as space.features() gives them, in one row."
        )
    if not np.isfinite(x).all():
        raise ValueError("vector= holds NaN or infinity. Search for something else.")
    return x


def _read(space: "State", items: Any) -> np.ndarray:
    x = space.features(items, on_error="raise")
    return _flat(x)


def _examples(space: "State", index: "Index", like: Any, unlike: Any, metric: str) -> "Query":
    from .finding import Query, as_list
    from .search.examples import blend

    rows: list[int] = []
    sides = []
    for name, side in (("like", like), ("unlike", unlike)):
        items = as_list(side)
        if name == "like" and not items:
            raise ValueError("like= is empty; name at least one example of what to look for.")
        known = [item for item in items if isinstance(item, str) and item in space._positions]
        rows += [space._positions[item] for item in known]
        each = [
            index.z[space._positions[item]][None] if isinstance(item, str) and item in space._positions
            else _read(space, item) for item in items
        ]  # fmt: skip
        sides.append(np.concatenate(each) if each else index.z[:0])
    # No item has such features, so what a model would make of them is nobody's guess: searched without latents.
    near, far = sides
    return Query(blend(near, far, metric), [rows] if rows else None)
