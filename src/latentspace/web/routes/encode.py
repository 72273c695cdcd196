"""What a user drops on the page: encoded, placed on the map, with its neighbours and what the space makes of it."""

import base64
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Form, HTTPException, UploadFile

from ..opened import Opened
from ..reading import MOST_BYTES, of_file, of_text
from ..showing import pictures, plain, strip
from .asking import The

router = APIRouter()


@router.post("/spaces/{s}/encode")
def encode(
    the: The,
    file: UploadFile | None = None,
    text: Annotated[str | None, Form(max_length=100_000)] = None,
    map: Annotated[str | None, Form()] = None,
    k: Annotated[int, Form(ge=1, le=100)] = 12,
) -> dict[str, Any]:
    """A file of up to 20 MB, or a text, through the space: its latent, its spot, its neighbours, its reconstruction."""
    if (file is None) == (text is None):
        raise HTTPException(400, "give one of file and text.")
    if file is not None:
        body = file.file.read(MOST_BYTES + 1)
        with the.lock:
            z, x = of_file(the, file.filename or "", body)
    else:
        with the.lock:
            z, x = of_text(the, text or ""), None
    found = the.space.index.search(z, k, metric="euclidean")
    rows = [int(row) for row in found.positions[0] if row >= 0]
    drawn = the.space.maps.get(map or "")
    far = the.farness(float(found.scores[0, 0])) if rows else float("inf")
    if x is not None:
        far = max(far, the.strangeness(x, z))  # what projects among the items may still be unlike all of them
    return {
        "z": z[0].tolist(),
        "xy": drawn.place_latents(z)[0].tolist() if drawn is not None else None,
        "rows": rows,
        "ids": [the.space.ids[row] for row in rows],
        "distances": [float(score) for score in found.scores[0][: len(rows)]],
        "covered": bool(far <= 1),
        "farness": far if np.isfinite(far) else None,
        **_made_of(the, z),
    }


def _made_of(the: Opened, z: np.ndarray) -> dict[str, Any]:
    """The reconstruction, as a picture in a data address or as plain data; nothing without a decoder."""
    if the.decodes is None:
        return {}
    if the.decodes in ("picture", "sound"):
        return {"picture": "data:image/webp;base64," + base64.b64encode(strip(pictures(the, z))).decode()}
    with the.lock:
        return {"item": plain(the.space.decode(z))[0]}
