"""Moments as features: a trend, and where in the year, the week and the day they lie; and the one moment that fits.

The trend alone is exact, but a model that knows it to a month knows nothing of Mondays. So each cycle that the data
cover is a point on a circle beside it. Features of a model contradict one another a little: the moment given back is
the one whose own features are nearest, so that its weekday, month and hour are those of one date.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .columns import Encoded, Number, bounds
from .dtypes import Dtype
from .frames import PER_SECOND, Cells

_DAY = 86_400
_PERIODS = {"year": 365.2425 * _DAY, "week": 7 * _DAY, "day": _DAY}  # seconds
_ROUNDS = 2  # of a cycle that all values must span: one round alone is the trend again
_RADIUS = 0.7  # of the circles, so that each of their two features has a variance of 1/4, as an even yes or no has
_CHUNK = 4096  # rows that are compared with all days of a year at a time
_EXACT = 1e-6  # squared distance of features up to which the trend is taken as it is


@dataclass
class Moment:
    """A moment: a `Number` for its trend, two features for each cycle, and 1 in the last where it is missing.

    Attributes
    ----------
    trend : Number
        The moment as a count of its unit.
    cycles : list of str
        Of "year", "week" and "day", those that values go through at least twice, and within which they differ.
    last : int
        The latest seen, as a count of its unit.
    """

    trend: Number
    cycles: list[str]
    last: int

    @property
    def name(self) -> str:
        return self.trend.name

    @property
    def dtype(self) -> Dtype:
        return self.trend.dtype

    @property
    def names(self) -> list[str]:
        circles = [f"{self.name} {side} of {cycle}" for cycle in self.cycles for side in ("cosine", "sine")]
        return [self.name, *circles, *self.trend.names[1:]]

    @property
    def plan(self) -> list[dict[str, Any]]:
        """Its features as `likelihoods.Columns` takes them."""
        numbers = [{"kind": "number", "missing": False}] * (1 + 2 * len(self.cycles))
        return numbers + [{"kind": "boolean", "missing": False}] * self.trend.indicator

    @classmethod
    def learn(cls, name: str, cells: Cells) -> "Moment | Number":
        """A moment with the cycles that its values cover; a mere number where they cover none."""
        trend = Number.learn(name, cells)
        counts = cells.epochs(trend.dtype.unit)[0][~cells.missing]
        seconds = _seconds(counts, trend.dtype)
        span = float(seconds.max() - seconds.min()) if len(seconds) else 0.0
        cycles = [
            cycle
            for cycle, period in _PERIODS.items()
            if span >= _ROUNDS * period and np.ptp(_phases(seconds, cycle)) > 1e-4
        ]
        return cls(trend, cycles, int(counts.max())) if cycles else trend

    def encode(self, cells: Cells) -> Encoded:
        one = self.trend.encode(cells)
        counts, unread = cells.epochs(self.dtype.unit)
        there = ~(cells.missing | unread)
        circles = _circles(_seconds(counts, self.dtype), self.cycles) * there[:, None]
        return Encoded(np.hstack([one.x[:, :1], circles.astype(np.float32), one.x[:, 1:]]), one.wrong)

    def decode(self, x: np.ndarray) -> tuple[Any, np.ndarray]:
        width = 1 + 2 * len(self.cycles)
        counts, missing = self.trend.decode(np.hstack([x[:, :1], x[:, width:]]))
        counts = counts.copy()
        for start in range(0, len(x), _CHUNK):
            rows = slice(start, start + _CHUNK)
            counts[rows] = self._nearest(
                counts[rows], x[rows, 0].astype(np.float64), x[rows, 1:width].astype(np.float64)
            )
        return counts, missing

    def _nearest(self, counts: np.ndarray, trend: np.ndarray, circles: np.ndarray) -> np.ndarray:
        """The counts (n,) moved by whole days, then by whole hours, to where all features are nearest."""
        per = float(PER_SECOND[self.dtype.unit])
        slow = [cycle for cycle in self.cycles if cycle != "day"]
        if slow:
            reach = 183 if "year" in slow else 3
            counts = self._moved(counts, trend, circles[:, : 2 * len(slow)], slow, _DAY * per, reach)
        if "day" in self.cycles:
            counts = self._moved(counts, trend, circles[:, -2:], ["day"], 3600 * per, 12)
        return counts

    def _moved(
        self, counts: np.ndarray, trend: np.ndarray, circles: np.ndarray, cycles: list[str], step: float, reach: int
    ) -> np.ndarray:
        """The counts with 0 to `reach` steps added or taken away, by the distance of trend and circles."""
        if step < 1 or (self.trend.step and step % self.trend.step):
            return counts
        least = self._distance(counts, trend, circles, cycles)
        off = np.flatnonzero(least > _EXACT)  # what features agree on is taken as it is, to its last digit
        if not len(off):
            return counts
        best = counts.copy()
        low, high = bounds(self.dtype)
        for offset in sorted(range(-reach, reach + 1), key=abs):
            delta = round(offset * step)
            moved = np.clip(counts[off], low - min(0, delta), high - max(0, delta)) + delta
            distance = self._distance(moved, trend[off], circles[off], cycles)
            # None is moved out of the range that was seen; one that a model put there is left there.
            nearer = (distance < least[off]) & (moved >= self.trend.origin) & (moved <= self.last)
            best[off[nearer]], least[off[nearer]] = moved[nearer], distance[nearer]
        return best

    def _distance(self, counts: np.ndarray, trend: np.ndarray, circles: np.ndarray, cycles: list[str]) -> np.ndarray:
        expected = ((counts - self.trend.origin) - self.trend.mean) / self.trend.scale
        away = _circles(_seconds(counts, self.dtype), cycles) - circles
        return (expected - trend) ** 2 + (away**2).sum(axis=1)

    def facts(self) -> dict[str, Any]:
        return self.trend.facts() | {"cycles": self.cycles, "last": self.last}

    @classmethod
    def from_facts(cls, name: str, dtype: Dtype, facts: Mapping[str, Any]) -> "Moment":
        cycles = facts["cycles"]
        ordered = isinstance(cycles, list) and cycles == [cycle for cycle in _PERIODS if cycle in cycles]
        if dtype.kind != "moment" or not ordered or not cycles:
            raise ValueError(f"column {name!r}: cycles {cycles!r} of type {dtype.kind!r}")
        if type(facts["last"]) is not int or not -(2**63) <= facts["last"] < 2**63:
            raise ValueError(f"column {name!r}: the last moment {facts['last']!r}")
        return cls(Number.from_facts(name, dtype, facts), list(cycles), facts["last"])


def _seconds(counts: np.ndarray, dtype: Dtype) -> np.ndarray:
    return counts / PER_SECOND[dtype.unit]


def _circles(seconds: np.ndarray, cycles: list[str]) -> np.ndarray:
    """Seconds since 1970 to points on one circle a cycle, (n, 2 * cycles)."""
    angles = [2 * np.pi * _phases(seconds, cycle) for cycle in cycles]
    return _RADIUS * np.stack([side(angle) for angle in angles for side in (np.cos, np.sin)], axis=1)


def _phases(seconds: np.ndarray, cycle: str) -> np.ndarray:
    """Where in its cycle each moment lies, from 0 to 1; of the year by the calendar, so that a month is a month."""
    if cycle != "year":
        return np.mod(seconds / _PERIODS[cycle], 1.0)
    days = np.floor(seconds / _DAY)
    year = days.astype("M8[D]").astype("M8[Y]")
    first, following = (moment.astype("M8[D]").astype(np.int64) for moment in (year, year + 1))
    return (seconds / _DAY - first) / (following - first)
