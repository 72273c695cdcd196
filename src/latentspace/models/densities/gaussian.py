"""One Gaussian over the latents, its covariance shrunk so that it is sound with fewer items than dimensions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..base import Stateful

_ROWS_AT_MOST = 100_000  # a covariance from so many items is within 0.5% of the one from all
_FLOOR = 1e-6  # smallest standard deviation, relative to the other dimensions' and to the mean's size


class GaussianDensity(Stateful, BaseEstimator):
    """A Gaussian fitted to latents.

    log p(z) = -1/2 |L^-1 (z - mean)|^2 - sum(log diag L) - dims/2 log(2 pi),    covariance = L L^T

    Correlations are shrunk towards zero by the share that minimises the expected squared error (Chen et al., 2010),
    variances are kept: dimensions whose scales differ by thousands, as a PCA's do, stay as they are.

    Parameters
    ----------
    random_state : int, RandomState or None, default=None
        Draws the 100,000 items that stand for all when there are more.

    Attributes
    ----------
    mean_ : float64 array of shape (dims,)
    covariance_ : float64 array of shape (dims, dims)
    """

    family = "gaussian"

    def __init__(self, *, random_state=None):
        self.random_state = random_state

    def fit(self, z, y=None) -> "GaussianDensity":
        """Fits mean and covariance to latents (n, dims)."""
        z = subsample(check_latents(z, "fit"), _ROWS_AT_MOST, self.random_state)
        self.mean_, self.covariance_ = shrunk_gaussian(z.astype(np.float64))
        return self

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draws latents, float32 (n, dims)."""
        check_is_fitted(self)
        noise = rng.standard_normal((n, len(self.mean_)))
        return (self.mean_ + noise @ np.linalg.cholesky(self.covariance_).T).astype(np.float32)

    def log_prob(self, z) -> np.ndarray:
        """Log-density of latents (n, dims): float64 (n,), in nats."""
        check_is_fitted(self)
        return log_normal(check_latents(z, "log_prob", len(self.mean_)), self.mean_, self.covariance_)

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


def subsample(z: np.ndarray, at_most: int, random_state: Any) -> np.ndarray:
    """At most so many rows, drawn without replacement."""
    if len(z) <= at_most:
        return z
    return z[check_random_state(random_state).permutation(len(z))[:at_most]]


def check_latents(z: Any, verb: str, dims: int | None = None) -> np.ndarray:
    """Latents as a finite float array (n, dims), n at least 1 for `fit`."""
    z = np.asarray(z)
    if z.dtype.kind != "f":
        z = z.astype(np.float64)
    if z.ndim != 2 or z.shape[1] == 0:
        raise ValueError(f"{verb}() got latents of shape {z.shape}; expected (n, dims) with dims at least 1.")
    if dims is not None and z.shape[1] != dims:
        raise ValueError(f"{verb}() got latents of {z.shape[1]} dims, but this density was fitted on {dims}.")
    if verb == "fit" and len(z) == 0:
        raise ValueError("fit() got no latents: a density needs at least one item.")
    if not np.isfinite(z).all():
        row = int(np.flatnonzero(~np.isfinite(z).all(axis=1))[0])
        raise ValueError(f"{verb}() got NaN or infinity, first in row {row} of {len(z)}. Remove such rows first.")
    return z


def check_stored(density: Any, **shapes: tuple[int | None, ...]) -> None:
    """Checks arrays that came from a file: present, of these dimensions, all finite, latent sizes agreeing.

    A None in a shape is a latent size; all of them must be equal.
    """
    sizes: set[int] = set()
    for name, shape in shapes.items():
        array = getattr(density, name, None)
        if not isinstance(array, np.ndarray) or array.dtype != np.float64 or array.ndim != len(shape):
            raise ValueError(f"The stored {density.family} density lacks a float64 {name!r}; the file is damaged.")
        if not np.isfinite(array).all() or array.size == 0:
            raise ValueError(
                f"The stored {density.family} density's {name!r} is empty or not finite; the file is damaged."
            )
        sizes.update(size for size, wanted in zip(array.shape, shape, strict=True) if wanted is None)
        if any(wanted not in (None, size) for size, wanted in zip(array.shape, shape, strict=True)):
            raise ValueError(
                f"The stored {density.family} density's {name!r} is of shape {array.shape}; the file is damaged."
            )
    if len(sizes) != 1:
        raise ValueError(
            f"The stored {density.family} density's arrays disagree in dims: {sorted(sizes)}; the file is damaged."
        )
