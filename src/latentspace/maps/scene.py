"""A map as marks on paper: what is drawn, and where. `draw` makes a PNG of them and `svg` an SVG.

Lengths are in units of a sixth of a millimetre, so that letters keep their size in print whatever the paper's: the
legend's are 14 units or 6.6 points, the title's 9.4 points.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .colours import Colouring, ramp
from .fonts import length, shortened, wrapped

UNIT = 6  # a millimetre
PAPER, INK, FAINT, CONTOUR = (255, 255, 255), (32, 33, 36), (110, 112, 118), (70, 72, 80)
_MARGIN, _LEGEND = 24, 200
_TITLE, _SMALL, _NAME = 20, 14, 16  # letters
_ENTRY, _LINE = 21, 18  # from one line of the legend, and of the caption, to the next
_CAPTION_LINES = 6
_NAME_WIDTH = 170  # a region's name is broken past it
_TILE = 32  # an item drawn as itself
_SMALLEST, _LARGEST = (240, 180), 30_000

Ink = tuple[int, int, int]


class Words(NamedTuple):
    """A line of text from (x, y) on its baseline; `anchor` is "start" or "middle", `halo` the paper around letters."""

    x: float
    y: float
    text: str
    size: float
    ink: Ink = INK
    anchor: str = "start"
    halo: float = 0.0


class Line(NamedTuple):
    """A line through points (m, 2)."""

    points: np.ndarray
    ink: Ink = CONTOUR
    width: float = 1.2


class Dots(NamedTuple):
    """Discs at spots (n, 2), in order of drawing, with colours uint8 (n, 3) and radii (n,)."""

    spots: np.ndarray
    rgb: np.ndarray
    radius: np.ndarray


class Tile(NamedTuple):
    """A PIL picture filling a box."""

    x: float
    y: float
    width: float
    height: float
    picture: Any


@dataclass
class Scene:
    """Marks in order of drawing, on paper of width x height units; `title` and `caption` say it in words."""

    width: float
    height: float
    title: str
    caption: str
    marks: list[Words | Line | Dots | Tile] = field(default_factory=list)


class Label(NamedTuple):
    """A region's name, and the spot (2,) of the map where it belongs."""

    text: str
    spot: np.ndarray


def scene_of(
    coordinates: np.ndarray,
    colours: Colouring,
    *,
    title: str = "",
    caption: str = "",
    width: float = 1200,
    height: float = 900,
    pictures: Callable[[int], Any] | None = None,
    contours: Sequence[np.ndarray] = (),
    labels: Sequence[Label] = (),
    depth: np.ndarray | None = None,
) -> Scene:
    """Lays a map out on paper.

    Parameters
    ----------
    coordinates : float array of shape (n, 2)
    colours : Colouring
    title, caption : str
        Above and below the map.
    width, height : float
        Of the paper, in units; 1200 x 900 is 200 x 150 mm.
    pictures : callable(position) -> PIL image, optional
        Draws items as themselves instead of as dots, where they do not cover one another.
    contours : sequence of float arrays of shape (m, 2)
        Lines in the map's coordinates.
    labels : sequence of Label
        Names, the most important first; one that finds no room without covering another is left out.
    depth : float array of shape (n,), optional
        How near to the eye each item is, 0 (far) to 1: far ones are drawn first, smaller and paler.

    Raises
    ------
    ValueError
        If the paper is smaller than 40 x 30 mm, or a side longer than 5 m.
    """
    if not (_SMALLEST[0] <= width <= _LARGEST and _SMALLEST[1] <= height <= _LARGEST):
        smallest, largest = " x ".join(f"{side / UNIT:g}" for side in _SMALLEST), f"{_LARGEST / UNIT:g}"
        raise ValueError(
            f"a picture of {width / UNIT:g} x {height / UNIT:g} mm is no size for a map and its legend; it needs "
            f"{smallest} mm, and no side may pass {largest} mm."
        )
    scene = Scene(width, height, title, caption)
    lines = wrapped(caption, _SMALL, width - 2 * _MARGIN)[:_CAPTION_LINES]
    legend = min(_LEGEND, 0.4 * width) if colours.name else 0
    bottom = height - _MARGIN - _LINE * max(len(lines), 1)
    box = (_MARGIN, _MARGIN + (_TITLE + 14 if title else 0), width - _MARGIN - legend, bottom - 10)
    if pictures is not None:  # a tile reaches to the right of its spot and below it
        box = (box[0], box[1], box[2] - _TILE, box[3] - _TILE)
    frame = _Frame(np.concatenate([coordinates[:, :2], *contours]), box)
    spots = frame.place(coordinates)
    scene.marks += (
        _tiles(spots, pictures)
        if pictures is not None
        else [_dots(spots, colours.rgb, depth, min(box[2] - box[0], box[3] - box[1]))]
    )
    scene.marks += [Line(frame.place(line)) for line in contours]
    scene.marks += _names([Label(label.text, frame.place(label.spot[None])[0]) for label in labels], box)
    if title:
        scene.marks.append(Words(_MARGIN, _MARGIN + 16, shortened(title, _TITLE, width - 2 * _MARGIN), _TITLE))
    if colours.name:
        scene.marks += _legend(colours, width - legend - _MARGIN + 20, box[1], legend - 20, bottom)
    scene.marks += [Words(_MARGIN, bottom + 14 + _LINE * row, line, _SMALL, FAINT) for row, line in enumerate(lines)]
    return scene


