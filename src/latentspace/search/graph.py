"""The neighbour graph: each item's k nearest others, computed once and shared by maps, evaluation, recommendation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .copies import Copies, copies_of
from .exact import ExactIndex
from .metrics import as_latents, norms_of

GRAPH_METRICS = ("euclidean", "cosine")
_EXACT_UP_TO = 4_000  # items: exact whatever their dims ...
_EXACT_WORK = 6e10  # ... and where n^2 (dims + 100) is up to this, about a second of one core: 20,000 x 32, 8,000 x 784
_LARGEST, _SMALLEST = 1e15, 1e-15  # lengths whose squares float32 holds


@dataclass(frozen=True, eq=False)
class NeighbourGraph:
    """Each item's nearest others, nearest first; never the item itself, even among duplicates.

    Attributes
    ----------
    positions : int32 array of shape (n, k)
    distances : float32 array of shape (n, k)
        Euclidean distance, or 1 - cosine.
    metric : "euclidean" or "cosine"
    recall : float
        Share of the true k nearest that the graph holds, 0 to 1; 1.0 when it is exact.
    """

    positions: np.ndarray
    distances: np.ndarray
    metric: str
    recall: float

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def k(self) -> int:
        """Neighbours of each item."""
        return self.positions.shape[1]

    def nearest(self, k: int) -> "NeighbourGraph":
        """Returns the graph of the k nearest only, or this one when it has no more."""
        if k >= self.k:
            return self
        return NeighbourGraph(self.positions[:, :k], self.distances[:, :k], self.metric, self.recall)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Returns facts that survive JSON, and arrays, for the store."""
        return {"metric": self.metric, "recall": self.recall}, {
            "positions": self.positions,
            "distances": self.distances,
        }

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "NeighbourGraph":
        """Rebuilds what `state` gave.

        Raises
        ------
        ValueError
            If shapes disagree, a position points outside the graph or a distance is no number: the file is damaged.
        """
        positions, distances = np.asarray(arrays.get("positions")), np.asarray(arrays.get("distances"))
        metric, recall = facts.get("metric"), facts.get("recall")
        sound = (
            positions.ndim == 2
            and positions.shape == distances.shape
            and positions.dtype == np.int32
            and distances.dtype == np.float32
            and bool(((positions >= 0) & (positions < len(positions))).all())
            and bool(np.isfinite(distances).all())
            and metric in GRAPH_METRICS
            and isinstance(recall, int | float)
        )
        if not sound:
            raise ValueError("the stored neighbour graph is damaged; compute it again with neighbour_graph(z, k).")
        return cls(positions, distances, str(metric), float(recall))  # type: ignore[arg-type]


def neighbour_graph(z, k: int, metric: str = "euclidean", seed: int = 0, recall: float = 0.98) -> NeighbourGraph:
    """Finds each item's k nearest others.

    It is exact as long as that takes about a second: up to 20,000 items of 32 dims, 8,000 of 784. Past that it is
    approximate, with candidates from lists of near items (see `graph_lists`), and says which recall it has on a
    sample of the items: 70,000 x 784 take 5 s of one core where the exact graph takes over a minute.

    Parameters
    ----------
    z : array of shape (n, dims)
    k : int
        At least 1; a space of n items gives n - 1 at most.
    metric : "euclidean" or "cosine", default="euclidean"
    seed : int, default=0
        Draws what an approximate graph leaves to chance; an exact one draws nothing.
    recall : float, default=0.98
        The least share of true neighbours that an approximate graph aims at, 0 to 1; 1 asks for an exact graph.
        What is lost at 0.98 are the farther ones of each item's nearest.

    Raises
    ------
    ValueError
        If the metric is not a distance, k is below 1, recall is no share, or z holds NaN or infinity.

    Examples
    --------
    >>> neighbour_graph([[0.0], [1.0], [3.0]], k=2).positions
    array([[1, 2],
           [0, 2],
           [1, 0]], dtype=int32)
    """
    if metric not in GRAPH_METRICS:
        raise ValueError(f"metric={metric!r} has no distances; a neighbour graph takes {' or '.join(GRAPH_METRICS)}.")
    if k < 1:
        raise ValueError(f"k={k} is out of range: ask for at least 1 neighbour.")
    if not 0 < recall <= 1:
        raise ValueError(f"recall={recall} is out of range: a share of true neighbours is above 0 and at most 1.")
    z = as_latents(z)
    n = len(z)
    k = min(k, max(n - 1, 0))
    if k == 0:
        return NeighbourGraph(np.zeros((n, 0), np.int32), np.zeros((n, 0), np.float32), metric, 1.0)
    if metric == "cosine":
        z = unit_rows(z)
    copies = copies_of(z)
    kinds = z if len(copies.firsts) == n else z[copies.firsts]
    # Of items that are all alike each would be a candidate of each: kinds are searched, then copies put in their place.
    positions, distances, reached = _of_kinds(kinds, min(k, len(kinds) - 1), metric, seed, recall)
    if len(kinds) < n:
        positions, distances = _with_copies(copies, kinds, positions, distances, k, metric)
    return NeighbourGraph(positions.astype(np.int32), distances, metric, reached)


