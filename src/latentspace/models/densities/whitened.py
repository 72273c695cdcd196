"""What the learned densities share: they start from the Gaussian of the latents and learn what it misses."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular

from .base import LatentDensity, check_stored
from .gaussian import shrunk_gaussian

_FEWEST = 50  # items below which nothing is learned: the Gaussian is the answer
_STILL = 1e-2  # deviation, in the Gaussian's own, below which a dimension is a constant


class WhitenedDensity(LatentDensity):
    """A density learned on white latents: log p(z) = log p(u) - sum(log diag L),  u = L^-1 (z - mean).

    mean and L L^T are those of `GaussianDensity`, so with too few items to learn from, u is standard normal and this is
    the Gaussian. A constant dimension has nothing to learn, and a density could rise there without end: it is learned
    as standard normal noise, which the Gaussian's floor makes the constant again.

    Attributes
    ----------
    mean_ : float64 array of shape (dims,)
    covariance_ : float64 array of shape (dims, dims)
    learned_ : bool
        Whether there were items enough, 50, to learn from.
    """

    mean_: np.ndarray
    covariance_: np.ndarray
    learned_: bool

    @abstractmethod
    def _learn(self, u: np.ndarray, seed: int) -> None:
        """Learns the density of white latents, float32 (n, dims)."""

    @abstractmethod
    def _draw_white(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draws white latents (n, dims)."""

    @abstractmethod
    def _log_prob_white(self, u: np.ndarray) -> np.ndarray:
        """Log-density of white latents, float64 (n,), in nats."""

    def _fit(self, z: np.ndarray, rng: np.random.RandomState) -> None:
        self.mean_, self.covariance_ = shrunk_gaussian(z)
        self.learned_ = len(z) >= _FEWEST
        if self.learned_:
            u = self._whiten(z)
            still = u.std(axis=0) < _STILL
            u[:, still] = rng.standard_normal((len(u), int(still.sum())))
            self._learn(u.astype(np.float32), int(rng.randint(2**31 - 1)))

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        u = self._draw_white(n, rng) if self.learned_ else rng.standard_normal((n, self._dims))
        return self.mean_ + u @ self._root().T

    def _log_prob(self, z: np.ndarray) -> np.ndarray:
        u = self._whiten(z)
        normal = -0.5 * (np.square(u).sum(axis=1) + self._dims * np.log(2 * np.pi))
        return (self._log_prob_white(u) if self.learned_ else normal) - np.log(np.diag(self._root())).sum()

    def _whiten(self, z: np.ndarray) -> np.ndarray:
        return solve_triangular(self._root(), (z - self.mean_).T, lower=True, check_finite=False).T

    def _root(self) -> np.ndarray:
        return np.linalg.cholesky(self.covariance_)

    @property
    def _dims(self) -> int:
        return len(self.mean_)

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Checks what is kept; the families then rebuild what they learned, no larger than these arrays ask for."""
        super()._set_state(facts, arrays)
        check_stored(self, mean_=(None,), covariance_=(None, None))
        if not isinstance(getattr(self, "learned_", None), bool):
            raise ValueError(f"The stored {self.family} density does not say whether it learned; the file is damaged.")
