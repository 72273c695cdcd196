"""A likelihood of directions: what an item is made of, whatever its size."""

import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..posteriors.bessel import log_bessel
from .base import Likelihood

_ROWS = 1024  # items that are looked at a time
_MEMORY = 0.95  # share of the old mean cosine that a batch leaves
_COSINES = (0.01, 0.999)  # of what can be rebuilt without error the density would have no bound


class VonMisesFisher(Likelihood):
    """p(x given z) = C(kappa) exp(kappa mu'x / |x|), a density of directions about mu, which z tells.

    mu_i is proportional to w_i exp(output_i), where w is the data's mean direction: nothing is below 0, and features
    that are a thousand times as common as others begin alike. For rows of weights from 0 whose proportions count and
    whose sizes do not: texts by TF-IDF, as in the spherical topic models of Reisinger, Waters, Silverthorn and Mooney
    (2010), where it found topics that people could name more often than counts did. Few heavy features weigh as in
    squared error, while a `multinomial` spends itself on the many light ones.

    The concentration kappa is that of maximum likelihood for the mean cosine c of items with what they were rebuilt as,
    (c p - c^3) / (1 - c^2) (Banerjee, Dhillon, Ghosh and Sra, 2005), followed over batches by a moving average: no
    weight is left to tune between reconstruction and divergence. A row of zeros has no direction and tells nothing.

    An item's size is not in z: x_hat is of the data's mean length, times c, as the mean of what scatters about mu is.
    """

    name: ClassVar[str] = "vmf"
    unit: ClassVar[str] = "weights"

    log_base: Tensor
    length: Tensor
    cosine: Tensor

    def __init__(self, shape: tuple[int, ...], scale: float | None = None):
        super().__init__(shape, scale)
        self.p = math.prod(shape)
        if self.p < 2:
            raise ValueError("likelihood='vmf' is of directions; one feature has but one. Take likelihood='gaussian'.")
        self.register_buffer("log_base", torch.zeros(self.p))
        self.register_buffer("length", torch.ones(()))
        self.register_buffer("cosine", torch.tensor(0.5))

    def start(self, x: Any, generator: torch.Generator) -> None:
        """Measures the mean direction, the mean length, and how near to that direction items are without any z."""
        total = torch.zeros(self.p, dtype=torch.float64)
        lengths, there = 0.0, 0
        for rows in x.split(_ROWS):
            flat = rows.flatten(1)
            total += nn.functional.normalize(flat, dim=1).sum(0, dtype=torch.float64).cpu()
            lengths += float(flat.norm(dim=1).sum(dtype=torch.float64))
            there += int((flat > 0).sum())
        if there == 0:
            return  # all rows are zeros
        # Half a usual weight more: a feature that no training item has would have the logarithm of nothing.
        base = total + 0.5 * total.sum() / there
        self.log_base.copy_(torch.log(base / base.sum()))
        self.length.fill_(lengths / len(x))
        self.cosine.fill_(float(total @ base / base.norm()) / len(x))

    def seen(self, x: Tensor) -> Tensor:
        """Items to their directions, at a mean square of 1 for each feature."""
        return (math.sqrt(self.p) * nn.functional.normalize(x.flatten(1), dim=1)).view_as(x)

    def direction(self, outputs: Tensor) -> Tensor:
        """Outputs (n, ...) to mu, rows (n, p) of length 1 with nothing below 0."""
        logs = self.log_base + outputs.flatten(1)
        return nn.functional.normalize(torch.exp(logs - logs.detach().amax(1, keepdim=True)), dim=1)

    def parts(self, outputs: Tensor) -> Tensor:
        """Outputs (n, ...) to what they are made of: mu over its sum, (n, p), rows summing to 1."""
        return nn.functional.normalize(self.direction(outputs), p=1, dim=1)

    def telling(self, outputs: Tensor) -> Tensor:
        """Outputs (n, ...) to how much each feature tells of them, (n, p): its part of the direction mu."""
        return self.direction(outputs)

    def concentration(self) -> Tensor:
        """kappa: 0 for directions all over the sphere, larger the nearer they are to mu; float64."""
        c = self.cosine.double().clamp(*_COSINES)
        return c * (self.p - c**2) / (1 - c**2)

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs and x of shape (n, ...) to nats of shape (n,), of the direction, by area of the sphere."""
        cosine = (self.direction(outputs) * nn.functional.normalize(x.flatten(1), dim=1)).sum(1)
        if self.training:
            self.cosine.lerp_(cosine.detach().mean(), 1 - _MEMORY)
        kappa, order = self.concentration(), self.p / 2 - 1
        log_c = order * kappa.log() - (order + 1) * math.log(2 * math.pi) - log_bessel(order, kappa)[0]
        return (-log_c - kappa * cosine).to(outputs.dtype)

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs to c mu times the data's mean length, (n, ...): the directions scatter about mu, and so their mean is
        shorter than they are."""
        return (self.length * self.cosine.clamp(*_COSINES) * self.direction(outputs)).view_as(outputs)
