"""What neural estimators let in: features of one shape, and parameters that can be meant; checked once, here."""

import math
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from .likelihoods import LIKELIHOODS
from .parts import kind_of

_LARGEST = 1e30  # features beyond it would overflow when squared in float32
_BESIDES = {"dims": "auto", "epochs": "auto", "threads": None, "scale": None}  # what may stand for a number


def features(model: Any, X: Any, fitted: tuple[int, ...] | None = None) -> np.ndarray:
    """Checks features: finite numbers of shape (n, p), (n, c, t) or (n, c, h, w).

    Parameters
    ----------
    model : estimator
        Named in messages; learns `n_features_in_` when it is not fitted.
    X : array-like, or a SciPy sparse matrix of shape (n, p)
    fitted : tuple of int or None
        The shape of one item that the model was fitted on; None while fitting.

    Returns
    -------
    float32 or float64 array, or a CSR matrix while fitting on sparse rows
        Float64 stays: a far origin is subtracted before anything is rounded.
    """
    kinds = [np.float64, np.float32]
    name = type(model).__name__
    if getattr(X, "ndim", 2) <= 2 and (fitted is None or len(fitted) == 1):
        X = validate_data(model, X, accept_sparse="csr", dtype=kinds, reset=fitted is None)
        X = X.toarray() if issparse(X) and fitted is not None else X
    else:
        X = check_array(X, dtype=kinds, allow_nd=True, estimator=model, input_name="X")
        if X.ndim > 4:
            raise ValueError(
                f"Found array with dim {X.ndim}: {name} takes vectors (n, p), sequences (n, c, t) or images "
                f"(n, c, h, w), not {X.shape}. Flatten the items, or some of their axes."
            )
        if 0 in X.shape[1:]:
            raise ValueError(f"{name} got items of shape {X.shape[1:]}, which hold no features. Pass items that do.")
        if fitted is None:
            model.n_features_in_ = math.prod(X.shape[1:])
    if fitted is not None and X.shape[1:] != fitted:
        raise ValueError(
            f"{name} got items of shape {X.shape[1:]}, but was fitted on items of shape {fitted}. "
            "Pass items of that shape, or fit anew on these."
        )
    if (largest := max(-X.min(), X.max())) > _LARGEST:
        raise ValueError(f"X holds {largest:.3g}; {name} cannot train on values beyond {_LARGEST:g}. Rescale X.")
    return X


def parameters(model: Any) -> None:
    """Refuses parameters that no data could fit; those that depend on the data are checked where it is known."""
    for name in ("dims", "epochs", "batch_size", "patience", "threads"):
        value = getattr(model, name)
        if name in _BESIDES and value == _BESIDES[name]:
            continue
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name}={value!r} must be an integer of at least 1{_or(name)}.")
    for name in ("learning_rate", "scale"):
        value = getattr(model, name)
        if not (name in _BESIDES and value is None) and not 0 < value < math.inf:
            raise ValueError(f"{name}={value!r} must be above 0{_or(name)}.")
    for name in ("weight_decay", "beta", "free_bits", "target_weight"):
        if not 0 <= getattr(model, name, 0.0) < math.inf:
            raise ValueError(f"{name}={getattr(model, name)!r} must be at least 0.")
    if not 0 <= getattr(model, "warm_up", 0.0) <= 1:
        raise ValueError(f"warm_up={model.warm_up!r} must be a share of training, from 0 to 1.")
    if not 0 <= model.validation < 1:
        raise ValueError(f"validation={model.validation!r} must be a share of the items, from 0 to below 1.")
    if model.likelihood != "auto" and kind_of(model.likelihood) not in LIKELIHOODS:
        known = ", ".join(["auto", *sorted(LIKELIHOODS)])
        raise ValueError(f"likelihood={model.likelihood!r} is not known. Known likelihoods: {known}.")


def _or(name: str) -> str:
    return f", or {_BESIDES[name]!r}" if name in _BESIDES else ""


def latents(model: Any, z: Any) -> np.ndarray:
    """Checks latents for a fitted model's decoder: finite numbers of shape (n, dims), float32 and C-ordered."""
    z = check_array(z, dtype=np.float32, input_name="z")
    if z.shape[1] != model.dims_:
        raise ValueError(
            f"inverse_transform() got latents of {z.shape[1]} dimensions, but {type(model).__name__} was fitted "
            f"with {model.dims_}. Pass what transform() gave."
        )
    return np.ascontiguousarray(z)


def drawn(n: Any) -> int:
    """Checks how many items `sample` is asked for.

    Raises
    ------
    ValueError
        If that is no whole number from 1.
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"sample(n={n!r}) must be an integer of at least 1: the number of items to draw.")
    return int(n)
