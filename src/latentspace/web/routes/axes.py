"""Named axes: those that a space keeps, and one learned from a name, or from what was liked and disliked."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from ..opened import Opened
from .asking import The
from .search import Positions, known_rows

router = APIRouter()


@router.get("/spaces/{s}/axes")
def axes(the: The) -> list[dict[str, Any]]:
    """Every axis that the space keeps; see `told_of`."""
    return told_of(the)


class Learned(BaseModel):
    """An axis to learn: from its name alone, such as "label=cat", or from examples and counterexamples."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    positive: Positions = []
    negative: Positions = []


@router.post("/spaces/{s}/axes")
def learn(the: The, learned: Learned) -> list[dict[str, Any]]:
    """Learns an axis, and keeps it in the space and its file."""
    space = the.space
    if not len(space):
        raise HTTPException(400, "the space has no items to learn an axis from.")
    for_, against = ([space.ids[row] for row in known_rows(the, rows)] for rows in (learned.positive, learned.negative))
    with the.lock:
        if for_:
            space.axis(learned.name, positive=for_, negative=against or None)
        else:
            space.axis(learned.name)
    return told_of(the)


@router.delete("/spaces/{s}/axes/{name:path}")
def drop(the: The, name: str) -> list[dict[str, Any]]:
    """Forgets an axis."""
    if name not in the.space.axes:
        raise HTTPException(404, f"there is no axis {name!r}; there are {', '.join(the.space.axes) or 'none'}.")
    with the.lock:
        the.space.drop_axis(name)
    return told_of(the)


def told_of(the: Opened) -> list[dict[str, Any]]:
    """Each axis: `step`, one unit along it (dims,); where the items lie along it in units; its evidence in words."""
    told = []
    for axis in the.space.axes.values():
        along = axis.along(the.space.latents)
        told.append(
            {
                "name": axis.name,
                "words": str(axis),
                "step": [float(value) for value in axis.step],
                "direction": [float(value) for value in axis.direction],
                "unit": axis.unit,
                "mean": float(along.mean()) if len(along) else 0.0,
                "spread": float(along.std()) if len(along) else 1.0,
            }
        )
    return told
