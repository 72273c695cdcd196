"""The neighbour graph of many items: candidates from lists of near items, put in order by their full distances.

1. Where latents are long, their principal axes: as few as keep the nearest among the candidates.
2. k-means splits the items into lists; each item looks for candidates in the lists that are nearest to it (FAISS's
   inverted file; Johnson, Douze and Jegou, "Billion-scale similarity search with GPUs", 2019).
3. Candidates get their true distances, as sums of squared differences, in which near duplicates lose no digits.

How many axes, lists and candidates are enough is tried on a sample of the items against its true neighbours; the
recall that is reported is measured on another sample, after the graph is made.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..models.workers import ordered, workers
from ..progress import Progress

_TRIED, _JUDGED = 250, 350  # items: the standard error of a judged recall of 0.98 with k=15 is about 0.003
_SHORT = 128  # dims that are searched as they are
_AXES = (64, 96, 160, 256)  # tried in turn where latents are longer
_PROBES = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
_ROWS = 2048  # queries of one task
_PAIRS = 2_000_000  # re-ranked at a time


class _Lists(NamedTuple):
    """What candidates come from: an inverted file over `rows` (n, axes), the rows, how many lists and candidates."""

    file: Any
    rows: np.ndarray
    probes: int
    candidates: int


def nearest_by_lists(x: np.ndarray, k: int, recall: float, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Finds each row's k nearest others by squared Euclidean distance.

    Parameters
    ----------
    x : float32 array of shape (n, dims)
        Distinct rows of moderate size (squares within float32), not much farther from the origin than from one
        another; n of some thousands at least.
    k : int
    recall : float
        The least share of true neighbours that is aimed at.
    seed : int

    Returns
    -------
    positions int64 (n, k), squared distances float32 (n, k), nearest first; and the recall measured on a sample.
    """
    rng = np.random.default_rng(seed)
    sample = rng.choice(len(x), min(len(x), _TRIED + _JUDGED), replace=False)
    with workers() as threads:
        truth = _truth(x, sample, k, threads)
        lists = _plan(x, sample[:_TRIED], truth[:_TRIED], k, recall, rng, threads)
        positions = np.empty((len(x), k), np.int64)
        squared = np.empty((len(x), k), np.float32)
        starts = range(0, len(x), _ROWS)
        order = _list_by_list(lists)

        def work(start: int) -> int:
            rows = order[start : start + _ROWS]
            positions[rows], squared[rows] = _nearest(x, lists, rows, k)
            return len(rows)

        with Progress("neighbour graph", len(x)) as progress:
            for done in ordered(work, starts, threads):
                progress.advance(done)
        _complete(x, positions, squared)
    judged = sample[_TRIED:] if len(sample) > _TRIED else sample
    return positions, squared, _recall(squared[judged], truth[_TRIED:] if len(sample) > _TRIED else truth)


# ---------------------------------------------------------------------- the plan
def _plan(x, sample, truth, k: int, recall: float, rng, threads: int) -> _Lists:
    """Chooses axes, candidates and probes on the sample, as few as reach the recall."""
    rows, candidates = x, min(len(x) - 1, k + 2)
    if x.shape[1] > _SHORT:
        aim = recall + 0.4 * (1 - recall)  # what is lost by axes, so that lists may lose the rest
        rows, candidates = _shortened(x, sample, truth, k, aim, rng, threads)
    lists = _lists_of(rows, candidates, rng, threads)
    best, tried = lists, -1.0
    for probes in (probes for probes in _PROBES if probes <= lists.file.nlist):
        best = lists._replace(probes=probes)
        parts = ordered(partial(_squared, x, best, k), np.array_split(sample, threads), threads)
        reached = _recall(np.concatenate(list(parts)), truth)
        if reached >= recall + 0.15 * (1 - recall) or (reached >= recall and reached - tried < 1e-3):
            break
        tried = reached
    return best


def _shortened(x, sample, truth, k: int, aim: float, rng, threads: int) -> tuple[np.ndarray, int]:
    """Rows on their principal axes, and how many candidates hold the nearest k; all dims where no axes are enough.

    On 70,000 x 784 of Fashion-MNIST 96 axes with 4.5 k candidates took 4.1 s of one core at recall 0.988, 48 axes with
    10 k 5.1 s, 128 axes with 3 k 5.5 s: the first width that is enough with few candidates is near the best.
    """
    some = x[np.sort(rng.choice(len(x), min(len(x), 8192), replace=False))]
    mean = some.mean(axis=0, dtype=np.float64).astype(np.float32)
    some = some - mean
    _, axes = np.linalg.eigh((some.T @ some).astype(np.float64))
    axes = np.ascontiguousarray(axes[:, ::-1].astype(np.float32))
    counts = [min(len(x) - 1, round(factor * k) + 2) for factor in (1.3, 2, 3, 4.5)]
    rows = np.empty((len(x), 0), np.float32)
    for width in (width for width in _AXES if 2 * width <= x.shape[1]):
        rows = _widened(x, rows, mean, axes, width, threads)
        found = _flat(rows, sample, counts[-1], threads)
        for count in counts:
            if _recall(_ordered(x, sample, found[:, : count + 1], k)[1], truth) >= aim:
                return rows, count
    return x, min(len(x) - 1, k + 2)


