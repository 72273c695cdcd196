"""Alternating least squares' half step: every row's factors solved for, the other side held."""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from ..workers import ordered, workers

_ENTRIES = 2048  # factors gathered at a time: 512 KB at 64 dims, which stays in a core's own cache for all steps
_LONGEST = 2**15  # a row with more entries is solved from its d x d matrix, summed up piece by piece
_PADDING = 0.85  # rows of a block are at least so long as a share of its longest
_WORTH_THREADS = 2**22  # entries times dims: some 20 ms of work
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


class _Block(NamedTuple):
    """Rows of about one length, their entries side by side; where a row is shorter, weight and target are 0."""

    rows: np.ndarray  # (b,)
    columns: np.ndarray  # (b, longest)
    weights: np.ndarray
    targets: np.ndarray
    ridge: np.ndarray  # (b, 1)


class Plan:
    """A problem laid out once for many half steps: rows of equal length together, so that BLAS works on whole blocks.

    The factors that a block needs are gathered once a half step and stay in the cache for all its steps; by sparse
    products, which gather them anew for each, the same took five times as long.

    Parameters
    ----------
    problem : Problem
    dtype : "float32" or "float64"
        What the work is done in.
    """

    def __init__(self, problem: Problem, dtype: Any = np.float32):
        self.dtype = np.dtype(dtype)
        self.shape = problem.weights.shape
        self._everywhere = problem.everywhere
        self._blocks = _blocks(problem, self.dtype)
        self._buffers: SimpleQueue[np.ndarray] = SimpleQueue()

    def solve(
        self, factors: np.ndarray, start: np.ndarray | None = None, steps: int | None = None, threads: int = 1
    ) -> np.ndarray:
        """Solves each row's regression on `factors` (p, dims) by conjugate gradients, blocks shared out to threads.

        A step costs one pass over the stored entries, where a factorisation costs dims^2 an entry (Takacs, Pilaszy and
        Tikk, 2011).

        Parameters
        ----------
        factors : float array of shape (p, dims)
            The other side's.
        start : array of shape (n, dims), optional
            Where to begin; 0 by default.
        steps : int, optional
            How many steps; by default until nothing changes, dims + 10 at most.
        threads : int, default=1
            How many work at it, each with BLAS on one thread of its own: see `threads_for`.

        Returns
        -------
        array of shape (n, dims), of the plan's precision
        """
        dims = factors.shape[1]
        factors = np.ascontiguousarray(factors, self.dtype)
        x = np.zeros((self.shape[0], dims), self.dtype)
        gram = (self._everywhere * (factors.T @ factors)).astype(self.dtype)

        def one(block: _Block) -> None:
            begin = None if start is None else start[block.rows].astype(self.dtype)
            x[block.rows] = self._solve(block, factors, gram, begin, dims + 10 if steps is None else steps)

        for _ in ordered(one, self._blocks, threads):
            pass
        return x

    def _solve(
        self, block: _Block, factors: np.ndarray, gram: np.ndarray, begin: np.ndarray | None, steps: int
    ) -> np.ndarray:
        if block.columns.shape[1] > _LONGEST:
            return _solve_long(block, factors, gram)
        size = block.columns.size * factors.shape[1]
        try:
            buffer = self._buffers.get_nowait()
        except Empty:
            buffer = np.empty(0, self.dtype)
        if buffer.size < size:
            buffer = np.empty(size, self.dtype)
        y = buffer[:size].reshape(*block.columns.shape, factors.shape[1])
        np.take(factors, block.columns, axis=0, out=y, mode="clip")  # "raise" would make a copy first
        z = _descend(block, y, gram, begin, steps)
        self._buffers.put(buffer)
        return z


def solve(problem: Problem, factors: np.ndarray) -> np.ndarray:
    """Solves each row's regression on `factors` (p, dims) until nothing changes: (n, dims), of their precision."""
    with threads_for(problem.weights.nnz * factors.shape[1]) as threads:
        return Plan(problem, factors.dtype).solve(factors, threads=threads)


@contextmanager
def threads_for(size: int) -> Iterator[int]:
    """How many threads to give to half steps over `size` entries times dims; taken once for all rounds of a fit."""
    if size < _WORTH_THREADS:
        yield 1
        return
    with workers() as threads:
        yield threads


