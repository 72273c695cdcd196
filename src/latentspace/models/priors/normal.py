"""The standard normal prior."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ..posteriors.gaussian import standard_log_prob


class StandardNormal(nn.Module):
    """N(0, 1) in every dimension."""

    name: ClassVar[str] = "normal"
    space: ClassVar[str] = "euclidean"
    variance: ClassVar[float] = 1.0

    def __init__(self, dims: int):
        super().__init__()
        self.dims = dims

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density at z (n, dims), in nats, of shape (n,)."""
        return standard_log_prob(z)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws z of shape (n, dims)."""
        return torch.randn((n, self.dims), generator=generator, device=generator.device)
