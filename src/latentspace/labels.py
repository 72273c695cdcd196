"""Which metadata columns of numbers are labels, and which are measures: one rule for maps, pages and reports."""

from collections.abc import Iterable, Sequence
from typing import Any

MOST = 12  # different whole numbers, up to which each is a label: no palette tells more apart


def are_numbers(values: Iterable[Any]) -> bool:
    """Whether all values are numbers, true and false being none."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def are_labels(numbers: Sequence[float]) -> bool:
    """Whether numbers, at least one, are so few and whole that each is a category: at most 12 different.

    Examples
    --------
    >>> are_labels([3, 8, 8, 3]), are_labels([0.5, 1.0]), are_labels(range(13))
    (True, False, False)
    """
    kinds = set(numbers)
    return len(kinds) <= MOST and all(float(number).is_integer() for number in kinds)
