"""Which items a search may find: conditions on metadata columns, applied before the search and never after.

A `where` maps column names to conditions, all of which must hold:

| condition | keeps items whose value |
| --- | --- |
| `"cat"`, `3`, `True` | equals it |
| `None` | is missing (None or NaN) |
| `["a", "b"]`, `{"a", "b"}` | is one of these |
| `(low, high)` | lies between the two, both included; None leaves an end open |
| `{"contains": "text"}` | holds this text, in whatever case |
| `{"like": "cats/*.jpg"}` | matches this pattern: `*` any characters, `?` any one, in whatever case |
| `{"not": condition}` | does not fulfil the condition (a missing value then counts as fulfilling "not") |
| a function of one value | makes it return True; called once for equal values |

A condition is a function of one value, written once. A million values are spared a million calls: numbers are compared
as an array, and of values that repeat, such as labels, each is looked at once.
"""

import fnmatch
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from .columns import Column, is_missing, kind_of, plain

_WORDS = ("contains", "like", "not")


def mask_of(
    metadata: Mapping[str, list],
    n: int,
    where: Mapping[str, Any] | None,
    known: dict[str, Column] | None = None,
) -> np.ndarray:
    """Tells which of n items fulfil every condition of `where`.

    Parameters
    ----------
    metadata : dict of column name to list of n values
        Values are str, int, float, bool, or None where an item has none.
    n : int
    where : dict of column name to condition, or None
        See the table above. None or an empty dict keeps every item.
    known : dict of column name to Column, optional
        What was prepared of columns before, and is added to: the same dict makes the next call faster. A column is
        prepared anew when `metadata` holds another list, not when its list was changed in place.

    Returns
    -------
    bool array of shape (n,)

    Raises
    ------
    ValueError
        If there is no such column (the message lists those there are), or a condition can't be read.
    TypeError
        If a condition compares text with numbers, or a whole column with the wrong kind of value.

    Examples
    --------
    >>> mask_of({"label": ["cat", "dog", "cat"], "price": [5, 15, None]}, 3, {"label": "cat", "price": (None, 10)})
    array([ True, False, False])
    """
    mask = np.ones(n, bool)
    for column, condition in (where or {}).items():
        if column not in metadata:
            there = ", ".join(sorted(map(str, metadata))) or "none"
            raise ValueError(f"where names the column {column!r}, which is not there. Columns: {there}.")
        values = metadata[column]
        if len(values) != n:
            raise ValueError(f"column {column!r} has {len(values)} values for {n} items.")
        prepared = known.get(column) if known is not None else None
        if prepared is None or prepared.values is not values:
            prepared = Column(column, values)
            if known is not None:
                known[column] = prepared
        mask &= _mask(prepared, condition)
    return mask


def _mask(column: Column, condition: Any) -> np.ndarray:
    """Tells which values of a column fulfil a condition: bool (n,)."""
    if isinstance(condition, Mapping) and list(condition) == ["not"]:
        return ~_mask(column, condition["not"])
    fulfils = _test(column, condition)
    if isinstance(condition, Mapping):
        return column.where(fulfils, folded=True)
    if column.numbers is not None:
        compared = _compared(column.numbers, condition)
        if compared is not None:
            return compared
    return column.where(fulfils)


def _compared(numbers: np.ndarray, condition: Any) -> np.ndarray | None:
    """The same by comparing an array of numbers, NaN where one is missing; None where that can't be."""
    if callable(condition) or isinstance(condition, Mapping):
        return None
    if isinstance(condition, tuple):
        low, high = (plain(end) for end in condition)
        if not all(end is None or _is_exact(end) for end in (low, high)):
            return None
        inside = ~np.isnan(numbers)
        for end, holds in ((low, np.greater_equal), (high, np.less_equal)):
            if end is not None:
                inside &= holds(numbers, float(end))
        return inside
    several = isinstance(condition, Collection) and not isinstance(condition, str | bytes)
    wanted = [plain(each) for each in (condition if several else [condition])]
    there = [each for each in wanted if not is_missing(each)]
    if not all(_is_exact(each) for each in there):
        return None
    found = np.isin(numbers, np.array(there, np.float64)) if there else np.zeros(len(numbers), bool)
    return found | np.isnan(numbers) if len(there) < len(wanted) else found


