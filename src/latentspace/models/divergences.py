"""How far the posterior is from the prior, and the weight that training gives it."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn


class KL(nn.Module):
    """beta * KL(q from the prior), with a warm-up and free bits against collapse.

    Parameters
    ----------
    dims : int
    beta : float
        Weight of the divergence (Higgins et al., 2017); 1 is the evidence lower bound.
    warm_up : float
        Share of training over which the weight rises from 0 to beta (Bowman et al., 2016): the decoder learns to use z
        before z costs anything.
    free_bits : float
        Nats that each dimension may carry without cost, on average over a batch (Kingma et al., 2016): a dimension that
        carries less is not pulled further down.
    """

    name: ClassVar[str] = "kl"

    def __init__(self, dims: int, beta: float = 1.0, warm_up: float = 0.0, free_bits: float = 0.0):
        super().__init__()
        self.beta, self.warm_up, self.free_bits = beta, warm_up, free_bits

    def weight(self, progress: float) -> float:
        """Returns the weight at `progress`, the share of training that is done, 0 to 1."""
        return self.beta * min(1.0, progress / self.warm_up) if self.warm_up > 0 else self.beta

    def penalty(
        self, q: Any, z: Tensor, prior: Any, generator: torch.Generator, progress: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns what training adds to its loss, and the plain KL: nats an item, averaged over the batch.

        Every divergence takes the same arguments; those that have no closed form read z, the prior and the generator.
        """
        closed = q.kl(prior)
        per_dim = (q.log_prob(z) - prior.log_prob(z)).mean(0, keepdim=True) if closed is None else closed.mean(0)
        kl = per_dim.sum()
        charged = per_dim.clamp_min(self.free_bits).sum() if self.free_bits > 0 else kl
        return self.weight(progress) * charged, {"kl": kl.detach()}

    def per_item(self, q: Any, z: Tensor, prior: Any) -> Tensor:
        """Returns the plain KL of every item, in nats (n,)."""
        closed = q.kl(prior)
        return q.log_prob(z) - prior.log_prob(z) if closed is None else closed.sum(1)

    def refusal(self, posterior: Any, prior: Any, bound: Any) -> str | None:
        """Says why the parts cannot be put together and what could; None when they can."""
        if not posterior.has_density:
            return f"divergence='kl' needs a density, which posterior={posterior.name!r} has not: take 'gaussian'."
        return None


DIVERGENCES: dict[str, type[nn.Module]] = {"kl": KL}
