"""Independent component analysis: the directions along which mixed sources come apart."""

from typing import Any, Literal

import numpy as np
from sklearn.decomposition import FastICA

from .base import LinearModel, Maps, by_size, reduced


class ICA(LinearModel):
    """Finds latent dimensions that are not only uncorrelated but as independent as a linear map can make them.

    z = (x - mean) @ k @ w'        x_hat = z @ (k w')^+ + mean

    k whitens the leading principal axes, and the rotation w makes each dimension as far from Gaussian as can be
    (Hyvärinen and Oja, 2000). It undoes a linear mixture of independent sources of which at most one is Gaussian, up to
    their order, sign and size. Of Gaussian data every rotation is as good as another.

    Parameters
    ----------
    dims : int or "auto", default="auto"
        Dimensions of the latent space, 1 to min(n, p). "auto": as many as PCA finds to stand out from noise.
    contrast : {"logcosh", "exp", "cube"}, default="logcosh"
        What stands for distance from a Gaussian: "exp" is for very heavy tails, "cube" for sources with none.
    max_iter : int, default=500
        Iterations at most. Ending there unfinished is warned of.
    tol : float, default=1e-4
        Iterations end when no axis turns by more than this, as 1 - |cosine|.
    random_state : int, RandomState or None, default=None
        Draws the first rotation.

    Attributes
    ----------
    encoder_ : float64 array of shape (p, dims)
        The unmixing matrix: each latent dimension has mean 0 and variance 1 (over n) on the fitted items.
    decoder_ : float64 array of shape (dims, p)
        The mixing matrix, by falling length of its rows, so the sources that move the features most come first.
    mean_ : float64 array of shape (p,)
        Feature means, in the features' own unit.
    dims_, n_features_in_, n_iter_ : int

    References
    ----------
    Hyvärinen and Oja, "Independent component analysis: algorithms and applications", 2000.
    """

    family = "ica"

    def __init__(
        self,
        dims: int | Literal["auto"] = "auto",
        *,
        contrast: Literal["logcosh", "exp", "cube"] = "logcosh",
        max_iter: int = 500,
        tol: float = 1e-4,
        random_state: Any = None,
    ):
        self.dims = dims
        self.contrast = contrast
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def _learn(self, x: np.ndarray, dims: int, target: Any) -> Maps:
        # Whitened here, not by FastICA, which divides by singular values that are 0 where the rank is below dims.
        _, lengths, axes = np.linalg.svd(reduced(x), full_matrices=False)
        rank = int((lengths > lengths[0] * max(x.shape) * np.finfo(np.float64).eps).sum())
        deviations = lengths[: min(dims, rank), None] / np.sqrt(len(x))
        axes = axes[: min(dims, rank)]
        whiten = (axes / deviations).T
        model = FastICA(
            whiten=False, fun=self.contrast, max_iter=self.max_iter, tol=self.tol, random_state=self.random_state
        )
        rotation = model.fit(x @ whiten).components_
        self.n_iter_ = int(model.n_iter_)
        return by_size(Maps(whiten @ rotation.T, np.linalg.inv(rotation).T @ (axes * deviations)), x)
