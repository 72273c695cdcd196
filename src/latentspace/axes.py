"""A space's axes: which one is meant, how one is learned from its items, and how they are kept in its file."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import finding, store
from .errors import CorruptFileError
from .generate.axes import Axis
from .generate.learning_axes import axis_of_label, axis_of_number

if TYPE_CHECKING:
    from .verbs.state import State

_LONGEST = 200  # characters of a name


# ---------------------------------------------------------------------- which one is meant
def find(space: "State", axis: Any) -> Axis | None:
    """A named axis; None where a dimension's number or a direction is meant."""
    if isinstance(axis, Axis):
        if axis.direction.shape != (space.dims,):
            raise ValueError(f"axis {axis.name!r} has {len(axis.direction)} dims; this space has {space.dims}.")
        return axis
    if isinstance(axis, str):
        return space._axes[axis] if axis in space._axes else learn(space, axis)
    return None


def is_named(axis: Any) -> bool:
    """Whether an axis has a unit of its own."""
    return isinstance(axis, Axis | str)


def step_of(space: "State", axis: Any) -> np.ndarray:
    """One unit along an axis, float32 (dims,): its own, or a standard deviation of the space's items along it."""
    from .generate.traverse import traversal

    named = find(space, axis)
    if named is not None:
        return named.step
    return traversal(np.zeros(space.dims, np.float32), axis, [1.0], space.latents)[0]


def two(axis: Any) -> tuple[Any, Any] | None:
    """The two axes of a grid, where a pair of numbers, names, axes or directions is given; None for one axis."""
    if not isinstance(axis, list | tuple) or len(axis) != 2:
        return None
    if all(isinstance(each, int | np.integer | str | Axis | np.ndarray | list | tuple) for each in axis):
        return axis[0], axis[1]
    return None


# ---------------------------------------------------------------------- learning
def learn(
    space: "State", name: str, *, where: Mapping[str, Any] | None = None, number: str | Sequence[float] | None = None,
    positive: Any = None, negative: Any = None, orthogonal_to: Any = (), seed: int = 0,
) -> Axis:  # fmt: skip
    """Learns an axis, and keeps it in the space and its file; see `GeneratingVerbs.axis`."""
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST or not name.isprintable():
        raise ValueError(f"axis {name!r}: a name is 1 to {_LONGEST} printable characters.")
    given = {"where=": where, "number=": number, "positive=": positive}
    told = [key for key, value in given.items() if value is not None]
    if len(told) > 1:
        raise ValueError(f"axis {name!r} takes one of where=, number= and positive=; it got {' and '.join(told)}.")
    if negative is not None and positive is None:
        raise ValueError(f"axis {name!r}: negative= are counterexamples; say with positive= what it is an axis of.")
    others = [orthogonal_to] if isinstance(orthogonal_to, str | Axis) else list(orthogonal_to)
    if name in others:
        raise ValueError(f"axis {name!r} cannot be orthogonal to itself.")
    avoid = [axis for other in others if (axis := find(space, other)) is not None]
    if len(avoid) != len(others):
        raise TypeError(f"orthogonal_to={orthogonal_to!r} takes names of axes, or axes.")
    if not told:
        where, number = _meant(space, name)
    if positive is not None:
        axis = _from_examples(space, name, positive, negative, avoid, seed)
    elif number is not None:
        axis = _from_number(space, name, number, avoid, seed)
    else:
        if not where:
            raise ValueError(f"axis {name!r}: where={where!r} holds no condition; e.g. where={{'label': 'cat'}}.")
        mask = finding.where_of(space, where, None, None).mask
        assert mask is not None
        source = " and ".join(f"{column} = {value}" for column, value in where.items())
        axis = axis_of_label(name, source, space.latents, mask, avoid, seed)
    _keep(space, axis)
    return axis


def _meant(space: "State", name: str) -> tuple[dict[str, Any] | None, str | None]:
    """What a name alone means: "column=value", a column of numbers or of yes and no, or a value of one column."""
    column, equals, word = name.partition("=")
    if equals and column.strip() in space.metadata:
        values = space.metadata[column.strip()]
        there = next((value for value in values if value is not None and str(value) == word.strip()), None)
        if there is None:
            raise ValueError(f"axis {name!r}: no item's {column.strip()!r} is {word.strip()!r}; e.g. {_some(values)}.")
        return {column.strip(): there}, None
    if name in space.metadata:
        kept = [value for value in space.metadata[name] if value is not None]
        if kept and all(isinstance(value, bool) for value in kept):
            return {name: True}, None
        if kept and all(isinstance(value, int | float) for value in kept):
            return None, name
        raise ValueError(f"axis {name!r} is a column of words; say which: {name}={_some(kept)}.")
    holding = [column for column, values in space.metadata.items() if name in values]
    if len(holding) == 1:
        return {holding[0]: name}, None
    if holding:
        raise ValueError(f"axis {name!r} is a value of {', '.join(holding)}; say which: '{holding[0]}={name}'.")
    raise ValueError(
        f"axis {name!r} is not known, and no column or value of that name is there to learn it from. Axes: "
        f"{', '.join(space._axes) or 'none'}; columns: {', '.join(map(str, space.metadata)) or 'none'}. Give "
        "where={...}, number='column', or positive=[...] and negative=[...]."
    )


