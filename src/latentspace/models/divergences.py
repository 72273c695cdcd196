"""How far the posterior is from the prior, and the weight that training gives it."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from .posteriors import Gaussian


def kl_to_standard_normal(q: Gaussian) -> Tensor:
    """KL(N(mean, exp(log_var)) from N(0, 1)) in nats, for every item and dimension: (n, dims).

    (mean^2 + exp(log_var) - 1 - log_var) / 2 (Kingma and Welling, 2014, appendix B).
    """
    return 0.5 * (q.mean.square() + torch.exp(q.log_var) - 1 - q.log_var)


class KL(NamedTuple):
    """beta * KL(q from N(0, 1)), with a warm-up and free bits against collapse.

    Attributes
    ----------
    beta : float
        Weight of the divergence (Higgins et al., 2017); 1 is the evidence lower bound.
    warm_up : float
        Share of training over which the weight rises from 0 to beta (Bowman et al., 2016): the decoder learns to use z
        before z costs anything.
    free_bits : float
        Nats that each dimension may carry without cost, on average over a batch (Kingma et al., 2016): a dimension that
        carries less is not pulled further down.
    """

    beta: float = 1.0
    warm_up: float = 0.0
    free_bits: float = 0.0

    def weight(self, progress: float) -> float:
        """Returns the weight at `progress`, the share of training that is done, 0 to 1."""
        return self.beta * min(1.0, progress / self.warm_up) if self.warm_up > 0 else self.beta

    def penalty(
        self, q: Gaussian, z: Tensor, prior: Any, generator: torch.Generator, progress: float
    ) -> tuple[Tensor, Tensor]:
        """Returns what training adds to its loss, and the plain KL: nats an item, averaged over the batch.

        Every divergence takes the same arguments; those that have no closed form read z, the prior and the generator.
        """
        per_dim = kl_to_standard_normal(q).mean(0)  # (dims,)
        kl = per_dim.sum()
        charged = per_dim.clamp_min(self.free_bits).sum() if self.free_bits > 0 else kl
        return self.weight(progress) * charged, kl.detach()

    def per_item(self, q: Gaussian, prior: Any) -> Tensor:
        """Returns the plain KL of every item, in nats (n,)."""
        return kl_to_standard_normal(q).sum(1)
