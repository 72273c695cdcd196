"""Tables as rows of whole numbers, and back, with their columns' order and types."""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..codec.table_plan import HOLE
from ..errors import CorruptFileError, UnsupportedError
from ..items.dtypes import Dtype, build
from ..items.frames import Rows, rows_of
from ..items.protocol import Gathered, OnError, refuse_skipped
from .forms import Coded, Distortion, Form
from .frame_columns import Treatment, cells_of, spelled, treated, whole, widened

_LARGEST_FACTS = 2**26  # bytes
_ABSENT = b"\0"  # the text of a missing cell; a text that begins so has one more


class Frames(Form):
    """int64 (columns + bytes,): a row's cells as whole numbers, then its texts as UTF-8, one after the other.

    Arrays (n, d) of numbers are tables of d columns as well. How each column is read is settled on all rows that are
    compressed, or, in a space whose coder was kept, on the space's own and widened to what comes.

    Parameters
    ----------
    space : LatentSpace or None
    facts : mapping, optional
        What `facts` gave.
    """

    unit = "value"

    def __init__(self, space: Any, facts: Mapping[str, Any] | None = None):
        super().__init__(space, facts)
        self.columns: list[Treatment] = []
        self.backend, self.array = "pandas", ""
        self.max_error: Any = None
        if facts:
            self._read_facts(facts)

    # ------------------------------------------------------------------ what is known of all rows
    def look(self, gathered: Gathered, kept: Mapping[str, Any] | None = None) -> None:
        """Settles how each column is read, from all rows."""
        rows = self.rows(gathered)
        if kept:
            self._read_facts(kept)
            self._widen(rows, gathered.origin)
            return
        errors = self._errors(rows)
        self.columns = [
            treated(label, name, rows.cells(name), errors.get(name))
            for label, name in zip(rows.labels, rows.columns, strict=True)
        ]
        self.backend = rows.backend

    def _widen(self, rows: Rows, origin: str) -> None:
        there = {str(column.label) for column in self.columns}
        missing = sorted(there - set(rows.columns))
        more = sorted(set(rows.columns) - there)
        if missing or more:
            what = f"lacks column {missing[0]!r}" if missing else f"has a column {more[0]!r} more"
            raise ValueError(
                f"{origin} {what}, where this space's coder knows {', '.join(sorted(there)[:10])}. Give it "
                "these columns, or compress without the space."
            )
        self.columns = [widened(column, str(column.label), rows.cells(str(column.label))) for column in self.columns]

    def _errors(self, rows: Rows) -> dict[str, float]:
        asked = self.max_error
        if asked is None:
            return {}
        numbers = [name for name in rows.columns if rows.kind(name) == "number"]
        if isinstance(asked, Mapping):
            unknown = sorted(set(map(str, asked)) - set(rows.columns))
            if unknown:
                raise ValueError(
                    f"max_error names {unknown[0]!r}, which is no column; there are {', '.join(rows.columns[:20])}."
                )
            errors = {str(name): float(value) for name, value in asked.items()}
        elif np.ndim(asked) == 0:
            errors = dict.fromkeys(numbers, float(asked))
        elif np.shape(asked) == (len(rows.columns),):
            errors = dict(zip(rows.columns, map(float, asked), strict=True))
        else:
            raise ValueError(f"max_error has the shape {np.shape(asked)}; give one number, or one a column.")
        wrong = next((name for name, value in errors.items() if not 0 < value < float("inf")), None)
        if wrong is not None:
            raise ValueError(f"max_error of {wrong!r} is {errors[wrong]!r}: it must be above 0 and finite.")
        return errors

    def rows(self, gathered: Gathered) -> Rows:
        if isinstance(gathered.raw, Rows):
            return gathered.raw
        values = np.asarray(gathered.raw)
        if values.ndim != 2 or values.dtype.kind not in "buif":
            raise UnsupportedError(
                f"{gathered.origin} has the shape {values.shape} and type {values.dtype}: it takes rows of "
                "numbers (n, columns)."
            )
        self.array = values.dtype.name
        found = rows_of({f"{place}": values[:, place] for place in range(values.shape[1])})
        assert found is not None
        return found[0]

    def facts(self) -> dict[str, Any]:
        columns = [column.facts() for column in self.columns]
        if self.array and all({**one, "label": 0} == {**columns[0], "label": 0} for one in columns):
            columns = [{**columns[0], "times": len(columns)}]  # all columns of an array are mostly of one sort
        words = json.dumps({"backend": self.backend, "array": self.array, "columns": columns}, ensure_ascii=True)
        return {"table": base64.b85encode(zlib.compress(words.encode(), 9)).decode()}

    def _read_facts(self, facts: Mapping[str, Any]) -> None:
        unpacker = zlib.decompressobj()
        try:
            words = unpacker.decompress(base64.b85decode(facts["table"]), _LARGEST_FACTS)
            plain = json.loads(words)
        except (zlib.error, ValueError, RecursionError) as error:
            raise ValueError(f"its columns cannot be read ({error})") from None
        self.backend, self.array = plain["backend"], plain["array"]
        if self.backend not in ("pandas", "polars") or not isinstance(self.array, str):
            raise ValueError(f"backend {str(self.backend)[:20]!r}")
        if self.array and np.dtype(self.array).kind not in "buif":
            raise ValueError(f"an array of {self.array}")
        told = plain["columns"]
        if len(told) == 1 and type(told[0].get("times")) is int and 0 <= told[0]["times"] <= 2**20:
            told = [{**told[0], "label": str(place)} for place in range(told[0]["times"])]
        self.columns = [Treatment.from_facts(one) for one in told]

    def bound(self, max_error: Any) -> None:
        self.max_error = max_error

    def options(self) -> dict[str, Any]:
        texts = [place for place, column in enumerate(self.columns) if column.how == "text"]
        return {"columns": len(self.columns), "texts": texts, "form": self.facts()}

    # ------------------------------------------------------------------ to whole numbers
    def blocks(self, gathered: Gathered, on_error: OnError, size: int) -> Iterator[Coded]:
        refuse_skipped(gathered, on_error)
        rows = self.rows(gathered)
        if not self.columns and len(rows.columns):
            self.look(gathered)
        first = list(gathered.skipped)
        for start in range(0, len(gathered), size):
            part = rows.between(start, min(start + size, len(gathered)))
            values = np.stack([whole(c, str(c.label), part.cells(str(c.label))) for c in self.columns], axis=1)
            arrays: Any = values
            raw = values.size * 8
            texts = [self._texts(part, column) for column in self.columns if column.how == "text"]
            if texts:
                tails = [b"".join(row) for row in zip(*texts, strict=True)]
                raw += sum(map(len, tails))
                arrays = [
                    np.concatenate([row, np.frombuffer(tail, np.uint8).astype(np.int64)])
                    for row, tail in zip(values, tails, strict=True)
                ]
            yield Coded(gathered.ids[start : start + len(part)], arrays, {}, first, raw)
            first = []

    def _texts(self, rows: Rows, column: Treatment) -> list[bytes]:
        return [b"" if v is None else spelled(v) for v in rows.cells(str(column.label)).values()]

    # ------------------------------------------------------------------ and back
    def back(self, arrays: Sequence[np.ndarray], metadata: Mapping[str, list]) -> Any:
        c = len(self.columns)
        values = np.stack([array[:c] for array in arrays]) if len(arrays) else np.empty((0, c), np.int64)
        texts = self._split([array[c:] for array in arrays], values)
        columns = []
        for place, one in enumerate(self.columns):
            columns.append((one.label, one.dtype, *cells_of(one, values[:, place], texts.get(place))))
        if self.array:
            stacked = np.stack([_exact(c[2], c[1], c[3]) for c in columns], axis=1) if columns else np.empty((0, 0))
            return stacked.astype(self.array)
        frame = build(columns, len(values), self.backend)
        return self._exactly(frame, columns)

    def _split(self, tails: Sequence[np.ndarray], values: np.ndarray) -> dict[int, list[bytes]]:
        places = [place for place, one in enumerate(self.columns) if one.how == "text"]
        lengths = np.where(values[:, places] == HOLE, 0, values[:, places])
        found: dict[int, list[bytes]] = {place: [] for place in places}
        for tail, own in zip(tails, lengths.tolist(), strict=True):
            data = (tail.astype(np.int64) & 255).astype(np.uint8).tobytes()
            if sum(own) != len(data) or min(own, default=0) < 0:
                raise CorruptFileError(f"a row's texts of {own} bytes are not in {len(data):,}.")
            at = 0
            for place, length in zip(places, own, strict=True):
                found[place].append(data[at : at + length])
                at += length
        return found

    def _exactly(self, frame: Any, columns: list[tuple[Any, Dtype, Any, np.ndarray]]) -> Any:
        """Numbers of numpy's own types as they are: what makes frames elsewhere keeps infinities out."""
        for one, (label, dtype, values, hole) in zip(self.columns, columns, strict=True):
            if one.is_nan and hole.any() and self.backend == "pandas":
                frame[label] = frame[label].where(~hole, np.nan)
            if dtype.kind != "number" or dtype.name.endswith("[pyarrow]"):
                continue
            if self.backend == "polars" and dtype.name in ("Float32", "Float64"):
                import polars as pl

                exact = pl.Series(str(label), np.asarray(values, dtype.name.lower()))
                frame = frame.with_columns(
                    pl.Series(str(label), [None if h else v for v, h in zip(exact, hole, strict=True)], exact.dtype)
                )
            elif self.backend == "pandas" and dtype.name in ("float16", "float32", "float64"):
                frame[label] = _exact(values, dtype, hole)
        return frame

    def units(self, shapes: Sequence[tuple[int, ...]]) -> int:
        return len(shapes) * len(self.columns)

    def distortion(self, coded: Coded, decoded: Sequence[np.ndarray]) -> Distortion:
        return Distortion(0.0, 1, 1.0)


def _exact(values: Any, dtype: Dtype, hole: np.ndarray) -> np.ndarray:
    array = np.asarray(values)
    if dtype.name.startswith("float"):
        array = array.astype(dtype.name)
        array[hole] = np.nan
    elif dtype.kind == "number" and dtype.name.lower() == dtype.name:
        array = array.astype(dtype.name)
    elif dtype.kind == "boolean":
        array = array.astype(bool)
    return array
