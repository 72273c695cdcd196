"""Pictures in rows on one image."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..resources import refuse_if_too_large

if TYPE_CHECKING:
    from PIL import Image, ImageFont

_BACKGROUND = (236, 236, 240)  # neither black nor white, so that the edges of pictures of both kinds show
_INK = (40, 40, 46)
_TEXT = 13  # pixels a line of labels is high
_TITLE = 18
_VISIBLE = 64  # pixels: smaller pictures are enlarged by a whole factor to about this


def sheet(
    pictures: "Sequence[Image.Image | None]",
    columns: int | None = None,
    labels: Sequence[str] | None = None,
    *,
    row_labels: Sequence[str] | None = None,
    title: str | None = None,
    padding: int = 4,
) -> "Image.Image":
    """Draws pictures in rows on one image.

    Pictures under 64 pixels are enlarged by a whole factor without smoothing, so that every pixel of theirs can be
    seen. Pictures of several sizes are centred in cells of the largest.

    Parameters
    ----------
    pictures : sequence of PIL images or None
        In reading order, of any mode; None leaves a gap. Transparent parts show the background.
    columns : int, optional
        Pictures in a row; by default as many as make the sheet about square.
    labels : sequence of str, optional
        One for each picture, written below it; a long one keeps its end.
    row_labels : sequence of str, optional
        One for each row, written to its left.
    title : str, optional
        Written above all.
    padding : int, default=4
        Pixels between pictures and around them.

    Returns
    -------
    RGB PIL image

    Raises
    ------
    ValueError
        If there are no pictures, or labels are fewer or more than what they label.
    MemoryError
        If the sheet would not fit in memory.
    """
    pictures = list(pictures)
    if not pictures:
        raise ValueError("sheet() got no pictures; it needs at least one.")
    if columns is None:
        columns = math.ceil(math.sqrt(len(pictures)))
    if columns < 1 or padding < 0:
        raise ValueError(f"columns={columns}, padding={padding}: columns must be at least 1, padding at least 0.")
    columns = min(columns, len(pictures))
    _check_count(labels, len(pictures), "labels", "pictures")
    _check_count(row_labels, math.ceil(len(pictures) / columns), "row_labels", "rows")
    return _draw(pictures, columns, labels, row_labels or (), title, padding)


def strip(
    pictures: "Sequence[Image.Image | None]", labels: Sequence[str] | None = None, *, title: str | None = None
) -> "Image.Image":
    """Draws pictures in one row on one image; see `sheet`."""
    return sheet(pictures, len(pictures), labels, title=title)


def _check_count(labels: Sequence[str] | None, count: int, name: str, of: str) -> None:
    if labels is not None and len(labels) != count:
        raise ValueError(f"sheet() got {len(labels)} {name} for {count} {of}; it needs one for each.")


def _draw(
    pictures: "list[Image.Image | None]",
    columns: int,
    labels: Sequence[str] | None,
    row_labels: Sequence[str],
    title: str | None,
    padding: int,
) -> "Image.Image":
    from PIL import Image, ImageDraw, ImageFont

    font, title_font = ImageFont.load_default(_TEXT), ImageFont.load_default(_TITLE)
    sizes = [picture.size for picture in pictures if picture is not None] or [(_VISIBLE, _VISIBLE)]
    width, height = max(w for w, _ in sizes), max(h for _, h in sizes)
    factor = max(1, round(_VISIBLE / max(width, height)))
    width, height = width * factor, height * factor

    left = max((math.ceil(font.getlength(text)) + 2 * padding for text in row_labels), default=0) + padding
    top = (_TITLE + 2 * padding if title else 0) + padding
    across, down = width + padding, height + padding + (_TEXT + padding if labels is not None else 0)
    whole_width = left + columns * across
    if title:
        whole_width = max(whole_width, math.ceil(title_font.getlength(title)) + 2 * padding)
    whole_height = top + math.ceil(len(pictures) / columns) * down
    refuse_if_too_large(whole_width * whole_height * 3, f"a sheet of {len(pictures):,} pictures", "Draw fewer of them.")

    image = Image.new("RGB", (whole_width, whole_height), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    if title:
        draw.text((padding, padding), title, fill=_INK, font=title_font)
    for row, text in enumerate(row_labels):
        draw.text((left - 2 * padding, top + row * down + height // 2), text, fill=_INK, font=font, anchor="rm")
    for i, picture in enumerate(pictures):
        x, y = left + i % columns * across, top + i // columns * down
        if picture is not None:
            _paste(image, picture, factor, (x, y, width, height))
        if labels is not None:
            text = _shortened(str(labels[i]), width, font)
            draw.text((x + width // 2, y + height + 1), text, fill=_INK, font=font, anchor="ma")
    return image


def _paste(image: "Image.Image", picture: "Image.Image", factor: int, cell: tuple[int, int, int, int]) -> None:
    """Puts a picture, enlarged, in the middle of a cell (x, y, width, height)."""
    from PIL import Image

    if picture.mode == "F" or picture.mode.startswith("I"):
        values = np.asarray(picture, dtype=np.float64)  # Pillow clips these to 8 bits instead of scaling them
        values -= values.min()
        picture = Image.fromarray((values * (255 / max(values.max(), 1e-12))).astype(np.uint8))
    picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    x, y, width, height = cell
    corner = (x + (width - picture.width) // 2, y + (height - picture.height) // 2)
    image.paste(picture, corner, picture if picture.mode == "RGBA" else None)


def _shortened(text: str, width: int, font: "ImageFont.ImageFont | ImageFont.FreeTypeFont") -> str:
    """The text, or as much of its end as fits: a path's end tells more than its beginning."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength("…" + text) > width:
        text = text[1:]
    return "…" + text
