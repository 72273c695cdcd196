"""How one column becomes features and features become it again: numbers, categories, constants."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .dtypes import Dtype
from .frames import Cells

_STEPS = {"D": 1, "s": 86_400, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}  # in a day
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31, in days since 1970
_DECIMALS = 6
_ROUNDED = 2.0**30  # beyond, rounding to six decimals is below the precision of float64
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_FLOAT64_MAX = float(np.finfo(np.float64).max)
_EDGE = 2.0**-21  # four units in float32's last place: what a model's own scaling and back may cost


@dataclass
class Encoded:
    """Features of one column, and why some rows cannot have any."""

    x: np.ndarray  # float32 (n, width)
    wrong: dict[int, str]  # row -> reason


@dataclass
class Number:
    """A number, boolean, moment or duration: x = (value - origin - mean) / scale, and 1 beside it where it is missing.

    Attributes
    ----------
    name : str
    dtype : Dtype
    origin : int
        Subtracted in whole numbers, before anything becomes a float: the least value seen, of integers and moments.
    mean, scale : float
        Of the values seen, less their origin. 0 and 1 for booleans.
    step : int
        What restored values are rounded to, counted from the origin: 0 not at all, 1 whole numbers, for moments a day,
        an hour or another unit that all values seen are multiples of.
    indicator : bool
        Whether missing cells were seen, so that there is a second feature that says so.
    decimals : int or None
        Digits behind the point that all values seen get by with, 1 to 6, which restored ones are rounded to.
    edges : (float, float) or None
        The least and the largest value seen, less their origin: what comes back within float32's rounding of one is it,
        so that a model which keeps to the range seen does so to the digit. None in files from before.
    """

    name: str
    dtype: Dtype
    origin: int
    mean: float
    scale: float
    step: int
    indicator: bool
    decimals: int | None = None
    edges: tuple[float, float] | None = None

    @property
    def names(self) -> list[str]:
        return [self.name, f"{self.name} missing"] if self.indicator else [self.name]

    @property
    def plan(self) -> list[dict[str, Any]]:
        """Its features as `likelihoods.Columns` takes them."""
        kind = "boolean" if self.dtype.kind == "boolean" else "number"
        return [{"kind": kind, "missing": self.indicator}]

    @classmethod
    def learn(cls, name: str, cells: Cells) -> "Number":
        origin, shifted = _shifted(cells, cells.dtype, None)
        there = shifted[~cells.missing]
        if cells.dtype.kind == "boolean":
            mean, scale = 0.0, 1.0
        else:
            mean, scale = _mean_and_spread(there)
        step = _step(there, cells.dtype)
        decimals = _decimals(there) if cells.dtype.kind == "number" and not step else None
        edges = (float(there.min()), float(there.max())) if len(there) else None
        return cls(name, cells.dtype, origin, mean, scale, step, bool(cells.missing.any()), decimals, edges)

    def encode(self, cells: Cells) -> Encoded:
        _, shifted = _shifted(cells, self.dtype, self.origin)
        missing = cells.missing | (np.isnan(shifted) & (cells.dtype.kind != "words"))
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = (shifted - self.mean) / self.scale
            # At the ends of float64's range the difference overflows where half of it does not.
            halved = (shifted / 2 - self.mean / 2) / self.scale * 2
            scaled = np.where(np.isinf(scaled), halved, scaled)
        x = np.zeros((len(scaled), 1 + self.indicator), np.float32)
        outside = ~missing & ~(np.abs(scaled) <= _FLOAT32_MAX)
        if self.dtype.kind == "boolean":
            outside |= ~missing & (scaled != 0) & (scaled != 1)
        x[:, 0] = np.where(missing | outside, 0.0, scaled)
        if self.indicator:
            x[:, 1] = missing
        values = cells.values() if outside.any() else []
        wrong = {int(row): self._why(values[row]) for row in np.flatnonzero(outside)}
        if not self.indicator:
            reason = f"column {self.name!r} is missing, which it never was where this was fitted"
            wrong |= {int(row): reason for row in np.flatnonzero(missing)}
        return Encoded(x, wrong)

    def _why(self, value: Any) -> str:
        wanted = {"number": "finite number", "boolean": "true or false"}.get(self.dtype.kind, self.dtype.kind)
        return f"column {self.name!r} holds {str(value)[:60]!r}, where a {wanted} belongs"

    def decode(self, x: np.ndarray) -> tuple[Any, np.ndarray]:
        missing = x[:, 1] > 0.5 if self.indicator else np.zeros(len(x), bool)
        with np.errstate(over="ignore"):
            values = x[:, 0].astype(np.float64) * self.scale + self.mean
        values = np.clip(values, -_FLOAT64_MAX, _FLOAT64_MAX)
        for edge in self.edges or ():
            at = (edge / 2 - self.mean / 2) / self.scale * 2  # halved: at the ends of float64's range it overflows
            values[np.abs(x[:, 0] - at) <= _EDGE * max(1.0, abs(at))] = edge
        if self.step:
            values = np.rint(values / self.step) * self.step
        elif self.decimals and np.abs(values).max(initial=0.0) < _ROUNDED:
            values = np.round(values, self.decimals)
        moments = self.dtype.kind in ("moment", "duration")
        if moments or (self.dtype.whole and np.abs(values).max(initial=0.0) < 2**62):
            low, high = bounds(self.dtype)
            counts = np.clip(values, -(2.0**62), 2.0**62).astype(np.int64)
            counts = np.clip(counts, max(low - self.origin, -(2**62)), min(high - self.origin, 2**62))
            return counts + self.origin, missing
        return values + self.origin, missing

    def facts(self) -> dict[str, Any]:
        return {
            "origin": self.origin, "mean": self.mean, "scale": self.scale, "step": self.step,
            "indicator": self.indicator, "decimals": self.decimals, "edges": self.edges and list(self.edges),
        }  # fmt: skip

    @classmethod
    def from_facts(cls, name: str, dtype: Dtype, facts: Mapping[str, Any]) -> "Number":
        made = cls(name, dtype, *(facts[key] for key in ("origin", "mean", "scale", "step", "indicator")))
        whole = type(made.origin) is int and type(made.step) is int
        if not whole or not -(2**63) <= made.origin < 2**63 or not 0 <= made.step < 2**63:
            raise ValueError(f"column {name!r}: origin {made.origin!r}, step {made.step!r}")
        if not all(type(value) in (int, float) and math.isfinite(value) for value in (made.mean, made.scale)):
            raise ValueError(f"column {name!r}: mean {made.mean!r}, scale {made.scale!r}")
        if made.scale <= 0 or type(made.indicator) is not bool:
            raise ValueError(f"column {name!r}: scale {made.scale!r}, indicator {made.indicator!r}")
        made.decimals = facts.get("decimals")
        edges = facts.get("edges")
        if edges is not None:
            if (
                not isinstance(edges, list)
                or len(edges) != 2
                or not all(type(edge) in (int, float) and math.isfinite(edge) for edge in edges)
            ):
                raise ValueError(f"column {name!r}: edges {edges!r}")
            made.edges = (float(edges[0]), float(edges[1]))
        if made.decimals is not None and (type(made.decimals) is not int or not 1 <= made.decimals <= _DECIMALS):
            raise ValueError(f"column {name!r}: decimals {made.decimals!r}")
        if dtype.kind not in ("number", "boolean", "moment", "duration"):
            raise ValueError(f"column {name!r}: a number of type {dtype.kind!r}")
        return made


def _shifted(cells: Cells, dtype: Dtype, origin: int | None) -> tuple[int, np.ndarray]:
    """Values less an origin as float64, NaN where missing; the origin is the least value where none is given."""
    unread = np.zeros(len(cells.missing), bool)
    if dtype.kind in ("moment", "duration"):
        counts, unread = cells.epochs(dtype.unit)
    elif dtype.kind == "number" and (whole := cells.whole_numbers()) is not None:
        counts = whole
    else:
        return 0, cells.numbers() - (origin or 0)
    there = counts[~cells.missing & ~unread]
    if origin is None:
        origin = int(there.min()) if there.size else 0
    if there.size and int(there.max()) - origin < 2**63 and int(there.min()) - origin >= -(2**63):
        shifted = (counts - np.int64(origin)).astype(np.float64)
    else:
        shifted = counts.astype(np.float64) - float(origin)
    shifted[cells.missing | unread] = np.nan
    return origin, shifted


def bounds(dtype: Dtype) -> tuple[int, int]:
    """Least and largest counts that stay in int64, and for moments in the years 1 to 9999, which all calendars hold."""
    low, high = -(2**63), 2**63 - 1
    if dtype.kind == "moment":
        low, high = max(low, _FIRST_DAY * _STEPS[dtype.unit]), min(high, _LAST_DAY * _STEPS[dtype.unit])
    return low, high


def _mean_and_spread(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation, also where their squares would leave float64's range."""
    largest = float(np.abs(values).max()) if values.size else 0.0
    if largest == 0:
        return 0.0, 1.0
    unit = values / largest
    mean = float(unit.mean())
    spread = float(np.sqrt(np.mean((unit - mean) ** 2))) * largest
    return mean * largest, spread if spread > 0 else 1.0


