"""Sparse principal components: axes of much variance that each touch few features, so that a person can read them."""

from typing import Any, Literal

import numpy as np
from sklearn.decomposition import dict_learning

from .base import LinearModel, Maps, by_size, reduced

_RIDGE = 1e-6  # of an axis's squared length: settles how axes that repeat one another share an item


class SparsePCA(LinearModel):
    """Finds axes with many weights of exactly 0, which still give the features back well.

    min |x - mean - u @ v|^2 / 2 + alpha sqrt(n) sigma |v|_1   over v and over u with columns of length at most 1

    z = (x - mean) @ decoder' @ (decoder @ decoder')^-1        x_hat = z @ decoder + mean

    The rows of the decoder are those of v, at length 1; they need not be orthogonal, hence the inverse. sigma is the
    root mean square deviation of the features that vary, which makes alpha a share instead of a size in their unit: a
    feature that correlates with an axis by less than about alpha gets no weight in it.

    Parameters
    ----------
    dims : int or "auto", default="auto"
        Dimensions of the latent space, 1 to min(n, p). "auto": as many as PCA finds to stand out from noise.
    alpha : float, default=0.1
        How few weights: near 0 almost all of them stay, at 1 hardly any.
    max_iter : int, default=1000
        Rounds at most.
    tol : float, default=1e-8
        Rounds end when the error above falls by less than this share.
    random_state : int, RandomState or None, default=None
        Starts the singular vectors that the axes begin from.

    Attributes
    ----------
    encoder_ : float64 array of shape (p, dims)
        Least squares onto the axes.
    decoder_ : float64 array of shape (dims, p)
        The axes, of length 1, by falling share in the fitted items. Mostly zeros.
    mean_ : float64 array of shape (p,)
        Feature means, in the features' own unit.
    dims_, n_features_in_, n_iter_ : int

    References
    ----------
    Zou, Hastie and Tibshirani, "Sparse principal component analysis", 2006. Mairal, Bach, Ponce and Sapiro, "Online
    dictionary learning for sparse coding", 2009.
    """

    family = "sparse-pca"

    def __init__(
        self,
        dims: int | Literal["auto"] = "auto",
        *,
        alpha: float = 0.1,
        max_iter: int = 1000,
        tol: float = 1e-8,
        random_state: Any = None,
    ):
        self.dims = dims
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def _learn(self, x: np.ndarray, dims: int, target: Any) -> Maps:
        if not 0 < self.alpha < np.inf:
            raise ValueError(f"alpha={self.alpha!r} must be above 0. Usual are 0.01 to 1; without any use model='pca'.")
        size = np.linalg.norm(x) / np.sqrt(x.any(axis=0).sum())
        # scikit-learn's SparsePCA is this call on all rows; only their products count, which p rows have as well.
        axes, _, _, self.n_iter_ = dict_learning(
            reduced(x).T / size, dims, alpha=self.alpha, max_iter=self.max_iter, tol=self.tol, method="cd",
            random_state=self.random_state, return_n_iter=True,
        )  # fmt: skip
        axes = axes.T[axes.any(axis=0)]
        axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
        encoder = np.linalg.solve(axes @ axes.T + _RIDGE * np.eye(len(axes)), axes).T
        return by_size(Maps(encoder, axes), x)
