"""Principal component analysis: the linear latent space that keeps the most variance, from any amount of data."""

from functools import partial
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from . import eigen
from .base import Stateful
from .covariance import Centred, CentredRows, Measured, Moments, centred, loop_type
from .rows import FEW, ArrayRows, Blocks, Chunk, StreamRows, refuse_bad_values
from .sparse import CentredSparse, refuse_bad_entries
from .workers import ordered, workers

SOLVERS = ("auto", "exact", "krylov", "randomized")

_CHEAP = 4e9  # multiplications up to which float64 products cost a quarter of a second or less
_NARROW = 128  # features up to which memory, not arithmetic, sets the pace
_RESOLVED = 1e-4  # of the largest variance: below it, float32 products no longer give four digits
_AT_ONCE = 2**20  # values up to which starting threads costs more than it saves


class PCA(Stateful, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Projects features onto the orthonormal axes of largest variance.

    z = (x - mean) @ axes.T        x_hat = z @ axes + mean

    The axes are the leading eigenvectors of the covariance (Pearson, 1901; Hotelling, 1933). No linear map to as many
    dimensions has a smaller squared error of reconstruction.

    Up to 2,000 features or rows the answer is exact. Rows are read in chunks, once, and never all held: each chunk is
    shifted by a mean of its own before its product is taken in float32, chunks are merged in float64, and where a
    variance that is kept lies so far below the first that float32 cannot tell, a second pass takes the products in
    float64. Larger than that both ways, with few dimensions, block Krylov reads the rows five to nine times instead.
    Results do not depend on the number of threads.

    Parameters
    ----------
    dims : int, float or "auto", default="auto"
        Dimensions of the latent space. An int, 1 to min(n, p). A float in (0, 1]: as many as hold this share of the
        variance (1.0: all that have any). "auto": the axes that stand out from noise by parallel analysis, at most
        those that hold 95% of the variance where the spectrum shows no step (see `noise_rank.noise_rank`).
    whiten : bool, default=False
        Gives every latent dimension variance 1. Dimensions without variance stay 0.
    solver : {"auto", "exact", "krylov", "randomized"}, default="auto"
        "exact" decomposes the covariance, or the products of rows where there are fewer rows than features. "krylov"
        (Musco and Musco, 2015) and "randomized" (Halko, Martinsson and Tropp, 2011) only multiply with the rows; the
        latter needs dims as an int. "auto" is exact up to 2,000 on the smaller side, and Krylov past that if dims is at
        most a fifth of it.
    random_state : int, RandomState or None, default=None
        Starts "krylov" and "randomized". An int gives the same axes every time.

    Attributes
    ----------
    axes_ : float32 array of shape (dims, p)
        Orthonormal rows, by falling variance. Of each, the first of the largest loadings is positive.
    mean_ : float64 array of shape (p,)
        Feature means, in the features' own unit. Kept in float64: far from zero, float32 would move every latent.
    variances_ : float64 array of shape (dims,)
        Variance along each axis, over n - 1.
    variance_ratios_ : float64 array of shape (dims,)
        Share of the variance of all features; 0 where there is none.
    singular_values_ : float64 array of shape (dims,)
        Of the centred rows: sqrt(variances_ * (n - 1)).
    noise_variance_ : float
        Mean variance along the min(n, p) - dims axes that were dropped (Tipping and Bishop, 1999).
    dims_ : int
        Dimensions of the latent space.
    solver_ : str
        The solver that was used.
    n_features_in_, n_samples_seen_ : int

    Raises
    ------
    ValueError
        If dims is more than min(n, p), or a value is NaN or infinite; the message names its row and column.

    Examples
    --------
    >>> x = np.array([[0.0, 0.0], [2.0, 2.0], [4.0, 4.0]])
    >>> pca = PCA(dims=1).fit(x)
    >>> pca.variances_
    array([8.])
    >>> pca.inverse_transform(pca.transform(x)).round(3)
    array([[0., 0.],
           [2., 2.],
           [4., 4.]], dtype=float32)
    """

    family = "pca"
    _moments: Moments | None = None  # what partial_fit adds to

    def __init__(
        self,
        dims: int | float | Literal["auto"] = "auto",
        *,
        whiten: bool = False,
        solver: Literal["auto", "exact", "krylov", "randomized"] = "auto",
        random_state: Any = None,
    ):
        self.dims = dims
        self.whiten = whiten
        self.solver = solver
        self.random_state = random_state

    def fit(self, X, y=None) -> "PCA":
        """Finds the axes of an array, a memory-mapped file or a sparse matrix of shape (n, p)."""
        dims = self._checked_dims()
        X = validate_data(
            self, X, accept_sparse=("csr", "csc"), dtype="numeric", ensure_all_finite=False, ensure_min_samples=1
        )
        if issparse(X):
            eigen.check_dims(dims, *X.shape)
            with workers():
                return self._solve_sparse(CentredSparse(X, self._names), dims)
        return self._fit_source(ArrayRows(X), dims)

    def fit_blocks(self, blocks: Blocks) -> "PCA":
        """Finds the axes of rows that arrive in blocks, in memory that does not grow with their number.

        Parameters
        ----------
        blocks : iterable of arrays of shape (m, p), or callable giving one
            Blocks may differ in m and in type, and may share one buffer. A callable or a list can be read again, and is
            the better choice past 2,000 features, where several passes take the place of a (p, p) covariance; it must
            give the same rows each time. An iterator is read once, with float64 products.
        """
        dims = self._checked_dims()
        source = StreamRows(blocks)
        self.n_features_in_ = source.p
        self.__dict__.pop("feature_names_in_", None)
        return self._fit_source(source.gathered(FEW) or source, dims)

    def fit_moments(self, moments: Moments) -> "PCA":
        """Finds the axes from sums over rows that were taken elsewhere: in segments, or on other machines.

        Parameters
        ----------
        moments : Moments
            Of all rows; see `covariance.Moments`. Up to 2,000 features it stays with the model, for `partial_fit`.
        """
        dims = self._checked_dims()
        eigen.check_dims(dims, moments.n, moments.p)
        self.n_features_in_ = moments.p
        self.__dict__.pop("feature_names_in_", None)
        with workers():
            spectrum = eigen.by_features(moments, dims)
        return self._learn(spectrum, moments, "exact", moments if moments.p <= FEW else None)

    @property
    def is_coarse(self) -> bool:
        """Whether a variance that is kept lies so far below the first that float32 products cannot tell it."""
        return bool(self.variances_[-1] < _RESOLVED * self.variances_[0])

    def partial_fit(self, X, y=None) -> "PCA":
        """Adds rows of shape (m, p) to those seen so far; the result is the fit on all of them together.

        Needs a float64 (p, p) matrix of sums, which stays with a model up to 2,000 features, and past that with one
        that began with partial_fit; a saved space does not hold it. While fewer rows than `dims` have been seen, there
        are as many axes as rows.

        Raises
        ------
        ValueError
            If the model has no sums to add to: it was loaded, or had more features than that or than rows.
        """
        dims = self._checked_dims()
        first = not hasattr(self, "axes_")
        if not first and self._moments is None:
            raise ValueError(
                "partial_fit() cannot go on from this model: the sums over its rows were not kept. "
                "Use partial_fit() from the first rows on, or fit() on all rows."
            )
        X = validate_data(self, X, dtype="numeric", ensure_all_finite=False, reset=first)
        eigen.check_dims(dims, None, X.shape[1])
        moments = self._moments or Moments(X.shape[1])
        with workers() as threads:
            # Merged once they are whole: rows refused halfway must leave no trace.
            moments.merge(Moments(X.shape[1]).add(ArrayRows(X), np.float64, threads, self._names))
            now = min(dims, moments.n) if isinstance(dims, int) else dims
            spectrum = eigen.by_features(moments, now)
        return self._learn(spectrum, moments, "exact", moments)

    def transform(self, X) -> np.ndarray:
        """Features (n, p), dense or sparse, to latents (n, dims), float32."""
        check_is_fitted(self)
        X = validate_data(
            self, X, accept_sparse=("csr", "csc"), dtype="numeric", ensure_all_finite=False, reset=False,
            ensure_min_samples=0,
        )  # fmt: skip
        z = self._project_sparse(X) if issparse(X) else self._project(X)
        if not np.isfinite(z).all():
            refuse = refuse_bad_entries if issparse(X) else refuse_bad_values
            refuse(X, names=self._names)
            raise ValueError(f"Input X holds values as large as {abs(X).max():.3g}: their latents overflow float32.")
        return z * self._scale(-1) if self.whiten else z

    def inverse_transform(self, z) -> np.ndarray:
        """Latents (n, dims) back to features (n, p), float32."""
        check_is_fitted(self)
        z = check_array(z, dtype=np.float32, input_name="z", ensure_min_samples=0)
        if z.shape[1] != self.dims_:
            raise ValueError(f"inverse_transform() got latents of shape {z.shape}; this PCA has dims={self.dims_}.")
        axes = self.axes_ * self._scale(1)[:, None] if self.whiten else self.axes_
        x_hat = np.empty((len(z), self.n_features_in_), np.float32)

        def back(chunk: Chunk) -> None:
            part = x_hat[chunk.start : chunk.start + len(chunk.rows)]
            np.add(chunk.rows @ axes, self.mean_, out=part, casting="same_kind")  # rounded once, even far from zero

        _each(back, ArrayRows(z), x_hat.size)
        return x_hat

    @property
    def _n_features_out(self) -> int:
        return self.dims_

    @property
    def _names(self) -> np.ndarray | None:
        return getattr(self, "feature_names_in_", None)

    def _checked_dims(self) -> eigen.Dims:
        if self.solver not in SOLVERS:
            raise ValueError(f"solver={self.solver!r} is not known. Known solvers: {', '.join(SOLVERS)}.")
        dims = self.dims
        if isinstance(dims, Integral) and not isinstance(dims, bool) and dims >= 1:
            return int(dims)
        if isinstance(dims, Real) and not isinstance(dims, Integral) and 0 < dims <= 1:
            return float(dims)
        if isinstance(dims, str) and dims == "auto":
            return dims
        raise ValueError(
            f"dims={dims!r} is not possible: pass an int from 1, a share of variance in (0, 1], or 'auto'."
        )

    def _fit_source(self, source: ArrayRows | StreamRows, dims: eigen.Dims) -> "PCA":
        n, p = source.n, source.p
        if n is not None:
            eigen.check_dims(dims, n, p)
        few = p if n is None else min(n, p)
        cheap = p <= _NARROW or (n is not None and n * p * few <= _CHEAP)
        dtype = np.float64 if cheap or not source.repeatable else np.float32
        with workers() as threads:
            make = partial(CentredRows, source, threads=threads, names=self._names)
            if source.repeatable and self._by_products(few, dims):
                rows = make(dtype=dtype).measure()
                spectrum, solver = self._iterate(rows, dims)
                if spectrum is not None:
                    return self._learn(spectrum, rows, solver)
            decompose = eigen.by_rows if n is not None and n < p else eigen.by_features
            rows = make(dtype=dtype)
            spectrum = decompose(rows, dims)
            if dtype is np.float32 and spectrum.variances[-1] < _RESOLVED * spectrum.variances[0]:
                rows = make(dtype=np.float64)
                spectrum = decompose(rows, dims)
        return self._learn(spectrum, rows, "exact", rows.moments if p <= FEW else None)

    def _solve_sparse(self, rows: CentredSparse, dims: eigen.Dims) -> "PCA":
        few = min(rows.n, rows.p)
        if self._by_products(few, dims):
            spectrum, solver = self._iterate(rows, dims)
            if spectrum is not None:
                return self._learn(spectrum, rows, solver)
        return self._learn((eigen.by_rows if rows.n < rows.p else eigen.by_features)(rows, dims), rows, "exact")

    def _by_products(self, few: int, dims: eigen.Dims) -> bool:
        """Whether to multiply with the rows rather than form products of all features; `few` is min(n, p)."""
        if self.solver == "auto":
            return few > FEW and not (isinstance(dims, int) and 5 * dims > few)
        return self.solver != "exact"

    def _iterate(self, rows: Centred, dims: eigen.Dims) -> tuple[eigen.Spectrum | None, str]:
        rng = check_random_state(self.random_state)
        if self.solver == "randomized":
            return eigen.randomized(rows, dims, rng), "randomized"
        return eigen.krylov(rows, dims, rng), "krylov"

    def _learn(self, spectrum: eigen.Spectrum, rows: Measured, solver: str, moments: Moments | None = None) -> "PCA":
        self._moments = moments
        variances, axes, total = spectrum
        n, dims = rows.n, len(variances)
        self.axes_ = _signed(axes).astype(np.float32)
        self.mean_ = rows.mean
        self.variances_ = variances.astype(np.float64)
        self.variance_ratios_ = self.variances_ / total if total > 0 else np.zeros(dims)
        self.singular_values_ = np.sqrt(self.variances_ * (n - 1))
        dropped = min(n, rows.p) - dims
        self.noise_variance_ = max(total - float(variances.sum()), 0.0) / dropped if dropped > 0 else 0.0
        self.dims_ = dims
        self.solver_ = solver
        self.n_samples_seen_ = n
        return self

    def _project(self, X: np.ndarray) -> np.ndarray:
        loop = loop_type(X.dtype)
        shift = self.mean_.astype(loop)
        rest = (self.axes_ @ (self.mean_ - shift)).astype(np.float32)  # what rounding the mean to float32 left out
        z = np.empty((len(X), self.dims_), np.float32)
        source = ArrayRows(X)

        def project(chunk: Chunk) -> None:
            with np.errstate(all="ignore"):  # NaN, infinity and overflow are named afterwards
                x = centred(chunk.rows, shift, np.dtype(np.float32))
                z[chunk.start : chunk.start + len(x)] = x @ self.axes_.T - rest
            source.release(chunk.rows)

        _each(project, source, X.size)
        return z

    def _project_sparse(self, X: Any) -> np.ndarray:
        axes = self.axes_.astype(np.float64)
        with np.errstate(all="ignore"):
            return (X.astype(np.float64) @ axes.T - self.mean_ @ axes.T).astype(np.float32)

    def _scale(self, power: int) -> np.ndarray:
        """Standard deviations to the power of 1 or -1, 0 for dimensions without variance, float32 (dims,)."""
        deviations = np.sqrt(self.variances_)
        some = deviations > 1e-7 * deviations.max(initial=0)
        return np.where(some, np.where(some, deviations, 1) ** power, 0).astype(np.float32)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]  # z is float32 whatever comes in
        tags.input_tags.sparse = True
        return tags


def _each(work, source: ArrayRows, size: int) -> None:
    """Does `work` on every chunk, on threads where there is enough to do."""
    if size <= _AT_ONCE:
        for chunk in source.chunks():
            work(chunk)
        return
    with workers() as threads:
        for _ in ordered(work, source.chunks(), threads):
            pass


def _signed(axes: np.ndarray) -> np.ndarray:
    """Turns each axis so that its largest loading is positive: the first of those within a thousandth of it.

    The largest alone would be settled by rounding where two are equal and opposite, as on any two features.
    """
    sizes = np.abs(axes)
    first = (sizes >= 0.999 * sizes.max(axis=1, keepdims=True)).argmax(axis=1)
    return axes * np.where(axes[np.arange(len(axes)), first] < 0, -1.0, 1.0)[:, None]