def _decimals(values: np.ndarray) -> int | None:
    if values.size and float(np.abs(values).max()) < _ROUNDED:
        for decimals in range(1, _DECIMALS + 1):
            if (np.round(values, decimals) == values).all():
                return decimals
    return None


def _step(values: np.ndarray, dtype: Dtype) -> int:
    if dtype.kind not in ("moment", "duration"):
        return int(values.size > 0 and bool((values == np.rint(values)).all()))
    day = _STEPS[dtype.unit]
    counts = values.astype(np.int64)
    for parts in (1, 24, 1440, 86_400, 86_400 * 10**3, 86_400 * 10**6):
        if day % parts == 0 and not (counts % (day // parts)).any():
            return day // parts
    return 1


@dataclass
class Category:
    """One of some levels: 1 in its own feature, 0 in the others'. Missing is a level too, where it was seen.

    Of many levels, the most frequent have features. The rest share one, "another level", and a code beside it of 0 and
    1, which tells them apart: hundreds of levels come back exactly from a few features, and whatever a model says, a
    level that exists.

    Attributes
    ----------
    levels : list
        Those with a feature.
    rest : list
        Those with a code, most frequent first, so that codes that agree in their leading digits are about as frequent.
    """

    name: str
    dtype: Dtype
    levels: list
    indicator: bool
    rest: list = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        own = [f"{self.name}={level}" for level in self.levels] + [f"{self.name} missing"] * self.indicator
        if not self.rest:
            return own
        return [*own, f"{self.name}: another level", *(f"{self.name}: code {bit + 1}" for bit in range(self._bits))]

    @property
    def _bits(self) -> int:
        return (len(self.rest) - 1).bit_length() if self.rest else 0

    @property
    def plan(self) -> list[dict[str, Any]]:
        """Its features as `likelihoods.Columns` takes them."""
        return [{"kind": "category", "width": len(self.names) - self._bits, "bits": self._bits}]

    @classmethod
    def learn(cls, name: str, cells: Cells, levels: int) -> "Category":
        counts = Counter(value for value in cells.values() if value is not None)
        ordered = sorted(counts, key=lambda v: (str(type(v)), v))
        own = [
            level for level in cells.dtype.categories or () if level in counts
        ] or ordered  # a type has its own order
        rest: list = []
        if len(own) > levels:
            place = {level: position for position, level in enumerate(own)}
            frequent = sorted(own, key=lambda level: (-counts[level], place[level]))
            own, rest = sorted(frequent[:levels], key=place.__getitem__), frequent[levels:]
        return cls(name, cells.dtype, own, bool(cells.missing.any()), rest)

    def encode(self, cells: Cells) -> Encoded:
        rows = {level: position for position, level in enumerate(self.levels)}
        width = len(self.levels) + self.indicator
        if self.indicator:
            rows[None] = len(self.levels)
        rows |= {level: width + position for position, level in enumerate(self.rest)}
        values = cells.values()
        codes = np.array([rows.get(value, -1) for value in values], dtype=np.int64)
        x = np.zeros((len(codes), len(self.names)), np.float32)
        known = np.flatnonzero(codes >= 0)
        x[known, np.minimum(codes[known], width)] = 1.0
        coded = np.flatnonzero(codes >= width)
        for bit in range(self._bits):
            x[coded, width + 1 + bit] = (codes[coded] - width) >> (self._bits - 1 - bit) & 1
        return Encoded(x, {int(row): self._why(values[row]) for row in np.flatnonzero(codes < 0)})

    def _why(self, value: Any) -> str:
        if value is None:
            return f"column {self.name!r} is missing, which it never was where this was fitted"
        levels = ", ".join(repr(level) for level in self.levels[:8]) + (", ..." if len(self.levels) > 8 else "")
        count = len(self.levels) + len(self.rest)
        return f"column {self.name!r} holds {value!r}, which is none of its {count} categories: {levels}"

    def decode(self, x: np.ndarray) -> tuple[Any, np.ndarray]:
        width = len(self.names) - self._bits
        codes = x[:, :width].argmax(axis=1)
        missing = (codes == len(self.levels)) & self.indicator
        digits = x[:, width:] > 0.5
        code = digits @ (1 << np.arange(self._bits)[::-1]) if self._bits else np.zeros(len(x), np.int64)
        # Codes past the last belong to nobody: the last, rarest level is the nearest to them.
        named = [*self.levels, *[None] * self.indicator, None]
        given = [named[c] for c in codes]
        for row in np.flatnonzero(codes == len(named) - 1):
            given[row] = self.rest[min(int(code[row]), len(self.rest) - 1)]
        return given, missing

    def facts(self) -> dict[str, Any]:
        return {"levels": self.levels, "indicator": self.indicator, "rest": self.rest}

    @classmethod
    def from_facts(cls, name: str, dtype: Dtype, facts: Mapping[str, Any]) -> "Category":
        levels, rest = facts["levels"], facts.get("rest", [])
        if not isinstance(levels, list) or not isinstance(rest, list):
            raise ValueError(f"column {name!r}: levels that are no lists")
        every = [*levels, *rest]
        if not all(isinstance(level, str | int | float | bool) for level in every):
            raise ValueError(f"column {name!r}: levels that are no words, numbers or booleans")
        if not levels or len(set(every)) != len(every) or type(facts["indicator"]) is not bool:
            raise ValueError(f"column {name!r}: levels {levels[:5]!r}")
        if dtype.name == "Enum" and not set(every) <= set(dtype.categories or ()):
            raise ValueError(f"column {name!r}: levels that its type does not have")
        return cls(name, dtype, levels, facts["indicator"], rest)


@dataclass
class Constant:
    """A column whose cells were all equal: no feature, and given back as it was. `value` is as metadata has it."""

    name: str
    dtype: Dtype
    value: Any

    names: Sequence[str] = ()

    def facts(self) -> dict[str, Any]:
        return {"value": self.value}


@dataclass
class LeftOut:
    """A column that is no feature: kept as metadata, not given back from features, for they do not know it."""

    name: str
    dtype: Dtype
    reason: str

    names: Sequence[str] = ()

    def facts(self) -> dict[str, Any]:
        return {"reason": self.reason}
