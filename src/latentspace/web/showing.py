"""What was decoded, as bytes that a browser shows: a picture or a strip of them, a sound, or plain data."""

import io
from typing import Any

import numpy as np
from PIL import Image

from .. import looking
from ..errors import UnsupportedError
from ..models import adapter
from ..optional import require
from .opened import Opened

LONGEST = 256  # pixels of the longer side of one decoded picture
_GAP = 4  # pixels between the pictures of a strip


def pictures(the: Opened, z: np.ndarray) -> list[Image.Image]:
    """Latents (m, dims) decoded to pictures.

    Raises
    ------
    UnsupportedError
        If the model has no decoder, or items of this kind no picture.
    """
    space = the.space
    adapter.require_decoder(space.model)
    shape = looking.feature_shape(space)
    if shape != space.modality.shape:
        raise UnsupportedError(f"latents here become vectors of {shape[0]:,} numbers, not {space.modality.kind}.")
    with the.lock:
        x = adapter.decode(space.model, z, shape)
        drawn = [space.modality.picture(row) for row in x]
    there = [picture for picture in drawn if picture is not None]
    if len(there) < len(drawn):
        raise UnsupportedError(f"items of the kind {space.modality.kind!r} have no picture; ask for an item.")
    return there


def strip(drawn: list[Image.Image]) -> bytes:
    """Pictures of one size side by side, as WebP without loss: decoded pictures are small and must not blur."""
    tiles = [_enlarged(picture.convert("RGB")) for picture in drawn]
    width, height = tiles[0].size
    out = Image.new("RGB", (len(tiles) * (width + _GAP) - _GAP, height), (255, 255, 255))
    for place, tile in enumerate(tiles):
        out.paste(tile, (place * (width + _GAP), 0))
    held = io.BytesIO()
    out.save(held, "WEBP", lossless=True, quality=0, method=0)
    return held.getvalue()


def strip_of(drawn: list[Image.Image], columns: int) -> bytes:
    """Pictures of one size as rows of `columns` without gaps, at most 64 pixels each, as WebP."""
    tiles = [picture.convert("RGB") for picture in drawn]
    for tile in tiles:
        tile.thumbnail((64, 64))
    width, height = tiles[0].size
    out = Image.new("RGB", (columns * width, -(-len(tiles) // columns) * height), (255, 255, 255))
    for place, tile in enumerate(tiles):
        out.paste(tile, (place % columns * width, place // columns * height))
    held = io.BytesIO()
    out.save(held, "WEBP", quality=85)
    return held.getvalue()


def _enlarged(picture: Image.Image) -> Image.Image:
    """A small picture with each pixel as a square, so that 28 x 28 can be looked at; a large one reduced."""
    longer = max(picture.size)
    if longer > LONGEST:
        picture = picture.copy()
        picture.thumbnail((LONGEST, LONGEST))
        return picture
    factor = max(1, 128 // longer)
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def sound(items: list[tuple[np.ndarray, int]]) -> bytes:
    """Sounds one after the other, a tenth of a second apart, as one WAV."""
    rate = items[0][1]
    pause = np.zeros(rate // 10, np.float32)
    held = io.BytesIO()
    samples = np.concatenate([part for samples, _ in items for part in (samples, pause)][:-1])
    soundfile = require("soundfile", "audio", "playing sound")
    soundfile.write(held, np.clip(samples, -1, 1), rate, format="WAV", subtype="PCM_16")
    return held.getvalue()


def plain(items: Any) -> list[Any]:
    """Items in their own form as JSON-able data: texts as strings, words with weights, rows as dicts."""
    if hasattr(items, "to_dict"):  # pandas
        return [{str(name): _plain(value) for name, value in row.items()} for row in items.to_dict("records")]
    if hasattr(items, "to_dicts"):  # polars
        return [{str(name): _plain(value) for name, value in row.items()} for row in items.to_dicts()]
    return [_plain(item) for item in items]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value[:1000].tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    return str(value)
