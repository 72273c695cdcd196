"""Factor analysis: latent causes that features share, apart from the noise that each has of its own."""

import warnings
from typing import Any, Literal

import numpy as np
import scipy.linalg
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from .base import LinearModel, Maps, reduced

_LEAST = 1e-12  # of a feature's variance, that its noise keeps: at 0 the likelihood has no bound


class FactorAnalysis(LinearModel):
    """Explains features by a few Gaussian causes, and leaves to each feature a noise variance of its own.

    x = mean + z @ decoder + noise        z ~ N(0, I)        noise ~ N(0, diag(psi))

    z is encoded as the mean of its posterior, so it is drawn a little towards 0, the more the noisier the features:

    E[z given x] = (x - mean) @ diag(psi)^-1 @ decoder' @ (I + decoder @ diag(psi)^-1 @ decoder')^-1

    Unlike PCA's, the answer does not depend on the features' units: a feature with much noise of its own draws no axis.
    Maximum likelihood by the iterations of Barber (2012, section 21.2.2) on features of variance 1, from the (p, p)
    products of rows rather than from the rows themselves, so that an iteration costs the same for any number of items.

    Parameters
    ----------
    dims : int or "auto", default="auto"
        Causes, 1 to min(n, p). "auto": as many as PCA finds to stand out from noise.
    max_iter : int, default=1000
        Iterations at most. Ending there unfinished is warned of.
    tol : float, default=1e-4
        Iterations end when the log-likelihood grows by less than this, in nats an item. 1e-6 took ten times as many on
        handwritten digits to 37 dimensions, for 0.03 nats.
    random_state : int, RandomState or None, default=None
        Used by dims="auto" only.

    Attributes
    ----------
    encoder_ : float64 array of shape (p, dims)
        Takes centred features to the posterior's mean.
    decoder_ : float64 array of shape (dims, p)
        Loadings: what one unit of a cause adds to each feature, in the feature's unit.
    noise_variances_ : float64 array of shape (p,)
        psi, in the features' squared unit; 0 for constant features.
    log_likelihood_ : float
        Of the fitted items, in nats an item; higher is better.
    mean_ : float64 array of shape (p,)
        Feature means, in the features' own unit.
    dims_, n_features_in_, n_iter_ : int

    References
    ----------
    Rubin and Thayer, "EM algorithms for ML factor analysis", 1982. Barber, "Bayesian reasoning and machine learning",
    2012.
    """

    family = "factor-analysis"

    def __init__(
        self,
        dims: int | Literal["auto"] = "auto",
        *,
        max_iter: int = 1000,
        tol: float = 1e-4,
        random_state: Any = None,
    ):
        self.dims = dims
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def log_prob(self, X: Any) -> np.ndarray:
        """Log-density of features (n, p) under the model, float64 (n,), in nats an item; constant features left out."""
        check_is_fitted(self)
        x = self._admit(X, fitting=False).astype(np.float64) - self.mean_
        noisy = self.noise_variances_ > 0
        psi, loadings = self.noise_variances_[noisy], self.decoder_[:, noisy]
        scaled = x[:, noisy] / psi
        precision = np.eye(self.dims_) + (loadings / psi) @ loadings.T
        along = scaled @ loadings.T
        squares = (x[:, noisy] * scaled).sum(axis=1) - (along * np.linalg.solve(precision, along.T).T).sum(axis=1)
        log_volume = np.log(2 * np.pi * psi).sum() + np.linalg.slogdet(precision)[1]
        return -(squares + log_volume) / 2

    def _auto_dims(self, X: Any, target: Any) -> int:
        spread = X.std(axis=0, dtype=np.float64)
        return super()._auto_dims(X / np.where(spread > 0, spread, 1), target)  # nor may dims depend on units

    def _fit(self, X: Any, target: Any) -> "FactorAnalysis":
        self.noise_variances_, self.log_likelihood_ = np.zeros(X.shape[1]), 0.0
        super()._fit(X, target)
        return self

    def _learn(self, x: np.ndarray, dims: int, target: Any) -> Maps:
        noisy = x.any(axis=0)
        unit = x[:, noisy].std(axis=0)
        loadings, psi, likelihood = self._iterate(x[:, noisy] / unit, dims)
        self.noise_variances_[noisy] = psi * unit**2
        self.log_likelihood_ = likelihood - float(np.log(unit).sum())
        precision = np.eye(len(loadings)) + (loadings / psi) @ loadings.T
        maps = Maps(np.zeros((x.shape[1], len(loadings))), np.zeros((len(loadings), x.shape[1])))
        maps.encoder[noisy] = np.linalg.solve(precision, loadings / psi).T / unit[:, None]
        maps.decoder[:, noisy] = loadings * unit
        return maps

    def _iterate(self, x: np.ndarray, dims: int) -> tuple[np.ndarray, np.ndarray, float]:
        """Loadings (dims or fewer, p), noise (p,) and nats an item of features of mean 0 and variance 1."""
        rows = reduced(x) / np.sqrt(len(x))  # rows'rows are the correlations
        psi, likelihood = np.ones(x.shape[1]), -np.inf
        for iteration in range(1, self.max_iter + 1):
            self.n_iter_, before = iteration, likelihood
            loadings, likelihood = _step(rows, psi, dims)
            if likelihood - before < self.tol:
                return loadings, psi, likelihood
            used, psi = psi, np.maximum(1 - (loadings**2).sum(axis=0), _LEAST)
        warnings.warn(
            f"FactorAnalysis did not settle in max_iter={self.max_iter} iterations: the last one raised the "
            f"log-likelihood by {likelihood - before:.2g} nats an item, tol={self.tol:g}. Raise either.",
            ConvergenceWarning,
            stacklevel=6,
        )
        return loadings, used, likelihood


def _step(rows: np.ndarray, psi: np.ndarray, dims: int) -> tuple[np.ndarray, float]:
    """The best loadings for a given noise, and the log-likelihood of both in nats an item.

    On features divided by sqrt(psi) the model is PCA's with noise 1: axes whose variance s is above 1 carry s - 1.
    """
    scaled = rows / np.sqrt(psi)
    m = len(rows)
    s, u = scipy.linalg.eigh(scaled @ scaled.T, subset_by_index=[max(m - dims, 0), m - 1])
    above = s > 1
    s, u = s[above][::-1], u[:, above][:, ::-1]
    axes = (scaled.T @ u / np.sqrt(s)).T
    rest = float((scaled**2).sum() - s.sum())
    minus_two = len(psi) * np.log(2 * np.pi) + float(np.log(s).sum()) + len(s) + rest + float(np.log(psi).sum())
    return np.sqrt(s - 1)[:, None] * axes * np.sqrt(psi), -minus_two / 2
