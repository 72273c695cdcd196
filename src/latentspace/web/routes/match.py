"""Items by their ids: the rows that a link names, and which items of one space are items of another."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, Field

from .asking import The, frame

router = APIRouter()


class Named(BaseModel):
    """Items by their ids."""

    ids: Annotated[list[str], Field(max_length=2001)]


@router.post("/spaces/{s}/rows")
def rows(the: The, named: Named) -> dict[str, list[int | None]]:
    """The row of each id; null for one that the space does not have."""
    there = the.space._positions
    return {"rows": [there.get(id_) for id_ in named.ids]}


@router.get("/spaces/{s}/match/{other}")
def match(request: Request, the: The, other: int) -> Response:
    """For each item of the first space the row of the one with its id in the other, i4 (n,); -1 where there is none."""
    spaces = request.app.state.spaces
    if not 0 <= other < len(spaces):
        raise HTTPException(404, f"there is no space {other}; this server has {len(spaces)}.")
    place = {id_: row for row, id_ in enumerate(spaces[other].space.ids)}
    rows = np.fromiter((place.get(id_, -1) for id_ in the.space.ids), np.int32, len(the.space))
    return frame({"rows": rows}, common=int((rows >= 0).sum()))
