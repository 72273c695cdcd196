"""A mixture of Gaussians over the latents: clusters and bends that one Gaussian would fill with empty space."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..base import Stateful
from .gaussian import check_latents, check_stored, floored, log_normal, shrunk_gaussian, subsample

_ROWS_TO_CHOOSE = 5_000  # items on which the number of components is chosen; a fifth of them is held out
_ROWS_TO_FIT = 10_000  # items on which the chosen mixture is fitted: 32 components of 32 dims, 25 values each parameter
_FEWEST = 20  # items below which nothing can be held out: one shrunk Gaussian


class MixtureDensity(Stateful, BaseEstimator):
    """A mixture of full-covariance Gaussians, with as many components as held-out latents ask for.

    p(z) = sum_k weights[k] N(z; means[k], covariances[k])

    Fitted by EM (scikit-learn's) on standardised latents for 1, 2, 4, ... components. Each covariance is then pulled
    to the average component's variances as though `strength` items more spoke for those (the posterior mode under an
    inverse-Wishart prior; Fraley and Raftery, 2007), so a component that sits on a few items does not become a spike.
    Components and strength are those under which the held-out fifth is likeliest.

    Parameters
    ----------
    max_components : int, default=32
        Most components to try; fewer where a component would be left with fewer items than dims + 2, or than 10.
    random_state : int, RandomState or None, default=None
        Draws the subsample, the held-out fifth and EM's starts.

    Attributes
    ----------
    weights_ : float64 array of shape (k,)
        Shares, summing to 1.
    means_ : float64 array of shape (k, dims)
    covariances_ : float64 array of shape (k, dims, dims)
        In the latents' own units.
    """

    family = "mixture"

    def __init__(self, *, max_components: int = 32, random_state=None):
        self.max_components = max_components
        self.random_state = random_state

    def fit(self, z, y=None) -> "MixtureDensity":
        """Chooses the components and fits them to latents (n, dims)."""
        if self.max_components < 1:
            raise ValueError(f"max_components={self.max_components} is out of range: it must be at least 1.")
        rng = check_random_state(self.random_state)
        z = subsample(check_latents(z, "fit"), _ROWS_TO_FIT, rng).astype(np.float64)
        z = z[rng.permutation(len(z))]
        centre = z.mean(axis=0)
        scale = floored(z.std(axis=0), centre)
        weights, means, covariances = _fit_standardised((z - centre) / scale, self.max_components, rng)
        self.weights_ = weights
        self.means_ = means * scale + centre
        self.covariances_ = covariances * np.outer(scale, scale)
        return self

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draws latents, float32 (n, dims)."""
        check_is_fitted(self)
        chosen = rng.choice(len(self.weights_), size=n, p=self.weights_)
        z = rng.standard_normal((n, self.means_.shape[1]))
        for k in np.unique(chosen):
            rows = chosen == k
            z[rows] = self.means_[k] + z[rows] @ np.linalg.cholesky(self.covariances_[k]).T
        return z.astype(np.float32)

    def log_prob(self, z) -> np.ndarray:
        """Log-density of latents (n, dims): float64 (n,), in nats."""
        check_is_fitted(self)
        z = check_latents(z, "log_prob", self.means_.shape[1])
        return _log_mixture(z, self.weights_, self.means_, self.covariances_)

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        super()._set_state(facts, arrays)
        k = len(arrays["weights_"]) if "weights_" in arrays else 0
        check_stored(self, weights_=(k,), means_=(k, None), covariances_=(k, None, None))
        if self.weights_.min() < 0 or abs(self.weights_.sum() - 1) > 1e-9:
            raise ValueError("The stored mixture density's weights do not sum to 1; the file is damaged.")


Parameters = tuple[np.ndarray, np.ndarray, np.ndarray]  # weights (k,), means (k, dims), covariances (k, dims, dims)


def _fit_standardised(z: np.ndarray, max_components: int, rng: np.random.RandomState) -> Parameters:
    """The mixture under which a held-out fifth of shuffled, standardised z is likeliest, refitted on all of z."""
    chosen = _choose(z[:_ROWS_TO_CHOOSE], max_components, rng) if len(z) >= _FEWEST else None
    if chosen is None:
        mean, covariance = shrunk_gaussian(z)
        return np.ones(1), mean[None], covariance[None]
    start, strength = chosen
    return _pulled(_em(z, start.n_components, rng, rounds=10, start=start), strength, len(z))


def _choose(z: np.ndarray, max_components: int, rng: np.random.RandomState) -> tuple[GaussianMixture, float] | None:
    """The mixture and the strength that suit held-out latents best; None when one shrunk Gaussian does."""
    held_out, rest = z[: len(z) // 5], z[len(z) // 5 :]
    dims = z.shape[1]
    fewest = max(dims + 2, 10)  # items a component should have, on average
    most = min(max_components, len(rest) // fewest, len(np.unique(rest, axis=0)))
    best, best_score = None, log_normal(held_out, *shrunk_gaussian(rest)).mean()
    worse = 0
    for k in (2**power for power in range(1, most.bit_length())):
        mixture = _em(rest, k, rng, rounds=5)  # as good a judge as 30, in a third of the time
        scores = {
            strength: _log_mixture(held_out, *_pulled(mixture, strength, len(rest))).mean()
            for strength in (2.0, 2.0 + dims / 4, 2.0 + dims)
        }
        strength = max(scores, key=scores.__getitem__)
        if scores[strength] > best_score:
            best, best_score, worse = (mixture, strength), scores[strength], 0
        else:
            worse += 1
            if worse == 2:  # the likelihood has turned: more components only fit the items at hand
                break
    return best


def _em(
    z: np.ndarray, k: int, rng: np.random.RandomState, rounds: int, start: GaussianMixture | None = None
) -> GaussianMixture:
    """Expectation-maximisation from k-means, or from where another mixture ended."""
    mixture = GaussianMixture(k, reg_covar=1e-6, max_iter=rounds, random_state=rng)
    if start is not None:
        mixture.set_params(weights_init=start.weights_, means_init=start.means_, precisions_init=start.precisions_)
    with warnings.catch_warnings():
        # Rounds are bounded for time and held-out likelihood judges the result; nothing here for a user to act on.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(z)


def _pulled(mixture: GaussianMixture, strength: float, n: int) -> Parameters:
    """The mixture's parameters, each covariance pulled to the average component's variances as by `strength` items."""
    weights, means, covariances = mixture.weights_, mixture.means_, mixture.covariances_
    average = np.diag(np.einsum("k,kii->i", weights, covariances))
    items = (weights * n)[:, None, None]
    return weights / weights.sum(), means, (items * covariances + strength * average) / (items + strength)


def _log_mixture(z: np.ndarray, weights: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """Log-density of a mixture at z (n, dims): float64 (n,), in nats."""
    total = np.full(len(z), -np.inf)
    for weight, mean, covariance in zip(weights, means, covariances, strict=True):
        if weight > 0:
            total = np.logaddexp(total, np.log(weight) + log_normal(z, mean, covariance))
    return total
