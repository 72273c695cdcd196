"""Likeness as a discriminator sees it: the reconstruction loss of the VAE-GAN."""

import itertools
import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, softplus

from ..critics import BETAS, two_class_loss
from ..turns import Turn
from .base import Likelihood

_FEATURES = 128  # width of a dense discriminator's hidden layer
_CHANNELS = 16  # of a convolutional one's first level

_Said = tuple[Tensor, dict[str, Tensor]]


class FeatureMatching(Likelihood):
    """nll = -log N(h; h_hat, scale^2) + adversarial log(1 + e^-D(x_hat)),  h what a discriminator D sees of x.

    D learns, in a turn of its own, to tell x from x_hat and from what the decoder makes of draws of the prior, half of
    each; what it looks at has to be rebuilt, so pictures come out sharp where an average over pixels is blurred (Larsen
    et al., "Autoencoding beyond pixels", 2016). The decoder has a turn of its own beside the model's, in which those
    draws shall be taken for real. Scales follow the residuals as `Gaussian`'s does. A departure: the pixels are half of
    what is matched, which holds colours and is what is learned while D knows nothing yet.

    Where there is no prior, as in an `Autoencoder`, reconstructions are all that D judges.

    Parameters
    ----------
    shape, scale
        As for every `Likelihood`; there is no scale to fix.
    adversarial : float, default=0.02
        Nats a feature that being taken for real weighs. At 0.1 it outweighs the pixels while their scale is still wide,
        and pictures start out black.
    slope : float, default=0.1
        Weight of the penalty on D's slope. At 1 D learned nothing.
    """

    name: ClassVar[str] = "feature-matching"
    judged: ClassVar[bool] = False

    memory: ClassVar[float] = 0.95
    smallest: ClassVar[float] = 1e-5

    variances: Tensor

    def __init__(
        self, shape: tuple[int, ...], scale: float | None = None, *, adversarial: float = 0.02, slope: float = 0.1
    ):
        super().__init__(shape, scale)
        self.adversarial, self.slope = adversarial, slope
        self.discriminator = _Discriminator(self.shape)
        self.register_buffer("variances", torch.ones(2))  # of pixels, and of D's features

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs and x of shape (n, ...) to something like nats, of shape (n,)."""
        features, score = self.discriminator.look(outputs)
        with torch.no_grad():
            wanted, _ = self.discriminator.look(x)
        p = math.prod(self.shape)
        squares = torch.stack([_mean_square(outputs - x), _mean_square(features - wanted)], dim=1)  # (n, 2)
        if self.training:
            self.variances.lerp_(squares.detach().mean(0), 1 - self.memory).clamp_(min=self.smallest)
        variances = self.variances.clone()
        matched = 0.25 * p * (squares / variances + variances.log() + math.log(2 * math.pi)).sum(1)
        return matched + self.adversarial * p * softplus(-score)

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs to the expected x: the outputs."""
        return outputs

    def turns(self, model: Any) -> list[Turn]:
        """Returns the decoder's turn, where there is a prior, and the discriminator's; see the class."""

        def made(n: int, generator: torch.Generator) -> Tensor:
            return self.mean(model.outputs(model.prior.sample(n, generator)))

        def pass_for_real(x: Tensor, generator: torch.Generator, _progress: float) -> _Said:
            return softplus(-self.discriminator(made(len(x), generator))).mean(), {}

        def tell_apart(x: Tensor, generator: torch.Generator, _progress: float) -> _Said:
            with torch.no_grad():
                x_hat = self.mean(model.outputs(model.infer(x).rsample(generator)))
                if model.prior is not None and (drawn := len(x) // 2):
                    x_hat = torch.cat([x_hat[drawn:], made(drawn, generator)])
            return two_class_loss(self.discriminator, x, x_hat, self.slope), {}

        own = list(self.discriminator.parameters())
        turns = [Turn("discriminator", own, tell_apart, rate=0.25, betas=BETAS, weight_decay=0.0)]
        if model.prior is not None:
            decoder = list(model.decoder.parameters())
            turns.insert(0, Turn("decoder", decoder, pass_for_real, rate=0.1, betas=BETAS, weight_decay=0.0))
        return turns


class _Discriminator(nn.Module):
    """x to features, the hidden layer that is matched, and on to a score; convolutional for pictures."""

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        self.stages: nn.ModuleList
        if len(shape) == 3 and min(shape[1:]) >= 8:
            widths = [shape[0], _CHANNELS, 2 * _CHANNELS, 4 * _CHANNELS]
            convolutions = [nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in itertools.pairwise(widths)]
            self.stages = nn.ModuleList(convolutions)
            side = [shape[1] // 8, shape[2] // 8]
            self.score = nn.Linear(widths[-1] * math.prod(side), 1)
        else:
            p = math.prod(shape)
            self.stages = nn.ModuleList([nn.Linear(p, _FEATURES), nn.Linear(_FEATURES, _FEATURES)])
            self.score = nn.Linear(_FEATURES, 1)
        self.flat = not isinstance(self.stages[0], nn.Conv2d)

    def look(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x of shape (n, ...) to the features before the last stage (n, f), and to scores (n,)."""
        h = x.flatten(1) if self.flat else x
        for stage in self.stages:
            features = h
            h = leaky_relu(stage(h), 0.2)
        return features.flatten(1), self.score(h.flatten(1)).squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        """x of shape (n, ...) to scores (n, 1)."""
        return self.look(x)[1].unsqueeze(1)


def _mean_square(difference: Tensor) -> Tensor:
    return difference.flatten(1).square().mean(1)
