"""Thumbnails as sheets of tiles: one request for a thousand pictures, and textures that every browser takes."""

import io
import math

from PIL import Image

from .opened import Opened

TILES = 32  # along a side
SIDE = 64  # pixels of a tile


def sheet(the: Opened, number: int) -> bytes | None:
    """Sheet `number` as WebP, made once; None where items have no pictures."""
    if number not in the.sheets:
        start = number * TILES * TILES
        rows = range(start, min(start + TILES * TILES, len(the.space)))
        tiles = [the.picture(row) for row in rows]
        if any(tile is None for tile in tiles):
            return None
        drawn = Image.new("RGB", (TILES * SIDE, math.ceil(len(tiles) / TILES) * SIDE), (255, 255, 255))
        for place, tile in enumerate(tiles):
            assert tile is not None
            drawn.paste(_fitted(tile), (place % TILES * SIDE, place // TILES * SIDE))
        held = io.BytesIO()
        drawn.save(held, "WEBP", quality=80)
        the.sheets[number] = held.getvalue()
    return the.sheets[number]


def _fitted(tile: Image.Image) -> Image.Image:
    """A picture in the middle of a white tile."""
    tile = tile.convert("RGB")
    factor = SIDE / max(tile.size)
    how = Image.Resampling.LANCZOS if factor < 1 else Image.Resampling.NEAREST
    width, height = (max(1, round(edge * factor)) for edge in tile.size)
    out = Image.new("RGB", (SIDE, SIDE), (255, 255, 255))
    out.paste(tile.resize((width, height), how), ((SIDE - width) // 2, (SIDE - height) // 2))
    return out
