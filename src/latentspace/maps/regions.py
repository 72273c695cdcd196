"""Regions of a map: where items lie thick, what is theirs, and what they are called.

A region is a peak of the density and all ground from which the way up leads there. Peaks that stand out from the saddle
to a higher one by no more than chance are part of it (Chazal et al., "Persistence-based clustering in Riemannian
manifolds", 2013).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .density import Density
from .naming import names_of

UNCLEAR = "no clear name"
_STANDS_OUT = 2.5  # standard errors of a peak's height: a saddle that is nearer to it parts it from nothing
_AT_LEAST = 0.1  # of a peak's height, for with many items the smallest dent is no chance
_GROUND = 0.95  # share of the items that are in regions; the rest lie thinly between them
_FEWEST, _SMALLEST = 8, 0.01  # items of a region, and its share of all
MOST = 30  # regions: more names are not read


@dataclass(frozen=True, eq=False)
class Region:
    """A part of a map where items lie thick.

    Attributes
    ----------
    name : str
        What stands out there; "no clear name" where nothing does.
    evidence : str
        What the name rests on, with its numbers; empty without a name.
    source : str or None
        The column that the name is from.
    spot : float array of shape (2,)
        Where items lie thickest.
    rows : int array
        The items there.
    """

    name: str
    evidence: str
    source: str | None
    spot: np.ndarray
    rows: np.ndarray

    @property
    def clear(self) -> bool:
        """Whether anything stands out."""
        return self.source is not None

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self):,} items{'; ' * bool(self.evidence)}{self.evidence}>"

    def to_dict(self) -> dict[str, Any]:
        """The region as plain JSON-able data, without its rows."""
        return {
            "name": self.name if self.clear else None,
            "items": len(self),
            "column": self.source,
            "evidence": self.evidence or None,
            "spot": [float(value) for value in self.spot],
        }


def regions_of(
    density: Density,
    metadata: Mapping[str, Sequence[Any]],
    words: Callable[[str], Sequence[str]],
    by: str | None = None,
) -> list[Region]:
    """Finds a map's regions and names them, most items first.

    Parameters
    ----------
    density : Density
    metadata : mapping of column name to n values
    words : callable(text) -> list of str
        Splits a text into its words.
    by : str, optional
        The column to name by; by default the one that tells most.

    Raises
    ------
    ValueError
        If there is no column `by`.
    """
    labels, spots = _settled(density)
    names = names_of(labels, len(spots), metadata, words, by)
    return [
        Region(name.words or UNCLEAR, name.evidence, name.source, spot, np.flatnonzero(labels == number))
        for number, (spot, name) in enumerate(zip(spots, names, strict=True))
    ]


def _settled(density: Density) -> tuple[np.ndarray, np.ndarray]:
    """Which region each item is in, -1 for none: (n,); and where each region's peak is: (regions, 2)."""
    n = len(density.coordinates)
    floor = density.level(_GROUND)
    if not floor > 0:
        return np.full(n, -1), np.empty((0, 2))
    cells = np.rint(density.cells(density.coordinates)).astype(np.int64)
    # The variance of a Gaussian kernel's estimate f is f / (4 pi bandwidth^2 n) (Silverman, 1986, section 4.3).
    error = 1 / (4 * np.pi * density.bandwidth**2 * n)
    basin = _basins(density.heights, floor, error)[cells[:, 1], cells[:, 0]]
    basin[density.of_items < floor] = -1
    peaks, counts = np.unique(basin[basin >= 0], return_counts=True)
    large = np.argsort(-counts, kind="stable")[:MOST]
    kept = peaks[large[counts[large] >= max(min(_FEWEST, n / 2), _SMALLEST * n)]]
    number = {int(peak): place for place, peak in enumerate(kept)}
    labels = np.array([number.get(peak, -1) for peak in basin.tolist()], dtype=np.int64)
    rows, columns = np.divmod(kept, density.heights.shape[1])
    return labels, density.corner + np.stack([columns, rows], axis=1) * density.step


def _basins(heights: np.ndarray, floor: float, error: float) -> np.ndarray:
    """The flat position of the peak that each crossing of the grid belongs to, -1 below half of the floor.

    `error` is the variance of a height of 1; that of others grows with them.
    """
    rows, columns = heights.shape
    flat = heights.ravel()
    order = np.argsort(-flat, kind="stable")
    order = order[flat[order] >= floor / 2]
    root = np.full(len(flat), -1, dtype=np.int64)
    parent: dict[int, int] = {}

    def top(peak: int) -> int:
        while parent[peak] != peak:
            parent[peak] = parent[parent[peak]]
            peak = parent[peak]
        return peak

    steps = [up * columns + right for up in (-1, 0, 1) for right in (-1, 0, 1) if (up, right) != (0, 0)]
    # From the highest crossing down: each joins the peak of its highest neighbour, and where two peaks meet, this is
    # the saddle between them. The outermost crossings are 0, so every one here has all eight neighbours.
    for cell in order.tolist():
        around = [cell + step for step in steps if root[cell + step] >= 0]
        if not around:
            parent[cell] = root[cell] = cell
            continue
        mine = top(int(root[max(around, key=lambda other: flat[other])]))
        root[cell] = mine
        for peak in {top(int(root[other])) for other in around} - {mine}:
            lower, higher = sorted((peak, mine), key=lambda one: flat[one])
            dent = max(_STANDS_OUT * np.sqrt(flat[lower] * error), _AT_LEAST * flat[lower])
            if flat[cell] > flat[lower] - dent:
                parent[lower] = higher
                mine = top(mine)
    return np.array([top(peak) if peak >= 0 else -1 for peak in root.tolist()]).reshape(rows, columns)
