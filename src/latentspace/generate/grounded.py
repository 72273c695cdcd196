"""Keeps draws where the data are: what lies too far from any item is drawn again, and at last pulled nearer."""

from collections.abc import Callable

import numpy as np

_ROUNDS = 12


def grounded(
    draw: Callable[[int], np.ndarray],
    nearest: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    limit: float,
    n: int,
) -> np.ndarray:
    """Draws n latents of which none is farther than `limit` from the nearest real one.

    Rejection, up to 12 rounds; what is then still missing is made of the nearest of what was rejected, each pulled
    straight towards its nearest item until it is within the limit.

    Parameters
    ----------
    draw : callable
        A count to as many latents (m, dims).
    nearest : callable
        Latents (m, dims) to their distances (m,) from the nearest real latent, and that latent (m, dims).
    limit : float
        In the latents' own units; infinite: everything is taken.
    n : int

    Returns
    -------
    float32 array of shape (n, dims)
    """
    z = draw(n)
    if n == 0 or not np.isfinite(limit):
        return z
    far, anchors = nearest(z)
    for _ in range(_ROUNDS):
        out = np.flatnonzero(far > limit)
        if not len(out):
            return z
        again = draw(len(out))
        again_far, again_anchors = nearest(again)
        nearer = again_far < far[out]
        rows = out[nearer]
        z[rows], far[rows], anchors[rows] = again[nearer], again_far[nearer], again_anchors[nearer]
    out = np.flatnonzero(far > limit)
    share = (limit / far[out])[:, None].astype(np.float32)
    z[out] = anchors[out] + 0.999 * share * (z[out] - anchors[out])  # within the limit, rounding or not
    return z
