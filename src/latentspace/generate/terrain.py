"""What a step costs in a latent space: dear where no data are, and by how much it changes what is decoded."""

from collections.abc import Callable

import numpy as np

_FLOOR = 0.1  # of the mean: how much a direction costs at least that the decoder does not see
_STEP = 1e-2  # of the latents' spread: what a Jacobian is measured over; float32 decoders need that much
_DECODED = 4_096  # latents that are decoded at most to measure Jacobians along a way
_JACOBIAN = 2**26  # values of one Jacobian at most: 512 MB in float64


class Emptiness:
    """How empty the latent space is around a point.

    s(z) = -2 log( mean_i exp(-|z - z_i|^2 / (2 h^2)) ) + constant,   cost(z) = (1 + softplus(s(z)))^2

    h is the items' usual distance to their nearest other, and the constant such that s is below 0 where 9 of 10 items
    lie: a step's length counts once or twice among the data, and away from them as many times more as their squared
    distance has units of h^2. A conformal metric of the data's density, a plain relative of the locally adaptive one
    of Arvanitidis, Hansen and Hauberg ("A locally adaptive normal distribution", 2016) and of the decoder's variance
    that bends geodesics in their "Latent space oddity" (2018), which models without a learned variance do not have.

    Parameters
    ----------
    z : float array of shape (n, dims)
        Items near where the cost will be asked, n at least 1.
    width : float
        h, in the latents' own units.
    """

    def __init__(self, z: np.ndarray, width: float):
        self._z = np.asarray(z, dtype=np.float64)
        self._precision = 1 / max(width, 1e-12) ** 2
        self._norms = (self._z**2).sum(axis=1)
        some = self._z[:: max(1, len(self._z) // 200)]
        self._usual = 0.0
        self._usual = float(np.quantile(self._raw(some)[0], 0.9))

    def _raw(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """s and its gradient."""
        squares = (points**2).sum(axis=1)[:, None] - 2 * points @ self._z.T + self._norms
        exponents = -0.5 * self._precision * np.maximum(squares, 0)
        top = exponents.max(axis=1, keepdims=True)
        weights = np.exp(exponents - top)
        total = weights.sum(axis=1, keepdims=True)
        s = -2 * (top + np.log(total / len(self._z)))[:, 0] - self._usual
        return s, 2 * self._precision * (points - (weights / total) @ self._z)

    def __call__(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Costs (m,) and their gradients (m, dims) at points (m, dims)."""
        s, slope = self._raw(points)
        longer = 1 + np.logaddexp(0, s)
        return longer**2, 2 * (longer / (1 + np.exp(-np.clip(s, -500, 500))))[:, None] * slope


def pulled_back(decode: Callable[[np.ndarray], np.ndarray] | None, points: np.ndarray, spread: float) -> np.ndarray:
    """The decoder's pulled-back metric at points: how far what is decoded moves, for a step in z.

    M(z) = J(z)^T J(z),   J = dg/dz,   scaled to a mean of 1 on its diagonal, and at least a tenth of that everywhere

    (Arvanitidis et al., 2018; Shao, Kumar and Fletcher, "The Riemannian geometry of deep generative models", 2018.)
    J is measured by central differences, through the decoder's public door alone, so that any model has a metric; at
    up to 4,096 / dims points in all, each standing for those around it.

    Parameters
    ----------
    decode : callable or None
        Latents (m, dims) to features (m, ...). None, for models without a way back: the metric is the identity.
    points : float64 array of shape (m, dims)
        Along a way, in order.
    spread : float
        A usual deviation of the latents.

    Returns
    -------
    float64 array of shape (m, dims, dims)
    """
    m, dims = points.shape
    if decode is None:
        return np.broadcast_to(np.eye(dims), (m, dims, dims))
    measured = max(1, min(m, _DECODED // (2 * dims)))
    chosen = np.linspace(0, m - 1, measured).round().astype(int)
    h = max(_STEP * spread, 1e-6)
    metrics = []
    for point in points[chosen]:
        around = np.concatenate([point + h * np.eye(dims), point - h * np.eye(dims)]).astype(np.float32)
        x = np.asarray(decode(around), dtype=np.float64).reshape(2 * dims, -1)
        if x.size > _JACOBIAN:
            return np.broadcast_to(np.eye(dims), (m, dims, dims))
        J = (x[:dims] - x[dims:]) / (2 * h)  # (dims, p)
        metrics.append(J @ J.T)
    mean = float(np.mean([np.trace(metric) / dims for metric in metrics]))
    if not np.isfinite(mean) or mean <= 0:  # discrete codes: small steps are not seen at all
        return np.broadcast_to(np.eye(dims), (m, dims, dims))
    floored = np.stack(metrics) / mean + _FLOOR * np.eye(dims)
    return floored[np.abs(np.arange(m)[:, None] - chosen).argmin(axis=1)]
