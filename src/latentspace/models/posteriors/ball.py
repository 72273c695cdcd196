"""The wrapped normal distribution on the Poincaré ball: hyperbolic space, where there is room for trees."""

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .gaussian import Gaussian

# What lies beyond the largest norm would count as at it, where draws are dense and no density is right; so means and
# draws together stay within the 14.5 that float32 tells apart: 6 for the mean, about as much for the draw.
_EDGE = 1 - 1e-6
_FARTHEST = 6.0
_ROOM = 4.0  # the usual length of a draw of the prior: hyperbolic volume grows so fast that more would be all edge
_WIDER = 1.5  # a posterior's largest deviation, in those of the prior


@dataclass
class WrappedNormal:
    """v from N(0, exp(log_var)) in the tangent space at the mean, carried along geodesics: z = exp_mean(v).

    log p(z) = log N(v; 0, exp(log_var)) - (dims - 1) log(sinh(r) / r),   r = |v| = d(mean, z)

    a density per volume of hyperbolic space of curvature -1 (Nagano et al., 2019; Mathieu et al., 2019). Points have
    Euclidean norms below 1; v is in an orthonormal frame, so a length in it is a distance.

    Attributes
    ----------
    mean : float tensor of shape (n, dims)
        In the ball.
    log_var : float tensor of shape (n, dims)
    """

    mean: Tensor
    log_var: Tensor
    drawn: tuple[Tensor, Tensor] | None = field(default=None, repr=False)

    def rsample(self, generator: torch.Generator, shared: bool = False) -> Tensor:
        """Draws z of shape (n, dims); `shared` gives all items the same chance."""
        return self.rsample_with_log_prob(generator, shared)[0]

    def rsample_with_log_prob(self, generator: torch.Generator, shared: bool = False) -> tuple[Tensor, Tensor]:
        """Draws z (n, dims), with its log-density (n,) in nats."""
        v, log_normal = self._normal().rsample_with_log_prob(generator, shared)
        self.drawn = add(self.mean, exponential(v)), log_normal - _log_stretch(v)
        return self.drawn

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density at z in the ball, in nats, of shape (n,).

        The last draw's is remembered: going back from z near the edge would round.
        """
        if self.drawn is not None and z is self.drawn[0]:
            return self.drawn[1]
        v = logarithm(add(-self.mean, z))
        return self._normal().log_prob(v) - _log_stretch(v)

    def kl(self, prior: Any) -> Tensor | None:
        """None: no closed form is known."""
        return None

    def _normal(self) -> Gaussian:
        return Gaussian(torch.zeros_like(self.log_var), self.log_var)


class BallPosterior(nn.Module):
    """The encoder gives a mean, as a tangent vector at the origin, and a log-variance for each dimension."""

    name: ClassVar[str] = "poincare"
    space: ClassVar[str] = "ball"
    factorised: ClassVar[bool] = False
    has_density: ClassVar[bool] = True

    def __init__(self, dims: int):
        super().__init__()
        self.outputs = 2 * dims
        self.largest = 2 * math.log(_WIDER * usual_scale(dims))

    def forward(self, h: Tensor) -> WrappedNormal:
        flat = Gaussian.of(h)
        length = _length(flat.mean)
        near = flat.mean * (_FARTHEST * torch.tanh(length / _FARTHEST) / length)
        return WrappedNormal(exponential(near), self.largest - nn.functional.softplus(-flat.log_var))

    def chart(self, z: Tensor) -> Tensor:
        """z (n, dims) as the decoder reads it: its tangent vector at the origin, in which the edge is far away."""
        return logarithm(z)


def usual_scale(dims: int) -> float:
    """Returns the deviation of the prior in each dimension: 1, and less where draws would otherwise reach the edge."""
    return min(1.0, _ROOM / math.sqrt(dims))


def exponential(v: Tensor) -> Tensor:
    """Carries tangent vectors at the origin (n, dims) to the ball: tanh(|v| / 2) v / |v|."""
    length = _length(v)
    return v * (torch.tanh(length / 2).clamp_max(_EDGE) / length)


def logarithm(z: Tensor) -> Tensor:
    """Carries points of the ball (n, dims) to tangent vectors at the origin; what lies outside is taken to the edge."""
    length = _length(z)
    return z * (2 * torch.atanh(length.clamp_max(_EDGE)) / length)


def add(x: Tensor, y: Tensor) -> Tensor:
    """Möbius addition of points of the ball (n, dims) (Ganea et al., 2018): the translation that takes 0 to x, at y."""
    xy, xx, yy = ((a * b).sum(1, keepdim=True) for a, b in ((x, y), (x, x), (y, y)))
    z = ((1 + 2 * xy + yy) * x + (1 - xx) * y) / (1 + 2 * xy + xx * yy).clamp_min(1e-12)
    length = _length(z)
    return torch.where(length > _EDGE, z * (_EDGE / length), z)


def _length(v: Tensor) -> Tensor:
    """|v| of shape (n, 1), never quite 0, so that a gradient there is finite."""
    return torch.sqrt(v.square().sum(1, keepdim=True) + 1e-14)


def _log_stretch(v: Tensor) -> Tensor:
    """(dims - 1) log(sinh(r) / r): how much volume a sphere of radius r = |v| has beyond flat space's; (n,)."""
    r = _length(v).squeeze(1)
    # sinh(r) / r = e^r (1 - e^-2r) / 2r; its series where that cancels.
    log_ratio = torch.where(r < 0.1, r.square() / 6 - r**4 / 180, r + torch.log(-torch.expm1(-2 * r) / (2 * r)))
    return (v.shape[1] - 1) * log_ratio
