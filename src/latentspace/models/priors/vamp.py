"""The VampPrior: the prior is the posterior of items that are made up, and learned."""

import math
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from ..parts import whole

if TYPE_CHECKING:
    from ..composition import Composition


class VampPrior(nn.Module):
    """p(z) = (1/K) sum_k q(z given u_k) for pseudo-inputs u_k (Tomczak and Welling, 2018).

    The best prior for the ELBO is the posterior averaged over all items; this is that average over a few, which start
    as items of the data and are learned. It lives where the posterior does, so it goes with any that has a density.

    Parameters
    ----------
    dims : int
    components : int
        Pseudo-inputs: more are nearer to the average, and each is encoded in every step.
    """

    name: ClassVar[str] = "vamp"
    space: ClassVar[str | None] = None

    inputs: nn.Parameter

    def __init__(self, dims: int, components: int = 50):
        super().__init__()
        self.components = whole("components", components, 1, 10_000)

    def attach(self, model: "Composition", shape: tuple[int, ...]) -> None:
        """Makes the pseudo-inputs, of an item's shape, and keeps the way to the posterior."""
        self.inputs = nn.Parameter(torch.zeros(self.components, *shape))
        # In a tuple, so that torch does not take the model for a part of its own part.
        self._model = (model,)

    def start(self, x: Tensor, generator: torch.Generator) -> None:
        """Starts the pseudo-inputs as items of x (n, ...), as the encoder sees them; noise tells equal ones apart."""
        rows = torch.randint(len(x), (self.components,), generator=generator)
        with torch.no_grad():
            seen = self._model[0].seen(x[rows].to(self.inputs.device))
            noise = torch.randn(self.inputs.shape, generator=generator).to(seen.device)
            self.inputs.copy_(seen + 0.01 * seen.std(correction=0) * noise)

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density at z (n, dims), in nats, of shape (n,)."""
        q = self._posterior()
        if hasattr(q, "log_prob_of_each"):
            each = q.log_prob_of_each(z).sum(2)
        else:  # every z under every component, as rows
            h = self._encoded()
            q = self._model[0].posterior(h.repeat(len(z), 1))
            each = q.log_prob(z.repeat_interleave(len(h), 0)).unflatten(0, (len(z), -1))
        return torch.logsumexp(each, dim=1) - math.log(self.components)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws z of shape (n, dims)."""
        which = torch.randint(self.components, (n,), generator=generator, device=generator.device)
        return self._model[0].posterior(self._encoded()[which]).rsample(generator)

    def _encoded(self) -> Tensor:
        return self._model[0].encoder(self.inputs)

    def _posterior(self) -> Any:
        return self._model[0].posterior(self._encoded())
