"""Integer frequency tables: what an entropy coder may know of a symbol, the same on every machine.

A table shares out 2^16 slots among its symbols; one with `f` of them costs 16 - log2(f) bits. Tables are learned with
floats and kept as integers; those that are computed at run time (`ladder`) come from decimal arithmetic, which is
rounded correctly everywhere, where `exp` of two C libraries may differ in the last bit.
"""

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal, localcontext
from functools import lru_cache
from typing import Literal

import numpy as np

PRECISION = 16
TOTAL = 1 << PRECISION


def whole_frequencies(weights: np.ndarray) -> np.ndarray:
    """Shares out 2^16 slots in proportion to weights, at least one to each symbol.

    Parameters
    ----------
    weights : array of shape (symbols,)
        Counts or probabilities, finite, none negative; all zero means that nothing is known. 1 to 65,536 of them.

    Returns
    -------
    int64 array of shape (symbols,)
        Each at least 1; their sum is 65,536.

    Raises
    ------
    ValueError
        If there are no weights or too many, or one is negative or not finite.

    Examples
    --------
    >>> whole_frequencies(np.array([3, 1, 0]))
    array([49151, 16384,     1])
    """
    w = np.asarray(weights, dtype=np.float64)
    if w.ndim != 1 or not 1 <= len(w) <= TOTAL or not np.isfinite(w).all() or (w < 0).any():
        raise ValueError(
            f"weights of shape {w.shape} cannot be a table's: give 1 to {TOTAL:,} finite numbers, none negative."
        )
    if w.sum() == 0:
        w = np.ones(len(w))
    spare = TOTAL - len(w)
    ideal = w / w.sum() * TOTAL
    # What symbols below one slot are given beyond their due is taken from the others alike.
    due = np.maximum(ideal - 1, 0)
    share = due / due.sum() * spare if due.sum() else np.full(len(w), spare / len(w))
    given = np.floor(share).astype(np.int64)
    order = np.argsort(given - share, kind="stable")  # the largest remainders first
    given[order[: spare - int(given.sum())]] += 1
    return given + 1