def _blocks(problem: Problem, dtype: np.dtype) -> list[_Block]:
    """The rows that have entries, longest first, in blocks of about `_ENTRIES` and of nearly one length."""
    weights, targets = problem.weights, problem.targets
    counts = np.diff(weights.indptr)
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] > 0]
    lengths = counts[order]
    blocks, end = [], len(order)
    while end > 0:
        longest = int(lengths[end - 1])
        first = max(end - max(1, _ENTRIES // longest), int(np.searchsorted(lengths, _PADDING * longest)))
        rows = order[first:end]
        place = np.arange(longest)
        inside = place < counts[rows, None]
        at = np.where(inside, weights.indptr[rows, None] + place, 0)
        blocks.append(
            _Block(
                rows, (weights.indices[at] * inside).astype(np.intp),
                np.where(inside, weights.data[at], 0).astype(dtype),
                np.where(inside, targets.data[at], 0).astype(dtype),
                problem.ridge[rows, None].astype(dtype),
            )
        )  # fmt: skip
        end = first
    return blocks


def _descend(block: _Block, y: np.ndarray, gram: np.ndarray, begin: np.ndarray | None, steps: int) -> np.ndarray:
    """Conjugate gradients for every row of a block at once; `y` (b, longest, dims) are the entries' factors."""

    def times(v: np.ndarray) -> np.ndarray:
        dots = np.matmul(y, v[:, :, None])[:, :, 0]
        dots *= block.weights
        image = np.matmul(dots[:, None, :], y)[:, 0]
        image += v @ gram
        image += block.ridge * v
        return image

    residual = np.matmul(block.targets[:, None, :], y)[:, 0]
    enough = _SETTLED[y.dtype.name] ** 2 * _squares(residual)
    z = np.zeros_like(residual) if begin is None else begin
    if begin is not None:
        residual -= times(z)
    direction = residual.copy()
    squares = _squares(residual)
    for step in range(steps):
        going = squares > enough
        if not going.any():
            break
        image = times(direction)
        curvature = np.einsum("nd,nd->n", direction, image, dtype=np.float64)
        going &= curvature > 0
        length = np.divide(squares, curvature, out=np.zeros_like(squares), where=going).astype(y.dtype)[:, None]
        z += length * direction
        if step == steps - 1:
            break
        residual -= length * image
        new = _squares(residual)
        share = np.divide(new, squares, out=np.zeros_like(new), where=going).astype(y.dtype)[:, None]
        direction *= share
        direction += residual
        squares = np.where(going, new, 0.0)
    return z


def _squares(rows: np.ndarray) -> np.ndarray:
    return np.einsum("nd,nd->n", rows, rows, dtype=np.float64)


def _solve_long(block: _Block, factors: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """A block of one row with very many entries: in bounded memory, and exactly."""
    matrix = gram.astype(np.float64) + np.eye(len(gram)) * float(block.ridge[0, 0])
    right = np.zeros(len(gram))
    for start in range(0, block.columns.shape[1], _LONGEST):
        part = slice(start, start + _LONGEST)
        y = factors[block.columns[0, part]]
        matrix += (block.weights[0, part, None] * y).T @ y
        right += block.targets[0, part] @ y
    return np.linalg.solve(matrix, right)[None].astype(factors.dtype)


def leading(x: csr_array, dims: int, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """The leading singular vectors of sparse rows (n, p), each side's times the root of its singular value.

    Where alternating least squares begins: from there 10 rounds lower its loss as far as 20 from random factors, on
    MovieLens with alpha from 0.2 to 10. One power iteration is near enough (Halko, Martinsson and Tropp, 2011).

    Returns
    -------
    (n, dims) and (p, dims) float32 arrays; dimensions that the rows cannot fill are 0.
    """
    n, p = x.shape
    users, items = np.zeros((n, dims), np.float32), np.zeros((p, dims), np.float32)
    q = x.T @ rng.standard_normal((n, min(dims + 10, n, p))).astype(np.float32)
    q = x.T @ (x @ np.linalg.qr(q)[0])
    q = np.linalg.qr(q)[0]
    u, s, vt = np.linalg.svd(x @ q, full_matrices=False)
    kept = min(dims, len(s))
    root = np.sqrt(s[:kept])
    users[:, :kept], items[:, :kept] = u[:, :kept] * root, (q @ vt.T)[:, :kept] * root
    return users, items
