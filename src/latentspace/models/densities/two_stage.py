"""A second, small VAE on the latents: what a first one, or any encoder, left for a prior to find."""

from typing import Any

import numpy as np

from ...optional import require

require("torch", "neural", "density='two-stage'")

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from ..bounds import score  # noqa: E402
from ..composition import Composition  # noqa: E402
from ..divergences import DIVERGENCES  # noqa: E402
from ..likelihoods import LIKELIHOODS  # noqa: E402
from ..networks import plan  # noqa: E402
from ..posteriors import POSTERIORS  # noqa: E402
from ..priors import PRIORS  # noqa: E402
from .network import DensityNetwork, NetworkDensity  # noqa: E402

_DRAWS = 64  # of the importance-weighted bound


class TwoStageDensity(NetworkDensity):
    """A second VAE, on white latents (Dai and Wipf, "Diagnosing and enhancing VAE models", 2019).

    w from N(0, 1),   u = decoder(w) + gamma noise,   gamma learned

    `log_prob` is a lower bound: log of the mean of p(u, w) / q(w given u) over 64 draws of w (Burda et al., 2016), the
    same chance for all latents and calls. The true density is no lower.

    Parameters
    ----------
    steps : int, default=3000
        Of training, 256 latents each.
    manifold : {"euclidean", "sphere", "ball"}, default="euclidean"
        Where the latents live.
    random_state : int, RandomState or None, default=None
        Draws the 20,000 items that stand for all when there are more, weights, order and noise.
    """

    family = "two-stage"
    learning_rate = 2e-3
    warm_up = 0.5

    def __init__(self, *, steps: int = 3000, manifold: str = "euclidean", random_state: Any = None):
        self.steps = steps
        self.manifold = manifold
        self.random_state = random_state

    def _network(self, dims: int) -> "SecondVAE":
        return SecondVAE(dims)

    def _start(self, network: Any, generator: torch.Generator) -> None:
        network.model.initialise(generator)

    def _draw_white(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return self._apply(self.network_.push, rng.standard_normal((n, 2 * self._dims)))


class SecondVAE(DensityNetwork):
    """A dense VAE with as many dimensions as the latents that it models."""

    def __init__(self, dims: int):
        super().__init__()
        self.dims = dims
        self.model = Composition(
            plan((dims,), "dense", [128, 128]), dims, posterior=POSTERIORS["gaussian"](dims),
            prior=PRIORS["normal"](dims), divergence=DIVERGENCES["kl"](dims, warm_up=0.5, free_bits=0.0),
            likelihood=LIKELIHOODS["gaussian"]((dims,)),
        )  # fmt: skip

    def loss(self, x: Tensor, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, Tensor]]:
        return self.model.loss(x, generator, progress)

    def log_prob(self, u: Tensor) -> Tensor:
        """The importance-weighted lower bound."""
        return score(self.model, u, _DRAWS)

    def push(self, noise: Tensor) -> Tensor:
        """Carries standard normal noise (n, 2 * dims), for w and for what its decoding leaves open, to latents."""
        w, rest = noise.split(self.dims, dim=1)
        with torch.no_grad():
            return self.model.decode(w) + self.model.likelihood.variance.sqrt() * rest
