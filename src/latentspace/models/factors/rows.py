"""Interactions at the door of an estimator: CSR rows of finite numbers, users by items."""

from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils.validation import validate_data

from ..linear.base import first_entry
from ..rows import refuse_value


def admit(model: Any, X: Any, *, fitting: bool, signed: bool = False) -> csr_array:
    """Checks interactions and returns them as CSR rows, float64, (n, p).

    Raises
    ------
    ValueError
        If X holds NaN or infinity, or a negative number where `signed` is false; the message says where.
    """
    X = validate_data(
        model, X, accept_sparse="csr", dtype=np.float64, ensure_all_finite=False, reset=fitting,
        ensure_min_samples=1 if fitting else 0,
    )  # fmt: skip
    names = getattr(model, "feature_names_in_", None)
    rows = csr_array(X) if issparse(X) else csr_array(np.asarray(X))
    rows.sum_duplicates()
    if not np.isfinite(rows.data).all():
        row, column, value = first_entry(rows, ~np.isfinite(rows.data))
        refuse_value(value, row, column, names)
    if not signed and (rows.data < 0).any():
        row, column, value = first_entry(rows, rows.data < 0)
        raise ValueError(
            f"Negative values in data: Input X holds {value:g} in row {row}, column {column}, and implicit feedback "
            "counts what was met, from 0. Pass feedback='explicit' for ratings on a scale below 0."
        )
    return rows


def like(pattern: csr_array, values: np.ndarray) -> csr_array:
    """A matrix of the same pattern with other values."""
    return csr_array((values, pattern.indices, pattern.indptr), pattern.shape)
