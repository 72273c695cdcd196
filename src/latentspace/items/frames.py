"""Frames of pandas, polars and their kin as one thing: rows whose cells come out as plain arrays.

What a column holds is one of a few kinds: "number", "boolean", "words", "category", "moment" (dates and times),
"duration", "empty" (nothing but missing cells) and "other" (lists, bytes, objects), of which no feature is made.
`dtypes.py` is the way back.
"""

import datetime
import decimal
import numbers
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..optional import require
from .dtypes import Dtype, dtype_of
from .folders import check_ids, distinct

_PURPOSE = "a table"
_SCALARS = (str, int, float, bool, type(None), np.generic, datetime.date, datetime.timedelta, decimal.Decimal)
_INT64 = 2**63
_ARROW_TIME = re.compile(r"(timestamp\[.*|date32\[day\])\[pyarrow\]")
PER_SECOND = {"D": 1 / 86_400, "s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class Rows:
    """Rows of a frame.

    Attributes
    ----------
    columns : list of str
        Names; labels that are no strings are spelled.
    labels : list of str or int
        The columns' own labels, in the same order.
    backend : "pandas" or "polars"
        The library whose frames are given back.
    """

    def __init__(self, frame: Any, labels: Sequence[Any], backend: str):
        self._frame = frame
        self._native = frame.to_native()
        self.columns: list[str] = list(frame.columns)
        self.labels = list(labels)
        self.backend = backend

    def __len__(self) -> int:
        return len(self._frame)

    def select(self, positions: Sequence[int] | np.ndarray) -> "Rows":
        return Rows(self._frame[np.asarray(positions, dtype=np.int64).tolist()], self.labels, self.backend)

    def between(self, start: int, stop: int) -> "Rows":
        return Rows(self._frame[start:stop], self.labels, self.backend)

    def kind(self, name: str) -> str:
        """What a column holds, by its type alone."""
        return dtype_of(self._native[name]).kind

    def cells(self, name: str) -> "Cells":
        return Cells(self._native[name])


class Cells:
    """One column's cells, from a Series of pandas or polars."""

    def __init__(self, native: Any):
        self._native = native
        self.dtype: Dtype = dtype_of(native)
        self._array: np.ndarray | None = None  # where the type is numpy's own, for that is the fast road
        if isinstance(getattr(native, "dtype", None), np.dtype) and native.dtype.kind in "iufb":
            self._array = native.to_numpy()
            self.missing = np.isnan(self._array) if native.dtype.kind == "f" else np.zeros(len(native), bool)
            return
        self._series = _as_series(native)
        self.missing = self._series.is_null().to_numpy().astype(bool)
        if self.dtype.kind == "number" and self.dtype.name != "object":
            self.missing = self.missing | np.isnan(self.numbers())  # polars tells NaN from null; here both are missing
        elif self.dtype.name == "object":
            self.dtype = _looked_at(self.dtype, [value for value in self.values() if value is not None])
        if self.missing.all() and self.dtype.kind in ("words", "other") and len(self.missing):
            self.dtype = Dtype("empty", self.dtype.name)

    def numbers(self) -> np.ndarray:
        """Cells as float64, NaN where missing; words are read as the numbers they spell, NaN where they do not."""
        kind = self.dtype.kind
        if self._array is not None:
            return self._array.astype(np.float64)
        if kind == "number" and self.dtype.name != "object":
            return _as_numbers(self._series)
        if kind in ("moment", "duration", "other"):
            raise TypeError(f"holds {kind}s, where numbers belong")
        return np.array([_to_float(value) for value in self.values()], dtype=np.float64)

    def whole_numbers(self) -> np.ndarray | None:
        """Cells as int64 where their type is a whole one and they fit, 0 where missing; None otherwise."""
        if not self.dtype.whole:
            return None
        filled = self._array
        if filled is None:
            filled = self._series.fill_null(0).to_numpy() if self.missing.any() else self._series.to_numpy()
        return filled.astype(np.int64) if len(filled) == 0 or int(filled.max()) < _INT64 else None

    def epochs(self, unit: str) -> tuple[np.ndarray, np.ndarray]:
        """Moments or durations as int64 counts of `unit` (moments since 1970, UTC), and where words spell none.

        Counts are 0 where a cell is missing or spells no moment.
        """
        kind = self.dtype.kind
        if kind in ("words", "empty"):
            read = [_from_iso(value, unit) for value in self.values()]
            unread = np.array([count is None for count in read], dtype=bool) & ~self.missing
            return np.array([count or 0 for count in read], dtype=np.int64), unread
        if kind not in ("moment", "duration"):
            raise TypeError(f"holds {kind}s, where dates and times belong")
        counts = _as_epochs(self._native, self.missing, self.dtype, unit)
        return counts, np.zeros(len(counts), bool)

    def values(self) -> list:
        """Cells as Python values, None where missing."""
        given = self._array.tolist() if self._array is not None else self._series.to_list()
        if self.dtype.name == "object":
            given = [value.item() if isinstance(value, np.generic) else value for value in given]
        return self._with_holes(given)

    def plain(self) -> list:
        """Cells as metadata: str, int, float, bool or None; moments in ISO 8601, durations in seconds."""
        kind = self.dtype.kind
        if kind == "moment":
            return self._with_holes(_to_iso(self.epochs(self.dtype.unit)[0], self.dtype))
        if kind == "duration":
            seconds = self.epochs(self.dtype.unit)[0] / PER_SECOND[self.dtype.unit]
            return self._with_holes(seconds.tolist())
        if kind == "number" and not self.dtype.whole:
            return self._with_holes(self.numbers().tolist())
        if kind == "other" or self.dtype.name == "object" or "uint64" in self.dtype.name.lower():
            return [_plain(value) for value in self.values()]
        return self.values()

    def all_equal(self) -> bool:
        """Whether every cell is there and holds the same."""
        if self.missing.any():
            return False
        values = self._array if self._array is not None else self.values()
        if isinstance(values, np.ndarray):
            return len(values) > 0 and bool((values == values[0]).all())
        return len(values) > 0 and all(value == values[0] for value in values)

    def _with_holes(self, given: list) -> list:
        if not self.missing.any():
            return given
        return [None if gone else value for value, gone in zip(given, self.missing.tolist(), strict=True)]


def _as_series(native: Any) -> Any:
    import narwhals as nw

    return nw.from_native(native, series_only=True)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else str(value)  # what keeps metadata holds 64-bit integers
    return float(value) if isinstance(value, numbers.Real | decimal.Decimal) else str(value)[:1000]


def _to_float(value: Any) -> float:
    try:
        return float(value) if value is not None else np.nan
    except (TypeError, ValueError, OverflowError):
        return np.nan


def _as_numbers(series: Any) -> np.ndarray:
    import narwhals as nw

    return np.asarray(series.cast(nw.Float64()).to_numpy(), dtype=np.float64)


def _looked_at(dtype: Dtype, values: list) -> Dtype:
    """What a column of Python objects holds, seen by looking at all of them."""
    types = {type(value) for value in values}
    if not types:
        return Dtype("empty", "object")
    if types <= {bool, np.bool_}:
        return Dtype("boolean", "object")
    if types <= {str}:
        return Dtype("words", "object")
    if all(issubclass(t, numbers.Real | decimal.Decimal | np.number) and t not in (bool, np.bool_) for t in types):
        return Dtype("number", "object")
    if types == {datetime.date}:
        return Dtype("moment", "object", unit="D")
    return Dtype("other", dtype.name)


# ---------------------------------------------------------------------- dates and times
def _as_epochs(native: Any, missing: np.ndarray, dtype: Dtype, unit: str) -> np.ndarray:
    letter = "m8" if dtype.kind == "duration" else "M8"
    if dtype.name == "object":
        moments = np.array(["NaT" if gone else day for day, gone in zip(native, missing, strict=True)], "M8[D]")
    elif type(native).__module__.startswith("polars"):
        import polars as pl

        moments = native.to_physical().cast(pl.Int64).fill_null(0).to_numpy().view(f"{letter}[{dtype.unit}]")
    else:
        if dtype.tz is not None:
            native = native.dt.tz_convert("UTC").dt.tz_localize(None)
        moments = np.asarray(native.to_numpy(), dtype=f"{letter}[{dtype.unit}]")
    counts = moments.astype(f"{letter}[{unit}]").view(np.int64)
    return np.where(missing, 0, counts)


def _to_iso(epochs: np.ndarray, dtype: Dtype) -> list[str]:
    """ISO 8601, to the day where the type or all of the column is whole days, in UTC with a Z where it has a zone."""
    moments = epochs.view(f"M8[{dtype.unit}]")
    unit = dtype.unit
    for coarser in ("D", "s"):
        if dtype.tz is None or coarser == "s":
            held = moments.astype(f"M8[{coarser}]")
            if (held.astype(moments.dtype) == moments).all():
                moments, unit = held, coarser
                break
    written = np.datetime_as_string(moments, unit=unit).tolist()  # type: ignore[call-overload]
    return written if dtype.tz is None else [text + "Z" for text in written]


def _from_iso(text: str | None, unit: str) -> int | None:
    try:
        moment = datetime.datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return int(np.datetime64(moment, "us").astype(f"M8[{unit}]").astype(np.int64))


# ---------------------------------------------------------------------- from objects to rows
def is_frame(source: Any) -> bool:
    """Whether something is a frame of pandas, polars or a kin of theirs, or a pandas Series."""
    module = type(source).__module__.split(".")[0]
    if module == "pandas":
        return hasattr(source, "columns") or (hasattr(source, "to_frame") and hasattr(source, "index"))
    return module in ("polars", "pyarrow", "modin", "cudf", "narwhals") and hasattr(type(source), "columns")


def rows_of(source: Any) -> tuple[Rows, list[str] | None] | None:
    """Rows of a frame, a list of dicts, a dict of columns or one dict, with a frame's own index as names, if any.

    Returns None for what is none of these.
    """
    if isinstance(source, Mapping):
        if not source or not all(isinstance(value, _SCALARS) for value in source.values()):
            columns = {str(name): value for name, value in source.items()}
            return _pandas_rows(_frame_of(columns, source)) if columns else None
        source = [source]
    if isinstance(source, list | tuple):
        if not source or not all(isinstance(row, Mapping) for row in source):
            return None
        return _pandas_rows(require("pandas", "tables", _PURPOSE).DataFrame([dict(row) for row in source]))
    if not is_frame(source):
        return None
    nw = require("narwhals", "tables", _PURPOSE)
    if hasattr(source, "collect_schema") and hasattr(source, "collect"):  # a lazy frame
        source = source.collect()
    if type(source).__module__.startswith("polars"):
        return Rows(nw.from_native(source, eager_only=True), source.columns, "polars"), None
    if not type(source).__module__.startswith("pandas"):
        source = nw.from_native(source, eager_only=True).to_pandas()
    if not hasattr(source, "columns"):  # a Series: one row where its index names columns, one column otherwise
        named = all(isinstance(label, str) for label in source.index)
        source = source.to_frame().T.infer_objects() if named else source.to_frame(source.name or "value")
    return _pandas_rows(source)


def _frame_of(columns: dict[str, Any], source: Any) -> Any:
    pandas = require("pandas", "tables", _PURPOSE)
    if any(isinstance(value, _SCALARS) for value in columns.values()):
        raise ValueError("a dict of columns holds both single values and lists. Give every column a list, or none.")
    lengths = {name: len(value) for name, value in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"a dict of columns has columns of different lengths: {lengths}. Give them one length.")
    return pandas.DataFrame(dict(source))


def _pandas_rows(frame: Any) -> tuple[Rows, list[str] | None]:
    nw = require("narwhals", "tables", _PURPOSE)
    if frame.columns.nlevels > 1:
        raise ValueError("a frame with several levels of column labels is not a plain table. Join the levels first.")
    labels = [label if type(label) in (str, int) else str(label) for label in frame.columns.tolist()]
    names = [str(label) for label in labels]
    if len(set(names)) != len(names):
        twice = sorted(name for name, times in Counter(names).items() if times > 1)
        raise ValueError(f"columns {twice} come more than once. Rename them, so that every column has its own name.")
    index = frame.index
    plain = type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1
    spelled = None if plain else [str(label) for label in index]
    own = spelled if spelled is not None and len(set(spelled)) == len(spelled) else None
    frame = frame.set_axis(names, axis=1).reset_index(drop=True)
    for name, dtype in frame.dtypes.items():
        if _ARROW_TIME.match(str(dtype)):  # Arrow's dates and times are read, and given back, as pandas' own
            zone = getattr(dtype.pyarrow_dtype, "tz", None)
            unit = getattr(dtype.pyarrow_dtype, "unit", "s")
            frame[name] = frame[name].astype(f"datetime64[{unit}, {zone}]" if zone else f"datetime64[{unit}]")
    return Rows(nw.from_native(frame, eager_only=True), labels, "pandas"), own


def names_of(rows: Rows, index: list[str] | None, ids: Any, origin: str) -> list[str]:
    """Names of rows: the user's list, the column the user names, a column called id, the frame's index, or 0, 1, 2.

    Raises
    ------
    ValueError
        If `ids` names no column, or a column with missing or repeated cells.
    """
    if isinstance(ids, str):
        if ids not in rows.columns:
            raise ValueError(f"ids={ids!r} is not a column of {origin}. Its columns: {', '.join(rows.columns[:20])}.")
        given = [None if value is None else str(value) for value in rows.cells(ids).plain()]
        if None in given:
            raise ValueError(f"ids={ids!r}: row {given.index(None)} of {origin} has no value there. Name every row.")
        return check_ids([name for name in given if name is not None], len(rows), origin)
    if ids is not None:
        return check_ids(ids, len(rows), origin)
    for column in rows.columns:
        if column.lower() == "id":
            values = rows.cells(column).plain()
            spelled = [str(value) for value in values]
            if None not in values and len(set(spelled)) == len(spelled) and "" not in spelled:
                return spelled
    return distinct(index) if index is not None else [str(position) for position in range(len(rows))]
