"""How thickly a map is settled, and the contours that hold a given share of its items.

A Gaussian kernel density estimate on a grid: items are shared out to their four nearest cells and the grid is smoothed
(Wand, "Fast computation of multivariate kernel estimators", 1994). Levels are those of the highest density regions:
the 50% contour is the smallest area that holds half of the items (Hyndman, "Computing and graphing highest density
regions", 1996).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

SHARES = (0.25, 0.5, 0.75, 0.95)
_CELLS = 256  # along the longer side
_MARGIN = 4.0  # bandwidths of empty ground around the items, so that every contour closes
_FEWEST_CELLS = 1.5  # a bandwidth: what is narrower than the grid cannot be drawn on it
_ASKED = 4_000  # items whose distances to their neighbours set the bandwidth


class Contour(NamedTuple):
    """A line of equal density.

    Attributes
    ----------
    share : float
        Of the items that lie inside, 0 to 1.
    level : float
        Density on the line, in shares of the items per unit of area.
    lines : list of float64 arrays of shape (m, 2)
        Closed: the last point is the first. More is inside on the left as they are walked.
    """

    share: float
    level: float
    lines: list[np.ndarray]


@dataclass(frozen=True, eq=False)
class Density:
    """Density of a map's items on a grid.

    Attributes
    ----------
    heights : float64 array of shape (rows, columns)
        Shares of the items per unit of area, at the crossings; the outermost are 0.
    corner : float64 array of shape (2,)
        Coordinates of the first crossing.
    step : float
        Between crossings, in units of the map.
    bandwidth : float
        Standard deviation of the kernel, in units of the map.
    coordinates : float array of shape (n, 2)
    """

    heights: np.ndarray
    corner: np.ndarray
    step: float
    bandwidth: float
    coordinates: np.ndarray

    def cells(self, xy: np.ndarray) -> np.ndarray:
        """Coordinates (m, 2) in steps of the grid: columns and rows, with fractions."""
        return (np.asarray(xy, dtype=np.float64) - self.corner) / self.step

    def at(self, xy: np.ndarray) -> np.ndarray:
        """Density (m,) at coordinates (m, 2); 0 beyond the grid."""
        from scipy.ndimage import map_coordinates

        return map_coordinates(self.heights, self.cells(xy).T[::-1], order=1, mode="constant")

    @cached_property
    def of_items(self) -> np.ndarray:
        """Density (n,) where each item lies."""
        return self.at(self.coordinates)

    def level(self, share: float) -> float:
        """The density that a share of the items, 0 to 1, lies at or above."""
        return float(np.quantile(self.of_items, 1 - share)) if len(self.coordinates) else 0.0

    def contours(self, shares: tuple[float, ...] = SHARES) -> list[Contour]:
        """The lines that hold these shares of the items, the widest first.

        Raises
        ------
        ValueError
            If a share is not between 0 and 1.
        """
        wrong = [share for share in shares if not 0 < share < 1]
        if wrong:
            raise ValueError(f"contours hold shares of the items between 0 and 1, such as 0.5, not {wrong[0]!r}.")
        levels = [(share, self.level(share)) for share in sorted(set(shares), reverse=True)]
        return [
            Contour(share, level, [self.corner + line * self.step for line in _walk(self.heights, level)])
            for share, level in levels
            if level > 0
        ]


def density_of(coordinates: np.ndarray, bandwidth: float | None = None) -> Density:
    """Estimates a map's density.

    Parameters
    ----------
    coordinates : float array of shape (n, 2)
    bandwidth : float, optional
        In units of the map. By default the median distance to the sqrt(n) / 2-th nearest item: maps fall into many
        groups, and rules that go by the spread of the whole (Scott's, Silverman's) blur them into one.
    """
    from scipy.ndimage import gaussian_filter

    xy = np.asarray(coordinates, dtype=np.float64)
    if not len(xy):
        return Density(np.zeros((3, 3)), np.zeros(2), 1.0, 1.0, xy)
    low, high = xy.min(axis=0), xy.max(axis=0)
    extent = float((high - low).max()) or 1.0
    narrowest = _FEWEST_CELLS * extent / (_CELLS - 2 * _MARGIN * _FEWEST_CELLS)
    width = max(bandwidth if bandwidth is not None else _bandwidth(xy), narrowest)
    step = (extent + 2 * _MARGIN * width) / (_CELLS - 1)
    corner = low - _MARGIN * width
    columns, rows = (np.ceil((high - corner + _MARGIN * width) / step).astype(int) + 1).tolist()
    grid = gaussian_filter(
        _shared_out((xy - corner) / step, rows, columns), width / step, mode="constant", truncate=_MARGIN - 0.5
    )
    grid[[0, -1], :] = 0
    grid[:, [0, -1]] = 0
    return Density(grid / (len(xy) * step**2), corner, step, width, xy)


def _bandwidth(xy: np.ndarray) -> float:
    from scipy.spatial import cKDTree

    n = len(xy)
    if n < 2:
        return 0.0
    k = min(n - 1, max(3, round(np.sqrt(n) / 2)))
    return float(np.median(cKDTree(xy).query(xy[:: max(1, n // _ASKED)], k=[k + 1])[0]))


def _shared_out(cells: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Counts (rows, columns): each item in parts on the four crossings around it, the nearer the more."""
    first = np.floor(cells).astype(np.int64)
    part = cells - first
    counts = np.zeros(rows * columns)
    for right in (0, 1):
        for up in (0, 1):
            weight = np.abs(1 - right - part[:, 0]) * np.abs(1 - up - part[:, 1])
            place = (first[:, 1] + up) * columns + first[:, 0] + right
            counts += np.bincount(place, weights=weight, minlength=rows * columns)
    return counts.reshape(rows, columns)


