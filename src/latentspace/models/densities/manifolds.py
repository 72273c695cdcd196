"""Where latents live: all of space, the unit sphere, or the open unit ball; densities are fitted on a flat chart.

A density of flat space would put samples beside a sphere and outside a ball. Here latents are carried to flat space,
the density is fitted there, its samples are carried back, and `log_prob` pays the change of volume.
"""

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from scipy import special, stats

LogProb = Callable[[np.ndarray], np.ndarray]  # flat points (n, dims) to nats (n,)

_EDGE = 1 - 1e-5  # largest norm in a ball: beyond it float32 cannot tell a point from the boundary
_RADII = 16  # where the integral along a ray is evaluated


class Manifold(Protocol):
    """The way from latents to a flat chart and back; arrays are float64 of shape (n, dims)."""

    def flatten(self, z: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        """Carries latents to flat space."""
        ...

    def land(self, u: np.ndarray) -> np.ndarray:
        """Carries flat points to the manifold."""
        ...

    def log_prob(self, z: np.ndarray, flat: LogProb) -> np.ndarray:
        """Log-density on the manifold of what has the log-density `flat` in flat space."""
        ...


class Euclidean:
    """All of space, as it is."""

    def flatten(self, z: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        return z

    def land(self, u: np.ndarray) -> np.ndarray:
        return u

    def log_prob(self, z: np.ndarray, flat: LogProb) -> np.ndarray:
        return flat(z)


class Sphere:
    """|z| = 1: each latent is moved along its ray by a radius of its own, so that a uniform sphere becomes a Gaussian.

    u = r z,   r sqrt(dims) from the chi distribution      p(z) = integral of p_flat(r z) r^(dims-1) dr

    The density is that of the sphere's own surface. The integral is a mean over 16 quantiles of r, which is exact where
    direction and radius are independent under p_flat.
    """

    def flatten(self, z: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        n, dims = z.shape
        radii = np.sqrt(rng.chisquare(dims, n) / dims)
        return self.land(z) * radii[:, None]

    def land(self, u: np.ndarray) -> np.ndarray:
        norm = np.linalg.norm(u, axis=1, keepdims=True)
        first = np.zeros_like(u)
        first[:, 0] = 1.0  # the origin has no direction: any will do
        return np.where(norm > 0, u / np.where(norm > 0, norm, 1), first)

    def log_prob(self, z: np.ndarray, flat: LogProb) -> np.ndarray:
        dims = z.shape[1]
        radii = np.sqrt(stats.chi2.ppf((np.arange(_RADII) + 0.5) / _RADII, dims) / dims)
        on_rays = (self.land(z)[None] * radii[:, None, None]).reshape(-1, dims)
        log_radius = stats.chi.logpdf(radii * math.sqrt(dims), dims) + 0.5 * math.log(dims)
        log_weights = (dims - 1) * np.log(radii) - log_radius - math.log(_RADII)
        return special.logsumexp(flat(on_rays).reshape(_RADII, -1) + log_weights[:, None], axis=0)


class Ball:
    """|z| < 1, a Poincaré ball: the logarithm at the origin carries it to all of space.

    u = artanh(|z|) z / |z|        z = tanh(|u|) u / |u|

    The density is per volume of hyperbolic space of curvature -1, as that of a model's own posterior and prior is.
    """

    def flatten(self, z: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        norm = self._norm(z)
        return z * (np.arctanh(norm) / norm)

    def land(self, u: np.ndarray) -> np.ndarray:
        norm = np.maximum(np.linalg.norm(u, axis=1, keepdims=True), 1e-12)
        return u * (np.minimum(np.tanh(norm), _EDGE) / norm)

    def log_prob(self, z: np.ndarray, flat: LogProb) -> np.ndarray:
        norm = self._norm(z)
        u = z * (np.arctanh(norm) / norm)
        r, norm = np.arctanh(norm)[:, 0], norm[:, 0]
        # The Jacobian of the logarithm: 1 / (1 - |z|^2) along the ray, artanh(|z|) / |z| in the dims - 1 others.
        jacobian = -np.log1p(-np.square(norm)) + (z.shape[1] - 1) * np.log(r / norm)
        metric = np.log(2) - np.log1p(-np.square(norm))  # a length at z is so much longer in hyperbolic space
        return flat(u) + jacobian - z.shape[1] * metric

    def _norm(self, z: np.ndarray) -> np.ndarray:
        return np.clip(np.linalg.norm(z, axis=1, keepdims=True), 1e-12, _EDGE)


MANIFOLDS: dict[str, type[Manifold]] = {"euclidean": Euclidean, "sphere": Sphere, "ball": Ball}


def manifold(name: str) -> Manifold:
    """Returns the manifold of a name.

    Raises
    ------
    ValueError
        If there is no such manifold; the message lists those there are.
    """
    if name not in MANIFOLDS:
        raise ValueError(f"manifold={name!r} is not known. Known manifolds: {', '.join(MANIFOLDS)}.")
    return MANIFOLDS[name]()


def manifold_of(model: Any) -> str:
    """Names the manifold that a fitted model's latents live on: its posterior's space; Euclidean unless it says so."""
    posterior = getattr(getattr(model, "network_", None), "posterior", None)
    return getattr(posterior, "space", "euclidean")
