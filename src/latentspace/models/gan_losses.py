"""What a GAN's two networks lower: how scores of real and made items become losses, and what keeps the slopes small.

Slopes are counted over one spread of the data, the root of the summed variances of its features, so that a weight means
the same for a table of four columns and for pictures of a thousand pixels, whatever their unit.
"""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

Score = Callable[[Tensor], Tensor]  # x of shape (n, ...) to (n,), larger where x looks real


def slopes(score: Score, x: Tensor, spread: Tensor) -> Tensor:
    """Returns by how much the score would change over one spread, going uphill from each x; (n,), differentiable."""
    x = x.detach().requires_grad_(True)
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(score(x).sum(), x, create_graph=True)
    return spread * torch.linalg.vector_norm(gradient.flatten(1), dim=1)


class Relativistic:
    """Each made item must look more real than its real partner (Jolicoeur-Martineau, 2019).

    To pile up in one mode no longer pays, since every partner beats it in a mode of its own. With zero-centred
    penalties at real and at made items it converges (R1 + R2; Huang et al., "The GAN is dead; long live the GAN",
    2024).
    """

    name: ClassVar[str] = "relativistic"
    weight: ClassVar[float] = 0.01  # of the penalty, where the user names none
    repeats: ClassVar[int] = 1  # steps of the discriminator for one of the generator
    centre: ClassVar[float] = 0.0  # the slope that costs nothing

    def of_discriminator(self, real: Tensor, made: Tensor) -> Tensor:
        """Scores (n,) of real and made items to what the discriminator lowers."""
        return softplus(made - real).mean()

    def of_generator(self, real: Tensor, made: Tensor) -> Tensor:
        """Scores (n,) of real and made items to what the generator lowers."""
        return softplus(real - made).mean()

    def points(self, real: Tensor, made: Tensor, generator: torch.Generator) -> Tensor:
        """Returns the x at which slopes are taken, from real and made items (n, ...)."""
        return torch.cat([real, made])

    def penalty(self, score: Score, real: Tensor, made: Tensor, spread: Tensor, generator: torch.Generator) -> Tensor:
        """Returns the mean squared distance of the score's slopes from the centre."""
        return (slopes(score, self.points(real, made, generator), spread) - self.centre).square().mean()


class WassersteinGP(Relativistic):
    """The Wasserstein distance by a score with slopes of 1 between real and made items (Gulrajani et al., 2017)."""

    name: ClassVar[str] = "wgan-gp"
    weight: ClassVar[float] = 10.0
    repeats: ClassVar[int] = 3
    centre: ClassVar[float] = 1.0

    def of_discriminator(self, real: Tensor, made: Tensor) -> Tensor:
        """Scores (n,) to the distance's negative."""
        return made.mean() - real.mean()

    def of_generator(self, real: Tensor, made: Tensor) -> Tensor:
        """Scores (n,) to the distance."""
        return real.mean() - made.mean()

    def points(self, real: Tensor, made: Tensor, generator: torch.Generator) -> Tensor:
        """Returns points on the lines between pairs of real and made items."""
        share = torch.rand((len(real), *[1] * (real.dim() - 1)), generator=generator, device=real.device)
        return torch.lerp(real, made, share)


class Hinge(Relativistic):
    """Scores are pushed past 1 and -1 and no further (Lim and Ye, 2017), with slopes held at real items.

    R1 (Mescheder, Geiger and Nowozin, 2018) in place of the usual spectral norm, which is a property of the network.
    """

    name: ClassVar[str] = "hinge"

    def of_discriminator(self, real: Tensor, made: Tensor) -> Tensor:
        """Scores (n,) to what is left to push."""
        return relu(1 - real).mean() + relu(1 + made).mean()

    def of_generator(self, real: Tensor, made: Tensor) -> Tensor:
        """Scores (n,) of made items, negated."""
        return -made.mean()

    def points(self, real: Tensor, made: Tensor, generator: torch.Generator) -> Tensor:
        """Returns the real items."""
        return real


ADVERSARIES: dict[str, type[Relativistic]] = {kind.name: kind for kind in (Relativistic, WassersteinGP, Hinge)}
