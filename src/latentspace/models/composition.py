"""A latent model put together from parts: posterior x prior x divergence x likelihood x bound, on any networks."""

from typing import Any

import torch
from torch import Tensor, nn

from .bounds import ELBO
from .networks import Plan, initialise
from .networks.topics import MixtureDecoder
from .posteriors import Gaussian
from .turns import Turn


class Composition(nn.Module):
    """q = posterior(encoder(x)),  z from q,  p(x given z) = likelihood(decoder(z)),  trained on the bound.

    With a `PointPosterior` and no divergence it is a plain autoencoder.

    Parameters
    ----------
    plan : Plan
        The networks.
    dims : int
        Latent dimensions.
    posterior : nn.Module
        One of `posteriors`.
    prior, divergence : nn.Module or None
        One of `priors`, one of `divergences`.
    likelihood : nn.Module
        One of `likelihoods`.
    bound : ELBO or None
        One of `bounds`; None is the ELBO.

    Raises
    ------
    ValueError
        If the parts cannot be put together; the message says why and what could.
    """

    carry_enough = 0.1  # nats of KL, above what free bits give away, from which a dimension counts as active

    def __init__(
        self, plan: Plan, dims: int, *, posterior: Any, prior: Any = None, divergence: Any = None, likelihood: Any,
        bound: ELBO | None = None,
    ):  # fmt: skip
        super().__init__()
        self.posterior = posterior
        self.prior = prior
        self.divergence = divergence
        self.likelihood = likelihood
        self.bound = bound or ELBO()
        if divergence is not None and (reason := self._refusal()):
            raise ValueError(reason)
        self.encoder = plan.encoder(posterior.outputs)
        self.decoder = plan.decoder(dims, likelihood.heads)
        if hasattr(prior, "attach"):
            prior.attach(self, plan.shape)

    def _refusal(self) -> str | None:
        """Says why the parts cannot be put together and what could; None when they can."""
        if self.prior.space not in (None, self.posterior.space):
            return (
                f"prior={self.prior.name!r} lives in another space ({self.prior.space}) than "
                f"posterior={self.posterior.name!r} ({self.posterior.space}), so that no density compares them. "
                f"{_FITTING[self.posterior.space]}"
            )
        return self.bound.refusal(self.divergence) or self.divergence.refusal(self.posterior, self.prior, self.bound)

    @property
    def judged(self) -> bool:
        """Whether the loss on held-out items tells which epoch is best; see `training`."""
        return all(getattr(part, "judged", True) for part in self._parts())

    @property
    def settles(self) -> float:
        """Share of training over which the loss itself changes, so that epochs are not judged before."""
        return 0.0 if self.divergence is None else self.divergence.settles

    def initialise(self, generator: torch.Generator) -> None:
        """Draws the starting weights."""
        initialise(self, generator)
        for part in self._parts():
            if hasattr(part, "initialise"):
                part.initialise(generator)

    def start(self, x: Tensor, generator: torch.Generator) -> None:
        """Lets parts look at the items x (n, ...) that training will see, in the network's unit, before it begins."""
        for part in self._parts():
            if hasattr(part, "start"):
                part.start(x, generator)
        if hasattr(self.bound, "start"):
            self.bound.start(self, x)
        if isinstance(self.decoder, MixtureDecoder):
            self.decoder.start(self.likelihood, x, generator)

    def forget(self) -> None:
        """Lets go of what only training needs."""
        if hasattr(self.bound, "forget"):
            self.bound.forget()

    def turns(self) -> list[Turn]:
        """Returns one turn for the model and one for every critic that a part learns; none when there is but one."""
        parts = [part for part in (self.divergence, self.likelihood) if hasattr(part, "turns")]
        critics = [turn for part in parts for turn in part.turns(self)]
        theirs = {id(parameter) for turn in critics for parameter in turn.parameters}
        # A turn may move the model's own networks besides, which stay in the model's turn.
        theirs &= {id(parameter) for part in parts for parameter in part.parameters()}
        own = [parameter for parameter in self.parameters() if id(parameter) not in theirs]
        if hasattr(self.bound, "turns"):
            return [*self.bound.turns(self, own), *critics]
        return [Turn("model", own, self.loss), *critics] if critics else []

    def infer(self, x: Tensor) -> Any:
        """x of shape (n, ...) to q(z given x)."""
        return self.posterior(self.encoder(self.seen(x)))

    def seen(self, x: Tensor) -> Tensor:
        """x of shape (n, ...) as the encoder reads it."""
        return self.likelihood.seen(x)

    def outputs(self, z: Tensor) -> Tensor:
        """z of shape (n, dims) to what the likelihood reads."""
        return self.decoder(self.posterior.chart(z) if hasattr(self.posterior, "chart") else z)

    def decode(self, z: Tensor) -> Tensor:
        """z of shape (n, dims) to the expected x."""
        return self.likelihood.mean(self.outputs(z))

    def loss(self, x: Tensor, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns what training lowers for a batch, and its terms in nats an item; see `ELBO.loss`."""
        return self.bound.loss(self, x, generator, progress)

    @torch.no_grad()
    def activity(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Measures what each dimension carries over items x of shape (n, ...).

        Returns
        -------
        carried : float tensor of shape (dims,)
            Nats of a Gaussian posterior: the mean KL from a standard normal prior; from any other, log(1 + s) / 2 for
            the ratio s of the means' variance to the mean variance, what a channel with that noise carries. The
            variance of the mean for any other posterior.
        active : bool tensor of shape (dims,)
            Whether that is more than nothing: 0.1 nats past the free bits; a thousandth of the largest variance.
        """
        q = self.infer(x)
        spread = q.mean.var(0, correction=0)
        if not isinstance(q, Gaussian):
            return spread, (spread > 1e-3 * spread.max()) & (spread > 1e-10)
        kl = q.kl(self.prior)
        carried = torch.log1p(spread / q.log_var.exp().mean(0)) / 2 if kl is None else kl.mean(0)
        return carried, carried > self.carry_enough + getattr(self.divergence, "free_bits", 0.0)

    def _parts(self) -> list[Any]:
        return [part for part in (self.posterior, self.prior, self.divergence, self.likelihood) if part is not None]


_FITTING = {
    "euclidean": "Take prior='normal', 'mixture', 'vamp' or 'flow'.",
    "sphere": "Take prior='sphere' or 'vamp'.",
    "ball": "Take prior='poincare' or 'vamp'.",
}
