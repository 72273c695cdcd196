"""The uniform distribution on the unit sphere."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ..posteriors.sphere import log_area, on_sphere


class UniformSphere(nn.Module):
    """1 / area on |z| = 1 in R^dims, which no direction is favoured by (Davidson et al., 2018)."""

    name: ClassVar[str] = "sphere"
    space: ClassVar[str] = "sphere"

    def __init__(self, dims: int):
        super().__init__()
        self.dims = dims

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density at z (n, dims) of length 1, in nats per area, of shape (n,)."""
        return z.new_full((len(z),), -log_area(self.dims))

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws z of shape (n, dims)."""
        return on_sphere(torch.randn((n, self.dims), generator=generator, device=generator.device))
