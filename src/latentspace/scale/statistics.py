"""The moments of rows in segments, merged as a tree whose shape depends on the rows alone.

    total = ((s0 + s1) + (s2 + s3)) + ...

Two moments merge exactly (see `models.covariance`), up to rounding. Rounding depends on the order, so the order is
fixed: pairs, pairs of pairs, and what is left over from the last to the first. The result has the same bits on one
thread, on many machines, and after a job that was killed and went on.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..models.covariance import Moments, moments_of
from ..models.rows import Chunk, chunk_rows
from ..models.workers import workers

SEGMENT = 2**29  # bytes of float32 that are lost at most where a worker is killed: 512 MB, about a second's work
GROUP = 8  # segments whose sum is kept on disk: 4 GB of rows


class Tree:
    """Merges moments in the order in which they come, as a binary counter adds."""

    def __init__(self) -> None:
        self._held: list[tuple[int, Moments]] = []  # levels fall

    def push(self, moments: Moments) -> None:
        level = 0
        while self._held and self._held[-1][0] == level:
            moments = merged(self._held.pop()[1], moments)
            level += 1
        self._held.append((level, moments))

    def total(self) -> Moments:
        """The sum of all; at least one was pushed."""
        total = self._held[-1][1]
        for _, moments in reversed(self._held[:-1]):
            total = merged(moments, total)
        return total


def merged(a: Moments, b: Moments) -> Moments:
    """The moments of both, neither of which changes."""
    both = Moments(a.p)
    both.n, both.mean, both.scatter = a.n, a.mean.copy(), a.scatter.copy()
    both.merge(b)
    return both


def segments(n: int, p: int) -> list[tuple[int, int]]:
    """Where the segments of n rows of p features begin and end: whole chunks, about 512 MB."""
    chunk = chunk_rows(p)
    size = chunk * max(1, SEGMENT // (4 * p * chunk))
    return [(start, min(start + size, n)) for start in range(0, n, size)]


def groups(bounds: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Segments in groups whose sums are kept: whole sub-trees, so that they merge as the segments would."""
    return [list(bounds[start : start + GROUP]) for start in range(0, len(bounds), GROUP)]


class RowsBetween:
    """Some rows of a source on disk, a chunk at a time, as `models.covariance` reads them.

    Parameters
    ----------
    rows : array of shape (n, p), or what is read like one
    start, stop : int
    skip : bool
        Leave out rows with NaN or infinity, instead of raising for the first.
    """

    repeatable = True

    def __init__(self, rows: Any, start: int, stop: int, skip: bool):
        self._rows, self._start, self._stop, self._skip = rows, start, stop, skip
        self.n, self.p = stop - start, int(np.prod(rows.shape[1:], dtype=np.int64))

    def chunks(self) -> Iterator[Chunk]:
        size = chunk_rows(self.p)
        for start in range(self._start, self._stop, size):
            block = np.asarray(self._rows[start : min(start + size, self._stop)])
            block = block.reshape(len(block), -1)
            if self._skip and block.dtype.kind == "f":
                with np.errstate(all="ignore"):  # one number tells of most chunks that all of their rows are finite
                    if not np.isfinite(block.sum(dtype=block.dtype)):
                        block = block[np.isfinite(block).all(axis=1)]
            if len(block):
                yield Chunk(start, block)

    def release(self, rows: np.ndarray) -> None:
        """Does nothing: what was read is a copy of its own."""


def sum_of(
    rows: Any, bounds: Sequence[tuple[int, int]], dtype: type, skip: bool, threads: int | None = None
) -> Moments:
    """The moments of consecutive segments, merged as `Tree` does."""
    tree = Tree()
    source: Any = RowsBetween(rows, bounds[0][0], bounds[-1][1], skip)
    with workers() as most:
        for moments in moments_of(source, [start for start, _ in bounds], dtype, threads or most):
            tree.push(moments)
    return tree.total()


def to_arrays(moments: Moments) -> dict[str, Any]:
    return {"n": np.int64(moments.n), "mean": moments.mean, "scatter": moments.scatter}


def from_arrays(arrays: dict[str, np.ndarray]) -> Moments:
    """What `to_arrays` gave; ValueError where it is damaged."""
    mean, scatter = arrays["mean"], arrays["scatter"]
    if mean.ndim != 1 or scatter.shape != (len(mean), len(mean)):
        raise ValueError(f"moments of mean {mean.shape} and scatter {scatter.shape} are damaged")
    moments = Moments(len(mean))
    moments.n, moments.mean, moments.scatter = int(arrays["n"]), mean, scatter
    return moments
