"""PaCMAP on a neighbour graph that is already there.

Wang, Huang, Rudin and Shaposhnik, "Understanding how dimension reduction tools work: an empirical approach to
deciphering t-SNE, UMAP, TriMap, and PaCMAP for data visualization", 2021. Near, mid-near and further pairs, weights,
phases and Adam are theirs; each pair is listed at both its ends, so that threads don't race and a seed gives one map.
"""

import numpy as np

from ..optional import require
from ..progress import track
from ..search.graph import NeighbourGraph
from .fitted import Fitted
from .pca import check_graph, fit_pca, plainly

_FEWEST = 12  # items; with fewer there are no further pairs to draw, and the PCA map is shown
_MORE = 50  # neighbours of which the nearest by scaled distance are taken
_START, _JITTER = 0.01, 1e-6
_DRAWN = 6  # strangers of which the second nearest makes a mid-near pair
_PHASES = ((100, None, 2.0, 1.0), (100, 3.0, 3.0, 1.0), (250, 0.0, 1.0, 1.0))  # iterations, mid-near, near, further


def graph_needed(neighbours: int) -> int:
    """Neighbours of each item that `near_pairs` looks at."""
    return neighbours + _MORE


def fit_pacmap(
    z: np.ndarray,
    graph: NeighbourGraph,
    seed: int = 0,
    *,
    dims: int = 2,
    neighbours: int = 10,
    mid_near: float = 0.5,
    further: float = 2.0,
) -> Fitted:
    """Lays latents out so that near pairs are near, mid-near ones hold the whole together, and further ones part.

    Parameters
    ----------
    z : float32 array of shape (n, dims)
    graph : NeighbourGraph
        With `neighbours + 50` neighbours where there are so many.
    seed : int, default=0
        Draws mid-near and further pairs.
    dims : 2 or 3, default=2
        Of the map.
    neighbours : int, default=10
        Near pairs an item. More of them where there are many items keep fewer of the neighbours (decision 0025).
    mid_near, further : float, default=0.5 and 2.0
        Pairs of these kinds for each near one.

    Raises
    ------
    ValueError
        If an option is out of range, or the graph is of another number of items.
    MissingExtraError
        If numba is not installed.
    """
    n = len(z)
    if neighbours < 1 or mid_near < 0 or further < 0:
        raise ValueError(
            f"neighbours={neighbours}, mid_near={mid_near}, further={further}: neighbours is at least 1, the others 0."
        )
    check_graph(graph, n)
    if n < _FEWEST:
        return plainly(z, "pacmap", _FEWEST, dims)
    require("numba", "maps", "method='pacmap'")
    near = min(neighbours, n - 1, graph.k)
    rng = np.random.default_rng(seed)
    pairs = [
        near_pairs(graph, near),
        _mid_near_pairs(z, round(near * mid_near), rng),
        _further_pairs(graph, near, round(near * further), rng),
    ]
    start = fit_pca(z, dims).coordinates
    extent = float(z.max() - z.min()) or 1.0  # the authors' too is of latents between 0 and 1
    start = (start * (_START / extent) + rng.normal(scale=_JITTER, size=start.shape)).astype(np.float32)
    params = {"neighbours": near, "mid_near": mid_near, "further": further, "seed": seed}
    return Fitted(_laid_out(start, *_at_both_ends(n, pairs)), "pacmap", params)


def near_pairs(graph: NeighbourGraph, near: int) -> np.ndarray:
    """Each item's nearest by d^2 / (s_i s_j), s being the mean distance to the 4th to 6th: int32 (n, near)."""
    distances = graph.distances.astype(np.float64)
    local = np.maximum(distances[:, 3:6].mean(axis=1) if graph.k >= 6 else distances.mean(axis=1), 1e-10)
    k = min(graph.k, near + _MORE)
    scaled = distances[:, :k] ** 2 / local[:, None] / local[graph.positions[:, :k]]
    order = np.argsort(scaled, axis=1, kind="stable")[:, :near]
    return np.take_along_axis(graph.positions, order, axis=1)


def _mid_near_pairs(z: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` times the second nearest of six strangers: (n, count)."""
    n = len(z)
    out = np.empty((n, count), np.int64)
    for column in range(count):
        for begin in range(0, n, 8192):
            rows = np.arange(begin, min(begin + 8192, n))
            drawn = rng.integers(0, n - 1, (len(rows), _DRAWN))
            drawn += drawn >= rows[:, None]  # never the item itself
            apart = ((z[drawn] - z[rows][:, None]) ** 2).sum(axis=2)
            out[rows, column] = np.take_along_axis(drawn, np.argsort(apart, axis=1)[:, 1:2], axis=1)[:, 0]
    return out


def _further_pairs(graph: NeighbourGraph, near: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Items that are none of the nearest: (n, count); in small data a few may be."""
    n = len(graph)
    drawn = rng.integers(0, n - 1, (n, count))
    drawn += drawn >= np.arange(n)[:, None]
    for _ in range(5):
        wrong = (drawn[:, :, None] == graph.positions[:, None, :near]).any(axis=2)
        if not wrong.any():
            break
        again = rng.integers(0, n - 1, int(wrong.sum()))
        drawn[wrong] = again + (again >= np.nonzero(wrong)[0])
    return drawn


def _at_both_ends(n: int, pairs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of kinds 0, 1, 2 as CSR over items: where each item's begin, the others, their kinds."""
    heads = np.concatenate([np.repeat(np.arange(n), each.shape[1]) for each in pairs])
    tails = np.concatenate([each.ravel() for each in pairs]).astype(np.int64)
    kinds = np.repeat(np.arange(3), [each.size for each in pairs]).astype(np.int8)
    items, others, kinds = np.r_[heads, tails], np.r_[tails, heads], np.r_[kinds, kinds]
    order = np.argsort(items, kind="stable")
    begins = np.concatenate([[0], np.cumsum(np.bincount(items, minlength=n))])
    return begins, others[order].astype(np.int32), kinds[order]


def _laid_out(y: np.ndarray, begins: np.ndarray, others: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Adam (Kingma and Ba, 2015) with a rate of 1 through the three phases."""
    from .kernels import on_usable_cores, pacmap_gradient

    deep = None if y.shape[1] == 2 else 1
    gradient, first, second = np.empty_like(y), np.zeros_like(y), np.zeros_like(y)
    with on_usable_cores():
        for t, weights in enumerate(track(_weights(), "PaCMAP"), start=1):
            pacmap_gradient(y, begins, others, kinds, weights, gradient, deep)
            first += (gradient - first) * np.float32(0.1)
            second += (gradient * gradient - second) * np.float32(0.001)
            rate = np.float32(np.sqrt(1 - 0.999**t) / (1 - 0.9**t))
            y = y - rate * first / (np.sqrt(second) + np.float32(1e-7))
    return y


def _weights() -> list[np.ndarray]:
    """Of near, mid-near and further pairs, an iteration at a time; mid-near ones fade from 1,000 to 3 at first."""
    out = []
    for iterations, mid_near, near, further in _PHASES:
        for t in range(iterations):
            own = 1000 * (1 - t / iterations) + 3 * t / iterations if mid_near is None else mid_near
            out.append(np.array([near, own, further], np.float32))
    return out
