"""Vectors that a user has already, one beside each item: what the model is fitted on, while items are for showing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import BadItemError, UnsupportedError
from .features import Features
from .items.protocol import Gathered, OnError, Skipped
from .models import adapter

if TYPE_CHECKING:
    from .verbs.state import State


class Beside:
    """Vectors (n, p) beside gathered items, found again by the items' ids once some could not be read.

    Parameters
    ----------
    vectors : array-like of shape (n, p), or mapping of id to vector
        One for each item that was gathered, in the items' order or by their ids.
    gathered : Gathered
    on_error : "skip" or "raise"
        What to do with an item whose vector holds NaN or infinity.

    Attributes
    ----------
    items : Gathered
        The items whose vectors are whole.
    shape : (p,)

    Raises
    ------
    ValueError
        If the vectors are no numbers of shape (n, p), or their count is not the items', or an item's id has none.
    BadItemError
        With `on_error="raise"`, for the first vector with NaN or infinity.
    """

    def __init__(self, vectors: Any, gathered: Gathered, on_error: OnError):
        rows = _numbers(_in_order(vectors, gathered))
        if rows.ndim != 2 or rows.shape[1] == 0 or len(rows) != len(gathered):
            lost = f" that can be read ({len(gathered.skipped):,} cannot)" if gathered.skipped else ""
            raise ValueError(
                f"vectors of shape {rows.shape} do not fit {len(gathered):,} items{lost}: pass (n, p), one vector for "
                f"each of the {len(gathered):,} items, in their order."
            )
        whole = np.isfinite(rows).all(axis=1)
        lost_ids = [gathered.ids[row] for row in np.flatnonzero(~whole)]
        if lost_ids and on_error == "raise":
            raise BadItemError(f"item {lost_ids[0]!r} of {gathered.origin}: its vector holds NaN or infinity")
        kept = gathered
        if lost_ids:
            skipped = [Skipped(id_, "its vector holds NaN or infinity") for id_ in lost_ids]
            kept = replace(
                gathered.select(np.flatnonzero(whole).tolist()),
                skipped=[*gathered.skipped, *skipped], notes=gathered.notes,
            )  # fmt: skip
        self.items = kept
        self.shape = rows.shape[1:]
        self._rows = rows[whole]

    def features(self, ids: Sequence[str]) -> Features:
        """The vectors of these items as a model's features."""
        place = {id_: row for row, id_ in enumerate(self.items.ids)}
        if not all(id_ in place for id_ in ids):
            raise ValueError("items cut into windows or tiles have no vector each. Pass vectors= of whole items.")
        return Features(self.shape, self._rows[[place[id_] for id_ in ids]])


def shape_of(space: "State") -> tuple[int, ...] | None:
    """The shape of one vector of a space that was fitted on vectors; None of a space that reads its items."""
    length = space.facts.get("vectors")
    return None if length is None else (int(length),)


def encode(space: "State", vectors: Any) -> np.ndarray:
    """Vectors (n, p) or one (p,) to latents (n, dims).

    Raises
    ------
    UnsupportedError
        If they are items: how these become vectors, only the user knows.
    ValueError
        If they are of another length, or hold NaN or infinity.
    """
    p = space.facts["vectors"]
    if not (isinstance(vectors, np.ndarray | list | tuple) or hasattr(vectors, "__array__")) or not _are_numbers(
        vectors
    ):
        raise UnsupportedError(
            f"this space was fitted on vectors that were given beside its {space.modality.kind}, and cannot make them "
            f"from new ones. Pass a vector of {p:,} numbers, made as those were; add() takes items and vectors=."
        )
    rows = np.atleast_2d(_numbers(vectors))
    if rows.ndim != 2 or rows.shape[1] != p:
        raise ValueError(f"vectors of shape {rows.shape} do not fit this space: pass (n, {p}).")
    if not np.isfinite(rows).all():
        raise ValueError(f"vector {int((~np.isfinite(rows).all(axis=1)).argmax())} holds NaN or infinity.")
    return adapter.encode(space.model, rows)


def for_added(space: "State", vectors: Any, gathered: Gathered, on_error: OnError) -> Beside | None:
    """The vectors beside items that are to be added; None where the space reads its items.

    Raises
    ------
    ValueError
        If the space needs vectors and there are none, or the other way round.
    """
    p = space.facts.get("vectors")
    if (p is None) != (vectors is None):
        raise ValueError(
            "add() got vectors=, but this space reads its items themselves. Leave vectors= out."
            if p is None
            else f"add() needs vectors=, one of {p:,} numbers for each item: this space was fitted on such."
        )
    if vectors is None:
        return None
    beside = Beside(vectors, gathered, on_error)
    if beside.shape != (p,):
        raise ValueError(f"vectors of {beside.shape[0]:,} numbers do not fit this space of {p:,}.")
    return beside


def _in_order(vectors: Any, gathered: Gathered) -> Any:
    """Vectors by ids in the items' order; others as they are."""
    if not isinstance(vectors, Mapping):
        return vectors
    without = [id_ for id_ in gathered.ids if id_ not in vectors]
    if without:
        raise ValueError(
            f"{len(without):,} of the {len(gathered):,} items have no vector by their id ({without[0]!r} first; the "
            f"vectors' first id is {next(iter(vectors), None)!r}). Give one for each id, or rows in the items' order."
        )
    return np.array([vectors[id_] for id_ in gathered.ids])


def _are_numbers(vectors: Any) -> bool:
    try:
        return np.asarray(vectors).dtype.kind in "iuf"
    except (TypeError, ValueError):
        return False


def _numbers(vectors: Any) -> np.ndarray:
    if not _are_numbers(vectors):
        raise ValueError(f"vectors= must be an array of numbers of shape (n, p); got {type(vectors).__name__}.")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(np.asarray(vectors), dtype=np.float32)
