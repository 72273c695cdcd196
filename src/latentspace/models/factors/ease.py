"""EASE: the linear recommender that is one matrix inverse, and the baseline that others should beat."""

from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ...resources import refuse_if_too_large
from ..base import Stateful
from .rows import admit


class EASE(Stateful, BaseEstimator):
    """Scores an item by what a user met before: x_hat = x @ B, with nothing on B's diagonal.

        B = argmin |X - X B|^2 + ridge |B|^2   with diag(B) = 0        P = (X'X + ridge)^-1,   B_ij = -P_ij / P_jj

    A latent space it is not: it has no z. It is here to be measured against, for on many real sets it is the one to
    beat (Dacrema, Cremonesi and Jannach, 2019).

    Parameters
    ----------
    ridge : float, default=200.0
        The fewer the users, the more; 100 to 1,000 is usual.
    binary : bool, default=True
        Whether any value above 0 counts as 1.

    Attributes
    ----------
    items_ : float32 array of shape (p, p)
        B.
    n_features_in_ : int

    References
    ----------
    Steck, "Embarrassingly shallow autoencoders for sparse data", 2019, equation 8.

    Examples
    --------
    >>> x = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=float)
    >>> EASE(ridge=1.0).fit(x).scores([[1.0, 0, 0]]).round(2) + 0.0
    array([[0.  , 0.67, 0.  ]], dtype=float32)
    """

    family = "ease"

    def __init__(self, ridge: float = 200.0, *, binary: bool = True):
        self.ridge = ridge
        self.binary = binary

    def fit(self, X: Any, y: Any = None) -> "EASE":
        """Learns B from interactions of shape (users, items), sparse or dense, none negative.

        Raises
        ------
        MemoryError
            If p^2 numbers do not fit in memory.
        """
        X = self._admit(X, fitting=True)
        if not self.ridge > 0:
            raise ValueError(f"ridge={self.ridge!r} must be above 0.")
        n, p = X.shape
        refuse_if_too_large(3 * 8 * p * p, f"EASE on {p:,} items", "Take LatentFactors, or the most frequent items.")
        weights = _by_users(X, self.ridge) if n < p // 2 else _by_items(X, self.ridge)
        weights[np.diag_indices(p)] = 0
        self.items_ = weights.astype(np.float32)
        return self

    def scores(self, X: Any) -> np.ndarray:
        """Interactions (n, items) to scores of every item, float32 (n, items); higher is likelier to be met next."""
        check_is_fitted(self)
        return np.asarray(self._admit(X, fitting=False).astype(np.float32) @ self.items_)

    def _admit(self, X: Any, fitting: bool) -> Any:
        rows = admit(self, X, fitting=fitting)
        if self.binary:
            rows.data = (rows.data > 0).astype(np.float64)
        return rows

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        return tags


def _by_items(X: Any, ridge: float) -> np.ndarray:
    gram = (X.T @ X).toarray()
    gram[np.diag_indices(len(gram))] += ridge
    inverse = cho_solve(cho_factor(gram, lower=True, overwrite_a=True, check_finite=False), np.eye(len(gram)))
    return -inverse / np.diag(inverse)


def _by_users(X: Any, ridge: float) -> np.ndarray:
    """The same where users are fewer than items: ridge P = 1 - C'C with C = L^-1 X, LL' = XX' + ridge (Woodbury).

    Of 521 users and 9,066 films it takes a twentieth of the time.
    """
    gram = (X @ X.T).toarray()
    gram[np.diag_indices(len(gram))] += ridge
    half = solve_triangular(np.linalg.cholesky(gram), X.toarray(), lower=True, overwrite_b=True, check_finite=False)
    products = half.T @ half
    return products / (1 - np.diag(products))
