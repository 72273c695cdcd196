"""Draws like some items only: a class's, those that fulfil a condition, or those around one item."""

import numpy as np

_FOLDS = 5
_FEWEST = 3  # items below which their own scatter tells nothing
_STRENGTHS = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0)  # items that the whole space's scatter counts as
_SHARES = (0.05, 0.15, 0.4, 1.0)  # of the whole space's variance that one class may have
_FLOOR = 1e-6  # of the mean variance: what keeps a covariance positive definite


def few_like(own: np.ndarray, whole: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draws like a few items: a Gaussian at their mean, its covariance blended of theirs and of the whole space's.

    covariance = (m S_own + s c S_whole) / (m + s)

    m items alone leave most directions without any variance. The whole space's covariance, shrunk by c, counts as that
    of s items more: the posterior mode under an inverse-Wishart prior (Fraley and Raftery, 2007). s and c are those
    under which held-out items of the m are likeliest, so that the weight falls as m grows. Of one or two items, c is
    0.15 and s is 1.

    Parameters
    ----------
    own : float64 array of shape (m, dims)
        Latents of the few, m at least 1.
    whole : float64 array of shape (n, dims)
        Latents of the whole space.
    n : int
        How many to draw.
    rng : numpy Generator, or `Tempered`

    Returns
    -------
    float64 array of shape (n, dims)
    """
    centred = whole - whole.mean(axis=0)
    spread = centred.T @ centred / max(len(whole), 1)
    floor = _FLOOR * max(float(np.trace(spread)) / len(spread), 1e-12) * np.eye(len(spread))
    strength, share = _blend_of(own, spread, floor)
    covariance = _blended(own, spread, strength, share) + floor
    return own.mean(axis=0) + rng.standard_normal((n, own.shape[1])) @ np.linalg.cholesky(covariance).T


def _blend_of(own: np.ndarray, spread: np.ndarray, floor: np.ndarray) -> tuple[float, float]:
    """The strength and share under which held-out items are likeliest."""
    m = len(own)
    if m < _FEWEST:
        return 1.0, 0.15
    folds = np.arange(m) % min(m, _FOLDS)
    best, best_score = (1.0, 0.15), -np.inf
    for strength in _STRENGTHS:
        for share in _SHARES if strength else _SHARES[:1]:
            score = 0.0
            for fold in range(folds.max() + 1):
                rest, held = own[folds != fold], own[folds == fold]
                covariance = _blended(rest, spread, strength, share) + floor
                score += float(_log_normal(held - rest.mean(axis=0), covariance).sum())
            if score > best_score:
                best, best_score = (strength, share), score
    return best


def _blended(own: np.ndarray, spread: np.ndarray, strength: float, share: float) -> np.ndarray:
    centred = own - own.mean(axis=0)
    return (centred.T @ centred + strength * share * spread) / (len(own) + strength)


def _log_normal(centred: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Log-density of a Gaussian at points (n, dims) less its mean, but for a constant."""
    root = np.linalg.cholesky(covariance)
    white = np.linalg.solve(root, centred.T)
    return -0.5 * np.square(white).sum(axis=0) - np.log(np.diag(root)).sum()


def around(z: np.ndarray, near: np.ndarray, spread: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draws around one latent as its neighbours lie around it.

    row = z + spread * sum_j noise_j (near_j - z) / sqrt(k)

    That is a Gaussian whose covariance is the neighbours' scatter about z, without any estimate of it: draws stay in
    the directions in which there are neighbours.

    Parameters
    ----------
    z : float array of shape (dims,)
    near : float array of shape (k, dims)
        Latents of the k items nearest to it.
    spread : float
        1: as far as the neighbours; 0: z itself.
    n : int
    rng : numpy Generator, or `Tempered`

    Returns
    -------
    float64 array of shape (n, dims)

    Examples
    --------
    >>> around(np.zeros(2), np.array([[1.0, 0.0], [-1.0, 0.0]]), 1.0, 3, np.random.default_rng(0))[:, 1]
    array([0., 0., 0.])
    """
    z = np.asarray(z, dtype=np.float64)
    apart = (np.asarray(near, dtype=np.float64) - z) / np.sqrt(max(len(near), 1))
    return z + spread * (rng.standard_normal((n, len(apart))) @ apart)
