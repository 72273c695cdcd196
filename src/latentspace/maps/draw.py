"""A map as a picture, drawn with Pillow at twice its size and then halved, which smooths every edge."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .colours import Colouring, ramp

_OVER = 2  # times as large while drawing
_PAPER, _INK, _FAINT = (255, 255, 255), (32, 33, 36), (110, 112, 118)
_MARGIN, _LEGEND, _TITLE, _CAPTION = 24, 200, 34, 26  # pixels


def draw_png(
    coordinates: np.ndarray,
    colours: Colouring,
    *,
    title: str = "",
    caption: str = "",
    width: int = 1200,
    height: int = 900,
    pictures: Callable[[int], Any] | None = None,
) -> Image.Image:
    """Draws a map.

    Parameters
    ----------
    coordinates : float array of shape (n, 2)
    colours : Colouring
    title, caption : str
        Above and below the map.
    width, height : int
        Of the picture, in pixels.
    pictures : callable(position) -> PIL image, optional
        Draws items as themselves instead of as dots, where they do not cover one another.

    Returns
    -------
    RGB PIL image
    """
    legend = _LEGEND if colours.name else 0
    box = (_MARGIN, _MARGIN + _TITLE, width - _MARGIN - legend, height - _MARGIN - _CAPTION)
    sheet = Image.new("RGB", (width * _OVER, height * _OVER), _PAPER)
    spots = on_paper(coordinates, tuple(side * _OVER for side in box))
    if pictures is None:
        _dots(sheet, spots, colours.rgb)
    else:
        _pictures(sheet, spots, pictures)
    sheet = sheet.resize((width, height), Image.Resampling.BOX)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN), title, fill=_INK, font=ImageFont.load_default(20))
    _wrapped(draw, caption, (_MARGIN, height - _MARGIN - _CAPTION + 8), width - 2 * _MARGIN)
    if colours.name:
        _legend(draw, colours, width - legend - _MARGIN + 20, _MARGIN + _TITLE, height)
    return sheet


def on_paper(coordinates: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """Coordinates to pixels inside a box (left, top, right, bottom), one scale for both axes, y upwards."""
    if not len(coordinates):
        return np.empty((0, 2))
    left, top, right, bottom = box
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    extent = np.maximum(high - low, 1e-9)
    scale = min((right - left) / extent[0], (bottom - top) / extent[1]) if extent.max() > 1e-9 else 0.0
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    return middle + (coordinates - (low + high) / 2) * np.array([scale, -scale])


def _dots(sheet: Image.Image, spots: np.ndarray, rgb: np.ndarray) -> None:
    n = len(spots)
    radius = _OVER * float(np.clip(150 / np.sqrt(max(n, 1)), 1.2, 5))
    draw = ImageDraw.Draw(sheet)
    # In a fixed random order: drawn group by group, the last group would hide the others where they meet.
    for position in np.random.default_rng(0).permutation(n):
        x, y = spots[position]
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tuple(int(c) for c in rgb[position]))


def _pictures(sheet: Image.Image, spots: np.ndarray, pictures: Callable[[int], Any]) -> None:
    side = _OVER * 32
    taken: set[tuple[int, int]] = set()
    for position in np.random.default_rng(0).permutation(len(spots)):
        cell = (int(spots[position][0] // side), int(spots[position][1] // side))
        if cell in taken:
            continue
        taken.add(cell)
        picture = pictures(int(position)).convert("RGB")
        factor = side / max(picture.size)
        picture = picture.resize(tuple(max(1, round(edge * factor)) for edge in picture.size), Image.Resampling.NEAREST)
        sheet.paste(picture, (cell[0] * side, cell[1] * side))


def _legend(draw: ImageDraw.ImageDraw, colours: Colouring, x: int, y: int, height: int) -> None:
    font = ImageFont.load_default(14)
    draw.text((x, y), _short(colours.name, font, _LEGEND - 20), fill=_INK, font=ImageFont.load_default(15))
    y += 26
    if colours.low is not None and colours.high is not None:
        tall = min(300, height - y - 80)
        for row in range(tall):
            colour = ramp(np.array([1 - row / max(tall - 1, 1)]))[0]
            draw.line((x, y + row, x + 18, y + row), fill=tuple(int(c) for c in colour))
        draw.text((x + 26, y - 4), f"{colours.high:.4g}", fill=_INK, font=font)
        draw.text((x + 26, y + tall - 12), f"{colours.low:.4g}", fill=_INK, font=font)
        return
    for label, colour, count in colours.groups:
        draw.ellipse((x, y + 3, x + 11, y + 14), fill=colour)
        words = _short(label, font, _LEGEND - 90)
        draw.text((x + 18, y), words, fill=_INK, font=font)
        draw.text((x + 24 + font.getlength(words), y), f"{count:,}", fill=_FAINT, font=font)
        y += 21


def _short(text: str, font: Any, width: float) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _wrapped(draw: ImageDraw.ImageDraw, text: str, corner: tuple[int, int], width: int) -> None:
    font = ImageFont.load_default(14)
    line, x, y = "", *corner
    lines = []
    for word in text.split():
        if font.getlength(f"{line} {word}") > width and line:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    for row in [*lines, line][:2]:
        draw.text((x, y), row, fill=_FAINT, font=font)
        y += 18
