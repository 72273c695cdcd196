"""Means and second moments of rows, exact and in one pass, from chunks that are never all in memory.

Float32 is fast, and wrong where a mean is far from zero: squares of 1000 +- 1 leave no digits for the 1. So each chunk
is shifted by a mean of some of its own rows before its product is taken in float32, and chunks are merged in float64 by

    n = n_a + n_b        S = S_a + S_b + (n_a n_b / n) (m_a - m_b)(m_a - m_b)'

(Chan, Golub and LeVeque, 1983), which is exact whatever the offset and however the rows are split.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from .rows import ArrayRows, Chunk, StreamRows, chunk_rows, refuse_bad_values
from .workers import ordered

_GONE = np.empty(0)
_FOLD = 64  # chunks whose rank-one terms are added together, as one product
_SAFE = {np.dtype(np.float32): (1e-20, 1e30), np.dtype(np.float64): (1e-250, 1e300)}  # sums of squares that kept digits


class Measured(Protocol):
    """What is known of rows without going back to them."""

    n: int
    p: int
    mean: np.ndarray  # float64 (p,)

    @property
    def variances(self) -> np.ndarray:
        """Variance of each column over n - 1, float64 (p,)."""

    def covariance(self) -> np.ndarray:
        """Returns x'x / (n - 1) of the centred rows x, float64 (p, p)."""


class Centred(Measured, Protocol):
    """Centred rows as a linear map: all that a solver needs of them."""

    def gram(self) -> np.ndarray:
        """Returns xx' / (n - 1), float64 (n, n), which has the same non-zero eigenvalues."""

    def apply(self, q: np.ndarray) -> np.ndarray:
        """Returns the covariance times q, (p, b) to float64 (p, b), without forming it."""

    def back(self, u: np.ndarray) -> np.ndarray:
        """Returns x'u, (n, b) to float64 (p, b)."""


class Moments:
    """Count, mean and scatter of the rows added so far.

    Attributes
    ----------
    n : int
    mean : float64 array of shape (p,)
    scatter : float64 array of shape (p, p), or (p,) when only its diagonal is kept
        Sum of (x - mean)(x - mean)'.
    """

    def __init__(self, p: int, diagonal: bool = False):
        self.n = 0
        self.p = p
        self.mean = np.zeros(p)
        self.scatter = np.zeros(p if diagonal else (p, p))
        self._diagonal = diagonal
        self._waiting: list[_Summary] = []

    def add(
        self, source: ArrayRows | StreamRows, dtype: type, threads: int, names: np.ndarray | None = None
    ) -> "Moments":
        """Adds all rows of a source, with products in `dtype`, on that many threads."""
        work = partial(_summarise, source=source, dtype=np.dtype(dtype), diagonal=self._diagonal, names=names)
        for summary in ordered(work, source.chunks(), threads):
            self._take(summary)
        return self._settled()

    def _take(self, summary: "_Summary") -> None:
        self.scatter += summary.scatter
        self._waiting.append(summary._replace(scatter=_GONE))
        if len(self._waiting) == _FOLD:
            self._settled()

    def _settled(self) -> "Moments":
        self._fold(self._waiting)
        self._waiting = []
        return self

    def merge(self, other: "Moments") -> None:
        """Adds the rows that `other` has seen."""
        if other.n:
            self.scatter += other.scatter
            self._fold([_Summary(other.n, other.mean, np.zeros(self.p), _GONE)])

    def covariance(self) -> np.ndarray:
        """Returns scatter / (n - 1); zeros for a single row."""
        return self.scatter / max(self.n - 1, 1)

    @property
    def variances(self) -> np.ndarray:
        """Variance of each column, over n - 1, shape (p,)."""
        return (self.scatter if self._diagonal else self.scatter.diagonal()) / max(self.n - 1, 1)

    def _fold(self, summaries: "list[_Summary]") -> None:
        """Merges counts and means, and corrects the scatter, each chunk of which was taken about its own shift."""
        if not summaries:
            return
        counts = np.array([self.n, *(s.n for s in summaries)], dtype=np.float64)
        # Differences from a mean that is near: of two large equal means the difference is exactly zero.
        near = summaries[0].shift
        offsets = np.stack([s.total / s.n for s in summaries])  # (chunks, p), from each one's shift to its mean
        means = np.stack([self.mean - near if self.n else np.zeros_like(near), *(s.shift - near for s in summaries)])
        means[1:] += offsets
        together = counts @ means / counts.sum()
        apart = (means - together) * np.sqrt(counts)[:, None]
        self._add_squares(apart, 1)
        self._add_squares(offsets * np.sqrt(counts[1:])[:, None], -1)
        self.n = int(counts.sum())
        self.mean = near + together

    def _add_squares(self, rows: np.ndarray, sign: int) -> None:
        if rows.any():
            self.scatter += sign * (np.einsum("ij,ij->j", rows, rows) if self._diagonal else rows.T @ rows)


