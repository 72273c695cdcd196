"""What a user drops on the page: encoded, placed on the map, with its neighbours and what the space makes of it."""

import base64
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Form, HTTPException, UploadFile

from ..opened import Opened
from ..showing import pictures, plain, strip
from .asking import The

router = APIRouter()

Coded = tuple[np.ndarray, np.ndarray | None]  # a latent (1, dims), and the features where their error is known

MOST_BYTES = 20 * 2**20
ENDINGS = {
    "images": {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"},
    "audio": {".wav", ".flac", ".ogg", ".mp3"},
    "texts": {".txt", ".md"},
    "strings": {".txt"},
    "table": {".csv", ".parquet"},
    "array": {".png", ".jpg", ".jpeg", ".npy"},
}


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
    with the.lock:
        z, x = _of_text(the, text) if text is not None else _of_file(the, file)
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


def _of_text(the: Opened, text: str) -> Coded:
    if the.shown != "text":
        raise HTTPException(400, f"a space of {the.space.modality.kind} reads no text; drop a file.")
    return the.space.encode([text], on_error="raise"), None


def _of_file(the: Opened, file: Any) -> Coded:
    kind = the.space.modality.kind
    ending = Path(file.filename or "").suffix.lower()
    if ending not in ENDINGS.get(kind, set()):
        there = ", ".join(sorted(ENDINGS.get(kind, ()))) or "no files"
        raise HTTPException(415, f"a space of {kind} reads {there}, not {ending or 'a file without an ending'!r}.")
    body = file.file.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise HTTPException(413, f"a file may hold up to {MOST_BYTES // 2**20} MB.")
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder) / f"dropped{ending}"  # never under the name that was sent
        held.write_bytes(body)
        try:
            z = the.space.encode(str(held), on_error="raise")
            x = the.space.features(str(held), on_error="raise") if the.errs else None
        except (ValueError, OSError) as error:
            raise HTTPException(400, str(error).replace(str(held), file.filename or "the file")) from None
    if not len(z):
        raise HTTPException(400, "the file holds no item.")
    return z[:1], None if x is None else x[:1]


def _made_of(the: Opened, z: np.ndarray) -> dict[str, Any]:
    """The reconstruction, as a picture in a data address or as plain data; nothing without a decoder."""
    if not hasattr(the.space.model, "inverse_transform"):
        return {}
    if the.shown in ("picture", "sound"):
        return {"picture": "data:image/webp;base64," + base64.b64encode(strip(pictures(the, z))).decode()}
    with the.lock:
        return {"item": plain(the.space.decode(z))[0]}
