"""Predictions of a target from z, by the head that was trained on it."""

from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from . import heads


def _has_head(model: Any) -> bool:
    return hasattr(model, "target_")


def _has_classes(model: Any) -> bool:
    return hasattr(model, "classes_")


class Predicting:
    """`predict` and `predict_proba` for estimators whose network has a head; they exist once there is one.

    An estimator brings `_read_head(X)`: what its head says of features, (n, outputs).
    """

    target_: Any
    classes_: list[Any]

    def _read_head(self, X: Any) -> np.ndarray:
        raise NotImplementedError

    @available_if(_has_head)
    def predict(self, X: Any) -> np.ndarray:
        """Features to the target: class names (n,), or numbers (n,) or (n, m) in the target's own unit."""
        check_is_fitted(self)
        return heads.predictions(self._read_head(X), heads.Target(*self.target_))

    @available_if(_has_classes)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Features to the probability of every class, in the order of `classes_`: float64 of shape (n, classes)."""
        check_is_fitted(self)
        return heads.probabilities(self._read_head(X))
