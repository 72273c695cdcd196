"""What every linear family shares: checks at the door, centring, dims, encoding and decoding in blocks, its state.

A family's file says which maps it learns, and nothing else.
"""

import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from numbers import Integral
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from ...errors import CollapseWarning
from ...resources import refuse_if_too_large
from ..base import Stateful
from ..pca import PCA
from ..rows import refuse_bad_values, refuse_value

_LARGEST, _LEAST = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
_BLOCK = 2**21  # float64 values worked on at a time: 16 MB
_COPIES = 4  # of the features in float64, that a fit holds at its peak


class Maps(NamedTuple):
    """What a fit learns. There may be fewer columns than `dims`: the rest of the dimensions stay 0."""

    encoder: np.ndarray  # float64 (p, r)
    decoder: np.ndarray  # float64 (r, p)


class LinearModel(Stateful, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The base of the linear families; not for use on its own.

    z = (x - mean) @ encoder        x_hat = z @ decoder + mean

    Fitted in float64 and kept in it: a latent is rounded to float32 once, at the end, so features far from zero
    lose nothing before.
    """

    accepts_sparse: ClassVar[bool] = False
    centred: ClassVar[bool] = True  # whether the features' mean is taken out first

    dims: int | str
    random_state: Any

    mean_: np.ndarray
    encoder_: np.ndarray
    decoder_: np.ndarray
    dims_: int

    @abstractmethod
    def _learn(self, x: Any, dims: int, target: Any) -> Maps:
        """Learns the maps from x (n, p), float64; in a centred family's x, columns that are constant are exactly 0."""

    def fit(self, X: Any, y: Any = None) -> "LinearModel":
        """Learns the latent space of features of shape (n, p).

        Parameters
        ----------
        X : float array of shape (n, p)
            Finite numbers; LSA and NMF take SciPy's sparse rows too.
        y : sequence of length n
            The task-aware families' target, with None or NaN where it is missing; ignored by the others.
        """
        X = self._admit(X, fitting=True)
        return self._fit(X, self._read(y, X.shape[0]))

    def transform(self, X: Any) -> np.ndarray:
        """Features (n, p) to latents (n, dims), float32."""
        check_is_fitted(self)
        X = self._admit(X, fitting=False)
        z = np.empty((X.shape[0], self.dims_), np.float32)
        for rows in _blocks(X.shape[0], X.shape[1]):
            with np.errstate(over="ignore", invalid="ignore"):
                z[rows] = self._encode(X[rows].astype(np.float64))
        if not np.isfinite(z).all():
            raise ValueError(f"Input X holds values as large as {abs(X).max():.3g}: their latents overflow float32.")
        return z

    def inverse_transform(self, z: Any) -> np.ndarray:
        """Latents (n, dims) back to features (n, p), float32."""
        check_is_fitted(self)
        z = check_array(z, dtype=np.float64, input_name="z", ensure_min_samples=0)
        name = type(self).__name__
        if z.shape[1] != self.dims_:
            raise ValueError(f"inverse_transform() got latents of shape {z.shape}; this {name} has dims={self.dims_}.")
        p = self.n_features_in_
        refuse_if_too_large(4 * len(z) * p, f"{len(z):,} items of {p:,} features", "Decode fewer at a time.")
        x_hat = np.empty((len(z), p), np.float32)
        for rows in _blocks(len(z), p):
            x_hat[rows] = z[rows] @ self.decoder_ + self.mean_
        return x_hat

    def topic_weights(self) -> np.ndarray:
        """What each dimension weighs in every feature, (dims, p)."""
        check_is_fitted(self)
        return self.decoder_

    def _encode(self, x: Any) -> np.ndarray:
        """Latents of a block of features in float64."""
        return x @ self.encoder_ if issparse(x) else (x - self.mean_) @ self.encoder_

    def _admit(self, X: Any, fitting: bool) -> Any:
        """Checks features: finite numbers of shape (n, p); dense, or CSR where the family takes sparse ones."""
        X = validate_data(
            self, X, accept_sparse="csr" if self.accepts_sparse else False, dtype=[np.float64, np.float32],
            ensure_all_finite=False, reset=fitting, ensure_min_samples=1 if fitting else 0,
        )  # fmt: skip
        names = getattr(self, "feature_names_in_", None)
        if not issparse(X):
            refuse_bad_values(X, names=names)
        elif not np.isfinite(X.data).all():
            row, column, value = first_entry(X, ~np.isfinite(X.data))
            refuse_value(value, row, column, names)
        return X

    def _read(self, y: Any, n: int) -> Any:
        """Checks the target and returns it as `_learn` wants it."""
        return None

    def _fit(self, X: Any, target: Any) -> "LinearModel":
        n, p = X.shape
        largest = max(float(X.max()), -float(X.min()))
        if largest > _LARGEST:
            raise ValueError(
                f"Input X holds values as large as {largest:.3g}, but features come back as float32, which ends at "
                f"{_LARGEST:.3g}. Scale them down."
            )
        dims = self._checked_dims(X, target)
        if hasattr(self, "max_iter"):
            self.n_iter_ = 0  # where nothing varies there is nothing to iterate
        if not issparse(X):
            refuse_if_too_large(
                _COPIES * 8 * n * p, f"{type(self).__name__} on {n:,} items of {p:,} features",
                "Use model='pca', which reads them in blocks, or pass fewer items.",
            )  # fmt: skip
        if not self.centred:
            self.mean_ = np.zeros(p)
            return self._store(self._learn(X.astype(np.float64), dims, target), dims)
        # The mean of equal numbers can differ from them in the last digit, which would look like variance.
        low, high = X.min(axis=0).astype(np.float64), X.max(axis=0).astype(np.float64)
        constant = high - low <= _LEAST  # less than that is lost in float32, and its square in float64
        self.mean_ = np.where(constant, X[0], X.mean(axis=0, dtype=np.float64)).astype(np.float64)
        x = X - self.mean_
        x[:, constant] = 0
        maps = self._learn(x, dims, target) if x.any() else Maps(np.zeros((p, 0)), np.zeros((0, p)))
        maps.encoder[constant], maps.decoder[:, constant] = 0, 0  # rounding leaves a trace in some
        return self._store(maps, dims)

    def _checked_dims(self, X: Any, target: Any) -> int:
        n, p = X.shape
        dims = self.dims
        if isinstance(dims, str) and dims == "auto":
            return self._auto_dims(X, target)
        if not isinstance(dims, Integral) or isinstance(dims, bool) or dims < 1:
            raise ValueError(f"dims={dims!r} is not possible: pass an int from 1, or 'auto'.")
        most, because = self._most_dims(n, p, target)
        if dims > most:
            raise ValueError(f"dims={dims} is out of range: {because}, so dims can be 1 to {most}.")
        return int(dims)

    def _most_dims(self, n: int, p: int, target: Any) -> tuple[int, str]:
        """How many dimensions there can be, and why."""
        return min(n, p), f"the data has n_samples={n} and n_features={p}"

    def _auto_dims(self, X: Any, target: Any) -> int:
        """As many as PCA finds to stand out from noise."""
        return PCA(random_state=self.random_state).fit(X).dims_

    def _store(self, maps: Maps, dims: int) -> "LinearModel":
        """Keeps the maps: signs settled, and filled up with zeros to `dims`."""
        found = maps.encoder.shape[1]
        if self.dims == "auto":
            dims = min(dims, max(found, 1))
        signs = _signs(maps.decoder)
        p = self.n_features_in_
        self.encoder_, self.decoder_ = np.zeros((p, dims)), np.zeros((dims, p))
        self.encoder_[:, :found] = maps.encoder * signs
        self.decoder_[:found] = maps.decoder * signs[:, None]
        self.dims_ = dims
        carry = int(self.encoder_.any(axis=0).sum())
        if carry < dims:
            warnings.warn(
                f"{type(self).__name__}: {carry} of {dims} dimensions carry anything, the data has no more to give; "
                f"the others are 0 for every item. Pass dims={max(carry, 1)}.",
                CollapseWarning,
                stacklevel=4,
            )
        return self

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        super()._set_state(facts, arrays)
        try:
            p, dims = int(self.n_features_in_), int(self.dims_)
            shapes = (self.mean_.shape, self.encoder_.shape, self.decoder_.shape)
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(f"The {self.family} in this file cannot be built: {error}. The file is damaged.") from None
        if shapes != ((p,), (p, dims), (dims, p)):
            raise ValueError(
                f"The {self.family}'s mean, encoder and decoder have shapes {shapes}, expected {(p,)}, {(p, dims)} and "
                f"{(dims, p)}. The file is damaged."
            )

    @property
    def _n_features_out(self) -> int:
        return self.dims_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]  # z is float32 whatever comes in
        tags.input_tags.sparse = self.accepts_sparse
        return tags


