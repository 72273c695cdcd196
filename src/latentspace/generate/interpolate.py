"""Ways from one latent to another."""

from collections.abc import Callable
from typing import Any

import numpy as np


def interpolate(a: Any, b: Any, steps: int = 9, path: str = "linear") -> np.ndarray:
    """Latents on the way from a to b, both ends included, bit for bit.

    Parameters
    ----------
    a, b : float array of shape (dims,)
        The ends.
    steps : int, default=9
        How many latents, at least 2: the ends themselves.
    path : {"linear", "spherical"}, default="linear"
        "linear": the straight line, in equal steps.

        "spherical": the direction turns at an even speed on the great circle around the origin (Shoemake, 1985) while
        the length changes evenly from |a| to |b|. High-dimensional Gaussian latents lie near a sphere, whose inside a
        straight line cuts through (White, "Sampling generative networks", 2016). Equal directions: the straight line.
        A zero end has no direction: it takes the other end's, which is the straight line too. Opposite ends: every
        great circle through one passes through the other; the one towards the coordinate axis nearest to a right
        angle with `a` is taken. In one dimension there is none: the straight line.

    Returns
    -------
    float32 array of shape (steps, dims)

    Raises
    ------
    ValueError
        If the path is not known, an end is not a finite vector, their dims differ, or `steps` is below 2.

    Examples
    --------
    >>> interpolate([1, 0], [0, 3], steps=3)
    array([[1. , 0. ],
           [0.5, 1.5],
           [0. , 3. ]], dtype=float32)
    """
    if path not in PATHS:
        raise ValueError(f"path={path!r} is not known. Known paths: {', '.join(sorted(PATHS))}.")
    if steps < 2:
        raise ValueError(f"steps={steps} is too few: interpolate() gives both ends, so at least 2.")
    a, b = _end(a, "a"), _end(b, "b")
    if len(a) != len(b):
        raise ValueError(f"interpolate() got ends of {len(a)} and {len(b)} dims; both must be of the same space.")
    share = np.linspace(0, 1, steps)[:, None]  # (steps, 1)
    z = PATHS[path](a.astype(np.float64), b.astype(np.float64), share).astype(np.float32)
    z[0], z[-1] = a, b
    return z


def _end(z: Any, name: str) -> np.ndarray:
    z = np.asarray(z, dtype=np.float32)
    if z.ndim != 1 or len(z) == 0:
        raise ValueError(f"interpolate() got {name} of shape {z.shape}; expected one latent of shape (dims,).")
    if not np.isfinite(z).all():
        raise ValueError(f"interpolate() got NaN or infinity in {name}; latents must be finite.")
    return z


def _linear(a: Any, b: Any, share: np.ndarray) -> np.ndarray:
    return (1 - share) * a + share * b


def _spherical(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    a_length, b_length = np.linalg.norm(a), np.linalg.norm(b)
    if a_length == 0 or b_length == 0:
        return _linear(a, b, share)
    u, v = a / a_length, b / b_length
    # Shoemake's quotient of sines loses its digits near 0 and 180 degrees; a right angle beside u and atan2 keep them.
    cosine = u @ v
    across = v - cosine * u
    sine = np.linalg.norm(across)
    if sine < 1e-7:  # float32 latents cannot tell such directions apart
        if cosine > 0 or len(a) == 1:
            return _linear(a, b, share)
        nearest = np.eye(len(u))[np.argmin(np.abs(u))]
        across = nearest - (nearest @ u) * u
        angle = np.pi
    else:
        angle = np.arctan2(sine, cosine)
    across /= np.linalg.norm(across)
    direction = np.cos(share * angle) * u + np.sin(share * angle) * across
    return direction * _linear(a_length, b_length, share)


PATHS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "linear": _linear,
    "spherical": _spherical,
}
