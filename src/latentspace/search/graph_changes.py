"""A neighbour graph after some items came and others went: only what they touched is looked at again."""

import numpy as np

from .exact import ExactIndex
from .graph import NeighbourGraph, as_distances, as_vectors

_WORK = 1e6  # items searched for, times (dims + 100): past that a new graph is made as fast, however many there are
_SHARE = 0.2  # of all items, past which it is too
_BLOCK = 4_000_000  # distances at a time


def followed(graph: NeighbourGraph, rows: np.ndarray, z: np.ndarray) -> NeighbourGraph | None:
    """Brings a graph up to date.

    Items that came, and items that lost a neighbour, are searched for exactly; items that came are put among the
    neighbours of all others that they are near enough to. From an exact graph comes the exact graph.

    Parameters
    ----------
    graph : NeighbourGraph
        Of m items.
    rows : int64 array of shape (m,)
        Where each of them is now, ascending; -1 where it is gone.
    z : float32 array of shape (n, dims)
        The latents of all items that are there now.

    Returns
    -------
    NeighbourGraph of n items with as many neighbours, or None
        None where so much has changed that the graph is better made anew.
    """
    n, k = len(z), graph.k
    x = as_vectors(z, graph.metric)
    if k == 0 or n <= k or x is None:
        return None
    stay = rows >= 0
    positions, apart = np.full((n, k), -1, np.int64), np.full((n, k), np.inf, np.float32)
    positions[rows[stay]] = rows[graph.positions[stay]]
    apart[rows[stay]] = _euclidean(graph.distances[stay], graph.metric)
    came = np.ones(n, bool)
    came[rows[stay]] = False
    new, broken = np.flatnonzero(came), np.flatnonzero((positions < 0).any(axis=1))
    if len(broken) > _SHARE * n or len(broken) * (z.shape[1] + 100) > _WORK:
        return None
    _meet(x, new, positions, apart)
    if len(broken):
        found = ExactIndex(x).search(x[broken], k, "euclidean", exclude=broken)
        positions[broken], apart[broken] = found.positions, found.scores
    return NeighbourGraph(positions.astype(np.int32), as_distances(apart, graph.metric), graph.metric, graph.recall)


def _euclidean(distances: np.ndarray, metric: str) -> np.ndarray:
    return np.sqrt(2 * distances) if metric == "cosine" else distances


def _meet(x: np.ndarray, new: np.ndarray, positions: np.ndarray, apart: np.ndarray) -> None:
    """Puts new items among the neighbours of those that they are nearer to than the last neighbour is."""
    if not len(new):
        return
    centred = x - x.mean(axis=0, dtype=np.float64).astype(np.float32)
    squared = (centred.astype(np.float64) ** 2).sum(axis=1)
    # A float32 product chooses with a margin for its rounding; differences in float64 decide.
    limit = apart[:, -1].astype(np.float64) ** 2 + 1e-5 * squared
    block = max(1, _BLOCK // len(x))
    for start in range(0, len(new), block):
        some = new[start : start + block]
        product = centred[some] @ centred.T
        near = (1 - 1e-5) * squared[some, None] + squared - 2 * product <= limit
        j, i = np.nonzero(near)
        j = some[j]
        i, j = i[i != j], j[i != j]
        true = np.linalg.norm(x[i].astype(np.float64) - x[j], axis=1).astype(np.float32)
        nearer = true < apart[i, -1]
        if nearer.any():
            _insert(i[nearer], j[nearer], true[nearer], positions, apart)


def _insert(i: np.ndarray, j: np.ndarray, true: np.ndarray, positions: np.ndarray, apart: np.ndarray) -> None:
    order = np.argsort(i, kind="stable")
    i, j, true = i[order], j[order], true[order]
    touched, starts = np.unique(i, return_index=True)
    for row, here in zip(touched, np.split(np.arange(len(i)), starts[1:]), strict=True):
        both, far = np.concatenate([positions[row], j[here]]), np.concatenate([apart[row], true[here]])
        best = np.lexsort((both, far))[: positions.shape[1]]
        positions[row], apart[row] = both[best], far[best]
