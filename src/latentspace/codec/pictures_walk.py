"""In which order blocks are coded, what each one sees, and on which lane it is written.

Blocks that do not see each other go together: a front holds one block of each row, two columns further left with every
row, so that the block above on the right is always there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..models.compressive.blocks import RING, SIDE, bins

_BLOCKS_A_LANE = 512  # of one picture; small ones have one lane, for its end costs a byte
_PICTURES_A_LANE = 32  # where pictures share lanes: of 16, the ends of lanes were 1% of coarse digits


@dataclass(frozen=True)
class Front:
    """Blocks that are coded together: `rows` and `columns` of each picture, and `ranks` of all (picture, block) pairs.

    The pairs are in order of pictures. Each rank holds pairs on different lanes: one is coded after the other.
    """

    rows: np.ndarray
    columns: np.ndarray
    lanes: np.ndarray
    ranks: list[np.ndarray]

    def order(self) -> np.ndarray:
        """All pairs in the order in which they are coded, int64."""
        return np.concatenate(self.ranks)


def owners(n: int) -> np.ndarray:
    """Which lanes each of n pictures that share some uses, int64."""
    return np.arange(n) % max(1, -(-n // _PICTURES_A_LANE))


class Walk:
    """The way through pictures of rows x columns blocks; those of one of `owners` (n,) use the same lanes."""

    def __init__(self, owners: np.ndarray, rows: int, columns: int):
        self.n, self.rows, self.columns = len(owners), rows, columns
        self.each = min(rows, max(1, rows * columns // _BLOCKS_A_LANE))  # lanes of one picture
        self.lanes = (int(owners.max(initial=-1)) + 1) * self.each
        self._first = owners * self.each
        self.row_bins, self.column_bins = bins(rows), bins(columns)

    def __iter__(self) -> Iterator[Front]:
        for at in range(self.columns + 2 * (self.rows - 1)):
            rows = np.arange(max(0, -(-(at - self.columns + 1) // 2)), min(self.rows - 1, at // 2) + 1)
            if not len(rows):
                continue
            lanes = (self._first[:, None] + rows % self.each).ravel()
            yield Front(rows, at - 2 * rows, lanes, _ranks(lanes))

    def places(self, front: Front) -> tuple[np.ndarray, np.ndarray]:
        """The bins of the rows and the columns of all pairs."""
        return np.tile(self.row_bins[front.rows], self.n), np.tile(self.column_bins[front.columns], self.n)


def _ranks(lanes: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(lanes, kind="stable")
    held = lanes[order]
    first = np.flatnonzero(np.r_[True, held[1:] != held[:-1]]) if len(held) else np.empty(0, int)
    rank = np.arange(len(held)) - np.repeat(first, np.diff(np.r_[first, len(held)]))
    by_rank = np.argsort(rank, kind="stable")
    return np.split(order[by_rank], np.cumsum(np.bincount(rank))[:-1]) if len(held) else []


class Canvas:
    """What has been decoded of n pictures, in whole pixels counted from the ground; outside of them is 0."""

    def __init__(self, n: int, rows: int, columns: int, channels: int):
        self._n, self._channels = n, channels
        self._pixels = np.zeros((n, rows * SIDE + RING, columns * SIDE + 2 * RING, channels), np.int16)

    def rings(self, front: Front) -> np.ndarray:
        """The ring of each pair's block, float32 (m, r): above, then left."""
        wide = SIDE + 2 * RING
        n, c = self._n, self._channels
        out = np.empty((n, len(front.rows), c * RING * (wide + SIDE)), np.float32)
        for at, (row, column) in enumerate(zip(front.rows * SIDE, front.columns * SIDE, strict=True)):
            above = self._pixels[:, row : row + RING, column : column + wide]
            left = self._pixels[:, row + RING : row + RING + SIDE, column : column + RING]
            out[:, at, : c * RING * wide] = above.reshape(n, -1)
            out[:, at, c * RING * wide :] = left.reshape(n, -1)
        return out.reshape(n * len(front.rows), -1)

    def paint(self, front: Front, pixels: np.ndarray) -> None:
        """Puts decoded blocks (m, p) in their places."""
        blocks = pixels.reshape(self._n, len(front.rows), SIDE, SIDE, self._channels)
        for at, (row, column) in enumerate(zip(front.rows * SIDE, front.columns * SIDE, strict=True)):
            self._pixels[:, row + RING : row + RING + SIDE, column + RING : column + RING + SIDE] = blocks[:, at]
