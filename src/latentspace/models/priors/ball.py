"""The wrapped normal distribution around the origin of the Poincaré ball."""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..parts import in_range
from ..posteriors.ball import WrappedNormal, usual_scale


class BallPrior(nn.Module):
    """v from N(0, scale^2) carried from the origin along geodesics (Nagano et al., 2019; Mathieu et al., 2019).

    Parameters
    ----------
    dims : int
    scale : float or None
        Deviation in units of the curvature's radius: a larger one leaves more room, as stronger curvature would. None
        takes 1, or less from 17 dims on, so that draws stay clear of the edge.
    """

    name: ClassVar[str] = "poincare"
    space: ClassVar[str] = "ball"

    def __init__(self, dims: int, scale: float | None = None):
        super().__init__()
        usual = usual_scale(dims)
        self.dims, self.log_var = dims, 2 * math.log(in_range("scale", scale or usual, 1e-3, 1.5 * usual))

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density at z (n, dims) in the ball, in nats per hyperbolic volume, of shape (n,)."""
        return self._around(z[:1]).log_prob(z)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws z of shape (n, dims)."""
        return self._around(torch.empty((n, self.dims), device=generator.device)).rsample(generator)

    def _around(self, like: Tensor) -> WrappedNormal:
        return WrappedNormal(torch.zeros_like(like), torch.full_like(like, self.log_var))
