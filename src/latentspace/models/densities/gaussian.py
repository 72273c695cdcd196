"""One Gaussian over the latents, its covariance shrunk so that it is sound with fewer items than dimensions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular

from .base import LatentDensity, check_stored

_FLOOR = 1e-6  # smallest standard deviation, relative to the other dimensions' and to the mean's size


class GaussianDensity(LatentDensity):
    """A Gaussian fitted to latents.

    log p(z) = -1/2 |L^-1 (z - mean)|^2 - sum(log diag L) - dims/2 log(2 pi),    covariance = L L^T

    Correlations are shrunk towards zero by the share that minimises the expected squared error (Chen et al., 2010),
    variances are kept: dimensions whose scales differ by thousands, as a PCA's do, stay as they are.

    Parameters
    ----------
    manifold : {"euclidean", "sphere", "ball"}, default="euclidean"
        Where the latents live.
    random_state : int, RandomState or None, default=None
        Draws the 100,000 items that stand for all when there are more.

    Attributes
    ----------
    mean_ : float64 array of shape (dims,)
    covariance_ : float64 array of shape (dims, dims)
    """

    family = "gaussian"
    rows_at_most = 100_000  # a covariance from so many items is within 0.5% of the one from all

    def __init__(self, *, manifold: str = "euclidean", random_state: Any = None):
        self.manifold = manifold
        self.random_state = random_state

    def _fit(self, z: np.ndarray, rng: np.random.RandomState) -> None:
        self.mean_, self.covariance_ = shrunk_gaussian(z)

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        noise = rng.standard_normal((n, self._dims))
        return self.mean_ + noise @ np.linalg.cholesky(self.covariance_).T

    def _log_prob(self, z: np.ndarray) -> np.ndarray:
        return log_normal(z, self.mean_, self.covariance_)

    @property
    def _dims(self) -> int:
        return len(self.mean_)

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        super()._set_state(facts, arrays)
        check_stored(self, mean_=(None,), covariance_=(None, None))


# ---------------------------------------------------------------------- shared by the Gaussian families


def shrunk_gaussian(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and shrunk covariance of float64 latents (n, dims); positive definite whatever n and z are."""
    n, dims = z.shape
    mean = z.mean(axis=0)
    centred = z - mean
    std = floored(np.sqrt(np.square(centred).mean(axis=0)), mean)
    centred /= std
    correlation = centred.T @ centred / n
    # The oracle approximating shrinkage of Chen et al. (2010) for a target of ones on the diagonal, the form without
    # their 2/dims terms.
    spread = np.square(correlation).mean()
    excess = (n + 1) * (spread - 1 / dims)
    share = min(1.0, (spread + 1) / excess) if n > 1 and excess > 0 else 1.0
    correlation *= 1 - max(share, _FLOOR)
    np.fill_diagonal(correlation, 1.0)
    return mean, correlation * np.outer(std, std)


def floored(std: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Standard deviations raised to what float32 can tell apart, so that a constant dimension stays a density."""
    floor = _FLOOR * np.maximum(np.sqrt(np.square(std).mean()), np.abs(mean))
    return np.maximum(std, np.where(floor > 0, floor, _FLOOR))


def log_normal(z: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Log-density of one Gaussian at z (n, dims): float64 (n,), in nats."""
    L = np.linalg.cholesky(covariance)
    white = solve_triangular(L, (z - mean).T, lower=True, overwrite_b=True, check_finite=False)  # (dims, n)
    return -0.5 * np.square(white).sum(axis=0) - np.log(np.diag(L)).sum() - 0.5 * len(mean) * np.log(2 * np.pi)
