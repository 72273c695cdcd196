"""A column's type as plain data, and columns made anew with it. A file may name only types that are listed here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..optional import require
from .rounding import to_whole

_BITS = (8, 16, 32, 64)
_WHOLE = {f"{prefix}{bits}" for prefix in ("int", "uint", "Int", "UInt") for bits in _BITS}
_ARROW_WHOLE = {f"{prefix}{bits}[pyarrow]" for prefix in ("int", "uint") for bits in _BITS}
_ARROW_FLOAT = {"float[pyarrow]", "double[pyarrow]"}
_FLOAT = {"float16", "float32", "float64", "Float32", "Float64"}
_KNOWN: dict[str, set[str]] = {
    "number": _WHOLE | _ARROW_WHOLE | _FLOAT | _ARROW_FLOAT | {"object"},
    "boolean": {"bool", "boolean", "bool[pyarrow]", "Boolean", "object"},
    "words": {"object", "str", "string", "String"},
    "category": {"category", "Categorical", "Enum"},
    "moment": {"datetime64", "Datetime", "Date", "object"},
    "duration": {"timedelta64", "Duration"},
    "empty": {"object", "str", "string", "String", "Null", "float64"},
    "other": {"object"},
}
_UNITS = ("D", "s", "ms", "us", "ns")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+\-/:]{0,60}")
_MAX_CATEGORIES = 100_000


@dataclass(frozen=True)
class Dtype:
    """A column's type: what it holds, its name in its library, and what that name leaves open.

    Attributes
    ----------
    kind : str
        "number", "boolean", "words", "category", "moment", "duration", "empty" or "other".
    name : str
        As its library calls it: "int64", "Int64", "datetime64", "Categorical".
    unit : str
        "D", "s", "ms", "us" or "ns", of moments and durations.
    tz : str or None
        Zone of moments.
    categories : tuple or None
        Levels of a categorical type in their order, observed or not.
    ordered : bool
    """

    kind: str
    name: str
    unit: str = "us"
    tz: str | None = None
    categories: tuple | None = None
    ordered: bool = False

    @property
    def whole(self) -> bool:
        """Whether it is an integer type."""
        return self.name in _WHOLE or self.name in _ARROW_WHOLE

    def facts(self) -> dict[str, Any]:
        """As JSON-able data; what has its default is left out."""
        facts: dict[str, Any] = {"kind": self.kind, "name": self.name}
        if self.kind in ("moment", "duration"):
            facts |= {"unit": self.unit, "tz": self.tz}
        if self.categories is not None:
            facts |= {"categories": list(self.categories), "ordered": self.ordered}
        return facts

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Dtype":
        """Rebuilds what `facts` gave. Raises ValueError for a type that is not listed here."""
        categories = facts.get("categories")
        dtype = cls(
            facts["kind"],
            facts["name"],
            facts.get("unit", "us"),
            facts.get("tz"),
            None if categories is None else tuple(categories),
            bool(facts.get("ordered", False)),
        )
        if dtype.kind not in _KNOWN or dtype.name not in _KNOWN[dtype.kind] or dtype.unit not in _UNITS:
            raise ValueError(f"column type {dtype.kind!r} {dtype.name!r} {dtype.unit!r}")
        if dtype.tz is not None and not (isinstance(dtype.tz, str) and _ZONE.fullmatch(dtype.tz)):
            raise ValueError(f"time zone {dtype.tz!r}")
        if dtype.kind == "category" and not _are_levels(dtype.categories or ()):
            raise ValueError("categories that are no words, numbers or booleans")
        return dtype


def _are_levels(values: Sequence) -> bool:
    return (
        len(values) <= _MAX_CATEGORIES
        and all(isinstance(value, str | int | float | bool) for value in values)
        and len(set(values)) == len(values)
    )


# ---------------------------------------------------------------------- reading a type
def dtype_of(native: Any) -> Dtype:
    """The type of a pandas or polars Series. One that is not listed here becomes the nearest that is, or "other"."""
    if type(native).__module__.startswith("polars"):
        return _of_polars(native.dtype)
    return _of_pandas(native.dtype)


def _of_polars(dtype: Any) -> Dtype:
    name = dtype.base_type().__name__
    if dtype.is_numeric():
        return Dtype("number", name if name in _KNOWN["number"] else "Float64")
    if name == "Boolean":
        return Dtype("boolean", name)
    if name == "String":
        return Dtype("words", name)
    if name in ("Categorical", "Enum"):
        return Dtype("category", name, categories=tuple(dtype.categories) if name == "Enum" else ())
    if name == "Date":
        return Dtype("moment", name, unit="D")
    if name == "Datetime":
        return Dtype("moment", name, unit=dtype.time_unit, tz=dtype.time_zone)
    if name == "Duration":
        return Dtype("duration", name, unit=dtype.time_unit)
    return Dtype("empty", "Null") if name == "Null" else Dtype("other", "object")


def _of_pandas(dtype: Any) -> Dtype:
    name = str(dtype)
    if hasattr(dtype, "categories"):
        levels = tuple(dtype.categories.tolist())
        if not _are_levels(levels):
            return Dtype("other", "object")
        return Dtype("category", "category", categories=levels, ordered=bool(dtype.ordered))
    if hasattr(dtype, "tz"):
        return Dtype("moment", "datetime64", unit=dtype.unit, tz=str(dtype.tz))
    if name.startswith("datetime64"):
        return Dtype("moment", "datetime64", unit=np.datetime_data(dtype)[0])
    if name.startswith("timedelta64"):
        return Dtype("duration", "timedelta64", unit=np.datetime_data(dtype)[0])
    for kind in ("number", "boolean", "words"):
        if name in _KNOWN[kind] and name != "object":
            return Dtype(kind, name)
    if name == "object":
        return Dtype("other", "object")
    return Dtype("words", "string") if name.endswith("string[pyarrow]") else Dtype("other", "object")


# ---------------------------------------------------------------------- making a column
def build(columns: Sequence[tuple[Any, Dtype, Any, np.ndarray]], n: int, backend: str) -> Any:
    """A frame from columns.

    Parameters
    ----------
    columns : list of (label, Dtype, values, missing)
        Values: floats or integers for numbers, floats for booleans, int64 counts of the unit for moments and
        durations, lists for the rest. `missing` is a boolean array of shape (n,).
    n : int
        Rows.
    backend : "pandas" or "polars"
    """
    if backend == "polars":
        pl = require("polars", "tables", "giving rows back as a polars frame")
        return pl.DataFrame([_polars_column(pl, str(label), *rest) for label, *rest in columns])
    pd = require("pandas", "tables", "giving rows back as a pandas frame")
    return pd.DataFrame({label: _pandas_column(pd, *rest) for label, *rest in columns}, index=pd.RangeIndex(n))


def _pandas_column(pd: Any, dtype: Dtype, values: Any, missing: np.ndarray) -> Any:
    name, none = dtype.name, bool(missing.any())
    if dtype.kind == "number":
        filled = np.where(missing, 0, values)
        bits = name.removesuffix("[pyarrow]").lower()
        if dtype.whole:
            if not none and name == bits:
                return to_whole(filled, bits)  # a bare array: making a Series costs more than the rest
            whole = pd.Series(to_whole(filled, bits))
            if not none:
                return whole.astype(name)
            nullable = bits.replace("int", "Int").replace("uI", "UI") if name == bits else name
            return whole.astype(nullable).mask(missing, pd.NA)
        floats = filled.astype(np.float64)
        if name in _FLOAT:
            small = _narrowed(np.where(missing, np.nan, floats), bits)
            return small if name == bits else pd.Series(small).astype(name).mask(missing, pd.NA)
        if name in _ARROW_FLOAT:
            return pd.Series(floats).astype(name).mask(missing, pd.NA)
        return pd.Series([None if gone else v for v, gone in zip(floats.tolist(), missing, strict=True)], dtype=object)
    if dtype.kind == "boolean":
        truth = pd.Series(np.where(missing, 0.0, np.asarray(values, dtype=np.float64)) >= 0.5)
        if name == "object" or (none and name == "bool"):
            return truth.astype(object).mask(missing, None)
        return truth.astype(name).mask(missing, pd.NA) if none else truth.astype(name)
    if dtype.kind in ("moment", "duration"):
        return _pandas_times(pd, dtype, np.asarray(values, dtype=np.int64), missing)
    given = [None if gone else value for value, gone in zip(values, missing, strict=True)]
    if dtype.kind == "category":
        levels = list(dtype.categories or ())
        levels += [value for value in dict.fromkeys(given) if value is not None and value not in set(levels)]
        return pd.Series(pd.Categorical(given, categories=levels, ordered=dtype.ordered))
    if name == "float64":
        return pd.Series(np.full(len(given), np.nan))
    if name == "str" and int(pd.__version__.split(".")[0]) < 3:
        name = "object"  # before pandas 3, "str" spelled missing cells as words
    return pd.Series(given, dtype=name if name in ("str", "string") else object)


def _narrowed(floats: np.ndarray, name: str) -> np.ndarray:
    limits = np.finfo(name)
    return np.clip(floats, limits.min, limits.max).astype(name)


def _pandas_times(pd: Any, dtype: Dtype, counts: np.ndarray, missing: np.ndarray) -> Any:
    if dtype.kind == "duration":
        spans = counts.view(f"m8[{dtype.unit}]").copy()
        spans[missing] = np.timedelta64("NaT")
        return pd.Series(spans)
    moments = counts.view(f"M8[{dtype.unit}]").copy()
    moments[missing] = np.datetime64("NaT")
    if dtype.name == "object":
        return pd.Series(moments.astype("M8[D]").tolist(), dtype=object)
    series = pd.Series(moments)
    return series if dtype.tz is None else series.dt.tz_localize("UTC").dt.tz_convert(dtype.tz)


def _polars_column(pl: Any, label: str, dtype: Dtype, values: Any, missing: np.ndarray) -> Any:
    name = dtype.name
    if dtype.kind == "number":
        filled = np.where(missing, 0, values)
        values = to_whole(filled, name.lower()).tolist() if dtype.whole else filled.tolist()
    elif dtype.kind == "boolean":
        values = (np.nan_to_num(np.asarray(values, dtype=np.float64)) >= 0.5).tolist()
    elif dtype.kind in ("moment", "duration"):
        values = np.asarray(values, dtype=np.int64).tolist()
    given = [None if gone else value for value, gone in zip(values, missing.tolist(), strict=True)]
    if dtype.kind in ("moment", "duration"):
        wanted = {"Datetime": lambda: pl.Datetime(dtype.unit, dtype.tz), "Date": lambda: pl.Date}
        made = wanted.get(name, lambda: pl.Duration(dtype.unit))()
        return pl.Series(label, given, dtype=pl.Int64).cast(pl.Int32 if name == "Date" else pl.Int64).cast(made)
    if dtype.kind == "category":
        return pl.Series(
            label, given, dtype=pl.Enum(list(dtype.categories or ())) if name == "Enum" else pl.Categorical
        )
    known = {"String": pl.String, "Boolean": pl.Boolean, "Null": pl.Null, "object": pl.String}
    return pl.Series(label, given, dtype=known.get(name) or getattr(pl, name))
