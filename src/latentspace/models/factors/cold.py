"""Factors of items that nobody has met yet, predicted from what the items are."""

import numpy as np

_RIDGES = 10.0 ** np.arange(-3, 5)  # times the mean variance of the content
_SURE_FROM = 5.0  # users: an item met by so many counts half of what it could


def predicted_factors(content: np.ndarray, known: np.ndarray, factors: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Maps content to factors by ridge regression on the items that have both.

        W = argmin sum_i c_i |y_i - a - W z_i|^2 + ridge |W|^2      c_i = n_i / (n_i + 5), n_i users met i

    The ridge is the one whose leave-one-out error is least, in closed form (Allen, "PRESS", 1974). The idea: Gantner et
    al., "Learning attribute-to-feature mappings for cold-start recommendations", 2010.

    Parameters
    ----------
    content : float array of shape (n, d)
        Latents of all items by what they are.
    known : int array of shape (m,)
        Rows of `content` whose items have factors.
    factors : float array of shape (m, dims)
        Theirs.
    counts : float array of shape (m,)
        How many users met each, from 0.

    Returns
    -------
    float32 array of shape (n, dims)
        Predictions for all n; zeros where nothing is known of any.
    """
    z, y = np.asarray(content, np.float64), np.asarray(factors, np.float64)
    if not len(known):
        return np.zeros((len(z), y.shape[1]), np.float32)
    heed = np.asarray(counts, np.float64) / (np.asarray(counts, np.float64) + _SURE_FROM)
    heed = heed if heed.sum() > 0 else np.ones_like(heed)
    x = z[known]
    mean_x, mean_y = np.average(x, axis=0, weights=heed), np.average(y, axis=0, weights=heed)
    root = np.sqrt(heed)[:, None]
    u, s, vt = np.linalg.svd(root * (x - mean_x), full_matrices=False)
    right = root * (y - mean_y)
    inside = u.T @ right
    scale = max(float((s**2).sum()) / max(1, x.shape[1]), np.finfo(float).tiny)
    best, least = np.zeros_like(s), np.inf
    for ridge in _RIDGES * scale:
        shrink = s**2 / (s**2 + ridge)
        leverage = np.minimum((u * u) @ shrink, 0.999)
        error = float((((right - u @ (shrink[:, None] * inside)) / (1 - leverage[:, None])) ** 2).sum())
        if error < least:
            best, least = s / (s**2 + ridge), error
    weights = vt.T @ (best[:, None] * inside)
    return ((z - mean_x) @ weights + mean_y).astype(np.float32)
