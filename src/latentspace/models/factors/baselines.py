"""What any recommender has to beat: what is popular, and what the same people met."""

from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ...resources import refuse_if_too_large
from .rows import admit, like


class Popular(BaseEstimator):
    """Scores an item by how many users met it, the same for everybody.

    Attributes
    ----------
    counts_ : float32 array of shape (p,)

    Examples
    --------
    >>> Popular().fit([[1.0, 0], [1, 1]]).scores([[0.0, 1]])
    array([[2., 1.]], dtype=float32)
    """

    def fit(self, X: Any, y: Any = None) -> "Popular":
        """Counts users in interactions of shape (users, items), sparse or dense."""
        X = admit(self, X, fitting=True)
        self.counts_ = np.bincount(X.indices[X.data > 0], minlength=X.shape[1]).astype(np.float32)
        return self

    def scores(self, X: Any) -> np.ndarray:
        """Interactions (n, items) to float32 (n, items); higher is met by more."""
        check_is_fitted(self)
        return np.repeat(self.counts_[None], admit(self, X, fitting=False).shape[0], axis=0)


class ItemNeighbours(BaseEstimator):
    """Scores an item by its cosines with those that a user met, where these are among its nearest.

        score_ui = sum_(j met by u, j in N(i)) cosine(x_i, x_j)        x_i: who met item i

    Parameters
    ----------
    neighbours : int, default=100
        Size of N(i).

    Attributes
    ----------
    items_ : float32 CSR array of shape (p, p)
        Row i: cosines with N(i).

    References
    ----------
    Sarwar, Karypis, Konstan and Riedl, "Item-based collaborative filtering recommendation algorithms", 2001.

    Examples
    --------
    >>> ItemNeighbours().fit([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]]).scores([[1.0, 0, 0]]).round(2).tolist()
    [[0.0, 1.0, 0.0]]
    """

    def __init__(self, neighbours: int = 100):
        self.neighbours = neighbours

    def fit(self, X: Any, y: Any = None) -> "ItemNeighbours":
        """Finds each item's nearest in interactions of shape (users, items), sparse or dense.

        Raises
        ------
        MemoryError
            If p^2 numbers do not fit in memory.
        """
        X = admit(self, X, fitting=True)
        if self.neighbours < 1:
            raise ValueError(f"neighbours={self.neighbours!r} must be 1 or more.")
        p = X.shape[1]
        refuse_if_too_large(12 * p * p, f"neighbours of {p:,} items", "Take LatentFactors, or the most frequent items.")
        met = like(X, (X.data > 0).astype(np.float32))
        length = np.sqrt(np.maximum(met.sum(axis=0), 1)).astype(np.float32)
        cosine = (met.T @ met).toarray() / length / length[:, None]
        np.fill_diagonal(cosine, 0)
        if p > self.neighbours:
            least = np.partition(cosine, p - self.neighbours, axis=1)[:, p - self.neighbours, None]
            cosine[cosine < least] = 0
        self.items_ = csr_array(cosine)
        return self

    def scores(self, X: Any) -> np.ndarray:
        """Interactions (n, items) to float32 (n, items); higher is likelier to be met next."""
        check_is_fitted(self)
        X = admit(self, X, fitting=False)
        met = like(X, (X.data > 0).astype(np.float32))
        return (met @ self.items_.T.tocsr()).toarray()
