"""Items as a person sees, hears or reads them."""

import io
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response

from ..sheets import TILES, sheet
from ..showing import pictures, plain, sound, strip
from .asking import Row, The, keeping

router = APIRouter()
WEBP = "image/webp"


@router.get("/spaces/{s}/items/{row}")
def item(the: The, row: Row) -> dict[str, Any]:
    """One item: its id, its metadata, its latent."""
    space = the.space
    return {
        "row": row,
        "id": space.ids[row],
        "metadata": {name: values[row] for name, values in space.metadata.items()},
        "latent": [round(float(value), 5) for value in space.latents[row]],
    }


@router.get("/spaces/{s}/items/{row}/picture")
def picture(request: Request, the: The, row: Row) -> Response:
    """One item as a picture, in full."""
    drawn = the.picture(row)
    if drawn is None:
        raise HTTPException(404, f"{the.space.modality.kind} have no picture.")
    held = io.BytesIO()
    drawn.save(held, "PNG")
    return Response(held.getvalue(), media_type="image/png", headers=keeping(request))


@router.get("/spaces/{s}/sheets/{number}")
def thumbnails(request: Request, the: The, number: int) -> Response:
    """The thumbnails of items 1024 x number and the next 1,023, as one sheet of 32 x 32 tiles."""
    start = number * TILES * TILES
    if not 0 <= start < len(the.space):
        raise HTTPException(404, f"there is no sheet {number}.")
    made = sheet(the, number)
    if made is None:
        raise HTTPException(404, f"{the.space.modality.kind} have no pictures.")
    return Response(made, media_type=WEBP, headers=keeping(request))


@router.get("/spaces/{s}/items/{row}/sound")
def heard(the: The, row: Row) -> Response:
    """One item as a WAV."""
    if the.shown != "sound":
        raise HTTPException(404, f"{the.space.modality.kind} have no sound.")
    with the.lock:
        return Response(sound([the.space.items[row]]), media_type="audio/wav")


@router.get("/spaces/{s}/items/{row}/text")
def read(the: The, row: Row) -> dict[str, Any]:
    """One item as plain data: a text, a row of a table, the numbers of an array."""
    return {"item": plain([the.space.items[row]])[0]}


@router.get("/spaces/{s}/items/{row}/reconstruction")
def reconstruction(the: The, row: Row) -> Any:
    """One item through the model and back: a picture where there are such, else plain data."""
    z = the.space.latents[row : row + 1]
    if the.decodes in ("picture", "sound"):
        return Response(strip(pictures(the, z)), media_type=WEBP)
    with the.lock:
        return {"item": plain(the.space.decode(z))[0]}
