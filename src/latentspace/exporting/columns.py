"""A space's ids, metadata and latents as typed columns, a block of rows at a time."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..search.graph import unit_rows

if TYPE_CHECKING:
    from ..verbs.state import State

BLOCK = 4096  # rows handed over at once
RESERVED = ("id", "z")


class Column(NamedTuple):
    """A metadata column: its name there, and its values of one type or None."""

    name: str
    kind: type  # bool, int, float or str
    values: list


def columns_of(space: "State", reserved: tuple[str, ...] = RESERVED) -> list[Column]:
    """Metadata as columns of one type each: numbers as numbers, what is mixed as words.

    A name that another engine needs for itself gets a "_" behind it.
    """
    taken = set(reserved)
    found = []
    for name, values in space.metadata.items():
        while name in taken:
            name += "_"
        taken.add(name)
        kind = _kind_of(values)
        found.append(Column(name, kind, [None if value is None else kind(value) for value in values]))
    return found


def _kind_of(values: list) -> type:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return bool
    if kinds == {int} and all(value is None or -(2**63) <= value < 2**63 for value in values):
        return int
    return float if kinds and kinds <= {int, float} else str


def arrow_table(space: "State", more: dict[str, Any] | None = None) -> Any:
    """All of it as an Arrow table: id, metadata, what is given more, and z as lists of one length."""
    import pyarrow as pa

    types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
    arrays = {"id": pa.array(list(space.ids), pa.string())}
    for column in columns_of(space, (*RESERVED, *(more or {}))):
        arrays[column.name] = pa.array(column.values, types[column.kind])
    arrays |= more or {}
    z = np.ascontiguousarray(space.latents, dtype=np.float32)
    arrays["z"] = pa.FixedSizeListArray.from_arrays(pa.array(z.reshape(-1)), z.shape[1])
    return pa.table(arrays)


def blocks(space: "State") -> Iterator[tuple[int, int]]:
    """Yields where blocks of rows begin and end."""
    for start in range(0, len(space), BLOCK):
        yield start, min(start + BLOCK, len(space))


def for_metric(z: np.ndarray, metric: str) -> np.ndarray:
    """Latents as an engine without a cosine wants them: of length 1 for "cosine"."""
    return unit_rows(z) if metric == "cosine" else z


def check_metric(metric: str) -> str:
    """The metric, if it is one of ours."""
    if metric not in ("cosine", "euclidean", "dot"):
        raise ValueError(f"metric={metric!r} is not known; choose 'cosine', 'euclidean' or 'dot'.")
    return metric
