"""One image to 8-bit pixels of a given size: opened with care, turned upright, flattened, fitted."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image, JpegImagePlugin, MpoImagePlugin, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from ..errors import BadItemError
from ..resources import available_memory
from . import plain_png
from .folders import not_a_file

Fit = Literal["pad", "crop", "stretch"]

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff",
    ".pgm", ".ppm", ".pbm", ".pnm",
)  # fmt: skip
# Pillow knows many more formats, one of which (EPS) starts another program: only these are ever tried. Their plugins
# are imported here because Pillow's own loading on first use is not made for several threads at once.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM")
_PLUGINS = (JpegImagePlugin, MpoImagePlugin, TiffImagePlugin, WebPImagePlugin)
Image.preinit()

_MANY_PIXELS = 2**24  # from which memory is asked after
_BYTES_A_PIXEL = 12  # with alpha: decoded, flattened, resized
MAX_PIXELS = 2**27  # 11,585 x 11,585: past any camera, and half a gigabyte once decoded

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")  # one channel of more than 8 bits
_GREY = ("1", "L", "LA", "La", *_DEEP)
_WITH_ALPHA = ("RGBA", "RGBa", "LA", "La", "PA")
_ORIENTATION = 0x0112  # EXIF's tag
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip


@dataclass(frozen=True)
class Header:
    """What an image says of itself before it is decoded: its upright size, if it is grey, if it has over 8 bits."""

    width: int
    height: int
    grey: bool
    deep: bool


def header(source: Any) -> Header:
    """Reads the header of a path or a PIL image, and nothing else. Raises BadItemError with the reason."""
    with _opened(source) as image:
        width, height = image.size
        if _orientation(image) >= 5:
            width, height = height, width
        return Header(width, height, _is_grey(image), image.mode in _DEEP)


def decoded(source: Any, draft: tuple[int, int] | None = None) -> tuple[Image.Image, tuple[int, int]]:
    """Decodes an image and turns it upright.

    Parameters
    ----------
    source : path or PIL image
        What to decode.
    draft : (width, height), optional
        A JPEG may be decoded at a half, a quarter or an eighth of its size, as long as it stays as large as this.

    Returns
    -------
    (PIL image, (width, height))
        The pixels, and the whole image's upright size in pixels.

    Raises
    ------
    BadItemError
        If it cannot be read whole; the message is the reason.
    """
    if not isinstance(source, Image.Image) and os.fspath(source)[-4:].lower() == ".png":
        plain = plain_png.read(source)
        if plain is not None:
            return plain, plain.size
    with _opened(source) as image:
        width, height = image.size
        try:
            if draft is not None and image is not source and image.format in ("JPEG", "MPO"):
                image.draft(None, draft)
            image.load()
        except Exception as error:  # a decoder fails in its own ways on damaged input; each is the file's fault
            raise BadItemError(f"damaged: {_words(error)}") from None
        turn = _orientation(image)  # after loading, for a PNG may hold its EXIF behind the pixels
    if turn in _UPRIGHT:
        image = image.transpose(_UPRIGHT[turn])
    return image, (height, width) if turn >= 5 else (width, height)


@contextmanager
def _opened(source: Any) -> Iterator[Image.Image]:
    if isinstance(source, Image.Image):
        yield source
        return
    try:
        # Given an open file and not its name, Pillow never maps it: a file that shrinks under a map ends the process.
        file = open(source, "rb")  # noqa: SIM115 - closed by the `with` below
    except OSError as error:
        raise BadItemError(not_a_file(source) or f"cannot be opened: {error.strerror}") from None
    with file:
        try:
            image = Image.open(file, formats=_FORMATS)
        except Exception as error:
            raise BadItemError(_why_not_opened(file, error)) from None
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise BadItemError(f"too large: its header says {width:,} x {height:,} pixels (limit {MAX_PIXELS:,})")
        if width * height > _MANY_PIXELS and width * height * _BYTES_A_PIXEL > (free := available_memory()):
            taken = f"{width * height * _BYTES_A_PIXEL / 2**30:.1f} GiB, of which {free / 2**30:.1f} are free"
            raise BadItemError(f"too large: to decode {width:,} x {height:,} pixels takes {taken}")
        yield image


def _why_not_opened(file: Any, error: Exception) -> str:
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        return "empty: 0 bytes"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        pixels = re.search(r"\d+", str(error))
        return f"too large: its header says {int(pixels[0]):,} pixels" if pixels else f"too large: {error}"
    if isinstance(error, UnidentifiedImageError):
        file.seek(0)
        return f"not an image that can be read, or cut off in its header: {size:,} bytes that begin {file.read(12)!r}"
    return f"damaged: {_words(error)}"


def _words(error: Exception) -> str:
    return str(error).strip("'\"") or type(error).__name__


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8; damaged EXIF counts as upright, for the pixels are whole."""
    if image.format == "TIFF":  # Pillow turns these by itself
        return 1
    if not image.info.keys() & {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}:
        return 1
    try:
        turn = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
    return turn if isinstance(turn, int) and 1 <= turn <= 8 else 1