def moments_of(source: ArrayRows | StreamRows, starts: Sequence[int], dtype: type, threads: int) -> Iterator[Moments]:
    """Yields the moments of each segment of a source, worked on as one stream of chunks, so that no thread waits at a
    segment's end.

    Parameters
    ----------
    source : rows with `chunks`, none of which straddles two segments
    starts : sequence of int
        Where segments begin, rising. One without rows gives moments of none.
    dtype : type
        Of the products.
    threads : int
    """

    def work(chunk: Chunk) -> tuple[int, _Summary]:
        return chunk.start, _summarise(chunk, source, np.dtype(dtype), False, None)

    segment, moments = 0, Moments(source.p)
    for start, summary in ordered(work, source.chunks(), threads):
        while segment + 1 < len(starts) and start >= starts[segment + 1]:
            yield moments._settled()
            segment, moments = segment + 1, Moments(source.p)
        moments._take(summary)
    for _ in range(segment, len(starts)):
        yield moments._settled()
        moments = Moments(source.p)


class _Summary(NamedTuple):
    n: int
    shift: np.ndarray  # (p,) float64, near the chunk's mean
    total: np.ndarray  # (p,) float64, sum of x - shift
    scatter: np.ndarray  # sum of (x - shift)(x - shift)'


def _summarise(chunk: Chunk, source, dtype: np.dtype, diagonal: bool, names: np.ndarray | None) -> _Summary:
    rows = chunk.rows
    shift = _shift_of(rows)
    with np.errstate(all="ignore"):  # what overflows is caught below, by its diagonal
        total, scatter, largest = _sums(centred(rows, shift, dtype), diagonal)
        # One look at p numbers finds every NaN and infinity of the chunk, and squares that left float32's range.
        low, high = _SAFE[dtype]
        if not low < largest < high:
            refuse_bad_values(rows, row=chunk.start, names=names)
            total, scatter, largest = _sums(centred(rows, shift, np.dtype(np.float64)), diagonal)
    if not np.isfinite(largest):
        raise _overflow(rows)
    source.release(rows)
    return _Summary(len(rows), shift, total, scatter)


def _sums(x: np.ndarray, diagonal: bool) -> tuple[np.ndarray, np.ndarray, np.floating]:
    """Sum of the rows, sum of their squares or products, and the largest of the squares."""
    total = (np.ones(len(x), x.dtype) @ x).astype(np.float64)
    scatter = np.einsum("ij,ij->j", x, x) if diagonal else x.T @ x
    return total, scatter, (scatter if diagonal else scatter.diagonal()).max()


