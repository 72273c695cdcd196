"""The descent of `descent` where every pair of items is looked at: for few items, and for maps in three dimensions.

A grid over a map in three dimensions would be empty nearly everywhere, and as fine as the forces ask for it would have
millions of nodes: with one that is coarser the map runs away.
"""

import numpy as np
from scipy import sparse

from ..progress import Progress
from .pair_kernels import attract, repel

FEW = 200  # items: all their pairs are looked at sooner than a grid is transformed
_EVERY = 25  # iterations between looks at the divergence


class PairsDescent:
    """Coordinates under way; steps and ends are those of `descent.Descent`.

    Parameters
    ----------
    p : CSR array (n, n)
        Symmetric affinities that sum to 1.
    start : array of shape (n, 2) or (n, 3)
    settled : float
        Share of the divergence that it falls in 25 iterations when it is time to stop.
    rate : float
        The least learning rate; n / exaggeration where that is more.
    """

    def __init__(self, p: sparse.csr_array, start: np.ndarray, settled: float, rate: float):
        n, self._dims = start.shape
        self._edges = p.indptr.astype(np.int64), p.indices.astype(np.uint32), p.data.astype(np.float32)
        self._own = float((p.data * np.log(np.maximum(p.data, 1e-300))).sum())
        self._total = float(p.data.sum())
        self._y = np.zeros((3, n), np.float32)
        self._y[: self._dims] = start.T
        self._settled, self._rate = settled, rate

    def run(self, iterations: int, exaggeration: float, momentum: float, progress: Progress) -> int:
        """At most so many iterations with attraction exaggerated; returns how many there were."""
        velocity, gains = np.zeros_like(self._y), np.ones_like(self._y)
        rate = np.float32(max(self._rate, self._y.shape[1] / exaggeration))
        before = np.inf
        for iteration in range(iterations):
            pulls, apart = self._pulled()
            pushes, z = self._pushed()
            if iteration and iteration % _EVERY == 0:
                now = self._divergence(apart, z, exaggeration)
                progress.advance(_EVERY, f"KL {now:.3f}")
                if before - now < self._settled * abs(now):
                    return iteration
                before = now
            gradient = np.float32(4 * exaggeration) * pulls - np.float32(4 / z) * pushes
            against = (gradient > 0) != (velocity > 0)
            gains = np.where(against, gains + np.float32(0.2), np.maximum(gains * np.float32(0.8), np.float32(0.01)))
            velocity = np.clip(np.float32(momentum) * velocity - rate * gains * gradient, -5, 5)
            self._y += velocity
        return iterations

    def _pulled(self) -> tuple[np.ndarray, float]:
        pulls, logs = np.empty_like(self._y), np.empty(self._y.shape[1])
        attract(self._y, *self._edges, pulls, logs)
        return pulls, float(logs.sum())

    def _pushed(self) -> tuple[np.ndarray, float]:
        pushes, near = np.empty_like(self._y), np.empty(self._y.shape[1], np.float32)
        repel(self._y, pushes, near)
        return pushes, max(float(near.sum(dtype=np.float64)), 1e-30)

    def _divergence(self, apart: float, z: float, exaggeration: float) -> float:
        return self._own + exaggeration * apart + self._total * float(np.log(z))

    def divergence(self) -> float:
        """Nats, at the coordinates as they are now."""
        return self._divergence(self._pulled()[1], self._pushed()[1], 1.0)

    def centred(self) -> np.ndarray:
        """Coordinates float32 (n, dims) about their mean."""
        y = self._y[: self._dims].T
        return np.ascontiguousarray(y - y.mean(axis=0, dtype=np.float64).astype(np.float32))
