"""Exact search: a blocked float32 product and a partial sort choose candidates, float64 orders them.

The ordering agrees with a float64 reference for every metric; equal scores are ordered by position.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..models.workers import ordered, workers
from ..resources import usable_cores
from .metrics import Form, as_latents, check_metric, exact_scores, make_form, norms_of

_QUERIES = 256  # rows of one block of keys ...
_FEWEST = 32  # rows, however few queries the threads have to share
_ITEMS = 8192  # ... and its columns: 8 MB; at 128 x 4096 the product itself is slower, at 1024 x 2048 the search
_WORTH_THREADS = 500_000_000  # multiplications: about 30 ms of work, ten times what it costs to share it out
# One query of 68,000 x 784 took 74 ms of processor time where BLAS had two threads beside other work, and 8 with one.
_WORTH_HOLDING = 10_000_000  # multiplications: 2 ms, twice what it costs to hold BLAS to one thread
_NO_PAIRS = (np.zeros(0, np.int64), np.zeros(0, np.int64))
_GROUP = 64  # keys of which only the largest takes part in finding the k-th best


class Neighbours(NamedTuple):
    """What a search found, best first.

    Attributes
    ----------
    positions : int64 array of shape (q, k)
        Rows of the searched latents; -1 where there are fewer than k.
    scores : float32 array of shape (q, k)
        Cosine or dot product (large is near), or Euclidean distance (small is near); nan where positions are -1.
    """

    positions: np.ndarray
    scores: np.ndarray


class ExactIndex:
    """Finds the true nearest of n latents.

    Parameters
    ----------
    z : array of shape (n, dims)
        Latents; kept as float32 without a copy where they are that already. Far from the origin, the first Euclidean
        search keeps a centred copy too.

    Raises
    ------
    ValueError
        If z is not two-dimensional, or holds NaN or infinity.

    Examples
    --------
    >>> index = ExactIndex([[0.0, 1.0], [1.0, 0.0], [2.0, 0.0]])
    >>> index.search([[3.0, 0.0]], k=2, metric="euclidean")
    Neighbours(positions=array([[2, 1]]), scores=array([[1., 2.]], dtype=float32))
    """

    def __init__(self, z):
        self.z = as_latents(z)
        self._forms: dict[str, Form] = {}

    def __len__(self) -> int:
        return len(self.z)

    @cached_property
    def norms(self) -> np.ndarray:
        """Lengths of the latents, float64 (n,)."""
        return norms_of(self.z)

    def form(self, metric: str) -> Form:
        """The latents prepared for one metric, made when first asked for."""
        if metric not in self._forms:
            self._forms[metric] = make_form(self.z, None if metric == "euclidean" else self.norms, metric)
        return self._forms[metric]

    def forget(self) -> None:
        """Lets go of what was prepared: as much memory as the latents, where they lie far from the origin."""
        self._forms.clear()
        self.__dict__.pop("norms", None)

    def search(self, queries, k: int, metric: str = "cosine", mask=None, exclude=None) -> Neighbours:
        """Returns the k nearest items of each query, best first.

        Parameters
        ----------
        queries : array of shape (q, dims)
        k : int
            Neighbours asked for, at least 1. Where fewer exist, the rest is -1 and nan.
        metric : "cosine", "euclidean" or "dot", default="cosine"
            The cosine with a vector of zeros counts as 0.
        mask : bool array of shape (n,), optional
            Only items that are True take part.
        exclude : array of shape (q,) or (q, m), or a sequence of q sequences, optional
            Positions that each query must not find; -1 excludes nothing.

        Raises
        ------
        ValueError
            If shapes disagree, k is below 1, the metric is unknown, or queries hold NaN or infinity.
        """
        check_metric(metric)
        queries = self.as_queries(queries, k)
        mask = self.as_mask(mask)
        pairs = self.as_pairs(exclude, len(queries))
        self.form(metric)  # before threads ask for it
        found = Neighbours(np.full((len(queries), k), -1, np.int64), np.full((len(queries), k), np.nan, np.float32))

        size = int(np.clip(-(-len(queries) // usable_cores()), _FEWEST, _QUERIES))

        def search_block(start: int) -> None:
            block = slice(start, start + size)
            first, last = np.searchsorted(pairs[0], (start, start + size))
            excluded = (pairs[0][first:last] - start, pairs[1][first:last])
            self._search_block(queries[block], metric, mask, excluded, found.positions[block], found.scores[block])

        starts = range(0, len(queries), size)
        work = queries.size * len(self.z)
        if work < _WORTH_HOLDING:
            for start in starts:
                search_block(start)
            return found
        with workers() as count:
            for _ in ordered(search_block, starts, count if work >= _WORTH_THREADS else 1):
                pass
        return found

    def as_queries(self, queries, k: int) -> np.ndarray:
        """Queries as float32 (q, dims), checked with k; raises ValueError as `search` says."""
        queries = as_latents(queries, "queries")
        if queries.shape[1] != self.z.shape[1]:
            raise ValueError(
                f"queries have {queries.shape[1]} dims, but the searched latents have {self.z.shape[1]}. "
                "Encode the queries with the same space."
            )
        if k < 1:
            raise ValueError(f"k={k} is out of range: ask for at least 1 neighbour.")
        return queries

    def as_mask(self, mask) -> np.ndarray | None:
        """A mask as bool (n,), checked; None where every item takes part."""
        if mask is None:
            return None
        mask = np.asarray(mask)
        if mask.shape != (len(self.z),) or mask.dtype != bool:
            raise ValueError(
                f"mask has shape {mask.shape} and dtype {mask.dtype}; expected one bool for each of "
                f"{len(self.z)} items. Make it with mask_of(metadata, n, where)."
            )
        return None if mask.all() else mask

    def as_pairs(self, exclude, q: int) -> tuple[np.ndarray, np.ndarray]:
        """Excluded (query, position) pairs as two int arrays, sorted by query."""
        if exclude is None:
            return _NO_PAIRS
        if len(exclude) != q:
            raise ValueError(f"exclude has {len(exclude)} entries for {q} queries; give one entry a query.")
        if isinstance(exclude, np.ndarray) and exclude.ndim <= 2:
            table = exclude.reshape(q, -1)
            rows, columns = np.repeat(np.arange(q), table.shape[1]), table.ravel()
        else:
            lists = [np.atleast_1d(np.asarray(e, np.int64)) if _given(e) else np.zeros(0, np.int64) for e in exclude]
            rows = np.repeat(np.arange(q), [len(each) for each in lists])
            columns = np.concatenate([np.zeros(0, np.int64), *lists])
        if len(columns) and (columns.dtype.kind not in "iu" or columns.max() >= len(self.z) or columns.min() < -1):
            raise ValueError(f"exclude must hold positions from 0 to {len(self.z) - 1}, or -1 for none.")
        kept = columns >= 0
        return rows[kept], columns[kept].astype(np.int64)

    def _search_block(self, queries, metric, mask, excluded, positions, scores) -> None:
        """Fills positions and scores, both (q, k), for one block of queries."""
        form = self.form(metric)
        query_norms = norms_of(queries)
        q = form.prepare(queries, query_norms)
        rows, columns = _candidates(form, q, positions.shape[1], mask, excluded)
        norms = self.norms if metric == "cosine" else None
        exact = exact_scores(self.z, norms, queries, query_norms, metric, rows, columns)
        order = np.lexsort((columns, exact if metric == "euclidean" else -exact, rows))
        rows, columns, exact = rows[order], columns[order], exact[order]
        place = np.arange(len(rows)) - np.searchsorted(rows, rows)  # 0 for each query's best
        best = place < positions.shape[1]
        positions[rows[best], place[best]] = columns[best]
        with np.errstate(over="ignore"):  # a dot product past float32's range is infinite there, in its right place
            scores[rows[best], place[best]] = exact[best]


def _given(entry) -> bool:
    return entry is not None and (not isinstance(entry, Sequence) or len(entry) > 0)


def _candidates(form: Form, q: np.ndarray, k: int, mask, excluded) -> tuple[np.ndarray, np.ndarray]:
    """Returns (query, item) pairs that hold the k nearest of each query, and few more.

    Per block of items: the largest key of each group of up to 64 is taken, and the k-th largest of these maxima
    over all blocks so far bounds the k-th best key from below, for k groups hold an item that good. Only keys above
    it, less the margin for rounding, are looked at again. A comparison costs a tenth of a partial sort.
    """
    n = len(form.rows)
    best = np.empty((len(q), 0), q.dtype)
    bound = np.full(len(q), np.finfo(q.dtype).min)  # above -inf, which marks what is excluded
    rows_found, items_found, keys_found = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, q.dtype)]
    for start in range(0, n, _ITEMS):
        stop = min(start + _ITEMS, n)
        chosen = None if mask is None else np.flatnonzero(mask[start:stop])
        if chosen is not None and len(chosen) == 0:
            continue
        keys = form.keys(q, start, stop, chosen)
        _exclude(keys, start, stop, chosen, excluded)
        width = keys.shape[1]
        best = np.concatenate([best, _group_maxima(keys, max(width // _GROUP, 8 * k * width // n, 1))], axis=1)
        if best.shape[1] >= k:
            best = np.partition(best, best.shape[1] - k, axis=1)[:, best.shape[1] - k :]
            kth = best[:, 0].astype(np.float64)
            bound = np.maximum(bound, np.where(np.isfinite(kth), kth - form.margin(q, kth), -np.inf))
        flat = np.flatnonzero(keys >= _round_down(bound, q.dtype)[:, None])
        rows, items = np.divmod(flat, width)
        rows_found.append(rows)
        keys_found.append(keys.ravel()[flat])
        items_found.append(items + start if chosen is None else chosen[items] + start)
    rows, items = np.concatenate(rows_found), np.concatenate(items_found)
    kept = np.concatenate(keys_found) >= _round_down(bound, q.dtype)[rows]
    return rows[kept], items[kept]


def _round_down(bound: np.ndarray, dtype) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.maximum(np.nextafter(bound.astype(dtype), dtype.type(-np.inf)), np.finfo(dtype).min)


def _exclude(keys, start: int, stop: int, chosen, excluded) -> None:
    rows, items = excluded
    here = (items >= start) & (items < stop)
    rows, columns = rows[here], items[here] - start
    if chosen is not None:
        at = np.minimum(np.searchsorted(chosen, columns), len(chosen) - 1)
        kept = chosen[at] == columns
        rows, columns = rows[kept], at[kept]
    keys[rows, columns] = -np.inf


def _group_maxima(keys: np.ndarray, groups: int) -> np.ndarray:
    """The largest key of each of `groups` interleaved groups of columns: (q, groups)."""
    width = keys.shape[1]
    size = width // groups
    if size <= 1:
        return keys
    whole = size * groups
    maxima = keys[:, :whole].reshape(len(keys), size, groups).max(axis=1)
    np.maximum(maxima[:, : width - whole], keys[:, whole:], out=maxima[:, : width - whole])
    return maxima
