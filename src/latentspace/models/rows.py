"""Where rows come from: an array, a memory-mapped file, or anything that yields blocks; read a chunk at a time."""

import mmap
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..progress import track

FEW = 2000  # rows or features up to which everything is exact; a stream of so few rows is taken as an array

Blocks = Iterable[np.ndarray] | Callable[[], Iterable[np.ndarray]]


class Chunk(NamedTuple):
    """Some consecutive rows, as they are stored: any numeric type, any layout."""

    start: int
    rows: np.ndarray


def chunk_rows(p: int) -> int:
    """How many rows of p features a chunk has: 6 MB of float32.

    Smaller ones add up p x p products too often (4% of the time at 4 MB); at most 4096 rows, past which float32 sums
    lose digits, and no fewer than half of p while that is below 512.
    """
    return int(min(4096, max(3 * 2**19 // p, min(p // 2, 512), 1)))


class ArrayRows:
    """Rows of an array in memory or of a memory-mapped file, shape (n, p)."""

    repeatable = True

    def __init__(self, x: np.ndarray):
        self.x = x
        self.n, self.p = x.shape
        self._mapping, self._base = _mapping_of(x)

    def chunks(self) -> Iterator[Chunk]:
        """Yields views of all rows in order."""
        size = chunk_rows(self.p)
        for start in track(range(0, self.n, size), "Reading rows"):
            yield Chunk(start, self.x[start : start + size])

    def release(self, rows: np.ndarray) -> None:
        """Gives a mapped file's pages back after use: left alone, reading a file of 2 GB keeps 2 GB resident."""
        if self._mapping is None or not rows.size:
            return
        low, high = np.lib.array_utils.byte_bounds(rows)
        first = (low - self._base) // mmap.PAGESIZE * mmap.PAGESIZE
        self._mapping.madvise(mmap.MADV_DONTNEED, first, high - self._base - first)


class StreamRows:
    """Rows that arrive in blocks: once from an iterator, or again and again from a callable or a list.

    Parameters
    ----------
    blocks : iterable of arrays of shape (m, p), or callable giving one
        Blocks may differ in their number of rows; a callable must give the same rows each time.
    """

    def __init__(self, blocks: Blocks):
        self._blocks = blocks
        iterator = self._begin()
        self.repeatable = iterator is not blocks
        self.n: int | None = None
        self._head: list[np.ndarray] = []
        self._rest: Iterator[np.ndarray] | None = self._checked(iterator)
        first = next(self._rest, None)
        if first is None:
            raise ValueError("fit_blocks() got no rows: a minimum of 1 is required.")
        self._head.append(first)
        self.p = first.shape[1]

    def gathered(self, most: int) -> ArrayRows | None:
        """Returns all rows as one array when there are at most `most`, else None; only before the first pass."""
        assert self._rest is not None
        count = len(self._head[0])
        while count <= most:
            # A generator may fill one buffer again and again, so what it gave is copied before it goes on.
            self._head[-1] = self._head[-1].copy()
            block = next(self._rest, None)
            if block is None:
                return ArrayRows(np.concatenate(self._head))
            self._head.append(block)
            count += len(block)
        return None

    def chunks(self) -> Iterator[Chunk]:
        """Yields copies of all rows in order."""
        size, start = chunk_rows(self.p), 0
        for block in track(self._pass(), "Reading blocks of rows"):
            for first in range(0, len(block), size):
                yield Chunk(start + first, block[first : first + size].copy())
            start += len(block)
        if self.n is not None and start != self.n:
            raise ValueError(
                f"fit_blocks() read {self.n} rows in its first pass and {start} in a later one. A callable must give "
                "the same rows each time; pass an iterator instead if they can be read only once."
            )
        self.n = start

    def release(self, rows: np.ndarray) -> None:
        """Does nothing: a chunk of a stream is a copy of its own."""

    def _begin(self) -> Iterator[Any]:
        return iter(self._blocks() if callable(self._blocks) else self._blocks)

    def _pass(self) -> Iterator[np.ndarray]:
        if self._rest is None:
            yield from self._checked(self._begin())
            return
        rest, self._rest = self._rest, None
        while self._head:
            yield self._head.pop(0)
        yield from rest

    def _checked(self, blocks: Iterable[Any]) -> Iterator[np.ndarray]:
        p = None
        for number, given in enumerate(blocks):
            block = np.asarray(given)
            if block.ndim != 2 or block.shape[1] == 0 or block.dtype.kind not in "fiub":
                raise ValueError(
                    f"Block {number} has shape {block.shape} and dtype {block.dtype}; each must be numbers, (m, p)."
                )
            if p is not None and block.shape[1] != p:
                raise ValueError(f"Block {number} has {block.shape[1]} features; the blocks before it have {p}.")
            p = block.shape[1]
            if len(block):
                yield block


def _mapping_of(x: np.ndarray) -> tuple[Any, int]:
    """The mmap below an array and its address; (None, 0) in memory, and where dropping pages could lose changes."""
    array: Any = x
    while array is not None and hasattr(mmap, "MADV_DONTNEED"):
        if isinstance(array, np.memmap):
            mapping = array._mmap  # type: ignore[attr-defined]
            if mapping is None or array.mode == "c":  # copy-on-write: changed pages live only in memory
                break
            return mapping, np.frombuffer(mapping, np.uint8).ctypes.data
        array = getattr(array, "base", None)
    return None, 0


def refuse_bad_values(rows: np.ndarray, row: int = 0, column: int = 0, names: np.ndarray | None = None) -> None:
    """Raises ValueError for the first NaN or infinity in `rows`, which begin at `row` and `column` of X."""
    bad = ~np.isfinite(rows)
    if not bad.any():
        return
    i, j = np.argwhere(bad)[0]
    refuse_value(rows[i, j], row + i, column + j, names)


def refuse_value(value: float, row: int, column: int, names: np.ndarray | None = None) -> None:
    """Raises ValueError for a value that is NaN or infinite, naming its place."""
    what = "NaN" if np.isnan(value) else "inf"
    where = f"column {column}" if names is None else f"column {column} ({names[column]!r})"
    raise ValueError(
        f"Input X contains {what}: row {row}, {where}. "
        "Every value must be a finite number; drop such rows or fill them in first."
    )