def _is_exact(number: Any) -> bool:
    """Whether float64 holds it as it is."""
    return isinstance(number, float) or (isinstance(number, int) and abs(number) <= 2**53)


def _test(column: Column, condition: Any) -> Callable[[Any], bool]:
    """Returns the function of one value that a condition stands for; of one text in lower case for a dict."""
    if callable(condition):
        return condition
    if isinstance(condition, Mapping):
        return _word_test(column, condition)
    if isinstance(condition, tuple):
        return _range_test(column, condition)
    if isinstance(condition, Collection) and not isinstance(condition, str | bytes):
        wanted = [plain(each) for each in condition]
        for each in wanted:
            _check_kind(column, each)
        some = {(kind_of(each), each) for each in wanted if not is_missing(each)}
        missing = any(is_missing(each) for each in wanted)
        if column.only_text:
            texts = {each for each in wanted if isinstance(each, str)} | ({None} if missing else set())
            return texts.__contains__
        return lambda value: missing if is_missing(value) else (kind_of(value), plain(value)) in some
    wanted = plain(condition)
    if is_missing(wanted):
        return is_missing
    _check_kind(column, wanted)
    if column.only_text:
        return lambda value: value == wanted
    return lambda value: not is_missing(value) and kind_of(value) == kind_of(wanted) and plain(value) == wanted


def _word_test(column: Column, condition: Mapping) -> Callable[[Any], bool]:
    if len(condition) != 1 or next(iter(condition)) not in _WORDS:
        raise ValueError(
            f"where={{{column.name!r}: {dict(condition)!r}}} can't be read; a dict has one of these keys: "
            f"{', '.join(_WORDS)}."
        )
    word, wanted = next(iter(condition.items()))
    if not isinstance(wanted, str):
        raise TypeError(f"where={{{column.name!r}: {dict(condition)!r}}}: {word!r} takes text, not {wanted!r}.")
    _check_kind(column, wanted)
    if word == "contains":
        part = wanted.casefold()
        return lambda folded: isinstance(folded, str) and part in folded
    pattern = re.compile(fnmatch.translate(wanted.casefold()))
    return lambda folded: isinstance(folded, str) and pattern.match(folded) is not None


def _range_test(column: Column, condition: tuple) -> Callable[[Any], bool]:
    if len(condition) != 2:
        raise ValueError(
            f"where={{{column.name!r}: {condition!r}}}: a tuple is a range of two ends, (low, high). "
            f"For one of several values pass a list: {list(condition)!r}."
        )
    low, high = (plain(end) for end in condition)
    for end in (low, high):
        if end is not None and (is_missing(end) or isinstance(end, bool)):
            raise ValueError(f"where={{{column.name!r}: {condition!r}}}: {end!r} can't be the end of a range.")
        if end is not None:
            _check_kind(column, end)
    if low is not None and high is not None and kind_of(low) != kind_of(high):
        raise TypeError(
            f"where={{{column.name!r}: {condition!r}}} has ends of two kinds; pass two numbers or two texts."
        )
    kinds = {kind_of(end) for end in (low, high) if end is not None}

    def inside(value: Any) -> bool:
        if is_missing(value) or (kinds and kind_of(value) not in kinds):
            return False
        value = plain(value)
        return (low is None or low <= value) and (high is None or value <= high)

    return inside


def _check_kind(column: Column, wanted: Any) -> None:
    """Refuses a value of a kind that the whole column does not hold: such a search would find nothing, silently."""
    kinds = column.kinds
    if is_missing(wanted) or not kinds or kind_of(wanted) in kinds:
        return
    raise TypeError(
        f"where compares column {column.name!r} with {wanted!r}, which is {kind_of(wanted)}; the column holds "
        f"{' and '.join(sorted(kinds))}, such as {next(value for value in column.values if not is_missing(value))!r}."
    )
