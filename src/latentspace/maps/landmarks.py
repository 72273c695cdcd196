"""Maps of more items than memory would hold: some are laid out, and the others placed among them.

A random sample is what keeps densities as they are (de Silva and Tenenbaum, "Sparse multidimensional scaling using
landmark points", 2004, found choosing them by distance hardly better). What the items that were placed lose is in the
map's honesty, which is measured over all.
"""

from collections.abc import Callable

import numpy as np

from ..progress import say, track
from ..resources import available_memory
from ..search.index import Index
from .fitted import Fitted
from .placing import place_by_neighbours

# Bytes an item that laying it out takes at its peak, graph included: benchmarks.maps on 70,000 items, rounded up.
_BYTES = {"tsne": 9_000, "umap": 3_000, "pacmap": 6_000}
_SHARE = 0.5  # of what is free
_FEWEST = 2_000  # landmarks, however little memory there is
_ROWS = 16_384  # items placed at a time


def landmarks_for(method: str, n: int, asked: int | None = None) -> int | None:
    """How many of n items to lay out; None for all of them.

    Parameters
    ----------
    method : str
    n : int
    asked : int, optional
        What the user wants; by default as many as half of the free memory has room for.

    Raises
    ------
    ValueError
        If fewer than 2 are asked for, or any of a method that needs none.
    """
    if asked is not None and (asked < 2 or method not in _BYTES):
        raise ValueError(
            f"landmarks={asked}: at least 2 items have to be laid out."
            if method in _BYTES
            else f"landmarks={asked}: method={method!r} takes all items at once, however many; leave landmarks out."
        )
    if method not in _BYTES:
        return None
    needed, room = n * _BYTES[method], int(available_memory() * _SHARE)
    count = asked if asked is not None else max(_FEWEST, room // _BYTES[method])
    if count >= n:
        return None
    if asked is None:
        say(
            lambda: (
                f"A {method} map of {n:,} items would take {needed / 2**30:.1f} GiB, and half of what is free is "
                f"{room / 2**30:.1f} GiB: {count:,} landmarks at random are laid out, the others placed among them."
            )
        )
    return count


def by_landmarks(z: np.ndarray, count: int, seed: int, lay_out: Callable[[np.ndarray], Fitted]) -> Fitted:
    """Lays `count` of the latents z (n, dims) out by `lay_out`, and places the rest among them.

    Returns
    -------
    Fitted
        Coordinates of all n; its parameter `landmarks` says how many were laid out.
    """
    rows = np.sort(np.random.default_rng(seed).choice(len(z), count, replace=False))
    chosen = np.ascontiguousarray(z[rows])
    laid = lay_out(chosen)
    others = np.setdiff1d(np.arange(len(z)), rows, assume_unique=True)
    coordinates = np.empty((len(z), laid.coordinates.shape[1]), np.float32)
    coordinates[rows] = laid.coordinates
    index = Index(chosen)
    for begin in track(range(0, len(others), _ROWS), "placing", -(-len(others) // _ROWS)):
        block = others[begin : begin + _ROWS]
        coordinates[block] = place_by_neighbours(laid, index, z[block])
    return Fitted(coordinates, laid.method, {**laid.params, "landmarks": count}, laid.arrays)