# Where a line enters and leaves a cell, by which corners are above the level (1 lower left, 2 lower right, 4 upper
# right, 8 upper left), with what is above on its left. Two opposite corners are joined or parted by the cell's middle.
_B, _R, _T, _L = range(4)
_TURNS: dict[int, list[tuple[int, int]]] = {
    1: [(_B, _L)], 2: [(_R, _B)], 3: [(_R, _L)], 4: [(_T, _R)], 6: [(_T, _B)], 7: [(_T, _L)], 8: [(_L, _T)],
    9: [(_B, _T)], 11: [(_R, _T)], 12: [(_L, _R)], 13: [(_B, _R)], 14: [(_L, _B)],
}  # fmt: skip
_PARTED = {5: [(_B, _L), (_T, _R)], 10: [(_R, _B), (_L, _T)]}
_JOINED = {5: [(_T, _L), (_B, _R)], 10: [(_L, _B), (_R, _T)]}


def _walk(heights: np.ndarray, level: float) -> list[np.ndarray]:
    """Closed lines (m, 2) in steps of the grid where heights pass a level: marching squares (Lorensen, 1987).

    Each crossed edge is left by one line and entered by one, so that following the edges closes every line.
    """
    above = heights >= level
    kinds = above[:-1, :-1] + 2 * above[:-1, 1:] + 4 * above[1:, 1:] + 8 * above[1:, :-1]
    following: dict[tuple[int, int, int], tuple[int, int, int]] = {}
    for row, column in np.argwhere((kinds > 0) & (kinds < 15)).tolist():
        kind = int(kinds[row, column])
        edges = ((0, row, column), (1, row, column + 1), (0, row + 1, column), (1, row, column))
        turns = _TURNS.get(kind)
        if turns is None:
            middle = heights[row : row + 2, column : column + 2].mean()
            turns = (_JOINED if middle >= level else _PARTED)[kind]
        for enter, leave in turns:
            following[edges[enter]] = edges[leave]
    lines = []
    while following:
        start, edge = following.popitem()
        line = [start, edge]
        while edge != start:
            edge = following.pop(edge)
            line.append(edge)
        lines.append(np.array([_crossing(heights, level, *edge) for edge in line]))
    return lines


def _crossing(heights: np.ndarray, level: float, upright: int, row: int, column: int) -> tuple[float, float]:
    one, other = heights[row, column], heights[row + upright, column + 1 - upright]
    part = (level - one) / (other - one)
    return (column, row + part) if upright else (column + part, row)
