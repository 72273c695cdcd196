"""How odd each item is: by how it comes back, by how empty its surroundings are, and by its neighbours'."""

from typing import NamedTuple

import numpy as np

_FLOOR = 1e-12


class Oddity(NamedTuple):
    """Each item's oddness in three ways, and together: float64 arrays of shape (n,), NaN where it is not known.

    Attributes
    ----------
    score : array
        The length of the three together, each no less than 0: 1 is usual; from about 5 on an item stands out.
    error, thin, lonely : arrays
        Robust deviations of the logarithm of the reconstruction error; of minus the log-density; and of the
        logarithm of how much farther an item's neighbours are than theirs are from their own (Breunig et al., LOF,
        2000, in its simplified form). Above 0 is odder than half of the items.
    error_ratio, lonely_ratio : arrays
        How many times the median error, and how many times as far as neighbours are to theirs, it is.
    """

    score: np.ndarray
    error: np.ndarray
    thin: np.ndarray
    lonely: np.ndarray
    error_ratio: np.ndarray
    lonely_ratio: np.ndarray


def oddity(
    errors: np.ndarray | None, log_density: np.ndarray | None, positions: np.ndarray, distances: np.ndarray
) -> Oddity:
    """Combines what is known of how odd items are.

    Parameters
    ----------
    errors : float array of shape (n,) or None
        Reconstruction errors.
    log_density : float array of shape (n,) or None
        In nats.
    positions : int array of shape (n, k)
        Each item's nearest others, -1 where there are fewer.
    distances : float array of shape (n, k)
    """
    n = len(positions)
    unknown = np.full(n, np.nan)
    lonely_ratio = loneliness(positions, distances) if positions.shape[1] else unknown
    error_ratio = unknown
    if errors is not None and n:
        floor = _FLOOR * float(np.max(errors))
        error_ratio = errors / max(float(np.median(errors)), floor) if floor > 0 else np.ones(n)
    error = _robust(np.log(np.maximum(error_ratio, 1e-6))) if errors is not None else unknown
    thin = _robust(-np.asarray(log_density, np.float64)) if log_density is not None else unknown
    lonely = _robust(np.log(np.maximum(lonely_ratio, 1e-6))) if n else unknown
    parts = np.stack([error, thin, lonely])
    known = np.isfinite(parts)
    squares = np.where(known, np.maximum(parts, 0) ** 2, 0).sum(axis=0)
    score = np.sqrt(squares)  # no mean: an item that is very odd in one way alone is very odd
    return Oddity(score, error, thin, lonely, error_ratio, lonely_ratio)


def loneliness(positions: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """How many times as far an item's neighbours are from it, on average, as theirs are from them: float64 (n,).

    1 is usual; copies that have only copies near are 1, too.
    """
    there = positions >= 0
    count = np.maximum(there.sum(axis=1), 1)
    own = np.where(there, distances, 0).sum(axis=1, dtype=np.float64) / count
    theirs = np.where(there, own[np.maximum(positions, 0)], 0).sum(axis=1) / count
    floor = _FLOOR * max(float(own.max(initial=0.0)), 1e-300)
    return np.where(own > floor, own / np.maximum(theirs, np.maximum(floor, 1e-3 * own)), 1.0)


def _robust(values: np.ndarray) -> np.ndarray:
    """Deviations from the median, in the deviation that a Gaussian of the same quartiles has.

    Of the upper half only, where what is odd lies: a long lower tail must not hide it.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.full(len(values), np.nan)
    middle = float(np.median(finite))
    upper = float(np.quantile(finite, 0.75)) - middle
    if upper <= 0:
        above = finite[finite > middle]
        upper = float(np.median(above)) - middle if len(above) else 1.0
    return (values - middle) / (upper / 0.6745)
