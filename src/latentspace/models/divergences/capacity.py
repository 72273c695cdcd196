"""A KL held at a capacity that rises over training, so that dimensions come into use one after another."""

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import huber_loss

from .base import Divergence, Penalty
from .kl import kl

_NEAR = 10.0  # nats off the capacity, below which the pull grows with the distance


class Capacity(Divergence):
    """gamma h(KL - C(t)), with C rising from 0 to `capacity` over a share of training.

    h(d) = d^2 / 20 up to 10 nats off, |d| - 5 from there

    What matters most to the reconstruction is coded first, each in a dimension of its own, and later detail leaves
    those alone (Burgess et al., "Understanding disentangling in beta-VAE", 2018). There h is the distance itself, whose
    slope of gamma to either side shakes the encoder once the KL is there: error was twice as high on digits, and higher
    by 44% on a table. The rise is the warm-up, and the capacity the free bits: neither of these is read.

    Parameters
    ----------
    dims, beta, warm_up, free_bits
        As for every `Divergence`.
    capacity : float or None, default=None
        Nats of KL an item at the end; None takes the paper's 25, or 4 for each dimension where there are few.
    gamma : float, default=10.0
        Nats for each nat that the KL is off; it must outweigh what a nat of KL wins in reconstruction, which is a few
        while the capacity is low and about 1 where a plain VAE ends: there the KL is a nat above the capacity.
    rise : float, default=0.4
        Share of training over which the capacity rises.
    """

    name: ClassVar[str] = "capacity"

    def __init__(
        self, dims: int, beta: float = 1.0, warm_up: float = 0.0, free_bits: float = 0.0, *,
        capacity: float | None = None, gamma: float = 10.0, rise: float = 0.4,
    ):  # fmt: skip
        super().__init__(dims, beta, warm_up, free_bits=0.0)
        self.capacity = min(25.0, 4.0 * dims) if capacity is None else capacity
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
        off = huber_loss(mean, mean.new_tensor(self.allowed(progress)), delta=_NEAR) / _NEAR
        return self.beta * self.gamma * off, {"kl": mean.detach()}

    def refusal(self, posterior: Any, prior: Any, bound: Any) -> str | None:
        return self._needs_density(posterior)
