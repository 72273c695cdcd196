"""From centred rows to their leading axes: exactly, by block Krylov, or by subspace iteration."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.linalg
from scipy.sparse.linalg import eigsh

from ..resources import refuse_if_too_large
from .covariance import Centred, Measured
from .krylov import BlockKrylov, subspace_iteration
from .noise_rank import noise_rank, share_rank
from .rows import FEW

Dims = int | float | str

_GAIN = 1e-4  # block Krylov ends once a round adds less than this share of the variance that its axes hold
_ROUNDS = (4, 8)  # at least, at most, where the number of axes is given
_LOOK = 4  # rounds of `_BLOCK` vectors between two looks at how many axes a rule wants
_BLOCK = 32
_SPARE = 3  # a rule's answer is taken from a space this many times as large
_LARGEST = 1500  # dimensions of that space, past which it costs as much as the whole
_FLOAT32 = 1e-6  # of the largest variance: float32 products know nothing below
_NULL = 1e-14  # of the largest variance: float64 products know nothing below


class Spectrum(NamedTuple):
    """Leading variances, descending, with their axes, and the variance that they are a part of."""

    variances: np.ndarray  # float64 (dims,), over n - 1
    axes: np.ndarray  # float64 (dims, p), orthonormal rows
    total: float


def by_features(rows: Measured, dims: Dims) -> Spectrum:
    """Decomposes the (p, p) covariance."""
    _refuse_if_too_large(rows.p, "features")
    matrix = rows.covariance()
    check_dims(dims, rows.n, rows.p)
    values, vectors = _largest(matrix, dims if isinstance(dims, int) else rows.p)

    def axes(start: int, stop: int) -> np.ndarray:
        return vectors[:, start:stop].T

    count = min(_wanted(dims, values, axes, rows) or len(values), rows.n, rows.p)
    return Spectrum(values[:count], axes(0, count), float(rows.variances.sum()))


def by_rows(rows: Centred, dims: Dims) -> Spectrum:
    """Decomposes the (n, n) products of rows, for n < p: eigenvectors u of xx' give axes x'u / |x'u|."""
    _refuse_if_too_large(rows.n, "rows")
    check_dims(dims, rows.n, rows.p)
    values, vectors = _largest(rows.gram(), dims if isinstance(dims, int) else rows.n)

    def axes(start: int, stop: int) -> np.ndarray:
        lengths = np.sqrt(values[start:stop] * max(rows.n - 1, 1))
        lengths[values[start:stop] <= _NULL * values[0]] = np.inf  # no variance, so no direction of its own
        return (rows.back(vectors[:, start:stop]) / lengths).T

    count = _wanted(dims, values, axes, rows) or len(values)
    return Spectrum(values[:count], _orthonormal(axes(0, count)), float(rows.variances.sum()))


def krylov(rows: Centred, dims: Dims, rng: np.random.RandomState) -> Spectrum | None:
    """Grows a Krylov space until its leading axes hold still; None where the exact way would cost no more."""
    check_dims(dims, rows.n, rows.p)
    given = isinstance(dims, int)
    block, rounds, spare = (max(dims, _BLOCK // 2), 1, 1) if isinstance(dims, int) else (_BLOCK, _LOOK, _SPARE)
    most = min(_ROUNDS[1] * block, rows.p) if given else min(_LARGEST, min(rows.n, rows.p) // 2)
    space = BlockKrylov(rows.apply, rows.p, block, rng)
    held, count, settled = 0.0, 0, False
    while not settled and space.size < most:
        for _ in range(rounds):
            space.extend()
        values, axes = space.eigenpairs()
        before, count = count, min(_wanted(dims, values, axes, rows, _FLOAT32), space.size)
        gain = values[:count].sum() - held
        held += gain
        enough = space.size >= max(_ROUNDS[0] * block, spare * count)
        settled = enough and 0 < count == before and gain <= _GAIN * held
    if not settled and not given:
        if isinstance(dims, float) or most < _LARGEST:
            return None
        count = min(count, space.size // _SPARE)  # "auto" looks at so many axes and no more
    count = max(count, 1)
    return Spectrum(values[:count], axes(0, count), float(rows.variances.sum()))


def randomized(rows: Centred, dims: Dims, rng: np.random.RandomState) -> Spectrum:
    """Takes powers of the covariance on a random block, as scikit-learn's randomised solver does."""
    if not isinstance(dims, int):
        raise ValueError(f"solver='randomized' needs dims as a number of axes, got dims={dims!r}. Use solver='auto'.")
    check_dims(dims, rows.n, rows.p)
    values, axes = subspace_iteration(rows.apply, rows.p, dims, rng)
    return Spectrum(values, axes, float(rows.variances.sum()))


def check_dims(dims: Dims, n: int | None, p: int) -> None:
    """Raises ValueError when a number of axes is more than n rows of p features can have; n is None for any number."""
    most = p if n is None else min(n, p)
    if isinstance(dims, int) and not 1 <= dims <= most:
        size = f"n_features={p}" if n is None else f"n_samples={n} and n_features={p}"
        raise ValueError(f"dims={dims} is out of range: the data has {size}, so dims can be 1 to {most}.")


def _wanted(
    dims: Dims,
    values: np.ndarray,
    axes: Callable[[int, int], np.ndarray],
    rows: Measured,
    rounding: float = _NULL,
) -> int:
    """How many of these axes to keep; 0 when a share of the variance is wanted that they do not hold."""
    if isinstance(dims, int):
        return dims
    if isinstance(dims, float):
        return share_rank(values, float(rows.variances.sum()), dims)
    return max(1, noise_rank(values, axes, rows.variances, rows.n, rounding))


def _refuse_if_too_large(size: int, of: str) -> None:
    refuse_if_too_large(
        3 * 8 * size**2, f"PCA's exact solver on {size:,} {of}", "Pass a small number as dims, with solver='krylov'."
    )


def _largest(matrix: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues of a symmetric matrix, descending and not negative, with eigenvectors as columns."""
    size = len(matrix)
    if 4 * count > size:
        values, vectors = np.linalg.eigh(matrix)
    elif size <= FEW:
        values, vectors = scipy.linalg.eigh(matrix, subset_by_index=[size - count, size - 1], check_finite=False)
    else:
        # Reducing all of a large matrix to tridiagonal form costs far more than a few hundred products with it.
        values, vectors = eigsh(matrix, k=count, v0=np.random.RandomState(0).standard_normal(size))
    order = np.argsort(values)[::-1][:count]
    return np.maximum(values[order], 0), vectors[:, order]


def _orthonormal(axes: np.ndarray) -> np.ndarray:
    """Makes rows orthonormal from the first on, and gives rows that are zero a direction of their own."""
    empty = ~axes.any(axis=1)
    if empty.any():
        axes = axes.copy()
        noise = np.random.RandomState(0).standard_normal((int(empty.sum()), axes.shape[1]))
        axes[empty] = noise / np.linalg.norm(noise, axis=1, keepdims=True)
    q, r = np.linalg.qr(axes.T)
    return (q * np.sign(r.diagonal())).T
