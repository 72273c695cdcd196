"""Leading eigenpairs of a covariance that is only ever multiplied with: block Krylov, and subspace iteration.

From random q, block Krylov keeps the whole of [q, Cq, C^2 q, ...] and takes the best axes within it, where subspace
iteration keeps only the last power: a polynomial of the same degree, but the best one instead of C^r (Musco and Musco,
"Randomized block Krylov methods for stronger and faster approximate singular value decomposition", 2015).
"""

from collections.abc import Callable

import numpy as np

Apply = Callable[[np.ndarray], np.ndarray]

_LOST = 1e-6  # a new direction this much smaller than the largest variance is rounding: float32 products leave no more


class BlockKrylov:
    """A Krylov space that grows by a block a round, with the eigenpairs that are best within it.

    Parameters
    ----------
    apply : callable
        C @ q for q of shape (p, b); exactly symmetric up to rounding.
    p : int
        Rows of C.
    block : int
        Vectors a round. At least as many as the axes wanted: fewer converge sooner on most data, but of equal
        variances no more than `block` can be told apart.
    rng : RandomState
        Draws the first block.

    Attributes
    ----------
    size : int
        Dimensions of the space so far.
    """

    def __init__(self, apply: Apply, p: int, block: int, rng: np.random.RandomState):
        self._apply, self._p, self._block, self._rng = apply, p, min(block, p), rng
        self._basis: list[np.ndarray] = []
        self._image = rng.standard_normal((p, self._block))
        self._within = np.zeros((0, 0))  # basis' C basis
        self.size = 0

    def extend(self) -> None:
        """Adds one block: one multiplication with C. Does nothing once the space is the whole one."""
        q = self._next_block()
        if not q.shape[1]:
            return
        self._basis.append(q)
        self._image = self._apply(q)
        columns = np.concatenate([b.T @ self._image for b in self._basis])  # (size + b, b)
        old, self.size = self.size, self.size + q.shape[1]
        grown = np.empty((self.size, self.size))
        grown[:old, :old] = self._within
        grown[:, old:] = columns
        grown[old:, :old] = columns[:old].T
        self._within = grown

    def eigenpairs(self) -> tuple[np.ndarray, Callable[[int, int], np.ndarray]]:
        """Returns all variances in the space, descending, and a function that gives axes start to stop as rows."""
        values, vectors = np.linalg.eigh((self._within + self._within.T) / 2)
        vectors, basis = vectors[:, ::-1], list(self._basis)

        def axes(start: int, stop: int) -> np.ndarray:
            chosen = vectors[:, start:stop]
            found, first = np.zeros((self._p, chosen.shape[1])), 0
            for q in basis:
                found += q @ chosen[first : first + q.shape[1]]
                first += q.shape[1]
            return found.T

        return np.maximum(values[::-1], 0), axes

    def _next_block(self) -> np.ndarray:
        width = min(self._block, self._p - self.size)
        q, r = np.linalg.qr(self._apart(self._image[:, :width]))
        if not self._basis:
            return q
        lost = np.abs(r.diagonal()) <= _LOST * max(self._within.diagonal().max(), 0)
        if lost.any():  # the space is closed under C in these directions: go on from new random ones
            q[:, lost] = self._rng.standard_normal((self._p, int(lost.sum())))
            q, _ = np.linalg.qr(self._apart(q))
        return q

    def _apart(self, q: np.ndarray) -> np.ndarray:
        """Removes the space from q; twice, since once leaves what cancellation hid (Giraud et al., 2005)."""
        for _ in range(2):
            for b in self._basis:
                q = q - b @ (b.T @ q)
        return q


def subspace_iteration(
    apply: Apply, p: int, dims: int, rng: np.random.RandomState, rounds: int = 7, oversample: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """Finds leading eigenpairs by powers of C on a random block: variances (dims,), axes (dims, p).

    Halko, Martinsson and Tropp, "Finding structure with randomness", 2011, algorithm 4.4.
    """
    q = np.linalg.qr(rng.standard_normal((p, min(dims + oversample, p))))[0]
    for _ in range(rounds):
        q = np.linalg.qr(apply(q))[0]
    image = apply(q)
    values, vectors = np.linalg.eigh(q.T @ image)
    return np.maximum(values[::-1][:dims], 0), (q @ vectors[:, ::-1][:, :dims]).T