def _shift_of(rows: np.ndarray) -> np.ndarray:
    """A value near each column's mean: exactly the column's value where that is constant."""
    some = rows[:: max(1, len(rows) // 32)].astype(np.float64)
    with np.errstate(all="ignore"):
        shift = some[0] + (some - some[0]).mean(axis=0)
    shift = np.where(np.isfinite(shift), shift, 0.0)
    return _rounded(shift) if loop_type(rows.dtype) == np.float32 else shift


def _rounded(shift: np.ndarray) -> np.ndarray:
    """Float64 values that float32 holds exactly, where its range allows: float32 rows less them round only once."""
    with np.errstate(over="ignore"):
        near = shift.astype(np.float32).astype(np.float64)
    return np.where(np.isfinite(near), near, shift)


def _overflow(rows: np.ndarray) -> ValueError:
    return ValueError(f"Input X holds values as large as {np.abs(rows).max():.3g}, whose squares overflow: scale it.")


def loop_type(dtype: np.dtype) -> np.dtype:
    """The type that rows of `dtype` are subtracted in: float32 where it holds each of their values exactly."""
    return np.dtype(np.float32 if dtype.itemsize < 4 or dtype == np.float32 else np.float64)


def centred(rows: np.ndarray, shift: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Returns rows - shift as C-ordered `dtype`, subtracted before anything is rounded to it."""
    x = np.empty(rows.shape, dtype)
    loop = np.promote_types(loop_type(rows.dtype), dtype)
    np.subtract(rows, shift.astype(loop), out=x, dtype=loop, casting="same_kind")
    return x


class CentredRows:
    """Rows of an array, a file or a stream as the linear map of `Centred`.

    Parameters
    ----------
    source : ArrayRows or StreamRows
    dtype : float32 or float64
        Type of the products; sums over chunks are float64.
    threads : int
    names : array of str, optional
        Column names, for messages.
    """

    def __init__(self, source: ArrayRows | StreamRows, dtype: type, threads: int, names: np.ndarray | None = None):
        self._source, self._dtype, self._threads, self._names = source, np.dtype(dtype), threads, names
        self.p = source.p
        self.n = source.n or 0
        self.mean = np.empty(0)
        self.variances = np.empty(0)
        self.moments: Moments | None = None  # after `covariance`

    def measure(self) -> "CentredRows":
        """Finds n, mean and variances in a pass of their own, for `apply`; `covariance` and `gram` need none."""
        moments = Moments(self.p, diagonal=True).add(self._source, self._dtype.type, self._threads, self._names)
        self.n, self.mean, self.variances = moments.n, moments.mean, moments.variances
        low, high = _SAFE[self._dtype]
        if not low < self.variances.max() * self.n < high:
            self._dtype = np.dtype(np.float64)
        return self

    def covariance(self) -> np.ndarray:
        moments = Moments(self.p).add(self._source, self._dtype.type, self._threads, self._names)
        self.n, self.mean, self.variances, self.moments = moments.n, moments.mean, moments.variances, moments
        return moments.covariance()

    def apply(self, q: np.ndarray) -> np.ndarray:
        q = np.ascontiguousarray(q, dtype=self._dtype)
        shift = _rounded(self.mean)

        def product(chunk: Chunk) -> np.ndarray:
            x = centred(chunk.rows, shift, self._dtype)
            self._source.release(chunk.rows)
            return x.T @ (x @ q)

        image = np.zeros(q.shape)
        for part in ordered(product, self._source.chunks(), self._threads):
            image += part
        rest = self.mean - shift
        return (image - self.n * np.outer(rest, rest @ q)) / max(self.n - 1, 1)

    def gram(self) -> np.ndarray:
        """Taken over chunks of columns, whose means are known at once."""
        self.mean, self.variances = np.empty(self.p), np.empty(self.p)
        gram = np.zeros((self.n, self.n))
        for start, mean, squares, part in ordered(self._column_product, self._column_starts(), self._threads):
            columns = slice(start, start + len(mean))
            self.mean[columns], self.variances[columns] = mean, squares / max(self.n - 1, 1)
            gram += part
        low, high = _SAFE[self._dtype]
        if self._dtype == np.float32 and not low < gram.diagonal().max() < high:
            self._dtype = np.dtype(np.float64)
            return self.gram()
        return gram / max(self.n - 1, 1)

    def back(self, u: np.ndarray) -> np.ndarray:
        u = np.ascontiguousarray(u, dtype=self._dtype)
        parts = ordered(lambda start: self._columns(start)[2].T @ u, self._column_starts(), self._threads)
        return np.concatenate([part.astype(np.float64) for part in parts])

    def _column_starts(self) -> range:
        return range(0, self.p, chunk_rows(self.n))

    def _column_product(self, start: int) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        with np.errstate(all="ignore"):
            mean, squares, x = self._columns(start)
            return start, mean, squares, x @ x.T

    def _columns(self, start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Some columns' means, their sums of squares about them, and the columns about their means."""
        assert isinstance(self._source, ArrayRows)
        part = self._source.x[:, start : start + chunk_rows(self.n)]
        first = part[0].astype(np.float64)
        with np.errstate(all="ignore"):
            x = np.subtract(part, first, dtype=np.float64)
            offset = x.mean(axis=0)
            x -= offset
            squares = np.einsum("ij,ij->j", x, x)
            if not np.isfinite(squares).all():
                refuse_bad_values(part, column=start, names=self._names)
                raise _overflow(part)
            self._source.release(part)
            return first + offset, squares, x.astype(self._dtype, copy=False)
