"""What the task-aware families share: a decoder that is fitted, since only the encoder serves the target."""

from abc import abstractmethod
from typing import Any

import numpy as np

from .base import LinearModel, Maps

_RIDGE = 1e-6  # of a latent dimension's variance: keeps dimensions that repeat one another from cancelling


class SupervisedModel(LinearModel):
    """The base of the task-aware families; not for use on its own.

    The encoder learns from the items whose target is known; mean and decoder learn from all of them. The decoder is
    ridge least squares from z to x,

    min |x - mean - z @ decoder|^2 + ridge |z|^2 |decoder|^2   with ridge = 1e-6, dimension by dimension

    so x_hat is as near to x as a linear map can bring z, and encoding it again gives z back.
    """

    @abstractmethod
    def _learn_encoder(self, x: np.ndarray, dims: int, target: Any) -> np.ndarray:
        """Learns the encoder (p, dims or fewer) from centred features (n, p)."""

    def _learn(self, x: np.ndarray, dims: int, target: Any) -> Maps:
        encoder = self._learn_encoder(x, dims, target)
        z = x @ encoder
        size = np.linalg.norm(z, axis=0)
        z /= np.where(size > 0, size, 1)
        decoder = np.linalg.solve(z.T @ z + _RIDGE * np.eye(z.shape[1]), z.T @ x)
        return Maps(encoder, decoder / np.where(size > 0, size, 1)[:, None])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
