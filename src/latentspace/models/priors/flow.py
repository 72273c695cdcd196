"""A prior that is a normalising flow, learned with the model."""

from typing import ClassVar

import torch
from torch import Tensor, nn


class FlowPrior(nn.Module):
    """log p(z) = log N(f(z); 0, 1) + log |det df/dz| for learned splines f (Chen et al., 2017; Durkan et al., 2019)."""

    name: ClassVar[str] = "flow"
    space: ClassVar[str] = "euclidean"

    def __init__(self, dims: int):
        super().__init__()
        self.dims = dims
        from ..densities.flow import SplineFlow  # needs zuko

        with torch.device("cpu"):  # its masks are worked out from values, which a network without memory has not
            self.splines = SplineFlow(dims)

    def initialise(self, generator: torch.Generator) -> None:
        """Starts as the standard normal."""
        self.splines.start_as_identity()

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density at z (n, dims), in nats, of shape (n,)."""
        return self.splines.log_prob(z)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws z of shape (n, dims)."""
        return self.splines.push(torch.randn((n, self.dims), generator=generator, device=generator.device))
