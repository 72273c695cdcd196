"""A map as one self-contained HTML page: nothing is fetched, and nothing that an item is called can act."""

import base64
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from PIL import Image

from .colours import colouring, plain
from .density import Contour
from .regions import Region
from .view import side_of

THUMBNAIL = 48  # pixels, the longer side of a picture on hover
_TILES = 32  # pictures along a sheet's side: 1,536 pixels, well below what every browser takes
MOST_PICTURES = 20_000  # past that the page would be tens of megabytes; it says that it shows none
_MOST_COLUMNS = 24


def draw_html(
    coordinates: np.ndarray,
    ids: Sequence[str],
    metadata: Mapping[str, Sequence[Any]],
    *,
    colour: str | None = None,
    title: str = "",
    caption: str = "",
    pictures: Callable[[int], Any] | None = None,
    shades: Mapping[str, np.ndarray] | None = None,
    contours: Sequence[Contour] = (),
    regions: Sequence[Region] = (),
    density: bool = False,
    names: bool = False,
) -> str:
    """Writes the page.

    Parameters
    ----------
    coordinates : float array of shape (n, 2), or (n, 3) for a map that is turned
    ids : sequence of str
    metadata : mapping of column name to n values
        Shown on hover; each can be chosen to colour by.
    colour : str, optional
        The column that colours at first.
    title, caption : str
    pictures : callable(position) -> PIL image, optional
        Shown on hover, for maps of up to 20,000 items.
    shades : mapping of name to float array of shape (n,), optional
        Further numbers to colour by, such as how far each item's place can be trusted.
    contours : sequence of Contour
    regions : sequence of Region
        Their names are written on the map, those without a clear one apart.
    density, names : bool, default=False
        Whether contours and names are shown at first; the page has a switch for each.

    Returns
    -------
    str
        HTML that makes no request.
    """
    n = len(ids)
    columns = {name: list(values) for name, values in list(metadata.items())[:_MOST_COLUMNS]}
    tints = [_tint("one colour", plain(n))]
    tints += [_tint(name, colouring(name, values)) for name, values in columns.items()]
    for name, values in (shades or {}).items():
        numbers = [None if not math.isfinite(value) else float(value) for value in values]
        tints.append(_tint(name, colouring(name, numbers)))
    shown = next((place for place, tint in enumerate(tints) if tint["name"] == colour), 0)
    document = {
        "n": n,
        "xy": _base64(np.ascontiguousarray(coordinates[:, :2], dtype="<f4")),
        "space": _in_space(coordinates) if coordinates.shape[1] == 3 else None,
        "contours": [[each.share, _base64(line.astype("<f4"))] for each in contours for line in each.lines],
        "regions": [_region(region, coordinates) for region in regions if region.clear],
        "density": density,
        "names": names,
        "ids": list(ids),
        "metadata": columns,
        "tints": tints,
        "shown": shown,
        "sheets": _sheets(n, pictures) if pictures is not None and n <= MOST_PICTURES else [],
        "tiles": _TILES,
        "side": THUMBNAIL,
        "caption": caption,
        "title": title,
    }
    page = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    return page.replace("/*DATA*/null", _inert(document))


def _in_space(coordinates: np.ndarray) -> dict[str, Any]:
    """A map in three dimensions: its coordinates around their middle, and the side it is looked at from at first."""
    middle = coordinates.mean(axis=0) if len(coordinates) else np.zeros(3)
    return {"xyz": _base64((coordinates - middle).astype("<f4")), "side": side_of(coordinates).ravel().tolist()}


def _region(region: Region, coordinates: np.ndarray) -> dict[str, Any]:
    spot = region.spot if coordinates.shape[1] == 2 else np.median(coordinates[region.rows], axis=0)
    if coordinates.shape[1] == 3:
        spot = spot - coordinates.mean(axis=0)
    return {
        "name": region.name, "evidence": region.evidence, "count": len(region), "spot": [float(x) for x in spot],
    }  # fmt: skip


def _inert(document: Any) -> str:
    """JSON that ends neither a script element nor a line of JavaScript, whatever strings it holds."""
    text = json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")


def _tint(name: str, colours: Any) -> dict[str, Any]:
    return {
        "name": name,
        "rgb": _base64(colours.rgb),
        "groups": [[label, list(colour), count] for label, colour, count in colours.groups],
        "group": _base64(colours.group.astype("<i2")),
        "low": colours.low,
        "high": colours.high,
    }


def _sheets(n: int, pictures: Callable[[int], Any]) -> list[str]:
    """The pictures as sheets of tiles, each a WebP in a data address."""
    sheets = []
    for start in range(0, n, _TILES * _TILES):
        count = min(_TILES * _TILES, n - start)
        sheet = Image.new("RGB", (_TILES * THUMBNAIL, math.ceil(count / _TILES) * THUMBNAIL), (236, 236, 240))
        for place in range(count):
            picture = pictures(start + place).convert("RGB")
            factor = THUMBNAIL / max(picture.size)
            smooth = Image.Resampling.LANCZOS if factor < 1 else Image.Resampling.NEAREST
            picture = picture.resize(tuple(max(1, round(edge * factor)) for edge in picture.size), smooth)
            sheet.paste(picture, (place % _TILES * THUMBNAIL, place // _TILES * THUMBNAIL))
        held = io.BytesIO()
        sheet.save(held, "WEBP", quality=80)
        sheets.append("data:image/webp;base64," + base64.b64encode(held.getvalue()).decode("ascii"))
    return sheets
