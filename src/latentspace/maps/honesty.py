"""How far a map can be trusted: false neighbours, lost neighbours, kept neighbours; for each item and as a whole.

Venna and Kaski, "Neighborhood preservation in nonlinear projection methods: an experimental study", 2001.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..models.workers import ordered, workers
from ..search.exact import ExactIndex
from ..search.graph import NeighbourGraph
from ..search.metrics import as_latents
from .stability import stability

_MEASURE_ALL = 10_000  # items; past that a sample is measured against all, for the work grows with the square
_SAMPLE = 4_000  # items: the standard error of trustworthiness is then below 0.002
# Distances in all: past 100,000 items the sample is smaller, 400 of a million (standard error below 0.006).
_PAIRS = 4e8
_CELLS = 500_000  # distances at a time: 4 MB, which stays in the cache while neighbours are ranked


@dataclass(frozen=True, eq=False)
class Honesty:
    """What a map keeps of the neighbourhoods in z. All shares are 0 to 1, and 1 is best.

    Attributes
    ----------
    trustworthiness : float
        How few neighbours on the map are false: those that are no neighbours in z, weighted by how far they are.
    continuity : float
        How few neighbours in z are lost on the map, weighted likewise.
    neighbours_kept : float
        Share of the k nearest in z that are among the k nearest on the map.
    k : int
        Neighbours compared; lowered where there are too few items.
    measured : int
        Items measured. Fewer than `n` means a random sample, each compared with all the others.
    n : int
    per_item : dict of "trustworthiness", "continuity" and "neighbours_kept" to float32 arrays of shape (n,)
        Their means are the figures above; nan for items that were not measured. "stability" too, where asked for.
    stability : float
        Share of the k nearest on the map that other seeds bring near as well; nan where no other map was drawn.
    moved : float
        How far a typical item lies elsewhere by other seeds, in shares of the map's spread; see `Stability`.
    seeds : int
        Other maps that these two were measured with.
    """

    trustworthiness: float
    continuity: float
    neighbours_kept: float
    k: int
    measured: int
    n: int
    per_item: dict[str, np.ndarray]
    stability: float = np.nan
    moved: float = np.nan
    seeds: int = 0

    @classmethod
    def unknown(cls, n: int) -> "Honesty":
        """That of a map of n items that was not measured."""
        per_item = {name: np.full(n, np.nan, np.float32) for name in FIGURES}
        return cls(np.nan, np.nan, np.nan, 0, 0, n, per_item)

    def __str__(self) -> str:
        if not self.measured:
            return f"Nothing to measure with {self.n} items."
        sample = f", measured on {self.measured:,} of {self.n:,} items" if self.measured < self.n else ""
        return (
            f"Trustworthiness {self.trustworthiness:.3f}, continuity {self.continuity:.3f}, "
            f"{self.neighbours_kept:.0%} of the {self.k} nearest neighbours kept{sample}.{self._over_seeds()}"
        )

    def _over_seeds(self) -> str:
        if not self.seeds:
            return ""
        others = "another seed" if self.seeds == 1 else f"{self.seeds} other seeds"
        return f" With {others} {self.stability:.0%} of what is near here stays near."

    def with_stability(self, coordinates: np.ndarray, others: Sequence[np.ndarray]) -> "Honesty":
        """The same with what other maps (n, 2) of the same latents, by other seeds, say of this one."""
        if not self.k or not others:
            return self
        rows = np.flatnonzero(~np.isnan(self.per_item["trustworthiness"]))
        found = stability(coordinates, others, rows, self.k)
        per_item = {**self.per_item, "stability": found.per_item}
        return replace(self, per_item=per_item, stability=found.stability, moved=found.moved, seeds=found.maps)

    def to_dict(self) -> dict[str, Any]:
        """Returns the figures as plain JSON-able data; None for what can't be measured."""
        figures = {name: getattr(self, name) for name in FIGURES}
        return {
            **{name: None if np.isnan(value) else value for name, value in figures.items()},
            "k": self.k,
            "measured": self.measured,
            "n": self.n,
            **({"stability": self.stability, "moved": self.moved, "seeds": self.seeds} if self.seeds else {}),
        }

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Returns facts and arrays for the store."""
        return self.to_dict(), dict(self.per_item)

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Honesty":
        """Rebuilds what `state` gave; raises ValueError when it is damaged."""
        try:
            figures: dict[str, Any] = {name: np.nan if facts[name] is None else float(facts[name]) for name in FIGURES}
            k, measured, n = int(facts["k"]), int(facts["measured"]), int(facts["n"])
            seeds = int(facts.get("seeds", 0))
            figures |= {name: float(facts[name]) for name in ("stability", "moved")} if seeds else {}
            names = (*FIGURES, "stability") if seeds else FIGURES
            per_item = {name: np.asarray(arrays[name], dtype=np.float32) for name in names}
        except (KeyError, TypeError, ValueError):
            raise ValueError("the stored honesty of a map is damaged; make the map again.") from None
        if any(array.shape != (n,) for array in per_item.values()):
            raise ValueError("the stored honesty of a map is damaged; make the map again.")
        return cls(k=k, measured=measured, n=n, per_item=per_item, seeds=seeds, **figures)


FIGURES = ("trustworthiness", "continuity", "neighbours_kept")


def honesty(z, coordinates, k: int = 15, graph: NeighbourGraph | None = None, seed: int = 0) -> Honesty:
    """Measures how far a map can be trusted.

    Agrees with `sklearn.manifold.trustworthiness` where no distances tie; of items at equal distances none counts as
    false. Memory is bounded; past 10,000 items a sample of 4,000 is measured against all,
    and past 100,000 a smaller one, so that the work no longer grows.

    Parameters
    ----------
    z : array of shape (n, dims)
    coordinates : array of shape (n, 2)
    k : int, default=15
        Neighbours compared; at most (n - 1) // 2, past which the measure has no meaning.
    graph : NeighbourGraph, optional
        The shared graph of z. Its metric is used for neighbours in z; without one, Euclidean distance.
    seed : int, default=0
        Draws the sample.

    Raises
    ------
    ValueError
        If k is below 1, z and coordinates differ in number, or hold NaN or infinity.
    """
    z, coordinates = as_latents(z), as_latents(coordinates, "coordinates")
    n = len(z)
    if len(coordinates) != n:
        raise ValueError(f"{n} latents and {len(coordinates)} coordinates can't be compared; pass those of one map.")
    if k < 1:
        raise ValueError(f"k={k} is out of range: compare at least 1 neighbour.")
    k = min(k, max(n - 1, 0) // 2)
    if k == 0:
        return Honesty.unknown(n)
    per_item = {name: np.full(n, np.nan, np.float32) for name in FIGURES}
    rows = np.arange(n)
    if n > _MEASURE_ALL:
        m = min(_SAMPLE, int(_PAIRS / n) + 1)
        rows = np.sort(np.random.default_rng(seed).choice(n, m, replace=False))
    metric = graph.metric if graph is not None else "euclidean"
    if graph is not None and len(graph) == n and graph.k >= k and graph.recall == 1:
        in_z = graph.positions[rows, :k].astype(np.int64)
    else:
        in_z = ExactIndex(z).search(z[rows], k, metric, exclude=rows).positions
    on_map = ExactIndex(coordinates).search(coordinates[rows], k, "euclidean", exclude=rows).positions
    # Dividing by the worst case that n and k allow makes 1 the best and 0 the worst.
    worst = k * (2 * n - 3 * k - 1) / 2
    both = in_z[:, :, None] == on_map[:, None, :]
    false, lost = ~both.any(axis=1), ~both.any(axis=2)  # (m, k): of those on the map, of those in z
    measured = {
        "trustworthiness": 1 - _excess_ranks(_unit(z) if metric == "cosine" else z, rows, on_map, false, k) / worst,
        "continuity": 1 - _excess_ranks(coordinates, rows, in_z, lost, k) / worst,
        "neighbours_kept": 1 - lost.mean(axis=1),
    }
    for name, values in measured.items():
        per_item[name][rows] = values
    figures: dict[str, Any] = {name: float(values.mean()) for name, values in measured.items()}
    return Honesty(**figures, k=k, measured=len(rows), n=n, per_item=per_item)


def _unit(z: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(z.astype(np.float64), axis=1, keepdims=True)
    return np.divide(z, norms, out=np.zeros(z.shape), where=norms > 0)


def _excess_ranks(space: np.ndarray, rows: np.ndarray, others: np.ndarray, counted: np.ndarray, k: int) -> np.ndarray:
    """Sums rank - k, where positive, over those of each row's `others` (m, k) that are `counted`: float64 (m,).

    A rank is 1 + how many items are nearer in `space`. Few ranks a row are needed, so counting beats sorting all n.
    """
    points = space.astype(np.float64)
    points -= points.mean(axis=0)
    squared = (points * points).sum(axis=1)
    block = max(1, _CELLS // len(points))

    def excess_of(start: int) -> np.ndarray:
        here = rows[start : start + block]
        distances = points[here] @ points.T
        distances *= -2
        distances += squared
        distances += squared[here, None]
        distances[np.arange(len(here)), here] = np.inf
        at, column = np.nonzero(counted[start : start + block])
        theirs = others[start + at, column]
        # Equal distances differ by rounding, and have to stay equal.
        limits = distances[at, theirs] - 1e-13 * (squared[here[at]] + squared[theirs])
        ranks = [1 + np.count_nonzero(distances[row] < limit) for row, limit in zip(at, limits, strict=True)]
        return np.bincount(at, np.maximum(np.array(ranks, float) - k, 0), minlength=len(here))

    with workers() as count:
        return np.concatenate(list(ordered(excess_of, range(0, len(rows), block), count)))