def _is_grey(image: Image.Image) -> bool:
    if image.mode == "P" and image.palette is not None:
        entries = np.frombuffer(bytes(image.palette.palette), np.uint8)
        stride = 4 if len(image.palette.rawmode or image.palette.mode) == 4 else 3
        colours = entries[: len(entries) // stride * stride].reshape(-1, stride)
        return bool((colours[:, 0] == colours[:, 1]).all() and (colours[:, 1] == colours[:, 2]).all())
    return image.mode in _GREY


# ---------------------------------------------------------------------- pixels
def pixels(
    source: Any, size: tuple[int, int], channels: int, fit: Fit, deep_range: tuple[float, float]
) -> tuple[np.ndarray, tuple[int, int]]:
    """An image to 8-bit pixels.

    Parameters
    ----------
    source : path or PIL image
        What to read.
    size : (height, width)
        Of the result.
    channels : 1, 3 or 4
        Grey, colour, or colour with alpha; without alpha, what is transparent becomes white.
    fit : "pad", "crop" or "stretch"
        How another aspect becomes this one: see `Images`.
    deep_range : (low, high)
        The values of images deeper than 8 bits that become 0 and 255.

    Returns
    -------
    (uint8 array of shape (channels, height, width), (width, height))
        The pixels, and the upright size that the image had.
    """
    width_height = (size[1], size[0])
    draft = max(size) * 2  # twice the wanted size leaves the resampling enough to be as good as from the whole
    image, had = decoded(source, (draft, draft))
    try:
        flat = flattened(image, channels, deep_range)
    except (ValueError, OSError) as error:
        raise BadItemError(f"pixels of mode {image.mode!r} cannot be read: {_words(error)}") from None
    rows = np.asarray(fitted(flat, width_height, fit))
    return (rows[None] if channels == 1 else rows.transpose(2, 0, 1)), had


def flattened(image: Image.Image, channels: int, deep_range: tuple[float, float]) -> Image.Image:
    """A decoded image to mode L, RGB or RGBA, transparent pixels on white where there is no alpha to keep them."""
    wanted = MODES[channels]
    if image.mode in _DEEP:
        image = Image.fromarray(_to_8_bits(np.asarray(image), deep_range))
    elif image.mode in _WITH_ALPHA or "transparency" in image.info:
        image = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
        if channels == 4:
            return image
        white = Image.new("RGB", image.size, (255, 255, 255))
        white.paste(image, None, image)  # what alpha_composite gives for every colour and alpha, in half of its time
        image = white
    if image.mode == wanted:
        return image
    if image.mode not in ("1", "L", "P", "RGB"):
        image = image.convert("RGB")
    return image.convert(wanted)


def _to_8_bits(values: np.ndarray, deep_range: tuple[float, float]) -> np.ndarray:
    if not np.isfinite(values).all():
        raise ValueError("NaN or infinite pixels")
    low, high = deep_range
    scaled = (values.astype(np.float64) - low) * (255 / (high - low))
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)


def fitted(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """Resizes an 8-bit image to (width, height) by `fit`."""
    if image.size == size:
        return image
    if fit == "stretch":
        return _resized(image, size, None)
    across, down = size[0] / image.width, size[1] / image.height
    if fit == "crop":
        scale = max(across, down)
        width, height = min(size[0] / scale, image.width), min(size[1] / scale, image.height)
        left, top = (image.width - width) / 2, (image.height - height) / 2
        return _resized(image, size, (left, top, left + width, top + height))
    scale = min(across, down)
    inner = (max(1, min(size[0], round(image.width * scale))), max(1, min(size[1], round(image.height * scale))))
    small = _resized(image, inner, None)
    if inner == size:
        return small
    padded = Image.new(image.mode, size, _border_colour(small))
    padded.paste(small, ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2))
    return padded


def _resized(image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None) -> Image.Image:
    return image.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)


def _border_colour(image: Image.Image) -> Any:
    """The median colour of the outermost pixels: a page stays white, a photo gets bars that do not stand out."""
    rows = np.asarray(image)
    edge = np.concatenate([rows[0], rows[-1], rows[:, 0], rows[:, -1]])
    colour = np.median(edge, axis=0).astype(np.uint8)
    return int(colour) if colour.ndim == 0 else tuple(int(value) for value in colour)