def first_entry(x: Any, chosen: np.ndarray) -> tuple[int, int, float]:
    """Row, column and value of the first stored entry of a CSR matrix that a mask over `x.data` marks."""
    at = int(chosen.argmax())
    row = int(np.searchsorted(x.indptr, at, side="right")) - 1
    return row, int(x.indices[at]), float(x.data[at])


def reduced(x: np.ndarray) -> np.ndarray:
    """At most p rows with the same products x'x: R of a QR where there are more rows than features."""
    return np.asarray(np.linalg.qr(x, mode="r")) if len(x) > x.shape[1] else x


def by_size(maps: Maps, x: np.ndarray) -> Maps:
    """Orders dimensions by how much of the features each moves: its spread in z times its length in x, falling."""
    size = np.sqrt(np.mean((x @ maps.encoder) ** 2, axis=0)) * np.linalg.norm(maps.decoder, axis=1)
    order = np.argsort(-size, kind="stable")
    return Maps(maps.encoder[:, order], maps.decoder[order])


def _signs(decoder: np.ndarray) -> np.ndarray:
    """Each dimension's sign: that of the first weight within a thousandth of its largest, whatever rounding does."""
    sizes = np.abs(decoder)
    first = (sizes >= 0.999 * sizes.max(axis=1, keepdims=True, initial=0)).argmax(axis=1)
    return np.where(decoder[np.arange(len(decoder)), first] < 0, -1.0, 1.0)


def _blocks(n: int, p: int) -> Iterator[slice]:
    size = max(1, _BLOCK // max(p, 1))
    for start in range(0, n, size):
        yield slice(start, start + size)
