"""A normal distribution in every dimension: the posterior of Kingma and Welling (2014)."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

_LOG_VAR_BOUND = 10.0  # the deviation stays within e^-5 and e^5


@dataclass
class Gaussian:
    """N(mean, exp(log_var)), independent in every dimension.

    Attributes
    ----------
    mean, log_var : float tensors of shape (n, dims)
    """

    mean: Tensor
    log_var: Tensor

    @classmethod
    def of(cls, outputs: Tensor) -> "Gaussian":
        """Reads encoder outputs (n, 2 * dims).

        The log-variance is bounded smoothly, so that its exponential cannot overflow and it never loses its gradient.
        """
        mean, log_var = outputs.chunk(2, dim=1)
        return cls(mean, _LOG_VAR_BOUND * torch.tanh(log_var / _LOG_VAR_BOUND))

    def rsample(self, generator: torch.Generator, shared: bool = False) -> Tensor:
        """Draws z of shape (n, dims); `shared` gives all items the same chance."""
        return self.at(noise_like(self.mean, generator, shared))

    def rsample_with_log_prob(self, generator: torch.Generator, shared: bool = False) -> tuple[Tensor, Tensor]:
        """Draws z (n, dims), with its log-density (n,) in nats."""
        noise = noise_like(self.mean, generator, shared)
        return self.at(noise), standard_log_prob(noise) - 0.5 * self.log_var.sum(1)

    def at(self, noise: Tensor) -> Tensor:
        """Returns z = mean + deviation * noise for standard normal noise."""
        return torch.addcmul(self.mean, torch.exp(0.5 * self.log_var), noise.expand_as(self.mean))

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density at z, in nats, of shape (n,)."""
        return standard_log_prob((z - self.mean) * torch.exp(-0.5 * self.log_var)) - 0.5 * self.log_var.sum(1)

    def log_prob_of_each(self, z: Tensor) -> Tensor:
        """Log-density of every z (m, dims) under every item's q by dimension, in nats: (m, n, dims)."""
        distance = (z.unsqueeze(1) - self.mean).square() * torch.exp(-self.log_var)
        return -0.5 * (distance + self.log_var + math.log(2 * math.pi))

    def kl(self, prior: Any) -> Tensor | None:
        """KL from a normal prior around 0 in nats, by dimension (n, dims); None for any other.

        ((mean^2 + exp(log_var)) / variance - 1 - log_var + log(variance)) / 2, after Kingma and Welling (2014,
        appendix B), whose prior has variance 1.
        """
        variance = getattr(prior, "variance", None)
        if variance is None:
            return None
        spread = self.mean.square() + torch.exp(self.log_var)
        return 0.5 * (spread / variance - 1 - self.log_var + math.log(variance))


class GaussianPosterior(nn.Module):
    """The encoder gives a mean and a log-variance for each dimension."""

    name: ClassVar[str] = "gaussian"
    space: ClassVar[str] = "euclidean"
    factorised: ClassVar[bool] = True
    has_density: ClassVar[bool] = True

    def __init__(self, dims: int):
        super().__init__()
        self.outputs = 2 * dims

    def forward(self, h: Tensor) -> Gaussian:
        return Gaussian.of(h)


def noise_like(mean: Tensor, generator: torch.Generator, shared: bool) -> Tensor:
    """Draws standard normal noise (n, dims), or one row (1, dims) for all."""
    return torch.empty_like(mean[:1] if shared else mean).normal_(generator=generator)


def standard_log_prob(z: Tensor) -> Tensor:
    """Log-density of N(0, 1) at z (n, dims), summed over dimensions: (n,)."""
    return -0.5 * (z.square() + math.log(2 * math.pi)).sum(1)
