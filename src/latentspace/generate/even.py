"""Equal steps along a way: in the latent space, or in what is seen of it once decoded."""

from collections.abc import Callable

import numpy as np

FINE = 8  # latents on a fine way for each step asked for
_LEAST, _MOST = 64, 512


def fineness(steps: int) -> int:
    """How many latents a way is laid out with, before steps are chosen on it."""
    return int(np.clip(FINE * steps, _LEAST, _MOST))


def evenly(z: np.ndarray, steps: int, seen: Callable[[np.ndarray], np.ndarray] | None = None) -> np.ndarray:
    """Latents at equal steps along a way given by many latents, both ends bit for bit.

    Parameters
    ----------
    z : float array of shape (m, dims)
        The way, laid out finely.
    steps : int
        How many latents to choose, at least 2.
    seen : callable, optional
        Latents (m, dims) to what is seen of them, (m, ...): steps are then equal in the Euclidean distance of those.
        Without it they are equal in the latent space.

    Returns
    -------
    float32 array of shape (steps, dims)

    Examples
    --------
    >>> evenly(np.array([[0.0], [1.0], [4.0]]), 5).ravel()
    array([0., 1., 2., 3., 4.], dtype=float32)
    """
    z = np.asarray(z, dtype=np.float64)
    looks = z if seen is None else np.asarray(seen(z.astype(np.float32)), dtype=np.float64).reshape(len(z), -1)
    gone = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(looks, axis=0), axis=1))])
    if not gone[-1] > 0:  # nothing moves: any steps are equal
        gone = np.arange(len(z), dtype=np.float64)
    places = np.interp(np.linspace(0, gone[-1], steps), gone, np.arange(len(z)))
    low = np.minimum(places.astype(int), len(z) - 2)
    share = (places - low)[:, None]
    chosen = ((1 - share) * z[low] + share * z[low + 1]).astype(np.float32)
    chosen[0], chosen[-1] = z[0], z[-1]
    return chosen
