"""What a step costs in a latent space: dear where no data are, and by how much it changes what is decoded."""

from collections.abc import Callable

import numpy as np

_FLOOR = 0.1  # of the mean: how much a direction costs at least that the decoder does not see
_STEP = 1e-2  # of the latents' spread: what a Jacobian is measured over; float32 decoders need that much


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


class Decoded:
    """What steps along a way show once they are decoded, and how that changes as the way is moved a little.

    square_i(z) = |g(z_i+1) - g(z_i)|^2,   g(z_i + d) taken as g(z_i) + J_i d

    The decoder's pulled-back metric in its discretised form (Arvanitidis et al., 2018; Shao, Kumar and Fletcher, "The
    Riemannian geometry of deep generative models", 2018), linear around the way at hand as in a Gauss-Newton step. J_i
    are forward differences through the decoder's public door, so that any model has them. Squares are in units in
    which J^T J has a mean of 1 on its diagonal, and a tenth of |z_i+1 - z_i|^2 is added, so that what the decoder does
    not see is not free.

    Parameters
    ----------
    decode : callable or None
        Latents (m, dims) to features (m, ...). None, for models without a way back: squares are the latents' own.
    way : float64 array of shape (m, dims)
    spread : float
        A usual deviation of the latents.
    """

    def __init__(self, decode: Callable[[np.ndarray], np.ndarray] | None, way: np.ndarray, spread: float):
        self._decode, self._base, self._scale = decode, way, 0.0
        if decode is None:
            return
        m, dims = way.shape
        h = max(_STEP * spread, 1e-6)
        x = self._features(way)
        r = np.diff(x, axis=0)
        self._rr = (r**2).sum(axis=1)
        self._own, self._both = np.zeros((m, dims, dims)), np.zeros((m - 1, dims, dims))
        self._from, self._to = np.zeros((m - 1, dims)), np.zeros((m - 1, dims))
        before = None
        for i in range(m):
            J = (self._features(way[i] + h * np.eye(dims)) - x[i]) / h  # (dims, p)
            self._own[i] = J @ J.T
            if before is not None:
                self._both[i - 1], self._to[i - 1] = before @ J.T, J @ r[i - 1]
            if i < m - 1:
                self._from[i] = J @ r[i]
            before = J
        mean = float(np.trace(self._own, axis1=1, axis2=2).mean()) / dims
        self._scale = 1 / mean if np.isfinite(mean) and mean > 0 else 0.0  # discrete codes: small steps show nothing

    def _features(self, z: np.ndarray) -> np.ndarray:
        assert self._decode is not None
        return np.asarray(self._decode(z.astype(np.float32)), dtype=np.float64).reshape(len(z), -1)

    def exactly(self, way: np.ndarray) -> np.ndarray:
        """The squares (m - 1,) of another way, decoded anew."""
        own = (np.diff(way, axis=0) ** 2).sum(axis=1)
        if not self._scale:
            return own
        return self._scale * (np.diff(self._features(way), axis=0) ** 2).sum(axis=1) + _FLOOR * own

    def __call__(self, way: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The squares (m - 1,) of a way near the one at hand, and their slopes by each step's begin and by its end."""
        steps = np.diff(way, axis=0)
        own = (steps**2).sum(axis=1)
        if not self._scale:
            return own, -2 * steps, 2 * steps
        d = way - self._base
        turned = np.einsum("mij,mj->mi", self._own, d)
        ahead = np.einsum("mij,mj->mi", self._both, d[1:])
        behind = np.einsum("mij,mi->mj", self._both, d[:-1])
        square = self._rr + 2 * (self._to * d[1:]).sum(1) - 2 * (self._from * d[:-1]).sum(1)
        square = square + (d * turned).sum(1)[1:] + (d * turned).sum(1)[:-1] - 2 * (d[:-1] * ahead).sum(1)
        begin = 2 * self._scale * (turned[:-1] - self._from - ahead) - 2 * _FLOOR * steps
        end = 2 * self._scale * (turned[1:] + self._to - behind) + 2 * _FLOOR * steps
        return self._scale * square + _FLOOR * own, begin, end
