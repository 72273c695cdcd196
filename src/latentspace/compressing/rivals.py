"""What a report of compression stands beside: the formats that a user would take instead, each at its best settings.

A file an item for each, as they are used; and all items at once, in the way that is strongest for the format: pictures
in one mosaic that shares headers and contexts, other bytes in one stream.
"""

import io
import lzma
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, features

_LOSSY: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "JPEG": ((5, 10, 20, 35, 50, 65, 80, 90, 96), {"format": "JPEG", "optimize": True, "subsampling": 0}),
    "WebP": ((0, 10, 25, 40, 55, 70, 82, 92, 98), {"format": "WEBP", "method": 6}),
    "AVIF": ((0, 8, 18, 30, 45, 60, 75, 87), {"format": "AVIF", "speed": 6, "max_threads": 1}),
}
_EXACT: dict[str, dict[str, Any]] = {
    "PNG": {"format": "PNG", "optimize": True},
    "WebP": {"format": "WEBP", "lossless": True, "quality": 100, "method": 6},
}


class Point(NamedTuple):
    """A rival at one of its settings.

    Attributes
    ----------
    setting : float
    bytes : float
        An item's, on average.
    items : list of arrays
        What decoding gives.
    """

    setting: float
    bytes: float
    items: list[np.ndarray]


def lossy_pictures(pictures: Sequence[np.ndarray]) -> dict[str, Callable[[], Iterator[Point]]]:
    """Formats with loss that are here: name -> its points, from coarse to fine."""
    there = {"JPEG": "jpg", "WebP": "webp", "AVIF": "avif"}
    return {
        name: (lambda name=name: _points(name, pictures))  # type: ignore[misc]
        for name in _LOSSY
        if features.check(there[name])
    }


def _points(name: str, pictures: Sequence[np.ndarray]) -> Iterator[Point]:
    settings, options = _LOSSY[name]
    for setting in settings:
        coded = [_coded(picture, {**options, "quality": setting}) for picture in pictures]
        yield Point(setting, sum(size for size, _ in coded) / max(1, len(coded)), [back for _, back in coded])


def _coded(picture: np.ndarray, options: dict[str, Any]) -> tuple[int, np.ndarray]:
    grey = picture.ndim == 2
    if options["format"] == "AVIF":
        options = {**options, "subsampling": "4:0:0" if grey else "4:4:4"}
    if options["format"] == "JPEG" and grey:
        options = {key: value for key, value in options.items() if key != "subsampling"}
    file = io.BytesIO()
    Image.fromarray(picture).save(file, **options)
    return file.tell(), np.asarray(Image.open(file).convert("L" if grey else "RGB"))


def exact_pictures(pictures: Sequence[np.ndarray]) -> dict[str, float]:
    """Formats without loss: bytes an item, in files, and as one stream of all."""
    found: dict[str, float] = {}
    n = max(1, len(pictures))
    for name, options in _EXACT.items():
        found[f"{name}, files"] = sum(_coded(picture, options)[0] for picture in pictures) / n
    together = b"".join(np.ascontiguousarray(picture).tobytes() for picture in pictures)
    found["xz, one stream"] = len(lzma.compress(together, preset=9 | lzma.PRESET_EXTREME)) / n
    if len({picture.shape for picture in pictures}) == 1 and len(pictures):
        found["WebP, one mosaic"] = _coded(mosaic(np.stack(list(pictures))), _EXACT["WebP"])[0] / n
    return found


def exact_texts(texts: Sequence[np.ndarray]) -> dict[str, float]:
    """Bytes an item of texts in zlib, each alone, and in xz, each alone and in one stream."""
    n = max(1, len(texts))
    each = [np.asarray(text, np.uint8).tobytes() for text in texts]
    return {
        "zlib, files": sum(len(zlib.compress(text, 9)) for text in each) / n,
        "xz, files": sum(len(lzma.compress(text, preset=9)) for text in each) / n,
        "xz, one stream": len(lzma.compress(b"".join(each), preset=9 | lzma.PRESET_EXTREME)) / n,
    }


def mosaic(x: np.ndarray) -> np.ndarray:
    """All pictures (n, h, w, ...) in one, nearly square, filled up with their usual corner."""
    n, h, w = x.shape[:3]
    across = int(np.ceil(np.sqrt(n)))
    down = -(-n // across)
    whole = np.full((down * across, *x.shape[1:]), np.median(x[:, 0, 0]), dtype=np.uint8)
    whole[:n] = x
    rows = whole.reshape(down, across, *x.shape[1:]).swapaxes(1, 2)
    return rows.reshape(down * h, across * w, *x.shape[3:])
