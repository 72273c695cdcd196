"""A KL held at a capacity that rises over training, so that dimensions come into use one after another."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from .base import Divergence, Penalty
from .kl import kl


class Capacity(Divergence):
    """gamma |KL - C(t)|, with C rising from 0 to `capacity` over a share of training.

    What matters most to the reconstruction is coded first, each in a dimension of its own, and later detail leaves
    those alone (Burgess et al., "Understanding disentangling in beta-VAE", 2018). The rise is the warm-up, and the
    capacity the free bits: neither of these is read.

    Parameters
    ----------
    dims, beta, warm_up, free_bits
        As for every `Divergence`.
    capacity : float or None, default=None
        Nats of KL an item at the end; None takes 1.5 for each dimension.
    gamma : float, default=30.0
        Nats for each nat that the KL is off; it must outweigh what a nat of KL wins in reconstruction.
    rise : float, default=0.6
        Share of training over which the capacity rises.
    """

    name: ClassVar[str] = "capacity"

    def __init__(
        self, dims: int, beta: float = 1.0, warm_up: float = 0.0, free_bits: float = 0.0, *,
        capacity: float | None = None, gamma: float = 30.0, rise: float = 0.6,
    ):  # fmt: skip
        super().__init__(dims, beta, warm_up, free_bits=0.0)
        self.capacity = 1.5 * dims if capacity is None else capacity
        self.gamma, self.rise = gamma, rise

    @property
    def settles(self) -> float:
        return self.rise

    def allowed(self, progress: float) -> float:
        """Returns C at `progress`, the share of training that is done, 0 to 1."""
        return self.capacity * min(1.0, progress / self.rise) if self.rise > 0 else self.capacity

    def penalty(self, q: Any, z: Tensor, prior: Any, generator: torch.Generator, progress: float) -> Penalty:
        """Returns the weighted distance from the capacity, and the plain KL as "kl"; see `Divergence.penalty`."""
        mean = kl(q, z, prior).mean(0).sum()
        return self.beta * self.gamma * (mean - self.allowed(progress)).abs(), {"kl": mean.detach()}

    def refusal(self, posterior: Any, prior: Any, bound: Any) -> str | None:
        return self._needs_density(posterior)
