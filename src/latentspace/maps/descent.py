"""Gradient descent of t-SNE's divergence: gains and momentum as van der Maaten has them, until it no longer falls.

KL = sum of p_ij log(p_ij / q_ij),    q_ij = 1 / (1 + |y_i - y_j|^2) / Z
gradient_i = 4 (sum over j of p_ij (y_i - y_j) / (1 + |y_i - y_j|^2) - force_i / Z)
"""

import numpy as np
from scipy import sparse

from ..progress import Progress
from ..resources import usable_cores
from .repulsion import Repulsion
from .tsne_kernels import divergence, step

_EVERY = 25  # iterations between looks at the divergence
_SHARES = 16  # of the items, whose divergence is summed apart
_SPACING = 0.5  # of the grid, in the map's unit: forces within 3% of the exact ones
LEAST_RATE = 200.0  # learning rate as van der Maaten has it; n / exaggeration is more from some thousand items on
SETTLED = 0.0005  # of the divergence: what it falls in 25 iterations when it is time to stop


class Descent:
    """Coordinates under way.

    Parameters
    ----------
    p : CSR array (n, n)
        Symmetric affinities that sum to 1.
    start : array of shape (n, 2)
    """

    def __init__(self, p: sparse.csr_array, start: np.ndarray, settled: float = SETTLED):
        self._edges = p.indptr.astype(np.int64), p.indices.astype(np.uint32), p.data.astype(np.float32)
        self._own = float((p.data * np.log(np.maximum(p.data, 1e-300))).sum())
        self._total = float(p.data.sum())
        self._y = np.ascontiguousarray(start, dtype=np.float32)
        self._repulsion = Repulsion(_SPACING, usable_cores())
        self._settled = settled
        self._z = 1.0
        self.told: list[tuple[int, float]] = []

    def run(self, iterations: int, exaggeration: float, momentum: float, progress: Progress) -> int:
        """At most so many iterations with attraction exaggerated; returns how many there were."""
        n = len(self._y)
        velocity, gains = np.zeros_like(self._y), np.ones_like(self._y)
        rate = np.float32(max(LEAST_RATE, n / exaggeration))
        before = np.inf
        for iteration in range(iterations):
            origin, fields, self._z = self._repulsion.of(self._y)
            if iteration and iteration % _EVERY == 0:
                now = self._divergence(exaggeration)
                self.told.append((iteration, now))
                progress.advance(_EVERY, f"KL {now:.3f}")
                if before - now < self._settled * abs(now):
                    return iteration
                before = now
            self._y = step(
                self._y, velocity, gains, *self._edges, fields, self._repulsion.row, origin,
                self._repulsion.inverse, np.float32(4 * exaggeration), np.float32(4 / max(self._z, 1e-30)), rate,
                np.float32(momentum),
            )  # fmt: skip
        return iterations

    def _divergence(self, exaggeration: float = 1.0) -> float:
        parts = np.empty(_SHARES)
        divergence(self._y, *self._edges, parts)
        return self._own + exaggeration * float(parts.sum()) + self._total * float(np.log(max(self._z, 1e-300)))

    def divergence(self) -> float:
        """Nats, at the coordinates as they are now."""
        self._z = self._repulsion.of(self._y)[2]
        return self._divergence()

    def centred(self) -> np.ndarray:
        """Coordinates float32 (n, 2) about their mean."""
        return self._y - self._y.mean(axis=0, dtype=np.float64).astype(np.float32)
