"""What models of pairs share: rows of one side or the other, which rows are partners, and how well partners meet."""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from ..base import Stateful

_FEWEST = 4  # pairs: below, any two sides agree


class PairedModel(Stateful, TransformerMixin, BaseEstimator):
    """An estimator of rows (n, 1 + p): which side a row is of, 0 or 1, and then the features of both sides.

    The next `split` features are the first side's and the rest the other's; those of the side that a row is not of are
    not looked at. `y` names each row's pair: two rows with one name, one of each side, are partners. Rows without a
    partner are encoded, but nothing is learned from them.
    """

    pairs: ClassVar[bool] = True  # fits items of the kind "pairs", and no others
    split: int | None
    dims_: int
    n_features_in_: int

    def fit(self, X: Any, y: Any = None) -> "PairedModel":
        """Learns from rows X (n, 1 + p) and the names of their pairs y (n,).

        Raises
        ------
        ValueError
            If a row does not say which side it is of, there are no pairs, or a parameter is out of range.
        """
        X, first = self._rows(X)
        if y is None:
            raise ValueError(f"{type(self).__name__} needs y, which names each row's pair; rows with one name belong.")
        left, right = partners(first, list(y))
        if len(left) < _FEWEST:
            raise ValueError(
                f"{type(self).__name__} found {len(left):,} pairs in n_samples={len(X)} rows; it needs at least "
                f"{_FEWEST}. Rows of a pair have the same name in y, and one of them is of each side."
            )
        self.n_features_in_ = X.shape[1]
        self._learn(self._of(X[left], 0), self._of(X[right], 1))
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Rows (n, 1 + p) of either side to latents, float32 (n, dims)."""
        check_is_fitted(self)
        X, first = self._rows(X)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} features, but {type(self).__name__} expects {self.n_features_in_}.")
        z = np.empty((len(X), self.dims_), np.float32)
        z[first] = self._encode(self._of(X[first], 0), 0)
        z[~first] = self._encode(self._of(X[~first], 1), 1)
        return z

    @abstractmethod
    def _learn(self, left: np.ndarray, right: np.ndarray) -> None:
        """Learns from partners, float64 (n, split) and (n, p - split), row by row; sets `dims_`."""

    @abstractmethod
    def _encode(self, x: np.ndarray, side: int) -> np.ndarray:
        """Rows of side 0 or 1 to latents (n, dims)."""

    def _rows(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """X checked, and which of its rows are of the first side, bool (n,)."""
        X = check_array(X, dtype=[np.float64, np.float32], estimator=self, ensure_min_features=3)
        if not (type(self.split) is int and 0 < self.split < X.shape[1] - 1):
            raise ValueError(
                f"split={self.split!r} must be the count of the first side's features, 1 to {X.shape[1] - 2}. "
                "latentspace.fit((images, texts), kind='pairs') sets it."
            )
        side = X[:, 0]
        if not np.isin(side, (0, 1)).all():
            row = int((~np.isin(side, (0, 1))).argmax())
            raise ValueError(f"row {row} of X begins with {side[row]:g}; it must begin with its side, 0 or 1.")
        return X, side == 0

    def _of(self, X: np.ndarray, side: int) -> np.ndarray:
        """A side's own features, float64."""
        assert self.split is not None  # `_rows` has looked
        cut = 1 + self.split
        return X[:, cut:].astype(np.float64) if side else X[:, 1:cut].astype(np.float64)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.dims_


def partners(first: np.ndarray, names: list[Any]) -> tuple[list[int], list[int]]:
    """The rows of each side that are partners, in the order of the first side's."""
    if len(names) != len(first):
        raise ValueError(f"y has {len(names)} names, but X has {len(first)} rows.")
    left = {name: row for row, name in enumerate(names) if first[row] and name is not None}
    right = {name: row for row, name in enumerate(names) if not first[row] and name is not None}
    both = [name for name in left if name in right]
    return [left[name] for name in both], [right[name] for name in both]


def mean_reciprocal_rank(left: np.ndarray, right: np.ndarray) -> float:
    """How high partners (n, dims) stand in each other's lists by cosine, 1 / rank on average: 1 is always first."""
    unit = [z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12) for z in (left, right)]
    likeness = unit[0] @ unit[1].T
    own = np.diag(likeness)
    ranks = [1 + (likeness > own[:, None]).sum(axis=1), 1 + (likeness > own[None]).sum(axis=0)]
    return float(np.mean([1 / rank for rank in ranks]))
