"""Pictures one after the other: GIF, animated PNG or WebP."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..resources import refuse_if_too_large
from .sheet import sheet

if TYPE_CHECKING:
    from PIL import Image

_MILLISECONDS = 90  # a picture is shown for; GIF counts in hundredths of a second
_REST = 600  # the first and the last
_SIDE = 192  # pixels: smaller pictures are enlarged by a whole factor to about this


def animate(
    pictures: "Sequence[Image.Image]", path: Path, *, milliseconds: int = _MILLISECONDS, back: bool = True
) -> None:
    """Writes pictures as an animation without end, small ones enlarged as on a `sheet`.

    Parameters
    ----------
    pictures : sequence of PIL images
        In order, at least one.
    path : path
        `.gif`: 256 colours a picture, shown everywhere; `.apng` and `.webp`: without loss.
    milliseconds : int, default=90
        How long each is shown; the first and last 0.6 s.
    back : bool, default=True
        Goes back the way it came, so that the end meets the beginning.

    Raises
    ------
    ValueError
        If there are no pictures.
    MemoryError
        If they would not fit in memory.
    """
    if not len(pictures):
        raise ValueError("animate() got no pictures; it needs at least one.")
    width, height = max(p.width for p in pictures), max(p.height for p in pictures)
    refuse_if_too_large(
        3 * len(pictures) * max(width * height, 128 * 128), f"an animation of {len(pictures):,} pictures",
        "Ask for fewer steps.",
    )  # fmt: skip
    frames = [sheet([_enlarged(picture)], 1, padding=0) for picture in pictures]
    times = [_REST, *[milliseconds] * (len(frames) - 2), _REST][: len(frames)]
    if back:
        frames, times = frames + frames[-2:0:-1], times + times[-2:0:-1]
    ending = path.suffix.lower()
    kind = {".gif": "GIF", ".apng": "PNG", ".webp": "WEBP"}[ending]
    own = {"lossless": True} if kind == "WEBP" else {}
    frames[0].save(path, kind, save_all=True, append_images=frames[1:], duration=times, loop=0, **own)


def _enlarged(picture: "Image.Image") -> "Image.Image":
    factor = max(1, round(_SIDE / max(picture.size)))
    return picture.resize((picture.width * factor, picture.height * factor), 0)  # 0: nearest, in every Pillow
