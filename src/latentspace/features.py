"""The features of a space's items: kept in memory as compactly as they allow, or read again where they are too many."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from .items.protocol import Modality
from .resources import available_memory, refuse_if_too_large

BLOCK = 4096  # rows at a time: large enough for a full-speed product, small enough to forget
KEEP_UP_TO = 512 * 2**20  # bytes of features that a file keeps; past that it keeps thumbnails and re-reads the source
_BLOCK_VALUES = 2**24  # float32 values of a block, 64 MB: larger ones were no faster
_DENSE = 2**26  # float32 values of sparse rows that are written out at once: 256 MB

Reader = Callable[[Sequence[int]], Iterator[Any]]


class Features:
    """Rows of x, shape (n, *shape), seen as float32 whatever they are kept as.

    Rows of words or of interactions are mostly zeros: they are SciPy CSR matrices (n, p) everywhere here, and become
    arrays only in front of a model that takes no sparse rows (`dense`).

    Parameters
    ----------
    shape : tuple of int
        Shape of one item's features.
    kept : array of shape (n, *shape), float32 or uint8, or float32 CSR matrix (n, p), optional
        The rows themselves; uint8 means x * 255.
    later : callable() -> such an array, optional
        Gives the rows on first use, where they wait in a file.
    reread : callable(positions) -> iterator of float32 blocks, optional
        Reads the rows at these positions from the items each time, where keeping them would take too much memory.
    n : int, optional
        Row count, needed with `later` and `reread`.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        kept: Any = None,
        *,
        later: Callable[[], np.ndarray] | None = None,
        reread: Reader | None = None,
        n: int = 0,
    ):
        self.shape = tuple(shape)
        self._kept = kept
        self._later = later
        self._reread = reread
        self._n = kept.shape[0] if kept is not None else n
        self.thumbnails: list[bytes] | None = None  # of the rows, where they were made; see `thumbnails`

    def __len__(self) -> int:
        return self._n

    @property
    def kept(self) -> Any:
        """The rows as they are kept, float32, uint8 or CSR; None where they are read again each time."""
        if self._kept is None and self._later is not None:
            self._kept = self._later()
        return self._kept

    @property
    def at_hand(self) -> bool:
        """Whether rows are kept, in memory or in the space's file: `kept` has them, and reads them if need be."""
        return self._kept is not None or self._later is not None

    @property
    def nbytes(self) -> int:
        """Bytes of all rows as float32 arrays."""
        return self._n * int(np.prod(self.shape, dtype=np.int64)) * 4

    def rows(self, positions: Sequence[int] | np.ndarray) -> Any:
        """Returns the rows at these positions, float32 (m, *shape)."""
        chosen = np.asarray(positions, dtype=np.int64)
        if self.kept is not None:
            return as_float(self.kept[chosen])
        blocks = list(self._again(chosen.tolist()))
        return joined(blocks) if blocks else np.empty((0, *self.shape), np.float32)

    def blocks(self, size: int | None = None) -> Iterator[Any]:
        """Yields all rows in order, float32, at most `size` at a time: as many as take 64 MB by default."""
        size = size or rows_at_once(self.shape, _BLOCK_VALUES)
        for start in range(0, self._n, size):
            stop = min(start + size, self._n)
            if self.kept is not None:
                yield as_float(self.kept[start:stop])
            else:
                yield from self._again(range(start, stop))

    def whole(self) -> Any:
        """Returns all rows as one float32 array, or one CSR matrix.

        Raises
        ------
        MemoryError
            If they do not fit in the memory that is free.
        """
        if self.kept is not None and self.kept.dtype == np.float32:
            return self.kept
        if self.kept is None and self._n and sparse.issparse(self.rows([0])):
            return joined(list(self.blocks()))
        refuse_if_too_large(
            self.nbytes,
            f"{self._n:,} items of features {self.shape} in one piece",
            "Use model='pca', which reads them in blocks, a smaller size=, or fewer items.",
        )
        x = np.empty((self._n, *self.shape), np.float32)
        start = 0
        for block in self.blocks():
            x[start : start + len(block)] = block
            start += len(block)
        return x

    def appended(self, more: "Features") -> "Features":
        """Returns these rows followed by those of `more`."""
        if self.kept is not None and more.kept is not None:
            whole = Features(self.shape, joined([self.kept, more.kept]))
            if self.thumbnails is not None and more.thumbnails is not None:
                whole.thumbnails = self.thumbnails + more.thumbnails
            return whole

        def both(positions: Sequence[int]) -> Iterator[Any]:
            for position in positions:
                part, row = (self, position) if position < len(self) else (more, position - len(self))
                yield part.rows([row])

        return Features(self.shape, reread=both, n=len(self) + len(more))

    def without(self, keep: np.ndarray) -> "Features":
        """Returns the rows where the boolean array `keep` of shape (n,) is true."""
        if self.kept is not None:
            fewer = Features(self.shape, self.kept[keep])
            if self.thumbnails is not None:
                fewer.thumbnails = [self.thumbnails[row] for row in np.flatnonzero(keep)]
            return fewer
        rows = np.flatnonzero(keep)
        return Features(self.shape, reread=lambda chosen: self._again(rows[list(chosen)].tolist()), n=len(rows))

    def _again(self, positions: Sequence[int]) -> Iterator[Any]:
        assert self._reread is not None
        return self._reread(positions)


