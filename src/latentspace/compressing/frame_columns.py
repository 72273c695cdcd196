"""One column of a table as whole numbers, and back to the bit; how it is read is plain data in a container's header."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..codec.table_plan import HOLE
from ..errors import UnsupportedError
from ..items.dtypes import Dtype
from ..items.frames import Cells

_DIGITS = 12  # behind the point, at most
_EXACT = 2.0**53
_FEW = 4096  # different words that are listed; more are spelled out
_HOWS = ("whole", "decimal", "bits", "words", "text", "truth", "moment", "empty", "step")


@dataclass
class Treatment:
    """How a column becomes whole numbers.

    Attributes
    ----------
    label : str or int
    dtype : Dtype
    how : str
        "whole"; "decimal", times 10^digits; "bits" of a float; "words", places in `words`; "text", spelled; "truth";
        "moment", counts of its unit; "empty"; "step", in multiples of `step`.
    is_nan : bool
        Whether missing cells of Python objects are NaN, not None.
    """

    label: str | int
    dtype: Dtype
    how: str
    digits: int = 0
    step: float = 1.0
    words: list = field(default_factory=list)
    is_nan: bool = False

    def facts(self) -> dict[str, Any]:
        """As JSON; what has its default is left out."""
        facts: dict[str, Any] = {"label": self.label, "dtype": self.dtype.facts(), "how": self.how}
        if self.how == "decimal":
            facts["digits"] = self.digits
        if self.how == "step":
            facts["step"] = self.step
        if self.is_nan:
            facts["nan"] = True
        if self.how == "words":
            facts["words"] = self.words
        return facts

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Treatment":
        """What `facts` gave. Raises ValueError, KeyError or TypeError for what no column would have given."""
        digits, step, words = facts.get("digits", 0), facts.get("step", 1.0), facts.get("words", [])
        if facts["how"] not in _HOWS or type(digits) is not int or not 0 <= digits <= _DIGITS:
            raise ValueError(f"a column that is read as {str(facts['how'])[:20]!r}")
        if not isinstance(step, float) or not 0 < step < 1e300 or not isinstance(words, list):
            raise ValueError("a column's step or words")
        if not isinstance(facts["label"], str | int):
            raise ValueError("a column's label")
        if not all(isinstance(word, str | int | float | bool) for word in words):
            raise ValueError("words that are none")
        is_nan = facts.get("nan") is True
        return cls(facts["label"], Dtype.from_facts(facts["dtype"]), facts["how"], digits, step, words, is_nan)


# ---------------------------------------------------------------------- choosing
def treated(label: str | int, name: str, cells: Cells, largest_error: float | None = None) -> Treatment:
    """How a column shall be read.

    Raises
    ------
    UnsupportedError
        If it holds what is neither number, word, truth nor time.
    ValueError
        If it shall have an error and is no number.
    """
    dtype = cells.dtype
    one = Treatment(label, dtype, "whole", is_nan=_has_nan(cells))
    if largest_error is not None:
        if dtype.kind != "number":
            raise ValueError(f"max_error: column {name!r} holds {dtype.kind}s, which have no error. Leave it out.")
        step = _step_of(cells, largest_error)
        if step is not None:
            return replace(one, how="step", step=step)
    if dtype.kind == "other" or (dtype.name == "object" and dtype.kind == "number"):
        raise UnsupportedError(
            f"column {name!r} holds Python objects that are not all words, truths or days, which cannot be given back "
            "as they are. Convert it to numbers or words, or leave it out."
        )
    if dtype.kind == "number" and not dtype.whole:
        digits = _digits_of(_floats(cells), holes(cells))
        return replace(one, how="bits") if digits is None else replace(one, how="decimal", digits=digits)
    if dtype.kind in ("words", "category"):
        if dtype.kind == "category" and dtype.categories:
            return replace(one, how="words", words=list(dtype.categories))
        values = [value for value in cells.values() if value is not None]
        found = list(dict.fromkeys(values))
        few = len(found) <= _FEW and 2 * len(found) <= len(values)
        return replace(one, how="words", words=found) if few else replace(one, how="text")
    hows = {"boolean": "truth", "moment": "moment", "duration": "moment", "empty": "empty", "number": "whole"}
    return replace(one, how=hows[dtype.kind])


def _step_of(cells: Cells, bound: float) -> float | None:
    """The widest step whose multiples, as the column's own type has them, are within a bound; None if none are."""
    if cells.dtype.whole:
        return 2.0 * int(bound) + 1 if bound >= 1 else None
    floats = np.abs(_floats(cells)[~holes(cells)])
    top = floats.max(initial=0)
    if not np.isfinite(top) or float(top) / bound >= 2.0**60:
        return None
    room = bound - 2 * float(np.spacing(top))  # what rounding adds
    return 2 * room if room > 0 else None


def _has_nan(cells: Cells) -> bool:
    if cells.dtype.name != "object" or not cells.missing.any():
        return False
    return isinstance(cells._native.iloc[int(np.argmax(cells.missing))], float)


def widened(kept: Treatment, name: str, cells: Cells) -> Treatment:
    """A treatment that was learned on other rows, made wide enough for these."""
    if kept.how == "words":
        known = set(kept.words)
        new = [value for value in dict.fromkeys(cells.values()) if value is not None and value not in known]
        return replace(kept, words=[*kept.words, *new])
    now = treated(kept.label, name, cells) if kept.how in ("decimal", "whole") else kept
    if kept.how == "decimal" and (now.how != "decimal" or now.digits > kept.digits):
        floats, hole = _floats(cells), holes(cells)
        return kept if _fits(floats[~hole], kept.digits) else replace(kept, how="bits")
    return kept


