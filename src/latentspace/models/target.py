"""What task-aware models read from y: classes or numbers, of which some may be missing."""

import math
import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import DataConversionWarning


class Classes(NamedTuple):
    """Labels as numbers."""

    codes: np.ndarray  # int64 (n,), positions in `names`, -1 where the label is missing
    names: list[Any]  # sorted; strings, numbers or booleans


def classes(y: Any, n: int, model: str) -> Classes:
    """Reads class labels.

    Parameters
    ----------
    y : sequence of length n
        Strings, whole numbers or booleans; None, NaN or a frame's NA where a label is missing.
    n : int
        Items that there are.
    model : str
        Who asks, for messages.

    Raises
    ------
    ValueError
        If y is None, has another length, holds fractions, or fewer than two classes.

    Examples
    --------
    >>> classes(["b", None, "a"], 3, "LDA")
    Classes(codes=array([ 1, -1,  0]), names=['a', 'b'])
    """
    values = _values(y, n, model)
    for row, value in enumerate(values):
        if isinstance(value, float) and not value.is_integer():
            raise ValueError(
                f"{model} needs classes as its target, but y[{row}] is {value!r}. Bin such numbers, or use model='pls'."
            )
    return _coded(values, model)


def classes_or_numbers(y: Any, n: int, model: str, task: str) -> Classes | np.ndarray:
    """Reads a target as classes, or as numbers to regress on.

    Parameters
    ----------
    y : sequence of length n, or of shape (n, m) for several numbers an item
    n, model
        As for `classes`.
    task : {"auto", "numbers", "classes"}
        "auto" takes strings and booleans for classes, and whole numbers too where there are at most 20 different ones
        of which each stands, on average, on 5 items or more.

    Returns
    -------
    Classes, or float64 array of shape (n, m)
        NaN in the rows whose numbers are missing.
    """
    if task not in ("auto", "numbers", "classes"):
        raise ValueError(f"task={task!r} is not known. Known tasks: auto, numbers, classes.")
    if getattr(y, "ndim", 1) == 2 and y.shape[1] > 1:
        columns = np.asarray(y, dtype=np.float64)
        if len(columns) != n:
            raise ValueError(f"y has {len(columns)} rows, but X has {n}: give one an item.")
        return _finite(columns, model)
    values = _values(y, n, model)
    present = [value for value in values if value is not None]
    if task == "classes" or (task == "auto" and _look_like_classes(present)):
        return _coded(values, model)
    try:
        column = np.array([math.nan if value is None else float(value) for value in values])
    except ValueError as error:
        raise ValueError(f"{model}(task='numbers') got a target that is no number: {error}.") from None
    return _finite(column[:, None], model)


def indicators_or_numbers(y: Any, n: int, model: str, task: str) -> tuple[np.ndarray, list[Any] | None]:
    """Reads a target as numbers to regress on: one column of 0 and 1 a class, or the numbers themselves.

    Returns
    -------
    float64 array of shape (n, m), list or None
        NaN in the rows whose target is missing; and the classes' names, None for numbers.
    """
    read = classes_or_numbers(y, n, model, task)
    if not isinstance(read, Classes):
        return read, None
    table = (read.codes[:, None] == np.arange(len(read.names))).astype(np.float64)
    table[read.codes < 0] = np.nan
    return table, read.names


def _values(y: Any, n: int, model: str) -> list[Any]:
    if y is None:
        raise ValueError(
            f"{model} requires y to be passed, but the target y is None: it needs target=, one value an item, "
            "None where it is missing."
        )
    array = np.asarray(y, dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Pass y.ravel().",
            DataConversionWarning,
            stacklevel=7,
        )
        array = array.ravel()
    if array.ndim != 1:
        raise ValueError(f"y should be a 1d array, got shape {array.shape}: {model} takes one label an item.")
    if len(array) != n:
        raise ValueError(f"y has {len(array)} values, but X has {n} rows: give one an item, None where it is missing.")
    return [_plain(value) for value in array.tolist()]


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isinf(value):
            raise ValueError(f"y holds {value}; a target must be finite, or None where it is missing.")
        return None if math.isnan(value) else value
    return None if str(value) in ("NaT", "<NA>") else str(value)


def _look_like_classes(present: list[Any]) -> bool:
    if any(isinstance(value, str | bool) for value in present):
        return True
    different = set(present)
    return all(float(value).is_integer() for value in different) and len(different) <= min(20, len(present) / 5)


def _coded(values: list[Any], model: str) -> Classes:
    # A class is a value with its kind: True is not 1, though Python says they are equal.
    different = {(isinstance(value, str), isinstance(value, bool), value) for value in values if value is not None}
    keys = sorted(different)
    if len(keys) < 2:
        found = f"1 class, {keys[0][-1]!r}" if keys else "no label at all"
        raise ValueError(f"{model} needs a target of at least 2 classes; y holds {found}.")
    place = {key: position for position, key in enumerate(keys)}
    codes = [-1 if v is None else place[(isinstance(v, str), isinstance(v, bool), v)] for v in values]
    return Classes(np.array(codes, dtype=np.int64), [key[-1] for key in keys])


def _finite(table: np.ndarray, model: str) -> np.ndarray:
    if np.isinf(table).any():
        raise ValueError(f"{model} got an infinite target in row {np.isinf(table).any(axis=1).argmax()}.")
    return table