def joined(blocks: Sequence[Any]) -> Any:
    """Blocks of rows, arrays or CSR matrices alike, as one; at least one block."""
    if sparse.issparse(blocks[0]):
        return sparse.vstack(blocks, format="csr")
    return np.concatenate(blocks)


def dense(rows: Any, mend: str = "Pass fewer items.") -> np.ndarray:
    """Rows as an array: sparse ones written out, if they fit in memory; `mend` says what to do if not."""
    if not sparse.issparse(rows):
        return rows
    refuse_if_too_large(4 * math.prod(rows.shape), f"{rows.shape[0]:,} rows of {rows.shape[1]:,} features", mend)
    return rows.toarray()


def rows_at_once(shape: tuple[int, ...], values: int = _DENSE) -> int:
    """How many rows may be written out at once: `BLOCK`, or as few as hold so many values where they are wide."""
    return max(1, min(BLOCK, values // max(1, math.prod(shape))))


def as_float(rows: Any) -> Any:
    """Rows as kept (float32, CSR, or uint8 meaning x * 255) to float32."""
    if sparse.issparse(rows):
        return rows
    if rows.dtype == np.uint8:
        return np.divide(rows, np.float32(255), dtype=np.float32)
    return np.asarray(rows, dtype=np.float32)


def as_stored(x: np.ndarray, dtype: np.dtype | type) -> np.ndarray:
    """Float32 rows to the form they are kept in; the inverse of `as_float`."""
    if np.dtype(dtype) == np.uint8:
        return np.rint(x * 255).astype(np.uint8)
    return np.asarray(x, dtype=np.float32)


def comes_from_metadata(modality: Any) -> bool:
    """Whether a modality's rows are made again from the items' metadata, so that no file need keep them."""
    return type(modality).from_metadata is not Modality.from_metadata


def worth_keeping(n: int, shape: tuple[int, ...], stored_as: str) -> bool:
    """Whether the rows may stay in memory: when they take under a third of what is free."""
    return _bytes(n, shape, stored_as) < available_memory() / 3


def fit_in_file(n: int, shape: tuple[int, ...], stored_as: str) -> bool:
    """Whether a file keeps the rows: up to half a gigabyte of them."""
    return _bytes(n, shape, stored_as) <= KEEP_UP_TO


def _bytes(n: int, shape: tuple[int, ...], stored_as: str) -> int:
    return n * math.prod(shape) * (1 if stored_as == "uint8" else 4)
