"""Sums of latents: blends of several items, and analogies."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def blend(z: Any, weights: Sequence[float] | None = None) -> np.ndarray:
    """The weighted mean of latents.

    Parameters
    ----------
    z : float array of shape (m, dims)
    weights : sequence of m floats, optional
        Equal ones by default. They are divided by their sum; a negative one goes away from its item.

    Returns
    -------
    float32 array of shape (dims,)

    Raises
    ------
    ValueError
        If there is nothing to blend, the weights are of another number, or they sum to 0.

    Examples
    --------
    >>> blend([[0, 0], [4, 8]], [3, 1])
    array([1., 2.], dtype=float32)
    """
    z = np.asarray(z, dtype=np.float64)
    if z.ndim != 2 or not len(z):
        raise ValueError(f"blend() got latents of shape {z.shape}; expected (m, dims) with m at least 1.")
    shares = np.ones(len(z)) if weights is None else np.asarray(weights, dtype=np.float64)
    if shares.shape != (len(z),):
        raise ValueError(f"blend() got weights of shape {shares.shape} for {len(z)} items; give one number for each.")
    total = shares.sum()
    if not np.isfinite(shares).all() or abs(total) < 1e-9 * max(np.abs(shares).sum(), 1e-300):
        raise ValueError(f"weights={shares.tolist()} sum to {total:g}; blends need finite weights with another sum.")
    return ((shares / total) @ z).astype(np.float32)


def analogy(a: Any, b: Any, c: Any) -> np.ndarray:
    """What is to c as b is to a: c + (b - a), float32 (dims,) (Mikolov et al., 2013).

    Examples
    --------
    >>> analogy([0, 0], [1, 0], [0, 5])
    array([1., 5.], dtype=float32)
    """
    a, b, c = (np.asarray(each, dtype=np.float64) for each in (a, b, c))
    return (c + (b - a)).astype(np.float32)
