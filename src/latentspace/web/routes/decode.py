"""From latents, and from spots of a map, to items."""

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, Field

from ..opened import Opened
from ..showing import pictures, plain, sound, strip
from .asking import The

router = APIRouter()

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e30, le=1e30)]
Rows = Annotated[
    list[Annotated[list[Number], Field(min_length=1, max_length=65536)]], Field(min_length=1, max_length=64)
]
As = Literal["picture", "sound", "item"]


class Asked(BaseModel):
    """Latents, or spots of a map; one item, or a path of up to 64."""

    z: Rows | None = None
    map: str | None = None
    xy: Rows | None = None
    form: As = "picture"


@router.post("/spaces/{s}/decode")
def decode(the: The, asked: Asked) -> Any:
    """Latents or spots to one picture or sound, several side by side, or plain data.

    The header `X-Off-Data` says of each, 0 or 1, whether it is a guess: a spot far from any item.
    """
    z, off = _latents(the, asked)
    headers = {"x-off-data": ",".join(str(int(one)) for one in off)}
    if asked.form == "picture":
        return Response(strip(pictures(the, z)), media_type="image/webp", headers=headers)
    with the.lock:
        items = the.space.decode(z)
    if asked.form == "sound":
        if the.shown != "sound":
            raise HTTPException(400, f"{the.space.modality.kind} have no sound; ask for a picture or an item.")
        return Response(sound(items), media_type="audio/wav", headers=headers)
    return {"items": plain(items), "off": [bool(one) for one in off], "z": z.tolist()}


def _latents(the: Opened, asked: Asked) -> tuple[np.ndarray, np.ndarray]:
    if (asked.z is None) == (asked.xy is None):
        raise HTTPException(400, "give one of z and xy.")
    if asked.z is not None:
        z = as_rows(asked.z, the.space.dims)
        return z, np.zeros(len(z), bool)
    drawn = the.space.maps.get(asked.map or "")
    if drawn is None:
        raise HTTPException(404, f"there is no map {asked.map!r}; there are {', '.join(the.space.maps) or 'none'}.")
    spots = drawn.spots(as_rows(asked.xy or [], 2))
    return spots.z, spots.off_data


def as_rows(rows: list[list[float]], width: int) -> np.ndarray:
    """Rows of a request as float32 (m, width); 400 for another width."""
    if any(len(row) != width for row in rows):
        raise HTTPException(400, f"each row must have {width} numbers.")
    return np.array(rows, dtype=np.float32).reshape(len(rows), width)
