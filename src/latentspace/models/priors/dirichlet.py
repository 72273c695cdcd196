"""A Dirichlet prior on softmax(z): each item is made of few topics, or of many."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ..parts import in_range


class DirichletPrior(nn.Module):
    """N(0, (1 - 1 / dims) / alpha) in every dimension: the Laplace approximation, in the softmax basis, of a symmetric
    Dirichlet (MacKay, 1998; Hennig et al., 2012; Srivastava and Sutton, 2017).

    Parameters
    ----------
    dims : int
    alpha : float, default=1.0
        Of the Dirichlet: below 1 an item holds few topics, above 1 all in like parts.
    """

    name: ClassVar[str] = "dirichlet"
    space: ClassVar[str] = "euclidean"

    def __init__(self, dims: int, alpha: float = 1.0):
        super().__init__()
        self.dims = dims
        # One topic alone would leave no variance: softmax is then 1 whatever z is, and any prior as good.
        self.variance = max(1 - 1 / dims, 0.5) / in_range("alpha", alpha, 1e-3, 1e3)

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density at z (n, dims), in nats, of shape (n,)."""
        deviation = torch.full_like(z[:1], self.variance).sqrt()
        return torch.distributions.Normal(torch.zeros_like(deviation), deviation).log_prob(z).sum(1)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws z of shape (n, dims)."""
        return self.variance**0.5 * torch.randn((n, self.dims), generator=generator, device=generator.device)
