"""A mixture of Gaussians that is learned with the model: latents may form groups."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ..parts import whole
from ..posteriors.gaussian import Gaussian


class MixturePrior(nn.Module):
    """p(z) = sum_k w_k N(z; mean_k, exp(log_var_k)), all learned (Dilokthanakul et al., 2016; Tomczak, 2022).

    Parameters
    ----------
    dims : int
    components : int
    """

    name: ClassVar[str] = "mixture"
    space: ClassVar[str] = "euclidean"

    def __init__(self, dims: int, components: int = 10):
        super().__init__()
        whole("components", components, 1, 10_000)
        self.means = nn.Parameter(torch.zeros(components, dims))
        self.raw_log_vars = nn.Parameter(torch.zeros(components, dims))
        self.logits = nn.Parameter(torch.zeros(components))

    def initialise(self, generator: torch.Generator) -> None:
        """Draws the means from N(0, 1); all components weigh alike and have deviation 1."""
        with torch.no_grad():
            self.means.normal_(generator=generator)
            self.raw_log_vars.zero_()
            self.logits.zero_()

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density at z (n, dims), in nats, of shape (n,)."""
        each = self._components().log_prob_of_each(z).sum(2)  # (n, components)
        return torch.logsumexp(each + torch.log_softmax(self.logits, 0), dim=1)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws z of shape (n, dims)."""
        which = torch.multinomial(torch.softmax(self.logits, 0), n, replacement=True, generator=generator)
        components = self._components()
        return Gaussian(components.mean[which], components.log_var[which]).rsample(generator)

    def _components(self) -> Gaussian:
        return Gaussian.of(torch.cat([self.means, self.raw_log_vars], dim=1))
