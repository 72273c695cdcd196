"""What a user drops on the page or types, encoded: which kinds of files a space reads, and one item of such a file.

A text is always a text: it is never taken for the name of a file, whatever it says.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import HTTPException
from PIL import Image

from .. import beside
from ..errors import BadItemError, UnsupportedError
from ..items import array_files
from ..items.decode import decoded
from .opened import Opened

Coded = tuple[np.ndarray, np.ndarray | None]  # a latent (1, dims), and the features where their error is known

MOST_BYTES = 20 * 2**20
_PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
_ENDINGS = {
    "images": _PICTURES,
    "audio": {".wav", ".flac", ".ogg", ".mp3"},
    "texts": {".txt", ".md"},
    "strings": {".txt"},
    "table": {".csv", ".parquet"},
    "array": {".npy"},
}


def endings(the: Opened) -> list[str]:
    """Which files the space reads an item from, by their endings."""
    space = the.space
    if beside.shape_of(space) is not None:
        return [".npy"]
    if space.modality.kind == "pairs":
        return sorted(set().union(*(_ENDINGS.get(side.kind, set()) for _, side in _sides(the))))
    return sorted(_ENDINGS.get(space.modality.kind, set()) | (_PICTURES if _is_stack(the) else set()))


def reads_text(the: Opened) -> bool:
    """Whether a typed text can be encoded: items are texts, or one side of them is, or the model reads words too."""
    if beside.shape_of(the.space) is not None:
        return False
    return _side_of_texts(the) is not None or the.shown == "text" or hasattr(the.space.model, "words")


def of_text(the: Opened, text: str) -> np.ndarray:
    """A text to a latent (1, dims)."""
    space, side = the.space, _side_of_texts(the)
    if not reads_text(the):
        raise HTTPException(400, f"a space of {space.modality.kind} reads no text; drop a file.")
    texts = np.array([text], dtype=object)  # what an array holds is text; in a list it may be a file's name
    if side is not None:
        z = space.encode({side: texts}, on_error="raise")
    elif the.shown != "text":
        z = space.model.words([text])
    else:
        z = space.encode(texts, on_error="raise")
    return np.asarray(z, dtype=np.float32)


def of_file(the: Opened, name: str, body: bytes) -> Coded:
    """The first item of a file's bytes to a latent, with its features where an error can be told from them."""
    ending = Path(name).suffix.lower()
    if ending not in endings(the):
        there = ", ".join(endings(the)) or "no files"
        raise HTTPException(
            415, f"a space of {the.space.modality.kind} reads {there}, not {ending or 'a file without an ending'!r}."
        )
    if len(body) > MOST_BYTES:
        raise HTTPException(413, f"a file may hold up to {MOST_BYTES // 2**20} MB.")
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder) / f"dropped{ending}"  # never under the name that was sent
        held.write_bytes(body)
        try:
            source = _source(the, held, ending)
            z = the.space.encode(source, on_error="raise")
            x = the.space.features(source, on_error="raise") if the.errs else None
        except (ValueError, TypeError, OSError, UnsupportedError, MemoryError) as error:
            told = str(error) or f"too large ({type(error).__name__})"
            for own in (repr(str(held)), str(held), folder):
                told = told.replace(own, name)
            raise HTTPException(400, told) from None
    if not len(z):
        raise HTTPException(400, f"{name} holds no item.")
    return z[:1], None if x is None else x[:1]


def _source(the: Opened, held: Path, ending: str) -> Any:
    space = the.space
    if beside.shape_of(space) is not None:
        return array_files.load(str(held)).values
    if space.modality.kind == "array" and ending in _PICTURES:
        return _as_item(the, held)
    if space.modality.kind == "pairs":
        return {next(name for name, side in _sides(the) if ending in _ENDINGS.get(side.kind, set())): str(held)}
    return str(held)


def _is_stack(the: Opened) -> bool:
    """Whether items are arrays that are pictures, as those of IDX files."""
    modality = the.space.modality
    return modality.kind == "array" and the.shown == "picture" and modality.shape[0] in (1, 3)


def _as_item(the: Opened, held: Path) -> np.ndarray:
    """A picture as one array of the size, the colours and the range that the space's arrays have."""
    modality = the.space.modality
    channels, height, width = modality.shape
    try:
        whole, _ = decoded(held)
    except BadItemError as error:
        raise ValueError(f"{held}: {error}") from None
    drawn = whole.convert("RGB" if channels == 3 else "L").resize((width, height), Image.Resampling.LANCZOS)
    x = np.asarray(drawn, dtype=np.float32).reshape(height, width, channels).transpose(2, 0, 1) / 255
    return modality.restore(x[None])


def _side_of_texts(the: Opened) -> str | None:
    return next((name for name, side in _sides(the) if side.from_words), None)


def _sides(the: Opened) -> list[tuple[str, Any]]:
    """Of a space of pairs, each side's name and modality."""
    modality: Any = the.space.modality
    return list(zip(modality.names_, modality.modalities_, strict=True)) if modality.kind == "pairs" else []