def _widened(x, rows: np.ndarray, mean, axes, width: int, threads: int) -> np.ndarray:
    """Rows on the first `width` axes, given those on fewer."""
    there = rows.shape[1]
    wider = np.empty((len(x), width), np.float32)

    def project(start: int) -> None:
        block = slice(start, start + 4096)
        wider[block, :there] = rows[block]
        wider[block, there:] = (x[block] - mean) @ axes[:, there:width]

    list(ordered(project, range(0, len(x), 4096), threads))
    return wider


def _lists_of(rows: np.ndarray, candidates: int, rng, threads: int) -> _Lists:
    """Splits rows into about 2 sqrt(n) lists by k-means on a sample."""
    n, width = rows.shape
    count = int(np.clip(2 * np.sqrt(n), 1, n // 40))
    some = np.ascontiguousarray(rows[np.sort(rng.choice(n, min(n, 60 * count), replace=False))])
    with _faiss(threads) as faiss:
        kmeans = faiss.Clustering(width, count)
        kmeans.niter, kmeans.seed, kmeans.max_points_per_centroid = 6, int(rng.integers(2**31)), 60
        kmeans.min_points_per_centroid = 1
        coarse = faiss.IndexFlatL2(width)
        kmeans.train(some, coarse)
        file = faiss.IndexIVFFlat(coarse, width, count)
        file.is_trained = True
        file.add(rows)
    return _Lists(file, rows, 1, candidates)


def _list_by_list(lists: _Lists) -> np.ndarray:
    """All rows, those of one list together: they look into the same lists, which stay in the cache (a third faster)."""
    with _faiss() as faiss:
        held = lists.file.invlists
        parts = [faiss.rev_swig_ptr(held.get_ids(i), held.list_size(i)).copy() for i in range(lists.file.nlist)]
    return np.concatenate(parts)


# ---------------------------------------------------------------------- the search
def _squared(x, lists: _Lists, k: int, rows: np.ndarray) -> np.ndarray:
    return _nearest(x, lists, rows, k)[1]


def _nearest(x, lists: _Lists, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest others of some rows, by their candidates: positions, -1 where too few, and squared distances."""
    with _faiss() as faiss:
        parameters = faiss.SearchParametersIVF(nprobe=lists.probes)
        _, found = lists.file.search(lists.rows[rows], lists.candidates + 1, params=parameters)
    return _ordered(x, rows, found, k)


def _ordered(x, rows: np.ndarray, found: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Puts candidates (m, c) in order by true squared distance, then by position; the row itself is left out."""
    found = np.sort(found, axis=1)  # -1, which stands for none, comes first and is skipped by FAISS
    squared = np.full(found.shape, np.inf, np.float32)
    queries = np.ascontiguousarray(x[rows])
    with _faiss() as faiss:
        pointer = faiss.swig_ptr
        faiss.fvec_L2sqr_by_idx(
            pointer(squared), pointer(queries), pointer(x), pointer(found), x.shape[1], len(rows), found.shape[1]
        )
    squared[(found < 0) | (found == rows[:, None])] = np.inf
    order = np.argsort(squared, axis=1, kind="stable")[:, :k]
    squared = np.take_along_axis(squared, order, axis=1)
    positions = np.where(np.isfinite(squared), np.take_along_axis(found, order, axis=1), -1)
    return positions, squared


def _complete(x: np.ndarray, positions: np.ndarray, squared: np.ndarray) -> None:
    """Searches everything for rows whose lists held fewer than k others."""
    short = np.flatnonzero((positions < 0).any(axis=1))
    k = positions.shape[1]
    for start in range(0, len(short), _ROWS):
        rows = short[start : start + _ROWS]
        positions[rows], squared[rows] = _ordered(x, rows, _flat(x, rows, k + 8, 1), k)


def _flat(x: np.ndarray, rows: np.ndarray, k: int, threads: int) -> np.ndarray:
    """Positions (m, k + 1) of the nearest of some rows among all, themselves included, by float32 products."""

    def search(part: np.ndarray) -> np.ndarray:
        with _faiss() as faiss:
            return faiss.knn(np.ascontiguousarray(x[part]), x, min(k + 1, len(x)))[1]

    return np.concatenate(list(ordered(search, np.array_split(rows, max(1, threads)), threads)))


def _truth(x: np.ndarray, sample: np.ndarray, k: int, threads: int) -> np.ndarray:
    """Squared distances (m, k) of the sample's true neighbours."""
    return _ordered(x, sample, _flat(x, sample, k + 8, threads), k)[1]


def _recall(squared: np.ndarray, truth: np.ndarray) -> float:
    """Share of neighbours that are as near as the true ones; equal distances are as good as one another."""
    return float((squared <= truth[:, -1:] * np.float32(1 + 1e-5)).mean()) if truth.size else 1.0


@contextmanager
def _faiss(threads: int = 1) -> Iterator[Any]:
    """Gives FAISS, held to so many threads in the calling thread; other threads have settings of their own."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        yield faiss
    finally:
        faiss.omp_set_num_threads(before)
