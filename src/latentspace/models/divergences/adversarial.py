"""A critic that tells latents from draws of the prior: the adversarial autoencoder's divergence."""

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ..critics import BETAS, Critic, two_class_loss
from ..turns import Turn
from .base import Divergence, Penalty, learn_from_draws


class Adversarial(Divergence):
    """weight * log(1 + e^-D(z)),  D a critic of log p(z) - log q(z), where q(z) is what all items add up to.

    (Makhzani et al., "Adversarial autoencoders", 2015, with the loss that does not fade when the critic wins,
    Goodfellow et al., 2014.) The critic learns in a turn of its own; its slope is held down, without which the two need
    not settle.

    Parameters
    ----------
    dims, beta, warm_up, free_bits
        As for every `Divergence`; there are no free bits.
    weight : float, default=0.3
        Nats that a nat of the critic's costs an item, for each dimension. At 1 with a slope of 0.1 the critic won, for
        two to three times the error on digits of two sizes; at 0.2 with a slope of 1 it was too weak for large digits.
    slope : float, default=0.3
        Weight of the critic's squared slope.
    """

    name: ClassVar[str] = "adversarial"
    judged: ClassVar[bool] = False  # the critic moves, so that the same latents score otherwise later

    def __init__(
        self, dims: int, beta: float = 1.0, warm_up: float = 0.0, free_bits: float = 0.0, *,
        weight: float = 0.3, slope: float = 0.3,
    ):  # fmt: skip
        super().__init__(dims, beta, warm_up, free_bits=0.0)
        self.strength, self.slope = weight, slope
        self.critic = Critic(dims)

    def penalty(self, q: Any, z: Tensor, prior: Any, generator: torch.Generator, progress: float) -> Penalty:
        """Returns the weighted loss against the critic, and the plain one; see `Divergence.penalty`.

        "adversarial" is log 2 where the critic cannot tell, and more where it can.
        """
        found = softplus(-self.critic(z)).mean()
        return self.weight(progress) * self.strength * self.dims * found, {"adversarial": found.detach()}

    def turns(self, model: Any) -> list[Turn]:
        """Returns the critic's turn: to tell draws of the prior from latents."""

        def loss(x: Tensor, generator: torch.Generator, _progress: float) -> Penalty:
            z = learn_from_draws(model, x, generator)
            drawn = model.prior.sample(len(z), generator)
            return two_class_loss(self.critic, drawn, z, self.slope), {}

        return [Turn("critic", list(self.critic.parameters()), loss, rate=0.25, betas=BETAS, weight_decay=0.0)]

    def refusal(self, posterior: Any, prior: Any, bound: Any) -> str | None:
        return self._needs_a_fixed_prior(prior)