def _digits_of(floats: np.ndarray, hole: np.ndarray) -> int | None:
    """The fewest digits behind the point that give every number back to the bit; None where none do."""
    there = floats[~hole]
    for digits in range(_DIGITS + 1):
        few = there[:: max(1, len(there) // 1000)]
        if _fits(few, digits) and _fits(there, digits):
            return digits
    return None


def _fits(floats: np.ndarray, digits: int) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.rint(floats.astype(np.float64) * 10.0**digits)
        if not (np.abs(scaled) < _EXACT).all():
            return False
        back = (scaled / 10.0**digits).astype(floats.dtype)
    return bool((_bits_of(back) == _bits_of(floats)).all())


def _bits_of(floats: np.ndarray) -> np.ndarray:
    return floats.view(f"i{floats.dtype.itemsize}")


# ---------------------------------------------------------------------- to whole numbers
def whole(one: Treatment, name: str, cells: Cells) -> np.ndarray:
    """A column's cells as int64, HOLE where they are missing; of texts, how many bytes they have."""
    hole = holes(cells)
    values = _whole(one, cells, hole)
    if (values[~hole] == HOLE).any():
        raise UnsupportedError(f"column {name!r} holds {HOLE}, which stands for a missing cell here. Change its type.")
    return np.where(hole, HOLE, values)


def holes(cells: Cells) -> np.ndarray:
    """Where a cell is missing; NaN of polars is a number, of pandas it is none."""
    native: Any = cells._native
    if type(native).__module__.startswith("polars"):
        return native.is_null().to_numpy().astype(bool)
    return cells.missing


def _floats(cells: Cells) -> np.ndarray:
    bits = cells.dtype.name.lower().removesuffix("[pyarrow]")
    dtype = {"float16": np.float16, "float32": np.float32, "float": np.float32}.get(bits, np.float64)
    with np.errstate(over="ignore"):
        return cells.numbers().astype(dtype)


def _whole(one: Treatment, cells: Cells, hole: np.ndarray) -> np.ndarray:
    how = one.how
    if how == "whole":
        found = cells.whole_numbers()
        if found is None:  # unsigned numbers above 2^63, as the bits they have
            return np.array([0 if v is None else int(v) for v in cells.values()], np.uint64).view(np.int64)
        return found
    if how == "decimal":
        floats = np.where(hole, 0, _floats(cells)).astype(np.float64)
        return np.rint(floats * 10.0**one.digits).astype(np.int64)
    if how == "bits":
        raw = _bits_of(_floats(cells)).astype(np.int64)
        most = np.int64(np.iinfo(f"i{_floats(cells).dtype.itemsize}").max)
        return np.where(raw < 0, most - (raw & most) - most - 1, raw)  # in the order of the numbers
    if how == "step":
        return _stepped(one, cells, hole)
    if how == "truth":
        return np.array([0 if value is None else int(value) for value in cells.values()], np.int64)
    if how == "moment":
        return cells.epochs(one.dtype.unit)[0]
    if how == "words":
        places = {word: place for place, word in enumerate(one.words)}
        return np.array([0 if value is None else places[value] for value in cells.values()], np.int64)
    if how == "text":
        return np.array([0 if v is None else len(spelled(v)) for v in cells.values()], np.int64)
    return np.zeros(len(hole), np.int64)


def _stepped(one: Treatment, cells: Cells, hole: np.ndarray) -> np.ndarray:
    floats = np.where(hole, 0, cells.numbers())
    return np.rint(floats / one.step).astype(np.int64)


def spelled(text: str) -> bytes:
    """A text's bytes; lone surrogates survive."""
    return text.encode("utf-8", "surrogatepass")


# ---------------------------------------------------------------------- and back
def cells_of(one: Treatment, values: np.ndarray, texts: Sequence[bytes] | None) -> tuple[Any, np.ndarray]:
    """What `items.dtypes.build` takes: values and where they are missing."""
    hole = values == HOLE
    filled = np.where(hole, 0, values)
    if one.how == "decimal":
        return filled / 10.0**one.digits, hole
    if one.how == "step":
        return filled * one.step, hole
    if one.how == "bits":
        return _from_bits(filled, one.dtype.name), hole
    if one.how == "words":
        count = len(one.words)
        return [
            None if gone or not 0 <= v < count else one.words[v] for v, gone in zip(filled, hole, strict=True)
        ], hole
    if one.how == "text":
        assert texts is not None
        return [None if gone else t.decode("utf-8", "surrogatepass") for t, gone in zip(texts, hole, strict=True)], hole
    if one.how == "truth":
        return filled.astype(np.float64), hole
    if one.how == "empty":
        return [None] * len(filled), np.ones(len(filled), bool)
    if one.dtype.whole and one.dtype.name.lower().startswith("u"):
        return filled.view(np.uint64), hole
    return filled, hole


def _from_bits(values: np.ndarray, name: str) -> np.ndarray:
    width = {"float16": 2, "float32": 4, "float[pyarrow]": 4}.get(name.lower(), 8)
    most = np.int64(np.iinfo(f"i{width}").max)
    raw = np.where(values < 0, most - (values + most + 1) - most - 1, values)
    return raw.astype(f"i{width}").view(f"f{width}")
