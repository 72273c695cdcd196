"""A mixture of Gaussians over the latents: clusters and bends that one Gaussian would fill with empty space."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from .base import LatentDensity, check_stored
from .gaussian import floored, log_normal, shrunk_gaussian

_ROWS_TO_CHOOSE = 5_000  # items on which the number of components is chosen; a fifth of them is held out
_FEWEST = 20  # items below which nothing can be held out: one shrunk Gaussian
_ROUNDS_TO_CHOOSE, _ROUNDS_TO_FIT = 5, 10  # 5 rank the candidates as 100 do, within a tenth of the time
_WORK = (
    1.2e9  # rows * components * dims^2 that one round of EM may cost, about a second: bounds rows where dims are many
)


class MixtureDensity(LatentDensity):
    """A mixture of full-covariance Gaussians, with as many components as held-out latents ask for.

    p(z) = sum_k weights[k] N(z; means[k], covariances[k])

    Fitted by EM (scikit-learn's) for 1, 2, 4, ... components, started from k-means in the latents' own units: a space
    whose dims are few and large before many and small (a PCA's) falls into clusters by the large ones. Each covariance
    is then pulled to the average component's variances as though `strength` items more spoke for those (the posterior
    mode under an inverse-Wishart prior; Fraley and Raftery, 2007), so that a component on a few items is no spike.
    Components and strength are those under which a held-out fifth is likeliest.

    Parameters
    ----------
    max_components : int, default=32
        Most components to try; fewer where a component would be left with fewer items than dims + 2, or than 10.
    manifold : {"euclidean", "sphere", "ball"}, default="euclidean"
        Where the latents live.
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
    rows_at_most = 10_000

    def __init__(self, *, max_components: int = 32, manifold: str = "euclidean", random_state: Any = None):
        self.max_components = max_components
        self.manifold = manifold
        self.random_state = random_state

    def fit(self, z: Any, y: Any = None) -> "MixtureDensity":
        """Chooses the components and fits them to latents (n, dims)."""
        if self.max_components < 1:
            raise ValueError(f"max_components={self.max_components} is out of range: it must be at least 1.")
        return super().fit(z)

    def _fit(self, z: np.ndarray, rng: np.random.RandomState) -> None:
        z = z[rng.permutation(len(z))]
        centre = z.mean(axis=0)
        scale = floored(z.std(axis=0), centre)
        weights, means, covariances = _fit_standardised((z - centre) / scale, scale, self.max_components, rng)
        self.weights_ = weights
        self.means_ = means * scale + centre
        self.covariances_ = covariances * np.outer(scale, scale)

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        chosen = rng.choice(len(self.weights_), size=n, p=self.weights_)
        z = rng.standard_normal((n, self._dims))
        for k in np.unique(chosen):
            rows = chosen == k
            z[rows] = self.means_[k] + z[rows] @ np.linalg.cholesky(self.covariances_[k]).T
        return z

    def _log_prob(self, z: np.ndarray) -> np.ndarray:
        return _log_mixture(z, self.weights_, self.means_, self.covariances_)

    @property
    def _dims(self) -> int:
        return self.means_.shape[1]

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        super()._set_state(facts, arrays)
        k = len(arrays["weights_"]) if "weights_" in arrays else 0
        check_stored(self, weights_=(k,), means_=(k, None), covariances_=(k, None, None))
        if self.weights_.min() < 0 or abs(self.weights_.sum() - 1) > 1e-9:
            raise ValueError("The stored mixture density's weights do not sum to 1; the file is damaged.")


Parameters = tuple[np.ndarray, np.ndarray, np.ndarray]  # weights (k,), means (k, dims), covariances (k, dims, dims)


def _fit_standardised(z: np.ndarray, scale: np.ndarray, max_components: int, rng: np.random.RandomState) -> Parameters:
    """The mixture under which a held-out fifth of shuffled, standardised z is likeliest, refitted on more of z."""
    dims = z.shape[1]
    to_choose = z[: max(2_000, min(_ROWS_TO_CHOOSE, int(_WORK / (6 * dims**2))))]  # fewer from 200 dims
    chosen = _choose(to_choose, scale, max_components, rng) if len(z) >= _FEWEST else None
    if chosen is None:
        mean, covariance = shrunk_gaussian(z)
        return np.ones(1), mean[None], covariance[None]
    start, strength = chosen
    to_fit = z[: max(len(to_choose), int(_WORK / (len(start[0]) * dims**2)))]
    return _pulled(_em(to_fit, start, _ROUNDS_TO_FIT), strength, len(to_fit))


def _choose(
    z: np.ndarray, scale: np.ndarray, max_components: int, rng: np.random.RandomState
) -> tuple[Parameters, float] | None:
    """The mixture and the strength that suit held-out latents best; None when one shrunk Gaussian does."""
    held_out, rest = z[: len(z) // 5], z[len(z) // 5 :]
    dims = z.shape[1]
    fewest = max(dims + 2, 10)  # items a component should have, on average
    most = min(max_components, len(rest) // fewest, len(np.unique(rest, axis=0)))
    best, best_score = None, log_normal(held_out, *shrunk_gaussian(rest)).mean()
    worse = 0
    for k in (2**power for power in range(1, most.bit_length())):
        mixture = _em(rest, _clusters(rest, scale, k, rng), _ROUNDS_TO_CHOOSE)
        scores = {
            strength: _log_mixture(held_out, *_pulled(mixture, strength, len(rest))).mean()
            for strength in np.geomspace(0.1, 2.0 + dims, 5)
        }
        strength = max(scores, key=scores.__getitem__)
        if scores[strength] > best_score:
            best, best_score, worse = (_pulled(mixture, strength, len(rest)), strength), scores[strength], 0
        else:
            worse += 1
            if worse == 2:  # the likelihood has turned: more components only fit the items at hand
                break
    return best


def _clusters(z: np.ndarray, scale: np.ndarray, k: int, rng: np.random.RandomState) -> Parameters:
    """A mixture to start from: at most k clusters of z, found in the latents' own units."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # fewer distinct items than k: fewer clusters, as counted here
        labels = KMeans(k, n_init=1, random_state=rng).fit(z * (scale / np.linalg.norm(scale))).labels_
    members = [z[labels == label] for label in np.unique(labels)]
    weights = np.array([len(part) / len(z) for part in members])
    means = np.stack([part.mean(axis=0) for part in members])
    covariances = np.stack([np.cov(part.T, bias=True).reshape(len(scale), -1) for part in members])
    return _pulled((weights, means, covariances + 1e-6 * np.eye(len(scale))), 2.0, len(z))


def _em(z: np.ndarray, start: Parameters, rounds: int) -> Parameters:
    """Expectation-maximisation from given parameters."""
    weights, means, covariances = start
    precisions = np.linalg.inv(covariances)
    mixture = GaussianMixture(
        len(weights), reg_covar=1e-6, max_iter=rounds, weights_init=weights, means_init=means,
        precisions_init=(precisions + precisions.transpose(0, 2, 1)) / 2,
    )  # fmt: skip
    with warnings.catch_warnings():
        # Rounds are bounded for time and held-out likelihood judges the result; nothing here for a user to act on.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(z)
    return mixture.weights_, mixture.means_, mixture.covariances_


def _pulled(mixture: Parameters, strength: float, n: int) -> Parameters:
    """The mixture fitted to n items, each covariance pulled to the average variances as by `strength` items more."""
    weights, means, covariances = mixture
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
