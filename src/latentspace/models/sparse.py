"""Sparse rows centred without making them dense: the mean enters each product as a rank-one term, in float64."""

from typing import Any

import numpy as np

from .rows import refuse_value


class CentredSparse:
    """Rows of a SciPy sparse matrix as the linear map of `covariance.Centred`.

    (x - 1 m')'(x - 1 m') = x'x - n m m', so only x itself, its zeros untouched, is ever multiplied.

    Parameters
    ----------
    x : CSR or CSC matrix or array of shape (n, p)
    names : array of str, optional
        Column names, for messages.
    """

    def __init__(self, x: Any, names: np.ndarray | None = None):
        refuse_bad_entries(x, names)
        self.x = x.astype(np.float64, copy=False)
        self.n, self.p = x.shape
        self.mean = np.asarray(self.x.sum(axis=0), dtype=np.float64).ravel() / self.n
        squares = np.asarray(self.x.multiply(self.x).sum(axis=0)).ravel()
        self.variances = np.maximum(squares - self.n * self.mean**2, 0) / max(self.n - 1, 1)

    def covariance(self) -> np.ndarray:
        product = (self.x.T @ self.x).toarray()
        return (product - self.n * np.outer(self.mean, self.mean)) / max(self.n - 1, 1)

    def gram(self) -> np.ndarray:
        along = self.x @ self.mean
        product = (self.x @ self.x.T).toarray()
        return (product - along[:, None] - along + self.mean @ self.mean) / max(self.n - 1, 1)

    def apply(self, q: np.ndarray) -> np.ndarray:
        product = self.x.T @ (self.x @ q)
        return (product - self.n * np.outer(self.mean, self.mean @ q)) / max(self.n - 1, 1)

    def back(self, u: np.ndarray) -> np.ndarray:
        return self.x.T @ u - np.outer(self.mean, u.sum(axis=0))


def refuse_bad_entries(x: Any, names: np.ndarray | None = None) -> None:
    """Raises ValueError for a stored NaN or infinity, with its row and column."""
    if not np.isfinite(x.data).all():
        entries = x.tocoo()
        first = np.flatnonzero(~np.isfinite(entries.data))[0]
        refuse_value(entries.data[first], entries.row[first], entries.col[first], names)
