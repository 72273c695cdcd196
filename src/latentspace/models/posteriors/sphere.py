"""The von Mises-Fisher distribution on the unit sphere: the posterior of S-VAE (Davidson et al., 2018)."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .bessel import log_bessel

_START = (
    4.0  # concentration for each dimension before learning: draws near their means, that the decoder can learn from
)
_LOG_BOUND = 8.0  # the concentration stays within e^-8 and e^8 of that
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


@dataclass
class VonMisesFisher:
    """p(z) = C(k) exp(k mean . z) on the sphere |z| = 1 of R^dims; densities are per area of the sphere.

    C(k) = k^(dims/2 - 1) / ((2 pi)^(dims/2) I_{dims/2 - 1}(k))

    Attributes
    ----------
    mean : float tensor of shape (n, dims)
        The mean direction, of length 1.
    concentration : float tensor of shape (n, 1)
        k: 0 would be uniform; about 1 / k is the variance in each direction along the sphere.
    """

    mean: Tensor
    concentration: Tensor

    def rsample(self, generator: torch.Generator, shared: bool = False) -> Tensor:
        """Draws z of shape (n, dims); `shared` gives all items the same chance.

        z = w mean + sqrt(1 - w^2) v for v uniform on the sphere across the mean, and w by rejection (Wood, 1994). The
        gradient in k follows the accepted w exactly (see `_Gap`), so no correction for the rejection is needed.
        """
        across = torch.empty_like(self.mean[:1] if shared else self.mean).normal_(generator=generator)
        across = across - (across * self.mean).sum(1, keepdim=True) * self.mean
        across = nn.functional.normalize(across, dim=1)
        dims = self.mean.shape[1]
        drawn = _draw_gap(self.concentration.detach().double(), dims, generator, shared)
        gap = _Gap.apply(self.concentration.double(), drawn, dims)  # 1 - w: w itself would round near 1
        sine = torch.sqrt((gap * (2 - gap)).clamp_min(1e-30))
        return (1 - gap).to(across.dtype) * self.mean + sine.to(across.dtype) * across

    def rsample_with_log_prob(self, generator: torch.Generator, shared: bool = False) -> tuple[Tensor, Tensor]:
        """Draws z (n, dims), with its log-density (n,) in nats."""
        z = self.rsample(generator, shared)
        return z, self.log_prob(z)

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density at z of length 1, in nats, of shape (n,)."""
        k = self.concentration.squeeze(1).double()
        # 1 - mean . z as half a squared distance: near the mean the product would round to 1.
        gap = 0.5 * (z - self.mean).square().sum(1)
        log_i, _ = log_bessel(z.shape[1] / 2 - 1, k)
        return (_log_constant(k, z.shape[1]) + (k - log_i) - k * gap).to(z.dtype)

    def kl(self, prior: Any) -> Tensor | None:
        """KL from the uniform distribution on the sphere in nats, (n, 1); None from any other.

        k A(k) + log C(k) + log area,  A(k) = I_{dims/2}(k) / I_{dims/2 - 1}(k), the mean of w.
        """
        if prior.name != "sphere":
            return None
        k, dims = self.concentration.double(), self.mean.shape[1]
        log_i, mean_cosine = log_bessel(dims / 2 - 1, k)
        kl = k * mean_cosine - log_i + _log_constant(k, dims) + log_area(dims)
        return kl.to(self.mean.dtype)


class SpherePosterior(nn.Module):
    """The encoder gives a direction and a concentration."""

    name: ClassVar[str] = "vmf"
    space: ClassVar[str] = "sphere"
    factorised: ClassVar[bool] = False
    has_density: ClassVar[bool] = True

    def __init__(self, dims: int):
        super().__init__()
        if dims < 2:
            raise ValueError(
                "posterior='vmf' puts latents on the unit sphere of R^dims, which is two points for dims=1. "
                "Pass dims of at least 2, or posterior='gaussian'."
            )
        self.dims = dims
        self.outputs = dims + 1

    def forward(self, h: Tensor) -> VonMisesFisher:
        log_k = _LOG_BOUND * torch.tanh(h[:, -1:] / _LOG_BOUND)
        return VonMisesFisher(on_sphere(h[:, :-1]), _START * self.dims * torch.exp(log_k))

    def chart(self, z: Tensor) -> Tensor:
        """z (n, dims) as the decoder reads it: on the sphere, scaled to the length that N(0, 1) has."""
        return math.sqrt(self.dims) * on_sphere(z)


