"""What each column of a table becomes: a number, a moment, a category, prose, a constant, or no feature, and why."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .columns import Category, Constant, LeftOut, Number
from .dtypes import Dtype
from .frames import PER_SECOND, Cells
from .moments import Moment
from .prose import Prose

Feature = Number | Moment | Category | Prose
Column = Feature | Constant | LeftOut

KINDS: dict[str, type] = {
    "number": Number, "moment": Moment, "category": Category, "prose": Prose, "constant": Constant, "left out": LeftOut,
}  # fmt: skip
_LONG = 60  # characters of half of the cells: longer words are text, however few they are
_MANY = 8  # words of half of the cells, from which it is text
_FEW = 20  # different words that are categories even where every row has its own
_ID = re.compile(r"(id|.*[_ ]id|index|uuid|guid|key|rownames|row|unnamed: ?\d+)", re.I)


def why_left_out(name: str, cells: Cells) -> str | None:
    """Why a column is no feature, by the rules; None where it can be one."""
    kind = cells.dtype.kind
    if kind not in ("words", "category", "number"):
        return None
    n = len(cells.missing) - int(cells.missing.sum())
    whole = kind == "number" and cells.whole_numbers() is not None
    named_so = _ID.fullmatch(name) and n > 1 and (whole or kind == "words") and not cells.missing.any()
    if named_so and len(set(cells.values())) == n:
        return "an identifier: no value comes twice"
    if kind == "number":
        return None
    words = _different(cells)
    if len(words) <= _FEW:
        return "long text" if is_prose(words) else None
    return f"{len(words):,} different words in {n:,} rows" if len(words) > n / 2 and not is_prose(words) else None


def is_prose(words: Sequence[Any]) -> bool:
    """Whether the different cells of a column are texts rather than names."""
    if not words:
        return False
    spelled = [str(word) for word in words]
    long = float(np.median([len(text) for text in spelled])) > _LONG  # one giant cell must not make texts of names
    return long or float(np.median([text.count(" ") + 1 for text in spelled])) >= _MANY


def learned(name: str, cells: Cells, reason: str | None, levels: int) -> Column:
    """What a column becomes; `reason` says why it is no feature, None where it may be one."""
    if reason is not None:
        return LeftOut(name, cells.dtype, reason)
    if cells.missing.all():
        return Constant(name, cells.dtype, None)
    if cells.all_equal():
        return Constant(name, cells.dtype, cells.plain()[0])
    return varying(name, cells, levels)


def varying(name: str, cells: Cells, levels: int) -> Column:
    """The features of a column in which something varies."""
    kind = cells.dtype.kind
    if kind == "moment":
        return Moment.learn(name, cells)
    if kind not in ("words", "category"):
        return Number.learn(name, cells)
    words = _different(cells)
    if kind == "words" and len(words) > _FEW and is_prose(words):
        made = Prose.learn(name, cells)
        return made if made is not None else LeftOut(name, cells.dtype, "texts that share no word")
    return Category.learn(name, cells, levels)


def _different(cells: Cells) -> list:
    return list({value for value in cells.values() if value is not None})


def column_from(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Column:
    """Rebuilds a column from its facts and arrays in a file. Raises ValueError for what no column would have given."""
    name, dtype, role = facts["name"], Dtype.from_facts(facts["dtype"]), facts["role"]
    if not isinstance(name, str):
        raise ValueError(f"column name {name!r}")
    if role == "prose":
        return Prose.from_facts(name, dtype, facts, arrays)
    if arrays:
        raise ValueError(f"column {name!r}: arrays {sorted(arrays)}, where none belong")
    if role in ("number", "moment", "category"):
        return KINDS[role].from_facts(name, dtype, facts)  # type: ignore[attr-defined]
    if role == "constant":
        if not isinstance(facts["value"], str | int | float | bool | None):
            raise ValueError(f"column {name!r}: constant {facts['value']!r}")
        from_plain([facts["value"]], dtype)
        return Constant(name, dtype, facts["value"])
    if role == "left out":
        return LeftOut(name, dtype, str(facts["reason"])[:200])
    raise ValueError(f"column {name!r}: role {role!r}")


def from_plain(values: Sequence, dtype: Dtype) -> tuple[Any, np.ndarray]:
    """Cells as metadata has them to what `build` takes."""
    missing = np.array([value is None for value in values], dtype=bool)
    if dtype.whole:
        counts = [0 if value is None else int(value) for value in values]
        wide = max(counts, default=0) >= 2**63
        return np.array(counts, dtype=np.uint64 if wide else np.int64), missing
    if dtype.kind in ("number", "boolean"):
        return np.array([np.nan if value is None else float(value) for value in values]), missing
    if dtype.kind == "moment":
        moments = ["1970-01-01" if value is None else value.removesuffix("Z") for value in values]
        return np.array(moments, dtype=f"M8[{dtype.unit}]").view(np.int64), missing
    if dtype.kind == "duration":
        per = PER_SECOND[dtype.unit]
        return np.array([0 if v is None else round(v * per) for v in values], dtype=np.int64), missing
    return list(values), missing
