"""Latents onto a map and spots back to latents, by neighbours alone: for maps that have no formula of their own.

Both directions weigh the nearest by 1/d - 1/R, R being the distance to the first that is left out, so that an answer
moves steadily as the question does, and is the item's own at an item (Franke and Nielson, "Smooth interpolation of
large sets of scattered data", 1980).
"""

import numpy as np

from ..search.exact import ExactIndex
from ..search.index import Index
from .fitted import Fitted, Spots

_PLACED_BY = 15  # neighbours in z; fewer jitter, more blur the borders between groups
_DECODED_BY = 8  # neighbours on the map
_PULLS = 10  # steps of the pull towards neighbours; it has settled by then
_OFF_DATA = 2.0  # times the wider gaps between neighbours


def place_by_neighbours(fitted: Fitted, index: ExactIndex | Index, z_new: np.ndarray) -> np.ndarray:
    """Puts latents (m, dims) on the map among their neighbours in z: float32 (m, 2).

    A latent equal to a fitted one lands on its spot. Others start at their neighbours' weighted mean and are then
    drawn with the force of t-SNE's attraction, w / (1 + |y - y_j|^2): where neighbours lie in two groups the nearer
    group wins, instead of the empty middle.
    """
    found = index.search(z_new, min(_PLACED_BY + 1, len(index)), "euclidean")
    weights = _weights(found.scores.astype(np.float64))
    spots = fitted.coordinates[found.positions[:, : weights.shape[1]]].astype(np.float64)  # (m, k, 2)
    y = np.einsum("mk,mkd->md", weights, spots)
    reach = max(2.5 * fitted.spacing[0], 1e-12)  # about the distance to the 15th neighbour on the map
    for _ in range(_PULLS):
        pull = weights / (1 + ((spots - y[:, None]) ** 2).sum(axis=2) / reach**2)
        y = np.einsum("mk,mkd->md", pull / pull.sum(axis=1, keepdims=True), spots)
    same = np.flatnonzero(found.scores[:, 0] == 0)
    y[same] = fitted.coordinates[_own_positions(index.z, found.positions[same, 0])]
    return y.astype(np.float32)


def decode_by_neighbours(fitted: Fitted, z: np.ndarray, xy: np.ndarray) -> Spots:
    """Spots (m, 2) back to latents: the weighted mean of the items nearest on the map."""
    k = min(_DECODED_BY + 1, len(z))
    distances, positions = (each.reshape(len(xy), k) for each in fitted.tree.query(xy, k=k))
    weights = _weights(distances)
    z_hat = np.einsum("mk,mkd->md", weights, z[positions[:, : weights.shape[1]]].astype(np.float64))
    return Spots(z_hat.astype(np.float32), *off_data(fitted, xy))


def off_data(fitted: Fitted, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns which spots (m, 2) are far from any item, and how far in units of the map's wider gaps."""
    if not len(fitted.coordinates):
        return np.ones(len(xy), bool), np.full(len(xy), np.inf, np.float32)
    distances = fitted.tree.query(xy)[0]
    unit = fitted.spacing[1]
    # Without gaps, all items lie on one spot, and every other spot is infinitely far from it.
    distances = np.where(distances > 0, np.inf, 0.0) if unit == 0 else distances / unit
    return distances > _OFF_DATA, distances.astype(np.float32)


def _weights(distances: np.ndarray) -> np.ndarray:
    """Weights that sum to 1 for the nearest but the last, which is the edge: (m, k) sorted to (m, max(k - 1, 1))."""
    if distances.shape[1] == 1:
        return np.ones_like(distances)
    edge, inner = distances[:, -1:], distances[:, :-1]
    first = np.where(inner[:, :1] > 0, inner[:, :1], 1.0)
    # In units of the nearest, so that no distance is too small to divide by. A floor keeps equal distances equal.
    weights = first / np.maximum(inner, 1e-30) - first / np.maximum(edge, 1e-30) + 1e-9
    exact = inner == 0
    weights = np.where(exact.any(axis=1, keepdims=True), exact.astype(float), weights)
    return weights / weights.sum(axis=1, keepdims=True)


def _own_positions(z: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Which fitted item each placed one is, given the first one that equals it: (m,).

    Of several equal items the r-th copy asked for is the r-th that was fitted, so that placing all fitted items gives
    each its own spot, duplicates too.
    """
    own = first.copy()
    if len(np.unique(first)) == len(first):
        return own
    asked = dict.fromkeys(first.tolist(), 0)
    copies: dict[int, np.ndarray] = {}
    equals = _equal_rows(z)
    for row, position in enumerate(first.tolist()):
        if position not in copies:
            copies[position] = equals(position)
        own[row] = copies[position][asked[position] % len(copies[position])]
        asked[position] += 1
    return own


def _equal_rows(z: np.ndarray):
    """Returns the function from a position to the sorted positions of all rows equal to it."""
    rows = np.ascontiguousarray(z + np.float32(0))  # -0.0 becomes 0.0, which is equal but has other bytes
    _, kinds = np.unique(rows.view(np.dtype((np.void, rows.shape[1] * 4))).ravel(), return_inverse=True)
    order = np.argsort(kinds, kind="stable")
    starts = np.searchsorted(kinds[order], np.arange(kinds.max() + 2))
    return lambda position: order[starts[kinds[position]] : starts[kinds[position] + 1]]
