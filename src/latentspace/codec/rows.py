"""Rows of whole numbers, each column of its own spread, coded column after column with what the row showed so far.

A column's numbers are coded by the table of a logistic whose scale is the column's own, in units of the quantisation
step. Rows differ: where the columns before were larger than usual, the next are too (natural pictures, whose
coefficients are small nearly everywhere and large together). So three earlier columns that tell most of a column's
size are looked at, and the scale is corrected by a table that was learned. All of it is whole numbers.

Scales are counted in 24ths of an octave: scale = 2^(s / 24). A step of 2^(k / 24) makes them s - k.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import CorruptFileError
from .entropy import LaneDecoder, LaneEncoder
from .frequencies import Tables, ladder
from .varints import read_varints, write_varints

OCTAVE = 24  # steps of scale in a doubling: a step is 0.25 dB
_RUNG = 4  # of them from one table to the next
_LOW, _HIGH = -4, 4  # octaves that tables are for; above, lowest bits are written as they are
_RUNGS = (_HIGH - _LOW) * OCTAVE // _RUNG + 1
_PARENTS = 3
_EDGES = np.array([8, 32, 64, 112, 176, 256, 384, 640, 1152])  # of a row's size, 128 is as usual
_BUCKETS = len(_EDGES) + 1
_LEVELS = 4  # step sizes that corrections are learned for, from fine to coarse
_LEVEL = 2 * OCTAVE  # between two of them
_MOST = 2**28  # a number's size
_LEARN_ROWS = 8192
_CORRECT_VALUES = 2**14  # numbers that corrections are learned from, at each step size
_LANES, _A_LANE = 256, 16  # strings that a block is coded in, side by side, at most; rows of each, at least


def _lanes(n: int) -> int:
    return min(_LANES, -(-n // _A_LANE))


@lru_cache(maxsize=1)
def tables() -> Tables:
    """The tables of scales 2^-4 to 2^4, a sixth of an octave apart."""
    return ladder("logistic", _RUNGS, str(2.0**_LOW), str(2.0**_HIGH))


@lru_cache(maxsize=1)
def _inverse_scales() -> np.ndarray:
    """2^15 / 2^(s / 24) as whole numbers for s = -12 * 24 to 12 * 24, by whole-number roots: equal everywhere."""
    from math import isqrt

    def root(
        s: int,
    ) -> int:  # floor(2^(15 - s / 24)), as the 24th root of 2^(24 * 15 - s), by three square roots and a cube root
        wide = 2 ** (OCTAVE * 55 - s)
        for _ in range(3):
            wide = isqrt(wide)
        low, high = 0, 1 << (wide.bit_length() // 3 + 1)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if middle**3 <= wide else (low, middle - 1)
        return low >> 40

    return np.array([root(s) for s in range(-12 * OCTAVE, 12 * OCTAVE + 1)], np.int64)


class RowModel:
    """What is known of rows of whole numbers.

    Attributes
    ----------
    scales : int16 array of shape (columns,)
        Of each column before quantisation, in 24ths of an octave.
    parents : int16 array of shape (columns, 3)
        Earlier columns that are looked at, -1 for none.
    corrections : int8 array of shape (4, 10)
        Rungs to add, by step size and by how large the parents are.
    """

    def __init__(self, scales: np.ndarray, parents: np.ndarray, corrections: np.ndarray):
        self.scales, self.parents, self.corrections = scales, parents, corrections

    # ------------------------------------------------------------------ learning
    @classmethod
    def learn(cls, x: np.ndarray) -> "RowModel":
        """Learns from float rows (n, columns), about zero, in units of a step of 1."""
        n, columns = x.shape
        if n > _LEARN_ROWS:
            x = x[np.linspace(0, n - 1, _LEARN_ROWS).astype(int)]
        # Of a logistic, the mean of |x| is 2 ln 2 of its scale; a few rows know little, so one more of size 1 counts.
        spread = np.abs(x).mean(axis=0) / (2 * np.log(2)) if n else np.ones(columns)
        with np.errstate(divide="ignore"):
            scales = np.rint(OCTAVE * np.log2(np.maximum(spread, 2.0**-60)))
        model = cls(scales.astype(np.int16), _parents(x), np.zeros((_LEVELS, _BUCKETS), np.int8))
        if len(x) >= 2:
            model._learn_corrections(x)
        return model

    def _learn_corrections(self, x: np.ndarray) -> None:
        top = int(self.scales.max(initial=0))
        few = max(64, _CORRECT_VALUES // max(1, x.shape[1]))
        x = x[np.linspace(0, len(x) - 1, min(len(x), few)).astype(int)]
        for level in range(_LEVELS):
            k = top - _LEVEL * (_LEVELS - 1 - level)
            q = np.clip(np.rint(x / 2.0 ** (k / OCTAVE)), -_MOST, _MOST).astype(np.int64)
            buckets = self._buckets(q, k)
            base = self._rungs(k)
            for bucket in range(_BUCKETS):
                rows, column = np.nonzero((buckets == bucket) & (base >= -6))
                if len(rows) >= 50:
                    values = np.abs(q[rows, column])
                    costs = [_cost(values, base[column] + add).sum() for add in range(-8, 9)]
                    self.corrections[level, bucket] = int(np.argmin(costs)) - 8

    # ------------------------------------------------------------------ keeping
    def state(self) -> dict[str, np.ndarray]:
        return {"scales": self.scales, "parents": self.parents, "corrections": self.corrections}

    @classmethod
    def from_state(cls, arrays: Mapping[str, np.ndarray]) -> "RowModel":
        """What `state` gave; ValueError or KeyError where it cannot be."""
        scales, parents, corrections = arrays["scales"], arrays["parents"], arrays["corrections"]
        columns = len(scales)
        if scales.dtype != np.int16 or scales.ndim != 1 or parents.dtype != np.int16:
            raise ValueError(f"scales of type {scales.dtype} and shape {scales.shape}")
        if (
            parents.shape != (columns, _PARENTS)
            or (parents >= np.arange(columns)[:, None]).any()
            or (parents < -1).any()
        ):
            raise ValueError("parents that do not come before their columns")
        if corrections.dtype != np.int8 or corrections.shape != (_LEVELS, _BUCKETS):
            raise ValueError(f"corrections of shape {corrections.shape}")
        return cls(scales, parents, corrections)

    # ------------------------------------------------------------------ whole-number scales
    def _rungs(self, k: int) -> np.ndarray:
        """The rung of each column at a step of 2^(k / 24), not yet clipped."""
        return (self.scales.astype(np.int64) - k - _LOW * OCTAVE + _RUNG // 2) // _RUNG

    def _level(self, k: int) -> int:
        top = int(self.scales.max(initial=0))
        return int(np.clip(_LEVELS - 1 - (top - k + _LEVEL // 2) // _LEVEL, 0, _LEVELS - 1))

    def _units(self, k: int) -> np.ndarray:
        """What a number of a column counts towards its row's size: as usual, its parents' mean is 128."""
        # The mean of |q| is 1.39 of the scale; where that is small, most are 0, and it is at least a half.
        clipped = np.clip(self.scales.astype(np.int64) - k, -OCTAVE, 12 * OCTAVE)
        return (_inverse_scales()[clipped + 12 * OCTAVE] * 92) >> 7

    def _buckets(self, q: np.ndarray, k: int) -> np.ndarray:
        """The bucket of every number, from rows that are all known."""
        return np.stack([self._bucket(q, column, self._units(k)) for column in range(q.shape[1])], axis=1)

    def _bucket(self, q: np.ndarray, column: int, units: np.ndarray) -> np.ndarray:
        """The bucket of a column's numbers, from the columns before it."""
        parents = self.parents[column]
        parents = parents[parents >= 0].astype(np.int64)
        if not len(parents):
            return np.full(len(q), 4, np.int64)
        size = np.minimum(np.abs(q[:, parents]), 2**20) * units[parents]
        mean = size.sum(axis=1) // len(parents) >> 8
        return np.searchsorted(_EDGES, mean, side="right")

    def _of_column(self, q: np.ndarray, column: int, base: np.ndarray, add: np.ndarray, units: np.ndarray) -> Any:
        """Table, and lowest bits that are written as they are, of one column's numbers."""
        rung = base[column] + add[self._bucket(q, column, units)]
        over = np.maximum(rung - (_RUNGS - 1), 0)
        bits = np.minimum(-(-over * _RUNG // OCTAVE), 15)
        return np.clip(rung - bits * (OCTAVE // _RUNG), 0, _RUNGS - 1), bits

    # ------------------------------------------------------------------ coding
    def encode(self, q: np.ndarray, k: int) -> list[bytes]:
        """One string a row, of rows (n, columns) of whole numbers below 2^28."""
        encoder = LaneEncoder(len(q))
        self._put(encoder, q, k, None)
        return encoder.finish()

    def encode_block(self, q: np.ndarray, k: int) -> bytes:
        """All rows in few strings, the next row in the next string, with their lengths."""
        count = _lanes(len(q))
        encoder = LaneEncoder(count)
        for start in range(0, len(q), max(1, count)):
            rows = q[start : start + count]
            self._put(encoder, rows, k, None if len(rows) == encoder.n else np.arange(len(rows)))
        parts = encoder.finish()
        return write_varints(map(len, parts)) + b"".join(parts)

    def _put(self, encoder: LaneEncoder, q: np.ndarray, k: int, lanes: np.ndarray | None) -> None:
        q = np.asarray(q, np.int64)
        base, add, units = self._rungs(k), self.corrections[self._level(k)].astype(np.int64), self._units(k)
        for column in range(q.shape[1]):
            rung, bits = self._of_column(q, column, base, add, units)
            high = q[:, column] >> bits
            encoder.put_numbers(tables(), rung, high, lanes)
            for wide in np.unique(bits[bits > 0]):
                rows = np.flatnonzero(bits == wide)
                encoder.put_raw(
                    q[rows, column] & (1 << int(wide)) - 1, int(wide), rows if lanes is None else lanes[rows]
                )

    def decode(self, parts: Sequence[bytes], k: int) -> np.ndarray:
        """Rows (n, columns), int64; CorruptFileError for what ends elsewhere than it should."""
        decoder = LaneDecoder(parts)
        q = self._get(decoder, len(parts), k, None)
        decoder.finish()
        return q

    def decode_block(self, data: bytes, n: int, k: int) -> np.ndarray:
        """What `encode_block` gave, back."""
        lanes = _lanes(n)
        lengths, at = read_varints(data, lanes)
        if at + sum(lengths) != len(data):
            raise CorruptFileError(f"a block of {len(data):,} bytes says that it has {at + sum(lengths):,}.")
        ends = np.cumsum([at, *lengths]).tolist()
        decoder = LaneDecoder([data[a:b] for a, b in pairwise(ends)])
        rows = [np.empty((0, len(self.scales)), np.int64)]
        for start in range(0, n, max(1, lanes)):
            count = min(lanes, n - start)
            rows.append(self._get(decoder, count, k, None if count == decoder.n else np.arange(count)))
        decoder.finish()
        return np.concatenate(rows)

    def _get(self, decoder: LaneDecoder, n: int, k: int, lanes: np.ndarray | None) -> np.ndarray:
        q = np.zeros((n, len(self.scales)), np.int64)
        base, add, units = self._rungs(k), self.corrections[self._level(k)].astype(np.int64), self._units(k)
        for column in range(q.shape[1]):
            rung, bits = self._of_column(q, column, base, add, units)
            value = decoder.get_numbers(tables(), rung, lanes) << bits
            for wide in np.unique(bits[bits > 0]):
                rows = np.flatnonzero(bits == wide)
                value[rows] |= decoder.get_raw(int(wide), len(rows), rows if lanes is None else lanes[rows])
            q[:, column] = value
        return q

    def bits(self, q: np.ndarray, k: int) -> np.ndarray:
        """What each row costs by the tables, float64 (n,)."""
        q = np.asarray(q, np.int64)
        base, add, units = self._rungs(k), self.corrections[self._level(k)].astype(np.int64), self._units(k)
        total = np.zeros(len(q))
        for column in range(q.shape[1]):
            rung, bits = self._of_column(q, column, base, add, units)
            high = q[:, column] >> bits
            total += bits + _bits_of(rung, high)
        return total

    def scale(self, k: int) -> np.ndarray:
        """Each column's scale in units of the step, float64: for where in its bin a number most likely lies."""
        return 2.0 ** ((self.scales.astype(np.float64) - k) / OCTAVE)


def _bits_of(rung: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """What numbers cost by their rungs' tables, those beyond a table's end with their raw bits."""
    m = (tables().sizes[rung] - 2) // 2
    out = np.abs(numbers) > m
    bits = tables().bits(rung, np.where(out, 2 * m + 1, numbers + m))
    rest = 2.0 * np.maximum(np.abs(numbers) - m - 1, 0) + (numbers < 0) + 1
    return bits + np.where(out, 5 + np.floor(np.log2(rest)), 0.0)


def _cost(sizes: np.ndarray, rung: np.ndarray) -> np.ndarray:
    over = np.maximum(rung - (_RUNGS - 1), 0)
    bits = -(-over * _RUNG // OCTAVE)
    return bits + _bits_of(np.clip(rung - bits * (OCTAVE // _RUNG), 0, _RUNGS - 1), sizes >> bits)


def _parents(x: np.ndarray) -> np.ndarray:
    """Of each column, the up to three earlier ones whose size goes most with its own."""
    columns = x.shape[1]
    parents = np.full((columns, _PARENTS), -1, np.int16)
    if len(x) < 20:
        return parents
    size = np.log2(np.abs(x) + 1e-2 * np.abs(x).mean(axis=0) + 1e-30)
    size = size - size.mean(axis=0)
    norm = np.sqrt((size**2).sum(axis=0))
    size /= np.where(norm > 0, norm, 1)
    together = size.T @ size
    for column in range(1, columns):
        order = np.argsort(-together[column, :column], kind="stable")[:_PARENTS]
        order = order[together[column, order] > 0.02]
        parents[column, : len(order)] = order
    return parents
