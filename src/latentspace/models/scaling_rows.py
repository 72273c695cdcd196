"""Scalings of rows that stay on disk: what `scaling.choose` and `scaling.learn` want to know, found in one pass."""

import math
from typing import Any

import numpy as np

from ..progress import Progress
from . import scaling

_AT_ONCE = 2**22  # values of rows that are looked at together: 32 MB in float64
_SAMPLE = 2**24  # values of rows, evenly spread, that are kept for what cannot be summed: 64 MB
_LARGEST = 1e30  # as `door` has it


class Seen:
    """What one pass over rows of shape (n, ...) has seen of them.

    Parameters
    ----------
    rows : array of shape (n, ...), or what is read like one
    skip : bool, default=False
        Whether rows that cannot be used are left out, their positions in `bad`, or are an error.

    Attributes
    ----------
    bad : int64 array
    n : int
        Rows that can be used.

    Raises
    ------
    ValueError
        If there is a NaN, an infinity, or a value too large to be squared; the message names its row.
    """

    def __init__(self, rows: Any, skip: bool = False):
        self.shape, self.dtype = tuple(rows.shape), np.dtype(rows.dtype)
        p = math.prod(self.shape[1:])
        self.low, self.high = math.inf, -math.inf
        self.whole = True
        self.yes_or_no = np.ones(p, bool)
        self._shift: np.ndarray | None = None  # sums of differences from one item lose nothing to a far origin
        self.n, bad = 0, []
        self._total, self._squares = np.zeros(p), np.zeros(p)
        step = max(1, self.shape[0] * p // _SAMPLE)
        kept = []
        at_once = max(1, _AT_ONCE // p)
        with Progress("Looking at items", self.shape[0]) as progress:
            for start in range(0, self.shape[0], at_once):
                block = np.asarray(rows[start : start + at_once])
                progress.advance(len(block))
                flat = block.reshape(len(block), -1)
                if not (float(flat.min()) >= -_LARGEST and float(flat.max()) <= _LARGEST):  # NaN fails both
                    wrong = ~(np.abs(flat.astype(np.float64)) <= _LARGEST)
                    if not skip:
                        raise _refused(flat, wrong, start)
                    bad.append(np.flatnonzero(wrong.any(axis=1)) + start)
                    block = block[~wrong.any(axis=1)]
                if len(block):
                    self._add(block.reshape(len(block), -1))
                    kept.append(block[self.n % step :: step] if step > 1 else block)
        if not self.n:
            raise ValueError(
                f"None of {self.shape[0]:,} rows holds finite numbers alone: there is nothing to learn from."
            )
        self.bad = np.concatenate([np.empty(0, np.int64), *bad])
        self.sample = np.concatenate(kept)

    def _add(self, block: np.ndarray) -> None:
        self.n += len(block)
        if self._shift is None:
            self._shift = block[0].astype(np.float64)
            if len(self.shape) == 3:
                self._shift = scaling._alike(self._shift, self.shape)
        low, high = float(block.min()), float(block.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        if self.whole:
            self.whole = block.dtype.kind in "bui" or bool(np.array_equal(block, np.rint(block)))
        if self.yes_or_no.any():
            self.yes_or_no &= ((block == 0) | (block == 1)).all(axis=0)
        difference = block - self._shift
        self._total += difference.sum(axis=0)
        self._squares += np.einsum("ij,ij->j", difference, difference)

    def choose(self) -> str:
        """As `scaling.choose`."""
        if len(self.shape) > 3:
            return "unit"
        if len(self.shape) == 3:
            return "unit" if self.low >= 0 and self.high <= 1 else "standard"
        if self.low < 0 or self.high > 255:
            return "standard"
        if self.high <= 1:
            return "unit"
        return "unit" if self.whole and self.high > 100 and self.shape[1] >= 16 else "standard"

    def learn(self, unit: str) -> scaling.Scaling:
        """As `scaling.learn`."""
        if unit in ("counts", "weights"):
            return scaling.Scaling(unit, np.zeros(1), np.ones(1))
        if unit == "unit":
            return scaling._unit(_Range(self.low, self.high))
        standard = self._standard()
        if unit == "standard":
            return standard
        shift = np.where(self.yes_or_no, 0.0, standard.shift)
        return scaling.Scaling("mixed", shift, np.where(self.yes_or_no, 1.0, standard.scale))

    def _standard(self) -> scaling.Scaling:
        total, squares = scaling._alike(self._total, self.shape), scaling._alike(self._squares, self.shape)
        assert self._shift is not None
        mean = total / self.n
        deviation = np.sqrt(np.maximum(squares / self.n - mean**2, 0))
        dtype = self.dtype if self.dtype.kind == "f" else np.dtype(np.float32)
        floor = 4 * np.finfo(dtype).eps * np.abs(self._shift + mean)
        return scaling.Scaling("standard", self._shift + mean, np.where(deviation > floor, deviation, 0.0))


def _refused(flat: np.ndarray, wrong: np.ndarray, start: int) -> ValueError:
    row, column = (int(place) for place in np.argwhere(wrong)[0])
    return ValueError(
        f"Row {start + row:,}, feature {column} is {flat[row, column]:g}. Networks train on finite numbers within "
        f"{_LARGEST:g}: drop such rows, rescale them, or pass on_error='skip'."
    )


class _Range:
    def __init__(self, low: float, high: float):
        self._low, self._high = low, high

    def min(self) -> float:
        return self._low

    def max(self) -> float:
        return self._high
