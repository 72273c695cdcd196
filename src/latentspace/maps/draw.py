"""A map as a PNG, drawn with Pillow at twice its size and then halved, which smooths every edge."""

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from .colours import Colouring
from .fonts import font
from .scene import PAPER, UNIT, Dots, Line, Scene, Tile, Words, scene_of

DPI = 25.4 * UNIT  # one pixel a unit: 152.4
_MOST = 100_000_000  # pixels: past that a picture takes more than a gigabyte to draw
_FINE = 2.5  # pixels a unit from which edges need no smoothing
_MANY = 20_000  # dots from which they are stamped all at once


def draw_png(coordinates: np.ndarray, colours: Colouring, *, dpi: float = DPI, **options: Any) -> Image.Image:
    """Draws a map: an RGB PIL image; see `scene_of` for the options, and `painted`."""
    return painted(scene_of(coordinates, colours, **options), dpi)


def painted(scene: Scene, dpi: float = DPI) -> Image.Image:
    """Draws a scene.

    Parameters
    ----------
    scene : Scene
    dpi : float, default=152.4
        Pixels an inch: one pixel a unit.

    Returns
    -------
    RGB PIL image

    Raises
    ------
    ValueError
        If dpi is not above 0, or the picture would have more than 100 million pixels.
    """
    if not 0 < dpi < np.inf:
        raise ValueError(f"dpi={dpi} counts pixels an inch; it is above 0, and 300 is what prints ask for.")
    scale = dpi / DPI
    width, height = round(scene.width * scale), round(scene.height * scale)
    if width * height > _MOST:
        raise ValueError(
            f"{width:,} x {height:,} pixels are more than can be drawn ({_MOST:,}). Lower dpi={dpi:g} or the size, or "
            "save an .svg, which prints sharp at any size."
        )
    over = 1 if scale >= _FINE else 2
    sheet = Image.new("RGB", (max(1, width) * over, max(1, height) * over), PAPER)
    for mark in scene.marks:
        if isinstance(mark, Dots):
            stamp(sheet, mark, scale * over)
        elif isinstance(mark, Line):
            points = [(float(x), float(y)) for x, y in mark.points * (scale * over)]
            ImageDraw.Draw(sheet).line(points, fill=mark.ink, width=max(1, round(mark.width * scale * over)))
        elif isinstance(mark, Tile):
            _paste(sheet, mark, scale * over)
    if over > 1:
        sheet = sheet.resize((max(1, width), max(1, height)), Image.Resampling.BOX)
    for mark in scene.marks:
        if isinstance(mark, Words):
            _write(sheet, mark, scale)
    sheet.info["dpi"] = (dpi, dpi)
    return sheet


def stamp(sheet: Image.Image, dots: Dots, scale: float) -> None:
    """Draws dots on a sheet, later ones above earlier ones."""
    if len(dots.spots) > _MANY:
        _stamp_many(sheet, dots, scale)
        return
    draw = ImageDraw.Draw(sheet)
    for (x, y), radius, rgb in zip(dots.spots * scale, dots.radius * scale, dots.rgb.tolist(), strict=True):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tuple(rgb))


def _stamp_many(sheet: Image.Image, dots: Dots, scale: float) -> None:
    """The same for many: every dot's pixel at one offset from its centre, then at the next offset."""
    pixels = np.asarray(sheet).copy()
    x, y = np.floor(dots.spots.T * scale).astype(np.int64)
    radius = dots.radius * scale
    reach = int(np.ceil(radius.max()))
    opaque = np.full((len(dots.rgb), pixels.shape[2]), 255, np.uint8)
    opaque[:, :3] = dots.rgb
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            inside = np.flatnonzero(
                (right**2 + down**2 <= radius**2)
                & (x + right >= 0) & (x + right < pixels.shape[1]) & (y + down >= 0) & (y + down < pixels.shape[0])
            )  # fmt: skip
            pixels[y[inside] + down, x[inside] + right] = opaque[inside]
    sheet.paste(Image.fromarray(pixels))


def _paste(sheet: Image.Image, tile: Tile, scale: float) -> None:
    size = (max(1, round(tile.width * scale)), max(1, round(tile.height * scale)))
    smaller = size[0] < tile.picture.width
    resample = Image.Resampling.LANCZOS if smaller else Image.Resampling.NEAREST
    sheet.paste(tile.picture.resize(size, resample), (round(tile.x * scale), round(tile.y * scale)))


def _write(sheet: Image.Image, words: Words, scale: float) -> None:
    ImageDraw.Draw(sheet).text(
        (words.x * scale, words.y * scale), words.text, fill=words.ink, font=font(words.text, words.size * scale),
        anchor="ms" if words.anchor == "middle" else "ls", stroke_width=words.halo * scale, stroke_fill=PAPER,
    )  # fmt: skip
