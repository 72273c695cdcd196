"""The neighbour graph: each item's k nearest others, computed once and shared by maps, evaluation, recommendation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .exact import ExactIndex

GRAPH_METRICS = ("euclidean", "cosine")


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


def neighbour_graph(z, k: int, metric: str = "euclidean", seed: int = 0) -> NeighbourGraph:  # noqa: ARG001
    """Finds each item's k nearest others.

    Parameters
    ----------
    z : array of shape (n, dims)
    k : int
        At least 1; a space of n items gives n - 1 at most.
    metric : "euclidean" or "cosine", default="euclidean"
    seed : int, default=0
        Draws what an approximate graph leaves to chance; this one is exact and draws nothing.

    Raises
    ------
    ValueError
        If the metric is not a distance, k is below 1, or z holds NaN or infinity.

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
    index = ExactIndex(z)
    n = len(index)
    k = min(k, max(n - 1, 0))
    if k == 0:
        return NeighbourGraph(np.zeros((n, 0), np.int32), np.zeros((n, 0), np.float32), metric, 1.0)
    found = index.search(index.z, k, metric, exclude=np.arange(n))
    distances = found.scores if metric == "euclidean" else np.float32(1) - found.scores
    return NeighbourGraph(found.positions.astype(np.int32), distances, metric, 1.0)
