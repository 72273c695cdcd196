"""p(z): the density that samples are drawn from before any is fitted to the latents."""

import math

import torch
from torch import Tensor, nn


class StandardNormal(nn.Module):
    """N(0, 1) in every dimension."""

    def __init__(self, dims: int):
        super().__init__()
        self.dims = dims

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density at z (n, dims), in nats, of shape (n,)."""
        return -0.5 * (z.square() + math.log(2 * math.pi)).sum(1)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws z of shape (n, dims)."""
        return torch.randn((n, self.dims), generator=generator)
