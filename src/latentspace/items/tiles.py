"""Large images to tiles of them: which pieces of which image are items, found from headers alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from ..errors import BadItemError
from . import decode
from .folders import distinct
from .protocol import Gathered, Skipped


@dataclass(frozen=True)
class Tile:
    """A piece of an image, in pixels of the whole upright image; `source` is a path or a PIL image."""

    source: Any
    top: int
    left: int
    height: int
    width: int


def cut(items: Gathered, size: tuple[int, int], stride: tuple[int, int]) -> Gathered:
    """Cuts every image into tiles of (height, width) pixels, `stride` pixels apart.

    Tiles at the lower and the right edge are moved inwards, so that every pixel is in a tile and none is made up; an
    image that is smaller than a tile is one tile. Metadata: what the image has, `path` (the image's id), and `top` and
    `left` in pixels. Images that cannot be read are in `skipped`.
    """
    tiles: list[Tile] = []
    origins: list[int] = []
    names: list[str] = []
    skipped = list(items.skipped)
    for position, source in enumerate(items.raw):
        try:
            head = decode.header(source)
        except BadItemError as error:
            skipped.append(Skipped(items.ids[position], str(error)))
            continue
        sides = min(size[0], head.height), min(size[1], head.width)
        for row, top in enumerate(_begins(head.height, sides[0], stride[0])):
            for column, left in enumerate(_begins(head.width, sides[1], stride[1])):
                tiles.append(Tile(source, top, left, *sides))
                origins.append(position)
                names.append(f"{items.ids[position]}#{row},{column}")
    metadata = {name: [column[position] for position in origins] for name, column in items.metadata.items()}
    metadata |= {"path": [items.ids[position] for position in origins]}
    metadata |= {"top": [tile.top for tile in tiles], "left": [tile.left for tile in tiles]}
    return Gathered(tiles, distinct(names), metadata, items.origin, skipped, items.notes)


def _begins(side: int, tile: int, stride: int) -> Iterator[int]:
    yield from range(0, side - tile, stride)
    yield side - tile


class Opened:
    """The pixels of tiles, each image decoded once while its tiles are asked for one after the other."""

    def __init__(self) -> None:
        self._source: Any = None
        self._image: Image.Image | BadItemError | None = None

    def of(self, tile: Tile) -> Image.Image:
        """A tile as a PIL image.

        Raises
        ------
        BadItemError
            If its image cannot be read whole, or has become smaller.
        """
        if self._image is None or tile.source is not self._source:
            self._source = tile.source
            try:
                self._image = decode.decoded(tile.source)[0]
            except BadItemError as error:
                self._image = error
        if isinstance(self._image, BadItemError):
            raise BadItemError(str(self._image))
        if self._image.width < tile.left + tile.width or self._image.height < tile.top + tile.height:
            raise BadItemError("has become smaller since it was cut into tiles")
        piece = self._image.crop((tile.left, tile.top, tile.left + tile.width, tile.top + tile.height))
        # It is upright already: what EXIF says of the file would turn it once more.
        piece.info = {name: value for name, value in piece.info.items() if name == "transparency"}
        return piece


def are_tiles(raw: Sequence[Any]) -> bool:
    """Whether what was gathered is cut into tiles already."""
    return len(raw) > 0 and isinstance(raw[0], Tile)
