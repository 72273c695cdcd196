"""A part by its name, or by a name with options: how an estimator's parameter says which part it wants, in JSON."""

import inspect
from collections.abc import Mapping
from typing import Any

Spec = str | dict[str, Any]  # "iaf", or {"kind": "iaf", "transforms": 4}


def kind_of(given: Spec) -> str:
    """Returns the name that a parameter gives its part."""
    return given["kind"] if isinstance(given, Mapping) else given


def make_part(registry: Mapping[str, Any], given: Any, parameter: str, **known: Any) -> Any:
    """Makes a part from what a parameter holds.

    Parameters
    ----------
    registry : mapping of str to class
        The parts there are; a part's options are the keywords of its constructor.
    given : str, dict or None
        A name, a dict of its name under "kind" and of options, or None for no part.
    parameter : str
        The parameter's name, for messages.
    **known
        What the estimator itself knows, for the parts whose constructors ask for it.

    Raises
    ------
    ValueError
        If there is no such part, or it has no such option; the message lists those there are.
    TypeError
        If `given` is none of the three.
    """
    if given is None:
        return None
    if isinstance(given, str):
        given = {"kind": given}
    if not isinstance(given, Mapping):
        raise TypeError(f"{parameter}={given!r} must be a name, a dict with a 'kind' and its options, or None.")
    options = dict(given)
    kind = options.pop("kind", None)
    if kind not in registry:
        raise ValueError(f"{parameter}={kind!r} is not known. Known ones: {', '.join(registry)}; or None.")
    parameters = inspect.signature(registry[kind]).parameters
    takes = [name for name in parameters if name not in known]
    for name in options:
        if name not in takes:
            raise ValueError(
                f"{parameter}={kind!r} has no option {name!r}. It takes: {', '.join(takes) or 'no options'}."
            )
    return registry[kind](**{name: value for name, value in known.items() if name in parameters}, **options)


def in_range(name: str, value: Any, low: float, high: float) -> float:
    """Returns an option's value, a number from `low` to `high`, or raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{name}={value!r} must be a number from {low:g} to {high:g}.")
    return float(value)


def whole(name: str, value: Any, low: int, high: int) -> int:
    """Returns an option's value, an integer from `low` to `high`, or raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name}={value!r} must be an integer from {low} to {high}.")
    return value
