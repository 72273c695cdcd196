"""The game that a GAN with an encoder is trained by: its networks, their turns, and the average that is kept.

    z -> generator -> made -> discriminator         made items shall look real
    x -> encoder -> z -> generator -> x_hat         x_hat shall be x
    z -> generator -> made -> encoder -> z_hat      z_hat shall be z

The second line makes `transform` and `inverse_transform` true to the items and leaves no mode out: each item must be
made from some z. The third ties the encoder to the prior's z, so that it is samples that look like items, and no two
z may make the same sample.
"""

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn

from .composition import Composition
from .gan_discriminator import Discriminator
from .gan_losses import Relativistic
from .gan_watch import coverage, distinct
from .turns import Turn

_BETAS = (0.0, 0.99)  # of AdamW: momentum makes two players circle each other (Huang et al., 2024)
_PENALISED = 4  # one item in so many has its slope taken, which costs as much as three passes without


class Game(nn.Module):
    """A generator and an encoder on one side, a discriminator on the other.

    Parameters
    ----------
    network : Composition
        Encoder and generator. It becomes the moving average of the players' weights (Yaz et al., 2019): what is judged
        while training goes on, and what is kept.
    discriminator : Discriminator
    adversary : Relativistic
        One of `gan_losses.ADVERSARIES`.
    penalty, reconstruction, cycle : float
        Weights of the discriminator's slopes, of x_hat beside x, and of z_hat beside z; the last two in units of the
        variances of x and of z, so that 1 is the loss of who knows nothing.
    memory : float
        Share of the average that a step leaves.
    """

    judged = False  # the losses of a game do not fall as it gets better; see `training`

    spread: Tensor
    steps: Tensor

    def __init__(
        self, network: Composition, discriminator: Discriminator, adversary: Relativistic, *, penalty: float,
        reconstruction: float, cycle: float, memory: float,
    ):  # fmt: skip
        super().__init__()
        self.averaged = network.requires_grad_(False)
        self.players: Any = copy.deepcopy(network).requires_grad_(True)
        self.discriminator = discriminator
        self.adversary = adversary
        self.penalty, self.reconstruction, self.cycle = penalty, reconstruction, cycle
        self.memory = memory
        self.register_buffer("spread", torch.ones(()))  # root of the summed variances of the features of x
        self.register_buffer("steps", torch.zeros(()))

    def initialise(self, generator: torch.Generator) -> None:
        """Draws the starting weights."""
        self.players.initialise(generator)
        self.discriminator.initialise(generator)
        self.averaged.load_state_dict(self.players.state_dict())

    def start(self, x: Tensor, generator: torch.Generator) -> None:
        """Learns how far the items x (n, ...) lie apart."""
        variance = x.flatten(1).var(0, correction=0).sum()
        self.spread.copy_(torch.where(variance > 0, variance.sqrt(), 1.0))

    @property
    def encoder(self) -> nn.Module:
        """The encoder that learns."""
        return self.players.encoder

    @property
    def head(self) -> Any:
        """The head on z, where there is a target."""
        return (self.players if self.training else self.averaged).head

    def infer(self, x: Tensor) -> Any:
        """x of shape (n, ...) to its latents, by what learns or, when judged, by what is kept."""
        return (self.players if self.training else self.averaged).infer(x)

    def turns(self) -> list[Turn]:
        """Returns the players' turn and the discriminator's."""
        players, own = list(self.players.parameters()), list(self.discriminator.parameters())
        return [
            Turn("players", players, self._players_loss, betas=_BETAS, weight_decay=0.0),
            Turn(
                "discriminator", own, self._discriminator_loss, betas=_BETAS, weight_decay=0.0,
                repeats=self.adversary.repeats,
            ),
        ]  # fmt: skip

    @torch.no_grad()
    def after_step(self) -> None:
        """Moves the average; it forgets sooner in the first steps, so that it never holds the starting weights."""
        self.steps += 1
        forget = 1 - min(self.memory, float((1 + self.steps) / (10 + self.steps)))
        kept = self.averaged.state_dict()
        for name, value in self.players.state_dict().items():
            if value.is_floating_point():
                kept[name].lerp_(value, forget)
            else:
                kept[name].copy_(value)

    def _players_loss(self, x: Tensor, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, Tensor]]:
        code = self.infer(x).mean
        z = self._draw(x, generator)
        made, x_hat = self.players.decode(torch.cat([z, code])).chunk(2)
        z_hat = self.players.infer(made).mean
        with torch.no_grad():
            real_score = self.discriminator(x)
        adversarial = self.adversary.of_generator(real_score, self.discriminator(made))
        reconstruction = self._unexplained(x_hat, x)
        cycle = (z_hat - z).square().mean()
        loss = adversarial + self.reconstruction * reconstruction + self.cycle * cycle
        terms = {"adversarial": adversarial, "reconstruction": reconstruction, "cycle": cycle}
        # In the nats that p standardised features cost who knows nothing: the unit that a head's weight is given in.
        return loss * (x[0].numel() / 2), {name: term.detach() for name, term in terms.items()}

    def _discriminator_loss(
        self, x: Tensor, generator: torch.Generator, progress: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            made = self.players.decode(self._draw(x, generator))
        scores = self.discriminator(torch.cat([x, made]))
        real_score, made_score = scores.chunk(2)
        some = math.ceil(len(x) / _PENALISED)
        penalty = self.adversary.penalty(self.discriminator, x[:some], made[:some], self.spread, generator)
        loss = self.adversary.of_discriminator(real_score, made_score) + self.penalty * penalty
        return loss, {"gap": (real_score - made_score).mean().detach(), "penalty": penalty.detach()}

    def loss(self, x: Tensor, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, Tensor]]:
        """Judges what is kept on items x: how much of them it leaves unexplained, and what its samples cover."""
        code = self.averaged.infer(x).mean
        made_code = self.averaged.infer(self.averaged.decode(self._draw(x, generator))).mean
        covered, apart = coverage(code, made_code), distinct(code, made_code)
        return self._unexplained(self.averaged.decode(code), x), {"coverage": covered, "distinct": apart}

    def activity(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Measures what each dimension carries; see `Composition.activity`."""
        return self.averaged.activity(x)

    def _draw(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return self.players.prior.sample(len(x), generator)

    def _unexplained(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """Returns the share of the variance of x that is not in x_hat."""
        return (x_hat - x).flatten(1).square().sum(1).mean() / self.spread.square()
