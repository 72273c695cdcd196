"""q(z given x): what an encoder's outputs mean. It draws z so that gradients reach the encoder, and has a mean."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

_LOG_VAR_BOUND = 10.0  # the deviation stays within e^-5 and e^5


@dataclass
class Gaussian:
    """N(mean, exp(log_var)), independent in every dimension (Kingma and Welling, 2014).

    Attributes
    ----------
    mean, log_var : float tensors of shape (n, dims)
    """

    mean: Tensor
    log_var: Tensor

    per_dim: ClassVar[int] = 2  # outputs that the encoder gives for each dimension

    @classmethod
    def of(cls, outputs: Tensor) -> "Gaussian":
        """Reads encoder outputs (n, 2 * dims).

        The log-variance is bounded smoothly, so that its exponential cannot overflow and it never loses its gradient.
        """
        mean, log_var = outputs.chunk(2, dim=1)
        return cls(mean, _LOG_VAR_BOUND * torch.tanh(log_var / _LOG_VAR_BOUND))

    def rsample(self, generator: torch.Generator) -> Tensor:
        """Draws z of shape (n, dims)."""
        return self.at(torch.empty_like(self.mean).normal_(generator=generator))

    def at(self, noise: Tensor) -> Tensor:
        """Returns z = mean + deviation * noise for standard normal noise."""
        return torch.addcmul(self.mean, torch.exp(0.5 * self.log_var), noise.expand_as(self.mean))

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density at z, in nats, of shape (n,)."""
        distance = (z - self.mean).square() * torch.exp(-self.log_var)
        return -0.5 * (distance + self.log_var + math.log(2 * math.pi)).sum(1)


@dataclass
class Point:
    """All mass on one point: the deterministic code of a plain autoencoder.

    Attributes
    ----------
    mean : float tensor of shape (n, dims)
    """

    mean: Tensor

    per_dim: ClassVar[int] = 1

    @classmethod
    def of(cls, outputs: Tensor) -> "Point":
        """Reads encoder outputs (n, dims)."""
        return cls(outputs)

    def rsample(self, generator: torch.Generator) -> Tensor:
        """Returns the point."""
        return self.mean

    def at(self, noise: Tensor) -> Tensor:
        """Returns the point."""
        return self.mean
