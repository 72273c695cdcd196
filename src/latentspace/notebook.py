"""A space and its map in a notebook: a table of facts with a few items, and a map that answers to the pointer."""

import base64
import html
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import looking
from .errors import UnsupportedError
from .optional import require

if TYPE_CHECKING:
    from .maps.map import Map
    from .verbs.state import State

_SHOWN = 8  # pictures under the table
_MODULE = Path(__file__).parent / "web" / "static" / "widget.js"


def html_of(space: "State") -> str:
    """A space as an HTML table of what it is, with its first items where they have pictures."""
    told = looking.describe(space)
    rows = {
        "items": f"{told['items']:,} {told['kind']}" + (f", {told['skipped']:,} skipped" if told["skipped"] else ""),
        "features": " x ".join(str(size) for size in told["features"]),
        "model": f"{told['model']}, {told['dims']} dims",
        "density": told["density"],
        "metadata": ", ".join(told["metadata"][:12]),
        "maps": ", ".join(told["maps"]),
        "file": told["path"],
    }
    cells = "".join(
        f"<tr><th style='text-align:left'>{name}</th><td style='text-align:left'>{html.escape(str(value))}</td></tr>"
        for name, value in rows.items()
        if value
    )
    return f"<table>{cells}</table>{_pictures(space)}"


def _pictures(space: "State") -> str:
    drawn = looking.pictures_of(space, len(space))
    if drawn is None:
        return ""
    every = max(1, len(space) // _SHOWN)
    return " ".join(
        f"<img alt='{html.escape(space.ids[row], quote=True)}' width='64' style='display:inline' "
        f"src='data:image/png;base64,{base64.b64encode(_png(drawn(row))).decode()}'>"
        for row in range(0, len(space), every)[:_SHOWN]
    )


def _png(picture: Any) -> bytes:
    held = io.BytesIO()
    picture.save(held, "PNG")
    return held.getvalue()


def live(drawn: "Map", colour: str | None = None) -> Any:
    """A map as a widget: zoom, pan, lasso (shift and drag), and items under the pointer; `widget.selected` holds rows.

    Parameters
    ----------
    drawn : Map
    colour : str, optional
        The metadata column to colour by.

    Raises
    ------
    MissingExtraError
        If anywidget is not installed.
    UnsupportedError
        If the page was not built into this installation.
    ValueError
        If there is no such column.
    """
    anywidget = require("anywidget", "notebook", "map.live()")
    traitlets = require("traitlets", "notebook", "map.live()")
    if not _MODULE.exists():
        raise UnsupportedError("the page is not built into this installation; in a checkout: make page.")
    tint = drawn.colouring(colour)

    class LiveMap(anywidget.AnyWidget):  # type: ignore[name-defined]
        """A map under the pointer."""

        _esm = _MODULE
        label = traitlets.Unicode(f"Map of {len(drawn)} items").tag(sync=True)
        places = traitlets.Bytes().tag(sync=True)
        values = traitlets.Bytes().tag(sync=True)
        palette = traitlets.List().tag(sync=True)
        selected = traitlets.List().tag(sync=True)

    # A ramp has a colour for every value; steps of 8 in each channel look the same and make a short palette.
    rgb = tint.rgb if tint.groups else tint.rgb // 8 * 8 + 4
    colours, which = np.unique(rgb, axis=0, return_inverse=True)
    widget = LiveMap(
        places=np.ascontiguousarray(drawn.coordinates, dtype="<f4").tobytes(),
        values=np.ascontiguousarray(which.ravel(), dtype="<f4").tobytes(),
        palette=["#" + "".join(f"{part:02x}" for part in colour) for colour in colours.tolist()],
    )
    widget.on_msg(lambda _, content, __: _answer(widget, drawn, content))
    return widget


def _answer(widget: Any, drawn: "Map", content: Any) -> None:
    """What hangs at a point: its id, and its picture where it has one."""
    row = content.get("row") if isinstance(content, dict) else None
    if not isinstance(row, int) or not 0 <= row < len(drawn):
        return
    picture = drawn.item_picture(row)
    widget.send({"row": row, "words": str(drawn.ids[row])}, [] if picture is None else [_png(picture)])