def _some(values: Sequence[Any]) -> str:
    return ", ".join(map(str, dict.fromkeys(value for value in values[:1000] if value is not None)))[:60] or "nothing"


def _from_examples(space: "State", name: str, positive: Any, negative: Any, avoid: Sequence[Axis], seed: int) -> Axis:
    own = finding.as_list(positive)
    if not own:
        raise ValueError(f"axis {name!r}: positive= is empty; name at least one example.")
    z = np.concatenate([space.latent(item) for item in own])
    if negative is None:  # everything else
        rows = {space._positions[item] for item in own if isinstance(item, str) and item in space._positions}
        others = np.delete(space.latents, sorted(rows), axis=0)
        source = f"{len(z)} examples against all others"
    else:
        against = finding.as_list(negative)
        if not against:
            raise ValueError(
                f"axis {name!r}: negative= is empty; name a counterexample, or leave it out for all others."
            )
        others = np.concatenate([space.latent(item) for item in against])
        source = f"{len(z)} examples against {len(others)}"
    sides = np.r_[np.ones(len(z), bool), np.zeros(len(others), bool)]
    return axis_of_label(name, source, np.concatenate([z, others]), sides, avoid, seed)


def _from_number(space: "State", name: str, number: Any, avoid: Sequence[Axis], seed: int) -> Axis:
    if isinstance(number, str):
        if number not in space.metadata:
            raise ValueError(f"number={number!r} is no column of this space: {', '.join(space.metadata) or 'none'}.")
        values, source = space.metadata[number], f"number {number}"
    else:
        values, source = list(number), "numbers given"
    if len(values) != len(space):
        raise ValueError(f"number= has {len(values):,} values for {len(space):,} items.")
    wrong = next((v for v in values if v is not None and not isinstance(v, int | float | np.number)), None)
    if wrong is not None:
        raise ValueError(
            f"number={number!r} holds {wrong!r}, which is no number. For labels give where={{column: value}}."
        )
    numbers = np.array([np.nan if value is None else float(value) for value in values])
    there = np.isfinite(numbers)
    if there.sum() < 2:
        raise ValueError(f"number={number!r} is there for {int(there.sum())} of {len(space):,} items; it takes two.")
    return axis_of_number(name, source, space.latents[there], numbers[there], avoid, seed)


# ---------------------------------------------------------------------- keeping
def state_of(axes: Mapping[str, Axis]) -> tuple[list[dict[str, Any]], dict[str, np.ndarray | None]]:
    """A space's axes as JSON-able facts and arrays, for its file."""
    if not axes:
        return [], {"axes/directions": None, "axes/weights": None}
    arrays: dict[str, np.ndarray | None] = {
        "axes/directions": np.stack([axis.direction for axis in axes.values()]),
        "axes/weights": np.stack([axis.weights for axis in axes.values()]),
    }
    return [axis.facts() for axis in axes.values()], arrays


def from_state(facts: Any, arrays: Mapping[str, np.ndarray], dims: int) -> dict[str, Axis]:
    """A space's axes from what its file holds.

    Raises
    ------
    ValueError, TypeError, KeyError
        If that is damaged.
    """
    if not facts:
        return {}
    directions, weights = arrays["directions"], arrays["weights"]
    if directions.shape != (len(facts), dims) or weights.shape != directions.shape:
        raise ValueError(f"its axes have shape {directions.shape}, not {(len(facts), dims)}")
    made = [Axis.from_facts(one, *rows) for one, rows in zip(facts, zip(directions, weights, strict=True), strict=True)]
    return {axis.name: axis for axis in made}


def drop(space: "State", name: str) -> None:
    """Forgets an axis, in the file too."""
    if name not in space._axes:
        raise ValueError(f"axis {name!r} is not kept; there are: {', '.join(space._axes) or 'none'}.")
    _write(space, {kept: axis for kept, axis in space._axes.items() if kept != name})


def _keep(space: "State", axis: Axis) -> None:
    _write(space, {**space._axes, axis.name: axis})


def _write(space: "State", axes: dict[str, Axis]) -> None:
    """Takes these axes, and puts them into the space's file where it can be written; else they are in memory only."""
    space._axes = axes
    if space.path is None:
        return
    facts, arrays = state_of(axes)
    try:
        with store.LatentFile(space.path) as file:
            manifest, version = file.manifest(), file.version
        written = store.put(space.path, {**manifest, "axes": facts}, arrays, expect=version, wait=5.0)
    except (OSError, CorruptFileError, store.FileChangedError) as error:
        warnings.warn(f"the axes are kept in memory only: {space.path} could not be written ({error}).", stacklevel=4)
    else:
        space._version = written if space._version == version else space._version
