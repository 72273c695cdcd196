"""A normalising flow over the latents: an invertible network between them and Gaussian noise, its density exact."""

from typing import Any

from ...optional import require

require("torch", "neural", "density='flow'")
zuko: Any = require("zuko", "neural", "density='flow'")

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from ..networks import initialise  # noqa: E402
from .network import DensityNetwork, NetworkDensity  # noqa: E402

_AUTOREGRESSIVE = 16  # dims up to which each may depend on all before it; drawing then takes one pass a dim


class FlowDensity(NetworkDensity):
    """A neural spline flow on white latents (Durkan et al., 2019): exact samples, exact log-density.

    log p(u) = log N(f(u); 0, 1) + log |det df/du|,    f rational-quadratic splines of each dim, given other dims

    Up to 16 dims f is autoregressive, past that it couples two halves in turns. It starts as the identity, which is the
    Gaussian, and training stops where held-out latents get no likelier.

    Parameters
    ----------
    steps : int, default=400
        Of training, 256 latents each.
    manifold : {"euclidean", "sphere", "ball"}, default="euclidean"
        Where the latents live.
    random_state : int, RandomState or None, default=None
        Draws the 20,000 items that stand for all when there are more, weights, order and noise.
    """

    family = "flow"
    learning_rate = 4e-3

    def __init__(self, *, steps: int = 400, manifold: str = "euclidean", random_state: Any = None):
        self.steps = steps
        self.manifold = manifold
        self.random_state = random_state

    def _network(self, dims: int) -> "SplineFlow":
        return SplineFlow(dims)

    def _start(self, network: Any, generator: torch.Generator) -> None:
        initialise(network, generator)
        network.start_as_identity()


class SplineFlow(DensityNetwork):
    """zuko's neural spline flow: 2 autoregressive or 4 coupling layers, 8 bins each."""

    def __init__(self, dims: int):
        super().__init__()
        few = dims <= _AUTOREGRESSIVE
        self.flow = zuko.flows.NSF(
            dims, bins=8, transforms=2 if few else 4, passes=None if few else 2, hidden_features=(64, 64)
        )

    def start_as_identity(self) -> None:
        """Makes all knots alike, whatever the weights before them."""
        for transform in self.flow.transform.transforms:
            # In one dimension the knots themselves are learned; in more, a network gives them.
            last = transform.hyper[-1] if hasattr(transform, "hyper") else transform
            for parameter in last.parameters():
                parameter.data.zero_()

    def nll(self, u: Tensor, generator: torch.Generator) -> Tensor:
        return -self.log_prob(u).mean()

    def log_prob(self, u: Tensor) -> Tensor:
        return self.flow().log_prob(u)

    def push(self, noise: Tensor) -> Tensor:
        with torch.no_grad():
            return self.flow().transform.inv(noise)
