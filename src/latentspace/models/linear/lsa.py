"""Latent semantic analysis: the axes that hold most of the features' squares, from sparse counts as they are."""

from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse
from scipy.sparse.linalg import svds
from sklearn.utils import check_random_state

from ...resources import refuse_if_too_large
from .base import LinearModel, Maps, reduced

_USUAL = 100  # dimensions for text (Deerwester et al. kept about as many); fewer where there are fewer
_EXACT = 500  # items or features up to which all singular values cost nothing
_NULL = 1e-7  # of the largest singular value: the roots of products of rows know nothing below


class LSA(LinearModel):
    """Projects features onto their leading right singular vectors, the mean left in: truncated SVD.

    x = u s v'        z = x @ v        x_hat = z @ v'

    No linear map without an offset has a smaller squared error. Zeros stay zeros: sparse word counts are never made
    dense, which taking out their mean (as PCA does) would do to memory.

    Singular vectors are exact, by ARPACK (Lehoucq, Sorensen and Yang, 1998) on many sparse rows. The randomised
    iterations that are the usual default elsewhere lost 1.5% of the squares on texts, whose spectrum is flat, for half
    of the time.

    Parameters
    ----------
    dims : int or "auto", default="auto"
        Dimensions of the latent space, 1 to min(n, p). "auto": 100, or as many as the data has if that is less.
    random_state : int, RandomState or None, default=None
        Starts the iterations. The result depends on it in its last digits only.

    Attributes
    ----------
    encoder_ : float64 array of shape (p, dims)
        Right singular vectors as columns, by falling singular value.
    decoder_ : float64 array of shape (dims, p)
        The same, transposed.
    singular_values_ : float64 array of shape (dims,)
        Root of the sum of squares of each latent dimension over the fitted items, in the features' unit.
    mean_ : float64 array of shape (p,)
        Zeros.
    dims_, n_features_in_ : int

    References
    ----------
    Deerwester, Dumais, Furnas, Landauer and Harshman, "Indexing by latent semantic analysis", 1990.

    Examples
    --------
    >>> LSA(dims=1).fit_transform([[3.0, 4.0], [6.0, 8.0]])
    array([[ 5.],
           [10.]], dtype=float32)
    """

    family = "lsa"
    accepts_sparse = True
    centred = False

    def __init__(self, dims: int | Literal["auto"] = "auto", *, random_state: Any = None):
        self.dims = dims
        self.random_state = random_state

    def _auto_dims(self, X: Any, target: Any) -> int:
        return min(_USUAL, *X.shape)

    def _learn(self, x: Any, dims: int, target: Any) -> Maps:
        values, axes = self._singular(x, dims)
        some = values > _NULL * values.max(initial=0)
        self.singular_values_ = np.where(some, values, 0.0)
        return Maps(axes[some].T, axes[some])

    def _singular(self, x: Any, dims: int) -> tuple[np.ndarray, np.ndarray]:
        """The leading singular values (dims,), falling, and right singular vectors (dims, p)."""
        few = min(x.shape)
        if 4 * dims > few or few <= _EXACT:
            refuse_if_too_large(3 * 8 * few**2, f"LSA to {dims:,} of at most {few:,} dimensions", "Pass fewer dims.")
            return _from_products(x, dims) if issparse(x) else _from_rows(x, dims)
        if not (x.nnz if issparse(x) else x.any()):
            return np.zeros(dims), np.zeros((dims, x.shape[1]))
        start = check_random_state(self.random_state).standard_normal(few)
        _, values, axes = svds(x, k=dims, v0=start)
        return values[::-1], axes[::-1]


def _from_rows(x: np.ndarray, dims: int) -> tuple[np.ndarray, np.ndarray]:
    _, values, axes = np.linalg.svd(reduced(x), full_matrices=False)
    return values[:dims], axes[:dims]


def _from_products(x: Any, dims: int) -> tuple[np.ndarray, np.ndarray]:
    """Singular vectors from the products of rows or of features, whichever are fewer."""
    wide = x.shape[0] < x.shape[1]
    squares, vectors = np.linalg.eigh(((x @ x.T) if wide else (x.T @ x)).toarray())
    values, vectors = np.sqrt(np.maximum(squares[::-1][:dims], 0)), vectors[:, ::-1][:, :dims]
    if not wide:
        return values, vectors.T
    return values, (x.T @ vectors).T / np.where(values > 0, values, 1)[:, None]
