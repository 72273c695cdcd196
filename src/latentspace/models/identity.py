"""No model: z = x, for vectors that are a latent space already."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from .base import Stateful


class Identity(Stateful, TransformerMixin, BaseEstimator):
    """Leaves features as they are: z = x and x_hat = z, in float32.

    Attributes
    ----------
    dims_, n_features_in_ : int

    Examples
    --------
    >>> Identity().fit_transform([[3.0, 4.0]])
    array([[3., 4.]], dtype=float32)
    """

    family = "identity"

    def fit(self, X: Any, y: Any = None) -> "Identity":
        """Counts the features of X (n, p)."""
        self.dims_ = validate_data(self, X, dtype=np.float32).shape[1]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """X (n, p) itself, as float32."""
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float32, reset=False)

    def inverse_transform(self, z: Any) -> np.ndarray:
        """z (n, p) itself, as float32."""
        check_is_fitted(self)
        z = check_array(z, dtype=np.float32, input_name="z")
        if z.shape[1] != self.dims_:
            raise ValueError(f"z has {z.shape[1]} dimensions, but Identity was fitted with {self.dims_}.")
        return z

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.dims_
