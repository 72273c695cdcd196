"""Partial least squares: the directions of the features that go along with a target, be it numbers or classes."""

import warnings
from typing import Any, Literal

import numpy as np
from sklearn.cross_decomposition import PLSRegression
from sklearn.utils import check_random_state

from ..target import indicators_or_numbers
from .base import reduced
from .supervised import SupervisedModel

_MOST = 30  # dimensions that "auto" tries
_FOLDS = 5


class PLS(SupervisedModel):
    """Finds the directions with the most covariance with a target, one by one (Wold, Sjöström and Eriksson, 2001).

    z = (x - mean) / spread @ rotation        x_hat = z @ decoder + mean

    It keeps what predicts the target and ever more of the features' variance behind it; it works with fewer items than
    features, where regression does not. Latents are uncorrelated on the items that have a target, and the decoder,
    ridge least squares (see SupervisedModel), is then PLS's own loadings. Classes become one column of 0 and 1 each
    (Barker and Rayens, 2003).

    Parameters
    ----------
    dims : int or "auto", default="auto"
        Dimensions of the latent space, 1 to min(n with a target, p). "auto": the fewest, up to 30, whose error on
        held-out items is within one standard error of the least, in five folds.
    task : {"auto", "numbers", "classes"}, default="auto"
        What the target is. "auto" takes strings and booleans for classes, and whole numbers too where there are at most
        20 different ones of which each stands, on average, on 5 items or more.
    scale : bool, default=True
        Gives every feature variance 1 first, so that the answer does not depend on its unit.
    random_state : int, RandomState or None, default=None
        Draws the folds of dims="auto"; of no use otherwise.

    Attributes
    ----------
    encoder_ : float64 array of shape (p, dims)
        The rotation, divided by the features' spread.
    decoder_ : float64 array of shape (dims, p)
        What one unit of z moves the features by, on average.
    mean_ : float64 array of shape (p,)
        Means of all items, in the features' own unit.
    classes_ : list or None
        The classes, sorted; None for a target of numbers.
    dims_, n_features_in_ : int

    Raises
    ------
    ValueError
        If there is no target, it does not vary, or it holds infinity.
    """

    family = "pls"

    classes_: list[Any] | None

    def __init__(
        self,
        dims: int | Literal["auto"] = "auto",
        *,
        task: Literal["auto", "numbers", "classes"] = "auto",
        scale: bool = True,
        random_state: Any = None,
    ):
        self.dims = dims
        self.task = task
        self.scale = scale
        self.random_state = random_state

    def _read(self, y: Any, n: int) -> np.ndarray:
        target, self.classes_ = indicators_or_numbers(y, n, "PLS", self.task)
        known = target[~np.isnan(target).any(axis=1)]
        if len(known) < 2 or (known == known[0]).all():
            raise ValueError(
                f"PLS needs a target that varies; y has n_samples={len(known)} known values"
                + (f", all of them {known[0].tolist()}." if len(known) > 1 else ".")
            )
        return target

    def _most_dims(self, n: int, p: int, target: np.ndarray) -> tuple[int, str]:
        known = int((~np.isnan(target).any(axis=1)).sum())
        return min(known, p), f"n_samples={known} items have a target and the data n_features={p}"

    def _auto_dims(self, X: Any, target: np.ndarray) -> int:
        known = ~np.isnan(target).any(axis=1)
        return self._held_out(X[known].astype(np.float64), target[known])

    def _learn_encoder(self, x: np.ndarray, dims: int, target: np.ndarray) -> np.ndarray:
        known = ~np.isnan(target).any(axis=1)
        rotations, _ = self._solve(x[known], target[known], dims)
        return rotations

    def _solve(self, x: np.ndarray, y: np.ndarray, dims: int) -> tuple[np.ndarray, np.ndarray]:
        """The encoder (p, r) and the regression of y on z (r, m); r is below dims where there is no more to find."""
        x = x - x.mean(axis=0)
        spread = x.std(axis=0, ddof=1) if self.scale else np.ones(x.shape[1])
        spread[spread == 0] = 1
        x = x / spread
        # Past the rank, PLS divides what rounding has left by itself.
        lengths = np.linalg.svd(reduced(x), compute_uv=False)
        rank = int((lengths > lengths[0] * max(x.shape) * np.finfo(np.float64).eps).sum())
        if rank == 0:
            return np.zeros((x.shape[1], 0)), np.zeros((0, y.shape[1]))
        model = PLSRegression(min(dims, rank), scale=False)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="y residual is constant")  # all explained: fewer dims
            warnings.filterwarnings("ignore", message="Maximum number of iterations")  # of two equally good directions
            model.fit(x, y / _spread_of(y))
        found = model.x_weights_.any(axis=0)
        return model.x_rotations_[:, found] / spread[:, None], (model.y_loadings_ * _spread_of(y)[:, None])[:, found].T

    def _held_out(self, x: np.ndarray, y: np.ndarray) -> int:
        """The fewest dimensions whose squared error on held-out items is within one standard error of the least."""
        n = len(x)
        order = check_random_state(self.random_state).permutation(n)
        folds = min(_FOLDS, n)
        most = min(_MOST, x.shape[1], max(n - -(-n // folds), 1))
        errors = np.empty((n, most))  # of each item, when it was held out
        for fold in range(folds):
            held = order[fold::folds]
            rest = np.delete(np.arange(n), held)
            centre, level = x[rest].mean(axis=0), y[rest].mean(axis=0)
            encoder, regression = self._solve(x[rest], y[rest], most)
            residual = (y[held] - level) / _spread_of(y)
            errors[held] = (residual**2).sum(axis=1)[:, None]
            z = (x[held] - centre) @ encoder
            for k in range(most):
                if k < z.shape[1]:
                    residual = residual - np.outer(z[:, k], regression[k]) / _spread_of(y)
                errors[held, k] = (residual**2).sum(axis=1)
        mean, scatter = errors.mean(axis=0), errors.std(axis=0) / np.sqrt(n)
        best = int(mean.argmin())
        return int((mean <= mean[best] + scatter[best]).argmax()) + 1


def _spread_of(y: np.ndarray) -> np.ndarray:
    spread = y.std(axis=0, ddof=1)
    return np.where(spread > 0, spread, 1)
