"""Thumbnails: small encoded pictures of a space's items, made once and kept beside their features."""

import io
from collections.abc import Iterable
from typing import Any

import numpy as np

from .items.protocol import Modality

LONG_SIDE = 64  # pixels; what is smaller keeps its size
_QUALITY = 85


def made(modality: Modality, rows: Iterable[np.ndarray]) -> list[bytes] | None:
    """Thumbnails of rows of features, float32 or uint8 as they are stored; None where items have no pictures."""
    encoded = []
    for row in rows:
        picture = modality.picture(row)
        if picture is None:
            return None
        encoded.append(encode(picture))
    return encoded


def encode(picture: Any) -> bytes:
    """A PIL image to an encoded one, at most 64 pixels on the longer side: JPEG, or WebP where it is transparent.

    JPEG with colours at full size takes 0.04 ms where WebP takes 0.4, errs less on drawings (35 dB against 29 on
    emoji), and needs 2 kB where WebP needs 0.8: of 50,000 items, 2 s instead of 20 while they are read.
    """
    picture.thumbnail((LONG_SIDE, LONG_SIDE))
    held = io.BytesIO()
    if picture.mode in ("L", "RGB"):
        picture.save(held, "JPEG", quality=_QUALITY, subsampling=0)
    else:
        picture.save(held, "WEBP", quality=_QUALITY, method=0)
    return held.getvalue()
