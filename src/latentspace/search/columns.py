"""Metadata columns made ready for filters: numbers as arrays, and values that repeat, each only once."""

from collections.abc import Callable
from functools import cached_property
from itertools import count
from numbers import Real
from typing import Any

import numpy as np

_FEW = 2000  # values, up to which preparing saves nothing
_SAMPLE = 1000  # values that tell whether a column repeats itself
_REPEATS = 0.5  # share of different values in the sample, up to which it does


class Column:
    """One metadata column, and what its values have in common.

    Parameters
    ----------
    name : str
    values : list
        str, int, float, bool or None; not changed afterwards.
    """

    def __init__(self, name: str, values: list):
        self.name = name
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def _types(self) -> set[type]:
        return set(map(type, self.values))

    @cached_property
    def kinds(self) -> set[str]:
        """The kinds of values that are not missing: "text", "a number", "yes or no"."""
        if self.numbers is not None:
            return set() if np.isnan(self.numbers).all() else {"a number"}
        if any(issubclass(each, float | np.floating) for each in self._types):
            return {kind_of(value) for value in self.values if not is_missing(value)}  # a float may be NaN: missing
        return {kind_of_type(each) for each in self._types if each is not type(None)}

    @cached_property
    def numbers(self) -> np.ndarray | None:
        """The column as float64 (n,), NaN where missing; None where it holds anything else, or is too long for that."""
        types = self._types - {type(None)}
        if not types or not all(kind_of_type(each) == "a number" and _is_float_or_int(each) for each in types):
            return None
        try:
            numbers = np.array(self.values, np.float64)
        except OverflowError:
            return None
        whole = any(not issubclass(each, float | np.floating) for each in types)
        # From 2**53 on two integers may be one float64, and are compared one by one.
        return None if whole and len(numbers) and np.nanmax(np.abs(numbers), initial=0.0) >= 2**53 else numbers

    @cached_property
    def _distinct(self) -> tuple[list, np.ndarray, np.ndarray] | None:
        """Different values, where each is first, and for every value where its like is first; None if few repeat."""
        if len(self.values) < _FEW:
            return None
        mixed = len(self._types - {type(None)}) > 1  # True, 1 and 1.0 are equal, and not alike
        try:
            some = self.values[:: max(1, len(self.values) // _SAMPLE)]
            if len(set(some)) > _REPEATS * len(some):
                return None
            first: dict[Any, int] = {}
            keys = zip(map(type, self.values), self.values, strict=True) if mixed else self.values
            places = np.fromiter(map(first.setdefault, keys, count()), np.int64, len(self.values))
        except TypeError:  # a value that can't be hashed
            return None
        firsts = np.fromiter(first.values(), np.int64, len(first))
        return [self.values[at] for at in firsts], firsts, places

    def where(self, fulfils: Callable[[Any], Any], folded: bool = False) -> np.ndarray:
        """Returns for which values, or texts in lower case, `fulfils` is true: bool (n,)."""
        distinct = self._distinct
        if distinct is None:
            values = self._folded if folded else self.values
            return np.fromiter((bool(fulfils(value)) for value in values), bool, len(values))
        different, firsts, places = distinct
        fulfilled = np.zeros(len(self.values), bool)
        fulfilled[firsts] = [bool(fulfils(value)) for value in (_fold(different) if folded else different)]
        return fulfilled[places]

    @cached_property
    def _folded(self) -> list[str | None]:
        return _fold(self.values)

    @cached_property
    def only_text(self) -> bool:
        """Whether it holds texts or None and nothing else."""
        return self._types <= {str, type(None)}


def _fold(values: list) -> list[str | None]:
    """Texts without regard to case (`str.casefold`), None for all else."""
    return [value.casefold() if isinstance(value, str) else None for value in values]


def _is_float_or_int(kind: type) -> bool:
    return issubclass(kind, int | float | np.integer | np.floating)


def kind_of_type(kind: type) -> str:
    """What values of a type are called in messages."""
    if issubclass(kind, bool | np.bool_):
        return "yes or no"
    if issubclass(kind, Real | np.number):
        return "a number"
    return "text" if issubclass(kind, str) else kind.__name__


def kind_of(value: Any) -> str:
    """What a value is called in messages; two values of different kinds are never equal."""
    return kind_of_type(type(value))


def plain(value: Any) -> Any:
    """A numpy scalar as the Python value that it holds."""
    return value.item() if isinstance(value, np.generic) else value


def is_missing(value: Any) -> bool:
    """Whether a value is None or NaN."""
    return value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))
