"""What a pixel is told from: pixels above it and to its left, and what whole-number arithmetic makes of them.

Images of one size are coded side by side, the same pixel of each at a time, so arrays have the images last. A large
image is coded in several rows at once, each far enough behind the row above it.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

MARGIN = 5  # pixels about an image, in the colour of its set's corners
# (down, right) of the pixels that are looked at, the nearest first; the first eight have parts of their own.
_GREY = """0,-1 -1,0 -1,-1 -1,1 0,-2 -2,0 -1,-2 -1,2 -2,-1 -2,1 0,-3 -3,0 -2,-2 -2,2 -1,3 -1,-3 -3,-1 -3,1 -2,3 -2,-3
0,-4 -3,2 -3,-2 -4,0 -1,4 0,-5"""
_COLOUR = "0,-1 -1,0 -1,-1 -1,1 0,-2 -2,0 -1,-2 -1,2 -2,-1 -2,1 0,-3 -1,3"
OFFSETS = {
    channels: np.array([[int(number) for number in pair.split(",")] for pair in words.split()])
    for channels, words in ((1, _GREY), (3, _COLOUR))
}
_WEST, _NORTH, _NORTHWEST, _NORTHEAST = 0, 1, 2, 3
# Which neighbours a pixel is likely to be equal to, in the order of being asked.
COPIED = {1: (_WEST,), 3: (_WEST, _NORTH, _NORTHEAST, _NORTHWEST)}
_PAIRS = ((0, 1), (0, 2), (1, 2), (1, 3), (0, 4), (1, 5), (0, 3), (3, 7))
_FLAG = 64  # what a fact counts, beside pixels of 0 to 255
_NEAR = 8
_FAR = 10**6
_ALONE = 4096  # pixels: an image of no more is one row after the other, in one string
_ROWS = 64


class Step(NamedTuple):
    """Pixels that are coded at once in each image: their rows, columns and lanes."""

    rows: np.ndarray
    columns: np.ndarray
    lanes: np.ndarray


def rows_at_once(h: int, w: int) -> int:
    """In how many rows of an image coding goes on at a time: 1 for small images, which come in numbers."""
    return 1 if h * w <= _ALONE else max(1, min(w // MARGIN, h, _ROWS))


def steps(h: int, w: int) -> Iterator[Step]:
    """The order in which pixels are coded, such that all of `OFFSETS` are known by then.

    Lane j has the rows j, j + R, j + 2 R, ... and is 5 pixels behind lane j - 1.
    """
    lanes = rows_at_once(h, w)
    period = max(w, MARGIN * lanes)
    lane = np.arange(lanes)
    for time in range((-(-h // lanes) - 1) * period + w + MARGIN * (lanes - 1)):
        group, column = np.divmod(time - MARGIN * lane, period)
        row = group * lanes + lane
        live = (group >= 0) & (column < w) & (row < h)
        if live.any():
            yield Step(row[live], column[live], lane[live])


class Canvas:
    """Images of one size, with a margin: uint8 ((h + 5) (w + 10), channels, n).

    Parameters
    ----------
    images : uint8 array of shape (n, h, w, channels)
    fill : sequence of int
        The margin's colour.
    """

    def __init__(self, images: np.ndarray, fill: list[int]):
        n, h, w, channels = images.shape
        self.width = w + 2 * MARGIN
        pixels = np.empty((h + MARGIN, self.width, channels, n), np.uint8)
        pixels[:] = np.array(fill, np.uint8)[:, None]
        pixels[MARGIN:, MARGIN : MARGIN + w] = images.transpose(1, 2, 3, 0)
        self.pixels = pixels.reshape(-1, channels, n)
        self._offsets = (OFFSETS[channels] @ [self.width, 1])[:, None]
        self.shape = (n, h, w, channels)

    def places(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Where these pixels are in `pixels`."""
        return (rows + MARGIN) * self.width + columns + MARGIN

    def near(self, places: np.ndarray) -> np.ndarray:
        """The neighbours of pixels in all images, uint8 (neighbours, channels, places * n)."""
        found = self.pixels[self._offsets + places]  # (neighbours, places, channels, n)
        return found.transpose(0, 2, 1, 3).reshape(len(found), found.shape[2], -1)

    def near_one(self, places: np.ndarray, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same for a pixel of an image each, (neighbours, channels, m), and the pixels (channels, m)."""
        found = self.pixels[self._offsets + places, :, image]  # (neighbours, m, channels)
        return found.transpose(0, 2, 1), self.pixels[places, :, image].T

    def images(self) -> np.ndarray:
        """The images, uint8 (n, h, w, channels)."""
        n, h, w, channels = self.shape
        pixels = self.pixels.reshape(h + MARGIN, self.width, channels, n)[MARGIN:, MARGIN : MARGIN + w]
        return np.ascontiguousarray(pixels.transpose(3, 0, 1, 2))


def is_flat(near: np.ndarray) -> np.ndarray:
    """Whether all neighbours are equal, bool (m,)."""
    return (near == near[0]).reshape(-1, near.shape[2]).all(0)


def same(near: np.ndarray, a: int, b: int) -> np.ndarray:
    """Whether two neighbours have one colour, bool (m,)."""
    return (near[a] == near[b]).all(0)


def facts_of(near: np.ndarray) -> np.ndarray:
    """What networks read of any pixel: neighbours, which of them are equal, which are 0 (grey); float32 (facts, m)."""
    _, channels, m = near.shape
    pixels = near.reshape(-1, m)
    told = len(pixels) + len(_PAIRS) + (_NEAR if channels == 1 else 0)
    facts = np.empty((told, m), np.float32)
    facts[: len(pixels)] = pixels
    for number, (a, b) in enumerate(_PAIRS):
        np.multiply(same(near, a, b), np.float32(_FLAG), out=facts[len(pixels) + number])
    if channels == 1:
        np.multiply(near[:_NEAR, 0] == 0, np.float32(_FLAG), out=facts[-_NEAR:])
    return facts


def median(near: np.ndarray, channel: int) -> np.ndarray:
    """The median of W, N and W + N - NW (Martucci, 1990; LOCO-I), int32 (m,)."""
    west, north, corner = near[_WEST, channel], near[_NORTH, channel], near[_NORTHWEST, channel].astype(np.int32)
    low, high = np.minimum(west, north).astype(np.int32), np.maximum(west, north).astype(np.int32)
    return np.clip(low + high - corner, low, high)


def between(near: np.ndarray, known: np.ndarray, channel: int) -> np.ndarray:
    """A channel told from those before it, along the line between two neighbours' colours, int32 (m,).

    An edge is a mixture of the two colours that it parts: where red lies between theirs, green lies there too.
    """
    near = near[:_NEAR].astype(np.int32)
    sums, x = near[:, :channel].sum(1), known[:channel].astype(np.int32).sum(0)
    columns = np.arange(len(x))
    below, above = np.where(sums <= x, sums, -_FAR), np.where(sums >= x, sums, _FAR)
    low, high = below.argmax(0), above.argmin(0)
    sum_low, sum_high = below[low, columns], above[high, columns]
    value_low, value_high = near[low, channel, columns], near[high, channel, columns]
    width = np.clip(sum_high - sum_low, 1, None)
    inside = value_low + ((value_high - value_low) * (x - sum_low) + width // 2) // width
    only_low, only_high = value_low + (x - sum_low) // channel, value_high - (sum_high - x) // channel
    told = np.where(sum_low < 0, only_high, np.where(sum_high == _FAR, only_low, inside))
    return np.clip(told, 0, 255)


def guess(near: np.ndarray, known: np.ndarray, channel: int) -> np.ndarray:
    """What a channel is likely to be, int32 (m,)."""
    return median(near, channel) if channel == 0 else between(near, known, channel)


def differences_of(near: np.ndarray, known: np.ndarray, channel: int, told: np.ndarray) -> np.ndarray:
    """What networks read beside `facts_of`, to tell a difference from a guess; float32 (5 channel + 4, m)."""
    whole = near[:2].astype(np.int32)
    west, north = np.abs(told - whole[0, channel]), np.abs(told - whole[1, channel])
    rows = [*known[:channel], told, median(near, channel), 2 * west, 2 * north]
    for before in range(channel):
        value, middle = known[before].astype(np.int32), median(near, before)
        rows += [
            value - middle,
            middle - value,
            2 * np.abs(value - whole[0, before]),
            2 * np.abs(value - whole[1, before]),
        ]
    return np.clip(np.array(rows, np.float32), 0, 255)


def activity(near: np.ndarray) -> np.ndarray:
    """How much neighbours differ, 0 to 10: the bits of the mean step between four of them; int64 (m,)."""
    near = near[:4].astype(np.int32)
    steps_ = np.abs(near[_WEST] - near[_NORTHWEST]) + np.abs(near[_NORTH] - near[_NORTHWEST])
    steps_ += np.abs(near[_NORTH] - near[_NORTHEAST])
    return np.frexp((steps_.sum(0) // near.shape[1]).astype(np.float32))[1].astype(np.int64)