def unit_rows(z: np.ndarray) -> np.ndarray:
    """Rows of unit length, float32; zero vectors stay what they are."""
    norms = norms_of(z)
    return np.divide(z, norms[:, None], out=np.zeros_like(z), where=norms[:, None] > 0, casting="unsafe")


def _of_kinds(z, k: int, metric: str, seed: int, recall: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Positions and distances (n, k) of distinct latents, and their recall."""
    n = len(z)
    if k == 0:
        return np.zeros((n, 0), np.int64), np.zeros((n, 0), np.float32), 1.0
    if metric == "cosine" and not z.any(axis=1).all():  # a zero vector is as far from all others: 1, as cosine says
        found = ExactIndex(z).search(z, k, "cosine", exclude=np.arange(n))
        return found.positions, np.float32(1) - found.scores, 1.0
    slow = n > _EXACT_UP_TO and n * n * (z.shape[1] + 100) > _EXACT_WORK
    x = _ready(z) if slow and recall < 1 and 20 * k < n else None
    if x is None:
        found = ExactIndex(z).search(z, k, "euclidean", exclude=np.arange(n))
        positions, distances, reached = found.positions, found.scores, 1.0
    else:
        from .graph_lists import nearest_by_lists

        positions, squared, reached = nearest_by_lists(x, k, recall, seed)
        distances = np.sqrt(squared)
    return positions, as_distances(distances, metric), reached


def as_vectors(z: np.ndarray, metric: str) -> np.ndarray | None:
    """Latents whose Euclidean distances order as the metric does; None where a zero vector has no direction."""
    if metric == "euclidean":
        return z
    return unit_rows(z) if z.any(axis=1).all() else None


def as_distances(euclidean: np.ndarray, metric: str) -> np.ndarray:
    """Distances between `as_vectors` as the metric's own.

    Between unit vectors 1 - cosine is half the squared distance, which has the digits that 1 - cosine loses.
    """
    return euclidean if metric == "euclidean" else euclidean**2 / 2


def _ready(z: np.ndarray) -> np.ndarray | None:
    """Latents as `nearest_by_lists` takes them: centred where they lie far off; None where float32 can't hold them."""
    with np.errstate(over="ignore"):  # what is beyond float32 is infinite, and refused below
        norms = np.sqrt(np.einsum("ij,ij->i", z, z))
        centre = z.mean(axis=0, dtype=np.float64)
        if np.linalg.norm(centre) > 0.9 * np.median(norms):
            z = z - centre.astype(np.float32)  # the centre's rounding is shared by all, and neighbours are near
            norms = np.sqrt(np.einsum("ij,ij->i", z, z))
    return z if _SMALLEST < norms.max() < _LARGEST else None


def _with_copies(copies: Copies, z, positions, distances, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Turns the graph of u kinds (u, c) into that of n items (n, k): each item's copies first, and all of each kind."""
    n, u = len(copies.kinds), len(z)
    members = np.argsort(copies.kinds, kind="stable")  # items by kind, ascending within each
    sizes = np.bincount(copies.kinds, minlength=u)
    begins = np.cumsum(sizes) - sizes
    own = 1.0 if metric == "cosine" else 0.0
    zero = norms_of(z) == 0
    chain = np.concatenate([np.arange(u)[:, None], positions], axis=1)  # (u, c + 1): the kind itself, then others
    far = np.concatenate([np.where(zero, own, 0.0)[:, None].astype(np.float32), distances], axis=1)
    ends = np.cumsum(sizes[chain], axis=1)
    items = np.empty((u, k + 1), np.int64)
    lengths = np.empty((u, k + 1), np.float32)
    rows = np.arange(u)
    for place in range(k + 1):
        link = (ends <= place).sum(axis=1)  # which kind of the chain the place falls into
        kind = chain[rows, link]
        inside = place - (ends[rows, link] - sizes[kind])
        items[:, place] = members[begins[kind] + inside]
        lengths[:, place] = far[rows, link]
    items, lengths = items[copies.kinds], lengths[copies.kinds]
    # The item itself goes, or where it has more copies than that, the last.
    itself = items == np.arange(n)[:, None]
    itself[~itself.any(axis=1), k] = True
    return items[~itself].reshape(n, k), lengths[~itself].reshape(n, k)
