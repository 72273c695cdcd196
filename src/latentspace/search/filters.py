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
| a function of one value | makes it return True |
"""

import fnmatch
import re
from collections.abc import Callable, Collection, Mapping
from numbers import Real
from typing import Any

import numpy as np

_WORDS = ("contains", "like", "not")


def mask_of(metadata: Mapping[str, list], n: int, where: Mapping[str, Any] | None) -> np.ndarray:
    """Tells which of n items fulfil every condition of `where`.

    Parameters
    ----------
    metadata : dict of column name to list of n values
        Values are str, int, float, bool, or None where an item has none.
    n : int
    where : dict of column name to condition, or None
        See the table above. None or an empty dict keeps every item.

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
        fulfils = _test(column, values, condition)
        mask &= np.fromiter((bool(fulfils(value)) for value in values), bool, n)
    return mask


def _test(column: str, values: list, condition: Any) -> Callable[[Any], bool]:
    """Returns the function of one value that a condition stands for."""
    if callable(condition):
        return condition
    if isinstance(condition, Mapping):
        return _word_test(column, values, condition)
    if isinstance(condition, tuple):
        return _range_test(column, values, condition)
    if isinstance(condition, Collection) and not isinstance(condition, str | bytes):
        wanted = [_plain(each) for each in condition]
        for each in wanted:
            _check_kind(column, values, each)
        some = {(_kind(each), each) for each in wanted if not _missing(each)}
        missing = any(_missing(each) for each in wanted)
        return lambda value: missing if _missing(value) else (_kind(value), _plain(value)) in some
    wanted = _plain(condition)
    if _missing(wanted):
        return _missing
    _check_kind(column, values, wanted)
    return lambda value: not _missing(value) and _kind(value) == _kind(wanted) and _plain(value) == wanted


def _word_test(column: str, values: list, condition: Mapping) -> Callable[[Any], bool]:
    if len(condition) != 1 or next(iter(condition)) not in _WORDS:
        raise ValueError(
            f"where={{{column!r}: {dict(condition)!r}}} can't be read; a dict has one of these keys: "
            f"{', '.join(_WORDS)}."
        )
    word, wanted = next(iter(condition.items()))
    if word == "not":
        inner = _test(column, values, wanted)
        return lambda value: not inner(value)
    if not isinstance(wanted, str):
        raise TypeError(f"where={{{column!r}: {dict(condition)!r}}}: {word!r} takes text, not {wanted!r}.")
    _check_kind(column, values, wanted)
    if word == "contains":
        folded = wanted.casefold()
        return lambda value: isinstance(value, str) and folded in value.casefold()
    pattern = re.compile(fnmatch.translate(wanted.casefold()))
    return lambda value: isinstance(value, str) and pattern.match(value.casefold()) is not None


def _range_test(column: str, values: list, condition: tuple) -> Callable[[Any], bool]:
    if len(condition) != 2:
        raise ValueError(
            f"where={{{column!r}: {condition!r}}}: a tuple is a range of two ends, (low, high). For one of several "
            f"values pass a list: {list(condition)!r}."
        )
    low, high = (_plain(end) for end in condition)
    for end in (low, high):
        if end is not None and (_missing(end) or isinstance(end, bool)):
            raise ValueError(f"where={{{column!r}: {condition!r}}}: {end!r} can't be the end of a range.")
        if end is not None:
            _check_kind(column, values, end)
    if low is not None and high is not None and _kind(low) != _kind(high):
        raise TypeError(f"where={{{column!r}: {condition!r}}} has ends of two kinds; pass two numbers or two texts.")
    kinds = {_kind(end) for end in (low, high) if end is not None}

    def inside(value: Any) -> bool:
        if _missing(value) or (kinds and _kind(value) not in kinds):
            return False
        value = _plain(value)
        return (low is None or low <= value) and (high is None or value <= high)

    return inside


def _check_kind(column: str, values: list, wanted: Any) -> None:
    """Refuses a value of a kind that the whole column does not hold: such a search would find nothing, silently."""
    kinds = {_kind(value) for value in values if not _missing(value)}
    if _missing(wanted) or not kinds or _kind(wanted) in kinds:
        return
    raise TypeError(
        f"where compares column {column!r} with {wanted!r}, which is {_kind(wanted)}; the column holds "
        f"{' and '.join(sorted(kinds))}, such as {next(value for value in values if not _missing(value))!r}."
    )


def _kind(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes or no"
    if isinstance(value, Real | np.number):
        return "a number"
    return "text" if isinstance(value, str) else type(value).__name__


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))
