"""Odds by counting, where there are too few images to train networks, or no torch to do it with."""

from collections.abc import Iterator, Sequence

import numpy as np

from .lossless_context import COPIED, Canvas, activity, guess, is_flat, same
from .lossless_model import CELLS, LEVELS, Tables, logits_of
from .lossless_trees import TREES, Differences, path

_ENOUGH = 2**20  # pixels that are counted
_TREE = "differences"  # it knows something before it has seen any image


def count(images: Sequence[np.ndarray], channels: int) -> Tables:
    """Learns tables from images (h, w, channels) of any sizes; from none, what most pictures have in common."""
    fill = fill_of(images, channels)
    flat = np.array([[19.0, 1.0]])  # of (no, yes)
    copies = np.full((len(COPIED[channels]), LEVELS, 2), 2.0)
    copies[:, 0, 0] += 6
    values = np.repeat(_laplacian()[None], channels, axis=0)
    seen = 0
    for image in images:
        if seen >= _ENOUGH:
            break
        seen += image.shape[0] * image.shape[1]
        for near, truth in _rows(image, fill):
            _count_row(near, truth, flat, copies, values)
    arrays = {
        "flat": logits_of(flat[:, 0], flat[:, 1]),
        "copies": logits_of(copies[..., 0], copies[..., 1]),
        "values": logits_of(values[..., 0], values[..., 1]),
    }
    return Tables({"tree": _TREE, "fill": fill, "grid": [1, 1]}, arrays)


def fill_of(images: Sequence[np.ndarray], channels: int) -> list[int]:
    """The median colour of images' corners."""
    corners = [image[[0, 0, -1, -1], [0, -1, 0, -1]] for image in images[:1000] if image.size]
    if not corners:
        return [0] * channels
    return [int(value) for value in np.median(np.concatenate(corners), axis=0)]


def grid_of(images: Sequence[np.ndarray]) -> tuple[int, int]:
    """Into how many parts images are divided, to tell places apart: one, where they are not of one size."""
    shapes = {image.shape for image in images}
    if len(shapes) != 1:
        return 1, 1
    ((h, w, _),) = shapes
    return min(h, CELLS), min(w, CELLS)


def _rows(image: np.ndarray, fill: list[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Neighbours and pixels of an image, some thousands at a time."""
    h, w, channels = image.shape
    canvas = Canvas(image[None], fill)
    together = max(1, 2**14 // w)
    for row in range(0, h, together):
        down, across = np.mgrid[row : min(row + together, h), 0:w].reshape(2, -1)
        places = canvas.places(down, across)
        yield canvas.near(places), canvas.pixels[places, :, 0].T.reshape(channels, -1)


def _count_row(near: np.ndarray, truth: np.ndarray, flat: np.ndarray, copies: np.ndarray, values: np.ndarray) -> None:
    """Adds the answers of some pixels to the counts."""
    channels = near.shape[1]
    even = is_flat(near)
    differs = (truth != near[0]).any(0)
    flat[0] += np.bincount(differs[even], minlength=2)
    level = activity(near)
    live = np.ones(len(even), bool)
    for k, other in enumerate(COPIED[channels]):
        asked = live & ~even
        for before in COPIED[channels][:k]:
            asked &= ~same(near, other, before)
        new = (truth != near[other]).any(0)
        np.add.at(copies[k], (level[asked], new[asked].astype(np.int64)), 1)
        live &= new | (even & differs)
    near, truth, level = near[:, :, live], truth[:, live], level[live]
    for channel in range(channels):
        nodes, columns, answers = path(TREES[_TREE], truth[channel], guess(near, truth, channel))
        np.add.at(values[channel], (nodes, level[columns], answers.astype(np.int64)), 1)


def _laplacian() -> np.ndarray:
    """Counts (nodes, levels, 2) as if a few differences had been seen, the larger the more the neighbours differ."""
    away = np.arange(-255, 256)
    nodes, columns, answers = path(Differences, np.maximum(away, 0), np.maximum(-away, 0))
    counts = np.full((Differences.nodes, LEVELS, 2), 0.05)
    for level in range(LEVELS):
        mass = np.exp(-np.abs(away) / max(1.0, 0.5 * 2.0**level))
        np.add.at(counts[:, level], (nodes, answers.astype(np.int64)), 8 * mass[columns] / mass.sum())
    return counts
