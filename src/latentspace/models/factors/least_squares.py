"""Alternating least squares' half step: every row's factors solved for at once, the other side held."""

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from .rows import like

_ROWS = 4096  # solved at a time: a row's solution does not depend on the rows beside it
_ENTRIES = 2**17  # stored values whose factors are gathered at a time: with 64 factors, 32 MB
# Of the right side's norm: where the residual is as small as the precision can tell, or need be.
_SETTLED = {"float32": 1e-6, "float64": 1e-10}


class Problem(NamedTuple):
    """Weighted ridge regressions, one a row: sum_i w_i (t_i - x.y_i)^2 + everywhere * sum_all (x.y)^2 + ridge |x|^2.

    Attributes
    ----------
    weights : csr_array (n, p)
        w, beyond `everywhere`, of the stored entries.
    targets : csr_array (n, p)
        w t + everywhere t, the same pattern.
    everywhere : float
        Weight of every entry, stored or not; those that are not stored have the target 0.
    ridge : float array of shape (n,)
        Above 0, so that each has one solution.
    """

    weights: Any
    targets: Any
    everywhere: float
    ridge: np.ndarray


def solve(problem: Problem, factors: np.ndarray, start: np.ndarray | None = None, steps: int | None = None):
    """Solves each row's regression on `factors` (p, dims) by conjugate gradients, all rows together.

    A step costs one pass over the stored entries, where a factorisation costs dims^2 an entry (Takacs, Pilaszy and
    Tikk, 2011).

    Parameters
    ----------
    problem : Problem
    factors : float array of shape (p, dims)
        The other side's. The work is done in their precision.
    start : array of shape (n, dims), optional
        Where to begin; 0 by default.
    steps : int, optional
        How many steps; by default until nothing changes, dims + 10 at most.

    Returns
    -------
    array of shape (n, dims), of the factors' precision
    """
    n, dims = problem.weights.shape[0], factors.shape[1]
    x = np.zeros((n, dims), factors.dtype) if start is None else start.copy()
    gram = (problem.everywhere * (factors.T @ factors)).astype(factors.dtype)
    for first in range(0, n, _ROWS):
        rows = slice(first, min(first + _ROWS, n))
        _descend(problem, factors, gram, x, rows, steps)
    return x


def _descend(
    problem: Problem, factors: np.ndarray, gram: np.ndarray, x: np.ndarray, rows: slice, steps: int | None
) -> None:
    weights = problem.weights[rows]
    precision = factors.dtype
    ridge = problem.ridge[rows, None].astype(precision)

    def times(v: np.ndarray) -> np.ndarray:
        return v @ gram + ridge * v + _weighted(weights, factors, v)

    right = (problem.targets[rows] @ factors).astype(precision)
    z = x[rows]
    residual = right - times(z) if z.any() else right.copy()
    direction = residual.copy()
    squares = np.einsum("nd,nd->n", residual, residual, dtype=np.float64)
    enough = (_SETTLED[precision.name] * np.linalg.norm(right, axis=1)) ** 2
    for _ in range(steps if steps is not None else factors.shape[1] + 10):
        going = squares > enough
        if not going.any():
            break
        image = times(direction)
        curvature = np.einsum("nd,nd->n", direction, image, dtype=np.float64)
        going &= curvature > 0
        length = np.divide(squares, curvature, out=np.zeros_like(squares), where=going).astype(precision)[:, None]
        z += length * direction
        residual -= length * image
        new = np.einsum("nd,nd->n", residual, residual, dtype=np.float64)
        share = np.divide(new, squares, out=np.zeros_like(new), where=going).astype(precision)[:, None]
        direction = residual + share * direction
        squares = np.where(going, new, 0.0)
    x[rows] = z


def _weighted(weights: csr_array, factors: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Each row's sum of w (v.y) y over its stored entries."""
    dots = predicted(weights, v, factors)
    return like(weights, weights.data * dots) @ factors


def predicted(pattern: csr_array, x: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """x.y of every stored entry of `pattern` (n, p), in its order: (entries,)."""
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    dots = np.empty(pattern.nnz, factors.dtype)
    for first in range(0, pattern.nnz, _ENTRIES):
        part = slice(first, first + _ENTRIES)
        dots[part] = np.einsum("nd,nd->n", x[rows[part]], factors[pattern.indices[part]])
    return dots
