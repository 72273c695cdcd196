"""How much of a map would be another's with another seed: what chance has put where it is, nobody should read."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.spatial import procrustes

from ..search.exact import ExactIndex


class Stability(NamedTuple):
    """What maps of the same latents, each by another seed, agree in.

    Attributes
    ----------
    stability : float
        Share, 0 to 1, of an item's k nearest on the map that are also among its k nearest on each of the others.
    moved : float
        How far the typical (median) item lies from where it is on the others once they are turned, mirrored, shifted
        and scaled to fit, in shares of the map's spread: the root mean square distance from its middle.
    maps : int
        Others that were drawn.
    per_item : float32 array of shape (n,)
        Each item's share; nan for items that were not measured.
    """

    stability: float
    moved: float
    maps: int
    per_item: np.ndarray


def stability(coordinates: np.ndarray, others: Sequence[np.ndarray], rows: np.ndarray, k: int) -> Stability:
    """Compares a map with others of the same latents.

    Parameters
    ----------
    coordinates : array of shape (n, 2) or (n, 3)
    others : sequence of arrays of the same shape
    rows : int array of shape (m,)
        The items to measure, each against all.
    k : int
        Neighbours compared.
    """
    here = _nearest(coordinates, rows, k)
    shares, moved = [], []
    for other in others:
        there = _nearest(other, rows, k)
        shares.append((here[:, :, None] == there[:, None, :]).any(axis=2).mean(axis=1))
        moved.append(_moved(coordinates, other))
    per_item = np.full(len(coordinates), np.nan, np.float32)
    per_item[rows] = np.mean(shares, axis=0)
    return Stability(float(per_item[rows].mean()), float(np.mean(moved)), len(others), per_item)


def _nearest(coordinates: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    return ExactIndex(coordinates).search(coordinates[rows], k, "euclidean", exclude=rows).positions


def _moved(one: np.ndarray, other: np.ndarray) -> float:
    if not (np.ptp(one, axis=0).any() and np.ptp(other, axis=0).any()):  # all on one spot: nothing to turn
        return 0.0
    first, second, _ = procrustes(one.astype(np.float64), other.astype(np.float64))
    spread = np.sqrt((first**2).sum(axis=1).mean())
    return float(np.median(np.linalg.norm(first - second, axis=1)) / spread)