def on_paper(coordinates: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """Coordinates to a box (left, top, right, bottom), one scale for both axes, y upwards."""
    return _Frame(coordinates, box).place(coordinates)


class _Frame:
    """From the coordinates of a map to the box that holds them."""

    def __init__(self, coordinates: np.ndarray, box: Sequence[float]):
        left, top, right, bottom = box
        self.middle = np.array([(left + right) / 2, (top + bottom) / 2])
        self.centre, self.scale = np.zeros(2), 0.0
        if len(coordinates):
            low, high = coordinates.min(axis=0), coordinates.max(axis=0)
            extent = np.maximum(high - low, 1e-9)
            self.centre = (low + high) / 2
            if extent.max() > 1e-9:
                self.scale = min((right - left) / extent[0], (bottom - top) / extent[1])

    def place(self, coordinates: np.ndarray) -> np.ndarray:
        if not len(coordinates):
            return np.empty((0, 2))
        return self.middle + (coordinates - self.centre) * np.array([self.scale, -self.scale])


def _dots(spots: np.ndarray, rgb: np.ndarray, depth: np.ndarray | None, side: float) -> Dots:
    n = len(spots)
    radius = np.full(n, np.clip(side / 5 / np.sqrt(max(n, 1)), 0.9, 5))
    if depth is None:
        # In a fixed random order: drawn group by group, the last group would hide the others where they meet.
        order = np.random.default_rng(0).permutation(n)
    else:
        order = np.argsort(depth, kind="stable")
        radius *= 0.6 + 0.7 * depth
        near = 0.35 + 0.65 * depth[:, None]
        rgb = (near * rgb + (1 - near) * np.array(PAPER)).round().astype(np.uint8)
    return Dots(spots[order], rgb[order], radius[order])


def _tiles(spots: np.ndarray, pictures: Callable[[int], Any]) -> list[Tile]:
    taken: set[tuple[int, int]] = set()
    tiles = []
    for position in np.random.default_rng(0).permutation(len(spots)):
        cell = (int(spots[position][0] // _TILE), int(spots[position][1] // _TILE))
        if cell in taken:
            continue
        taken.add(cell)
        picture = pictures(int(position)).convert("RGB")
        factor = _TILE / max(picture.size)
        tiles.append(Tile(cell[0] * _TILE, cell[1] * _TILE, picture.width * factor, picture.height * factor, picture))
    return tiles


def _names(labels: Sequence[Label], box: Sequence[float]) -> list[Words]:
    """Names as near to their spots as leaves room for all before them; those without room are left out."""
    left, top, right, bottom = box
    taken: list[tuple[float, float, float, float]] = []
    words: list[Words] = []
    for label in labels:
        lines = [shortened(line, _NAME, _NAME_WIDTH) for line in wrapped(label.text, _NAME, _NAME_WIDTH)][:3]
        wide, tall = max(length(line, _NAME) for line in lines) + 8, len(lines) * (_NAME + 3) + 4
        for right_by, down_by in _AROUND:
            x = float(np.clip(label.spot[0] + right_by * wide, left + wide / 2, max(right - wide / 2, left + wide / 2)))
            y = float(np.clip(label.spot[1] + down_by * tall, top + tall / 2, max(bottom - tall / 2, top + tall / 2)))
            here = (x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2)
            if not any(_overlap(here, other) for other in taken):
                taken.append(here)
                first = here[1] + _NAME
                words += [
                    Words(x, first + row * (_NAME + 3), line, _NAME, INK, "middle", 2.5)
                    for row, line in enumerate(lines)
                ]
                break
    return words


_AROUND = [(0, 0), (0, -0.6), (0, 0.6), (0.4, 0), (-0.4, 0), (0.4, -0.7), (-0.4, 0.7), (0, -1.1), (0, 1.1)]


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _legend(colours: Colouring, x: float, y: float, width: float, bottom: float) -> list[Words | Dots | Tile]:
    marks: list[Words | Dots | Tile] = [Words(x, y + 14, shortened(colours.name, 15, width), 15)]
    y += 26
    if colours.low is not None and colours.high is not None:
        tall = max(20, min(300, bottom - y - 30))
        marks.append(Tile(x, y, 18, tall, _ramp_picture()))
        marks.append(Words(x + 26, y + 10, f"{colours.high:.4g}", _SMALL))
        marks.append(Words(x + 26, y + tall, f"{colours.low:.4g}", _SMALL))
        return marks
    room = max(1, int((bottom - y - 10) // _ENTRY))
    shown = len(colours.groups) if len(colours.groups) <= room else room - 1
    for label, colour, count in colours.groups[:shown]:
        dot = Dots(np.array([[x + 5.5, y + 8.5]]), np.array([colour], np.uint8), np.array([5.5]))
        counted = f"{count:,}"
        words = shortened(label, _SMALL, width - 26 - length(counted, _SMALL))
        marks += [dot, Words(x + 18, y + 13, words, _SMALL)]
        marks.append(Words(x + 24 + length(words, _SMALL), y + 13, counted, _SMALL, FAINT))
        y += _ENTRY
    if shown < len(colours.groups):
        marks.append(Words(x + 18, y + 13, f"and {len(colours.groups) - shown} more", _SMALL, FAINT))
    return marks


def _ramp_picture() -> Any:
    from PIL import Image

    return Image.fromarray(np.tile(ramp(np.linspace(1, 0, 128))[:, None], (1, 2, 1)))