class Tables:
    """Frequency tables, each of its own number of symbols; a symbol is coded by the table of an index.

    Parameters
    ----------
    frequencies : sequence of integer arrays
        One a table: each at least 1, 65,536 in sum, as `whole_frequencies` gives.

    Raises
    ------
    ValueError
        If a table is not such.
    """

    def __init__(self, frequencies: Sequence[np.ndarray]):
        for number, f in enumerate(frequencies):
            if np.ndim(f) != 1 or len(f) == 0 or np.min(f) < 1 or int(np.sum(f, dtype=np.int64)) != TOTAL:
                raise ValueError(
                    f"table {number} of {len(frequencies)} is none: its frequencies must be at least 1 each and "
                    f"{TOTAL:,} in sum."
                )
        self.sizes = np.array([len(f) for f in frequencies], dtype=np.int64)
        self._first = np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int64)
        flat = [np.asarray(f, dtype=np.int64) for f in frequencies]
        self._width = np.concatenate([*flat, np.empty(0, np.int64)])
        starts = [np.cumsum(f) - f + (number << PRECISION) for number, f in enumerate(flat)]
        # One rising row over all tables, table t's at t * 2^16 on: one search finds the symbols of any mixture of them.
        self._start = np.concatenate([*starts, np.empty(0, np.int64)])

    def __len__(self) -> int:
        return len(self.sizes)

    def frequencies(self, table: int) -> np.ndarray:
        """The slots of one table's symbols, int64."""
        return self._width[self._first[table] : self._first[table + 1]]

    def intervals(self, index: np.ndarray, symbols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First slot and slots of symbols, by the tables of `index`; uint64 arrays of their shape."""
        at = self._first[index] + symbols
        start = self._start[at] - (np.asarray(index, np.int64) << PRECISION)
        return start.astype(np.uint64), self._width[at].astype(np.uint64)

    def symbols(self, index: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """The symbols that these slots (0 to 65,535) belong to, int64."""
        key = (np.asarray(index, np.int64) << PRECISION) + np.asarray(slots).astype(np.int64)
        return np.searchsorted(self._start, key, side="right") - 1 - self._first[index]

    def bits(self, index: np.ndarray, symbols: np.ndarray) -> np.ndarray:
        """What symbols cost, in bits, float64."""
        return PRECISION - np.log2(self._width[self._first[index] + symbols])

    def state(self) -> dict[str, np.ndarray]:
        """The tables as two arrays: how many symbols each has, and their slots less one in 16 bits."""
        return {"sizes": self.sizes.astype(np.int32), "slots": (self._width - 1).astype(np.uint16)}

    @classmethod
    def from_state(cls, arrays: Mapping[str, np.ndarray]) -> "Tables":
        """The tables that `state` gave; ValueError where they cannot be."""
        sizes, slots = np.asarray(arrays["sizes"]), np.asarray(arrays["slots"])
        if sizes.ndim != 1 or slots.ndim != 1 or (sizes < 1).any() or int(sizes.sum(dtype=np.int64)) != len(slots):
            raise ValueError(f"{len(slots):,} slots are not those of {len(sizes):,} tables.")
        return cls(np.split(slots.astype(np.int64) + 1, np.cumsum(sizes)[:-1]) if len(sizes) else [])


# ---------------------------------------------------------------------- tables of a scale
Shape = Literal["logistic", "gaussian"]
_CONTEXT = Context(prec=40)


def _logistic(x: Decimal) -> Decimal:
    return 1 / (1 + (-x).exp())


def _gaussian(x: Decimal) -> Decimal:
    """Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/15 + ...) (Marsaglia, 2004)."""
    if abs(x) > 12:
        return Decimal(int(x > 0))
    term = total = x
    k = 1
    while abs(term) > Decimal("1e-35"):
        k += 2
        term = term * x * x / k
        total += term
    pi = Decimal("3.141592653589793238462643383279502884197")
    return Decimal("0.5") + total * (-x * x / 2).exp() / (2 * pi).sqrt()


@lru_cache(maxsize=32)
def ladder(shape: Shape = "logistic", steps: int = 64, finest: str = "0.05", coarsest: str = "64") -> Tables:
    """Tables for whole numbers about zero, one for each of `steps` scales in equal ratios.

    Table i is the density of scale s_i = finest * (coarsest / finest)^(i / (steps - 1)) over bins of width 1. It has
    symbols for -m to m, where m is where 2^-14 of the mass is left or 1,000, whichever is nearer, and a last symbol for
    all that lies beyond.

    Parameters
    ----------
    shape : "logistic" or "gaussian"
        A logistic's scale is s, a Gaussian's standard deviation is s.
    steps : int, default=64
        Ratios of 1.12 then: the wrong one by half a step costs less than 0.001 bits.
    finest, coarsest : str
        The scales at the ends, as decimal numbers: they are exact so.

    Raises
    ------
    ValueError
        If a scale is not positive, or they are in the wrong order, or `steps` is below 1.
    """
    low, high = Decimal(finest), Decimal(coarsest)
    if steps < 1 or not 0 < low <= high:
        raise ValueError(
            f"a ladder of {steps} steps from {finest} to {coarsest} has none: give 0 < finest <= coarsest."
        )
    with localcontext(_CONTEXT):
        ratio = (high / low).ln() / max(steps - 1, 1)
        return Tables([_rung(shape, low * (ratio * i).exp()) for i in range(steps)])


def ladder_scales(steps: int = 64, finest: str = "0.05", coarsest: str = "64") -> np.ndarray:
    """The scales of `ladder`, float64: for choosing an index in training; the coder never sees them."""
    return float(finest) * (float(coarsest) / float(finest)) ** (np.arange(steps) / max(steps - 1, 1))


def _rung(shape: Shape, scale: Decimal) -> np.ndarray:
    """The frequencies of one scale; those of k and -k are equal."""
    cumulative = _logistic if shape == "logistic" else _gaussian
    half = Decimal("0.5")
    edge = half  # the upper end of the bin of 0
    beyond = [1 - cumulative(edge / scale)]  # mass above the bin of 0, of 1, ...
    while beyond[-1] > Decimal(2) ** -15 and len(beyond) < 1000:
        edge += 1
        beyond.append(1 - cumulative(edge / scale))
    m = len(beyond) - 1
    spare = TOTAL - (2 * m + 2)
    side = [1 + int((beyond[k - 1] - beyond[k]) * spare) for k in range(1, m + 1)]
    tail = 1 + int(2 * beyond[-1] * spare)
    middle = TOTAL - 2 * sum(side) - tail
    return np.array([*side[::-1], middle, *side, tail], dtype=np.int64)
