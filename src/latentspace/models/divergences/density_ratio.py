"""The total correlation as a critic sees it: how well z can be told from z with its dimensions shuffled."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from ..critics import BETAS, Critic, two_class_loss
from ..turns import Turn
from .base import Divergence, Penalty, learn_from_draws
from .kl import charge


def permute_dims(z: Tensor, generator: torch.Generator) -> Tensor:
    """Shuffles every dimension of z (n, dims) over the items by itself: draws from the product of its margins."""
    order = torch.rand(z.shape, generator=generator, device=z.device).argsort(0)
    return z.gather(0, order)


class DensityRatio(Divergence):
    """KL + gamma TC,  TC = E[D(z)],  D a critic of log q(z) - log prod_d q(z_d).

    (Kim and Mnih, "Disentangling by factorising", FactorVAE, 2018.) The critic learns in a turn of its own to tell
    draws of q(z) from draws with shuffled dimensions. It asks nothing of the posterior but draws, and the KL.

    Parameters
    ----------
    dims, beta, warm_up, free_bits
        As for every `Divergence`; beta weighs all of it.
    gamma : float, default=6.0
        Weight of the total correlation beside the KL.
    """

    name: ClassVar[str] = "factor"
    judged: ClassVar[bool] = False  # an untrained critic sees no correlation, so early epochs would look best

    def __init__(
        self, dims: int, beta: float = 1.0, warm_up: float = 0.0, free_bits: float = 0.0, *, gamma: float = 6.0
    ):
        super().__init__(dims, beta, warm_up, free_bits)
        self.gamma = gamma
        self.critic = Critic(dims)

    def penalty(self, q: Any, z: Tensor, prior: Any, generator: torch.Generator, progress: float) -> Penalty:
        """Returns the weighted sum, and as "kl" and "tc" its plain parts; see `Divergence.penalty`."""
        charged, plain = charge(self, q, z, prior)
        tc = self.critic(z).mean()
        return self.weight(progress) * (charged + self.gamma * tc), {"kl": plain.detach(), "tc": tc.detach()}

    def turns(self, model: Any) -> list[Turn]:
        """Returns the critic's turn: to tell z from z with shuffled dimensions."""

        def loss(x: Tensor, generator: torch.Generator, _progress: float) -> Penalty:
            z = learn_from_draws(model, x, generator)
            return two_class_loss(self.critic, z, permute_dims(z, generator)), {}

        return [Turn("critic", list(self.critic.parameters()), loss, rate=0.25, betas=BETAS, weight_decay=0.0)]

    def refusal(self, posterior: Any, prior: Any, bound: Any) -> str | None:
        if self.dims < 2:
            return "divergence='factor' compares dimensions with each other, and dims=1 has but one. Take 'kl'."
        return self._needs_density(posterior)
