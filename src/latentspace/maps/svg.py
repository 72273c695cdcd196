"""A map as an SVG: vector dots and letters up to a number of items, and one picture of the dots past it."""

import base64
import io
import re
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from PIL import Image

from .draw import stamp
from .scene import PAPER, UNIT, Dots, Line, Scene, Tile, Words

MOST_VECTORS = 5_000  # dots: more make a file that editors and printers are slow with
_RASTER_DPI = 300.0  # of the dots past that, as printers ask for
_FONTS = "Aileron, Helvetica, Arial, 'DejaVu Sans', sans-serif"  # PNGs are lettered in the first
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg_of(scene: Scene, dpi: float | None = None) -> str:
    """Writes a scene as one SVG document, in millimetres, that refers to nothing outside of itself.

    Parameters
    ----------
    scene : Scene
    dpi : float, default=300
        Of the dots, where there are more than 5,000 and they are embedded as one picture.
    """
    body = "\n".join(_mark(mark, dpi or _RASTER_DPI) for mark in scene.marks)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{scene.width / UNIT:g}mm" height="{scene.height / UNIT:g}mm" '
        f'viewBox="0 0 {scene.width:g} {scene.height:g}" role="img" font-family="{_FONTS}">\n'
        f"<title>{_safe(scene.title)}</title>\n<desc>{_safe(scene.caption)}</desc>\n"
        f'<rect width="100%" height="100%" fill="{_hex(PAPER)}"/>\n{body}\n</svg>\n'
    )


def _mark(mark: Words | Line | Dots | Tile, dpi: float) -> str:
    if isinstance(mark, Words):
        return _words(mark)
    if isinstance(mark, Line):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in mark.points)
        width, ink = f"{mark.width:g}", _hex(mark.ink)
        return f'<polyline points="{points}" fill="none" stroke="{ink}" stroke-width="{width}"/>'
    if isinstance(mark, Tile):
        box = (mark.x, mark.y, mark.width, mark.height)
        return _image(mark.picture, box, "image-rendering:pixelated")
    return _dots(mark) if len(mark.spots) <= MOST_VECTORS else _rastered(mark, dpi)


def _words(words: Words) -> str:
    halo = ""
    if words.halo:
        halo = f' stroke="{_hex(PAPER)}" stroke-width="{2 * words.halo:g}" stroke-linejoin="round" paint-order="stroke"'
    anchor = "" if words.anchor == "start" else ' text-anchor="middle"'
    return (
        f'<text x="{words.x:.1f}" y="{words.y:.1f}" font-size="{words.size:g}" fill="{_hex(words.ink)}"{anchor}{halo}>'
        f"{_safe(words.text)}</text>"
    )


def _dots(dots: Dots) -> str:
    discs = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.2f}" fill="{_hex(rgb)}"/>\n'
        for (x, y), radius, rgb in zip(dots.spots, dots.radius, dots.rgb.tolist(), strict=True)
    )
    return f"<g>\n{discs}</g>"


def _rastered(dots: Dots, dpi: float) -> str:
    scale = dpi / (25.4 * UNIT)
    reach = float(dots.radius.max())
    low, high = dots.spots.min(axis=0) - reach, dots.spots.max(axis=0) + reach
    over = 2
    size = np.maximum(1, np.ceil((high - low) * scale)).astype(int)
    sheet = Image.new("RGBA", (int(size[0]) * over, int(size[1]) * over), (*PAPER, 0))
    stamp(sheet, Dots(dots.spots - low, dots.rgb, dots.radius), scale * over)
    sheet = sheet.resize((int(size[0]), int(size[1])), Image.Resampling.BOX)
    return _image(sheet, (*low.tolist(), *(size / scale).tolist()), "")


def _image(picture: Any, box: tuple[float, ...], style: str) -> str:
    held = io.BytesIO()
    picture.save(held, "PNG")
    x, y, width, height = (f"{side:.2f}" for side in box)
    address = "data:image/png;base64," + base64.b64encode(held.getvalue()).decode("ascii")
    return (
        f'<image x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="none" '
        f"style={quoteattr(style)} href={quoteattr(address)}/>"
    )


def _safe(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))


def _hex(rgb: Any) -> str:
    return "#" + "".join(f"{part:02x}" for part in rgb)
