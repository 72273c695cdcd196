"""Ways along one axis through an item."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def traversal(z: Any, axis: int | Any, values: Sequence[float] | np.ndarray, latents: Any = None) -> np.ndarray:
    """Latents along one axis through z, all else held.

    row i = z + values[i] * std * axis / |axis|

    Parameters
    ----------
    z : float array of shape (dims,)
        Where the traversal passes through, at value 0.
    axis : int or float array of shape (dims,)
        A dimension's number from 0 to dims - 1, or a direction, whose length does not count.
    values : float array of shape (m,)
        How far from z to go, to either side, in standard deviations of `latents` along the axis. Where they do not
        vary along it, every row is z.
    latents : float array of shape (n, dims), optional
        The space's latents. Without them `values` are in the latent space's own units.

    Returns
    -------
    float32 array of shape (m, dims)

    Raises
    ------
    ValueError
        If the axis is out of range, zero or of other dims, or anything is not finite.

    Examples
    --------
    >>> traversal([5, 5], axis=1, values=[-1, 0, 1], latents=[[0, -2], [0, 2]])
    array([[5., 3.],
           [5., 5.],
           [5., 7.]], dtype=float32)
    """
    z = np.asarray(z, dtype=np.float32)
    if z.ndim != 1 or len(z) == 0 or not np.isfinite(z).all():
        raise ValueError(f"traversal() got z of shape {z.shape}; expected one finite latent of shape (dims,).")
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError(f"traversal() got values={values.tolist()}; expected a list of finite numbers.")
    direction = _direction(axis, len(z))
    if latents is not None:
        latents = np.asarray(latents)
        if latents.ndim != 2 or latents.shape[1] != len(z):
            raise ValueError(f"traversal() got latents of shape {latents.shape}; z asks for (n, {len(z)}).")
        along = latents @ direction.astype(latents.dtype if latents.dtype.kind == "f" else np.float64)
        direction *= along.std(dtype=np.float64) if len(along) else 0.0
    return (z + values[:, None] * direction).astype(np.float32)


def _direction(axis: Any, dims: int) -> np.ndarray:
    """A unit vector, float64 (dims,), from a dimension's number or a direction."""
    axis = np.asarray(axis)
    if axis.ndim == 0 and axis.dtype.kind in "iu":
        if not 0 <= axis < dims:
            raise ValueError(f"axis={axis} is out of range: the space has {dims} dims, so axis can be 0 to {dims - 1}.")
        return np.eye(dims)[axis]
    if axis.shape != (dims,) or axis.dtype.kind not in "iuf":
        raise ValueError(f"axis={axis} is neither a whole number nor a direction of shape ({dims},).")
    length = np.linalg.norm(axis.astype(np.float64))
    if not 0 < length < np.inf:
        raise ValueError(f"axis has length {length}; a direction needs finite numbers that are not all zero.")
    return axis / length
