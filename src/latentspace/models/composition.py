"""A latent model put together from parts: posterior x prior x divergence x likelihood x bound, on any networks."""

from typing import Any

import torch
from torch import Tensor, nn

from .bounds import ELBO
from .divergences import KL, kl_to_standard_normal
from .networks import Plan, initialise
from .posteriors import Gaussian, Point


class Composition(nn.Module):
    """q = posterior(encoder(x)),  z from q,  p(x given z) = likelihood(decoder(z)),  trained on the bound.

    With a `Point` posterior and no divergence it is a plain autoencoder.

    Parameters
    ----------
    plan : Plan
        The networks.
    dims : int
        Latent dimensions.
    posterior : type
        A class of `posteriors`.
    prior, divergence : parts or None
        One of `priors`, one of `divergences`.
    likelihood : nn.Module
        One of `likelihoods`.
    bound : ELBO
        One of `bounds`.
    """

    carry_enough = 0.1  # nats of KL, above what free bits give away, from which a dimension counts as active

    def __init__(
        self, plan: Plan, dims: int, *, posterior: type[Gaussian] | type[Point], prior: nn.Module | None,
        divergence: KL | None, likelihood: Any, bound: ELBO,
    ):  # fmt: skip
        super().__init__()
        self.encoder = plan.encoder(posterior.per_dim * dims)
        self.decoder = plan.decoder(dims, likelihood.heads)
        self.posterior = posterior
        self.prior = prior
        self.divergence = divergence
        self.likelihood = likelihood
        self.bound = bound

    def initialise(self, generator: torch.Generator) -> None:
        """Draws the starting weights."""
        initialise(self, generator)

    def infer(self, x: Tensor) -> Any:
        """x of shape (n, ...) to q(z given x)."""
        return self.posterior.of(self.encoder(x))

    def decode(self, z: Tensor) -> Tensor:
        """z of shape (n, dims) to the expected x."""
        return self.likelihood.mean(self.decoder(z))

    def loss(self, x: Tensor, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns what training lowers for a batch, and its terms in nats an item; see `ELBO.loss`."""
        return self.bound.loss(self, x, generator, progress)

    @torch.no_grad()
    def activity(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Measures what each dimension carries over items x of shape (n, ...).

        Returns
        -------
        carried : float tensor of shape (dims,)
            The mean KL in nats of a Gaussian posterior; the variance of a point.
        active : bool tensor of shape (dims,)
            Whether that is more than nothing: 0.1 nats past the free bits; a thousandth of the largest variance.
        """
        q = self.infer(x)
        if isinstance(q, Gaussian):
            carried = kl_to_standard_normal(q).mean(0)
            return carried, carried > self.carry_enough + (self.divergence.free_bits if self.divergence else 0.0)
        carried = q.mean.var(0, correction=0)
        return carried, (carried > 1e-3 * carried.max()) & (carried > 1e-10)