def on_sphere(z: Tensor) -> Tensor:
    """Scales z (n, dims) to length 1; the origin, which has no direction, goes to the first axis."""
    first = torch.zeros_like(z[:1])
    first[:, 0] = 1.0
    length = torch.linalg.vector_norm(z, dim=1, keepdim=True)
    return torch.where(length > 1e-6, z / length.clamp_min(1e-6), first)


def log_area(dims: int) -> float:
    """Log of the area of the unit sphere in R^dims."""
    return math.log(2) + dims / 2 * math.log(math.pi) - math.lgamma(dims / 2)


def _log_constant(k: Tensor, dims: int) -> Tensor:
    """log C(k), but for the Bessel function."""
    return (dims / 2 - 1) * torch.log(k) - dims / 2 * math.log(2 * math.pi)


def _draw_gap(k: Tensor, dims: int, generator: torch.Generator, shared: bool) -> Tensor:
    """Draws 1 - w for the cosine w between z and the mean, of shape (n, 1), float64 (Wood, 1994).

    Each item takes the first proposal that it accepts; shared proposals are the same for all, so an item's does not
    depend on the others.
    """
    m = dims - 1
    b = m / (2 * k + torch.sqrt(4 * k.square() + m**2))
    x0 = (1 - b) / (1 + b)
    gap, pending = torch.zeros_like(k), torch.ones_like(k, dtype=torch.bool)
    count = 1 if shared else len(k)
    while pending.any():
        noise = torch.randn((count, dims), generator=generator, device=k.device, dtype=k.dtype)
        # One coordinate of a point uniform on the sphere, moved to [0, 1], is Beta(m / 2, m / 2).
        s = 0.5 * (1 + noise[:, :1] / torch.linalg.vector_norm(noise, dim=1, keepdim=True))
        u = torch.rand((count, 1), generator=generator, device=k.device, dtype=k.dtype)
        proposal = 2 * b * s / (1 - (1 - b) * s)
        log_ratio = k * (1 - x0 - proposal) + m * (torch.log1p(-x0 * (1 - proposal)) - torch.log1p(-x0.square()))
        accepted = pending & (log_ratio >= torch.log(u))
        gap = torch.where(accepted, proposal, gap)
        pending = pending & ~accepted
    return gap


class _Gap(torch.autograd.Function):
    """A drawn 1 - w with its gradient in k, by implicit differentiation of the distribution function F of w.

    dw/dk = -(dF/dk) / p(w) = integral from w to 1 of (t - A(k)) p(t) dt / p(w)     (Figurnov et al., 2018)

    with t = cos(a), by 64 nodes of Gauss and Legendre over the angles that carry the mass.
    """

    @staticmethod
    def forward(ctx: Any, k: Tensor, gap: Tensor, dims: int) -> Tensor:
        ctx.save_for_backward(k, gap)
        ctx.dims = dims
        return gap.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        k, gap = ctx.saved_tensors
        dims = ctx.dims
        _, mean_cosine = log_bessel(dims / 2 - 1, k)
        angle = 2 * torch.asin(torch.sqrt(gap / 2).clamp(1e-12, 1.0))  # (n, 1)
        low = (angle - 16 / torch.sqrt(k + dims - 1)).clamp_min(0.0)
        nodes, weights = (torch.as_tensor(values, dtype=k.dtype, device=k.device) for values in (_NODES, _WEIGHTS))
        half = 0.5 * (angle - low)
        a = low + half * (nodes + 1)  # (n, 64)
        cosine = torch.cos(a)
        log_p = k * (cosine - 1 + gap) + (dims - 2) * torch.log(torch.sin(a))
        p = torch.exp(log_p - (dims - 3) * torch.log(torch.sin(angle)))
        slope = half * ((cosine - mean_cosine) * p * weights).sum(1, keepdim=True)
        return -gradient * slope, None, None
