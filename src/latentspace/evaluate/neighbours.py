"""Whose neighbours differ between two sets of coordinates of the same items."""

import numpy as np

from ..search.exact import ExactIndex


def neighbours_changed(a: np.ndarray, b: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    """The share of each item's k nearest in `a` that are not among its k nearest in `b`.

    Parameters
    ----------
    a, b : arrays of shape (n, dims of each)
        The same items in the same order; n at least 2.
    rows : int array of shape (m,)
        The items measured, each against all n.
    k : int
        Neighbours by Euclidean distance, the item itself left out; at most n - 1 are compared.

    Returns
    -------
    float array of shape (m,)
        0 where all neighbours are the same, 1 where none is.
    """
    near_a, near_b = (_near(z, rows, k) for z in (a, b))
    return 1 - (near_a[:, :, None] == near_b[:, None, :]).any(axis=2).mean(axis=1)


def _near(z: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    return ExactIndex(z).search(z[rows], min(k, len(z) - 1), "euclidean", exclude=rows[:, None]).positions
