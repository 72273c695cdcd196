"""What every divergence answers to."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..turns import Turn

Penalty = tuple[Tensor, dict[str, Tensor]]


class Divergence(nn.Module):
    """A distance between what the encoder gives and the prior, weighted.

    Parameters
    ----------
    dims : int
        Latent dimensions.
    beta : float, default=1.0
        Weight of the divergence (Higgins et al., 2017); with the plain KL, 1 is the evidence lower bound.
    warm_up : float, default=0.0
        Share of training over which the weight rises from 0 to beta (Bowman et al., 2016): the decoder learns to use z
        before z costs anything.
    free_bits : float, default=0.0
        Nats of KL that each dimension may carry without cost, on average over a batch (Kingma et al., 2016); read by
        those that charge the KL.

    Attributes
    ----------
    name : str
        In `DIVERGENCES`.
    judged : bool
        Whether the penalty on held-out items tells which epoch is best; not where a learned critic measures it.
    """

    name: ClassVar[str]
    judged: ClassVar[bool] = True

    def __init__(self, dims: int, beta: float = 1.0, warm_up: float = 0.0, free_bits: float = 0.0):
        super().__init__()
        self.dims, self.beta, self.warm_up, self.free_bits = dims, beta, warm_up, free_bits

    def weight(self, progress: float) -> float:
        """Returns the weight at `progress`, the share of training that is done, 0 to 1."""
        return self.beta * min(1.0, progress / self.warm_up) if self.warm_up > 0 else self.beta

    @property
    def settles(self) -> float:
        """Share of training over which `penalty` itself changes; epochs are judged from there."""
        return self.warm_up

    def start(self, x: Tensor, generator: torch.Generator) -> None:
        """Looks at the items x (n, ...) before training: most need nothing of them."""

    def penalty(self, q: Any, z: Tensor, prior: Any, generator: torch.Generator, progress: float) -> Penalty:
        """Returns what training adds to its loss, in nats an item, and its terms, which are not weighted.

        Parameters
        ----------
        q : a posterior's distribution over a batch of n items
        z : float tensor of shape (n, dims)
            One draw of q.
        prior : one of `priors`
        generator : torch.Generator
            Draws what the divergence needs besides.
        progress : float
            Share of training that is done, 0 to 1.
        """
        raise NotImplementedError

    def refusal(self, posterior: Any, prior: Any, bound: Any) -> str | None:
        """Says why the parts cannot be put together and what could; None when they can."""
        return None

    def turns(self, model: Any) -> list[Turn]:
        """Returns the turns of what this divergence learns on a loss of its own: none, for most."""
        return []

    def _needs_density(self, posterior: Any) -> str | None:
        if posterior.has_density:
            return None
        return (
            f"divergence={self.name!r} needs a density, which posterior={posterior.name!r} has not. "
            "Take posterior='gaussian', or divergence='mmd' or 'adversarial', which need draws alone."
        )

    def _needs_a_fixed_prior(self, prior: Any) -> str | None:
        if not any(parameter.requires_grad for parameter in prior.parameters()):
            return None
        return (
            f"divergence={self.name!r} sees draws of the prior alone, from which prior={prior.name!r} would learn "
            "nothing. Take a prior that does not learn, as 'normal', or divergence='kl'."
        )


def learn_from_draws(model: Any, x: Tensor, generator: torch.Generator) -> Tensor:
    """Draws z (n, dims) for items x, without a gradient: what a critic of z sees."""
    with torch.no_grad():
        return model.infer(x).rsample(generator)
