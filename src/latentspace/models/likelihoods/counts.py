"""Likelihoods of counts: how often each thing happened. x is whole numbers from 0, in its own unit.

The decoder's outputs say how each feature differs from its mean over the data, in logarithms, so that genes or films
with means of 0.001 and 1000 begin alike. Encoders see logarithms. The sums run in float64: at a count of a million,
terms of 10^7 nats cancel to a few.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from .base import Likelihood

_ROWS = 1024  # items that are counted at a time
_BOUND = 10.0  # rates stay within e^-10 and e^10 times their feature's mean


class _Counts(Likelihood):
    """What the three share: means counted before training, logarithms for the encoder."""

    unit: ClassVar[str] = "counts"

    log_base: Tensor
    centre: Tensor
    spread: Tensor

    def __init__(self, shape: tuple[int, ...], scale: float | None = None):
        super().__init__(shape, scale)
        for name in ("log_base", "centre"):
            self.register_buffer(name, torch.zeros(math.prod(shape)))
        self.register_buffer("spread", torch.ones(()))

    def start(self, x: Tensor, generator: torch.Generator) -> None:
        """Counts each feature's mean; half a count more keeps the logarithm of one that never happened finite."""
        flat = x.flatten(1)
        self.log_base.copy_(torch.log((flat.sum(0, dtype=torch.float64) + 0.5) / len(x)))
        total, squares = (torch.zeros_like(self.centre, dtype=torch.float64) for _ in range(2))
        for rows in flat.split(_ROWS):
            logs = torch.log1p(rows).double()
            total += logs.sum(0)
            squares += logs.square().sum(0)
        centre = total / len(x)
        variance = (squares / len(x) - centre.square()).clamp_min(0).mean()
        self.centre.copy_(centre)
        self.spread.copy_(variance.sqrt() if variance > 0 else torch.ones(()))

    def seen(self, x: Tensor) -> Tensor:
        """Counts to log(1 + x), less each feature's mean, over one spread of all features.

        A spread for each would make the rarest events the loudest.
        """
        return ((torch.log1p(x.flatten(1)) - self.centre) / self.spread).view_as(x)

    def log_rate(self, outputs: Tensor) -> Tensor:
        """Outputs (n, ...) to float64 logarithms of the rate (n, p), bounded smoothly about the feature's mean."""
        return self.log_base.double() + _BOUND * torch.tanh(outputs.flatten(1).double() / _BOUND)


class Poisson(_Counts):
    """p(x given z) = prod_i exp(-rate_i) rate_i^x_i / x_i!: independent events at rates that z tells.

    The variance equals the mean; counts of single cells and of words scatter more: see `NegativeBinomial`.
    """

    name: ClassVar[str] = "poisson"

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs and counts x of shape (n, ...) to nats of shape (n,)."""
        log_rate, x = self.log_rate(outputs), x.flatten(1).double()
        return (log_rate.exp() - x * log_rate + torch.lgamma(x + 1)).sum(1).to(outputs.dtype)

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs to the expected counts, (n, ...)."""
        return self.log_rate(outputs).exp().to(outputs.dtype).view_as(outputs)


class NegativeBinomial(_Counts):
    """p(x given z) = prod_i G(x + r) / (G(r) x!) (r / (r + m))^r (m / (r + m))^x, a Poisson whose rate itself scatters.

    m is the mean, which z tells, and r the feature's own dispersion, learned: the variance is m + m^2 / r (as of single
    cells' counts in Lopez et al., "scVI", 2018). It starts where the data's moments put it.
    """

    name: ClassVar[str] = "negative-binomial"

    least, most = 1e-3, 1e4  # of r: below, all counts are 0; above, it is a Poisson

    def __init__(self, shape: tuple[int, ...], scale: float | None = None):
        super().__init__(shape, scale)
        self.log_dispersion = nn.Parameter(torch.zeros(math.prod(shape)))

    @torch.no_grad()
    def start(self, x: Tensor, generator: torch.Generator) -> None:
        """Counts each feature's mean, and takes r = mean^2 / (variance - mean)."""
        super().start(x, generator)
        mean = self.log_base.double().exp()
        squares = torch.stack([(rows.double() - mean).square().sum(0) for rows in x.flatten(1).split(_ROWS)]).sum(0)
        excess = squares / len(x) - mean
        dispersion = torch.where(excess > 0, mean.square() / excess.clamp_min(1e-12), torch.full_like(mean, self.most))
        self.log_dispersion.copy_(dispersion.clamp(10 * self.least, self.most / 10).log())

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs and counts x of shape (n, ...) to nats of shape (n,)."""
        log_mean, x = self.log_rate(outputs), x.flatten(1).double()
        log_r = self.log_dispersion.double().clamp(math.log(self.least), math.log(self.most))
        r = log_r.exp()
        chosen = torch.lgamma(x + r) - torch.lgamma(r) - torch.lgamma(x + 1)
        ratio = log_mean - log_r  # log(m / r): both logarithms of a share come from it without cancelling
        return (r * softplus(ratio) + x * softplus(-ratio) - chosen).sum(1).to(outputs.dtype)

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs to the expected counts, (n, ...)."""
        return self.log_rate(outputs).exp().to(outputs.dtype).view_as(outputs)


class Multinomial(_Counts):
    """p(x given z) = N! prod_i share_i^x_i / x_i!, where N = sum x: which things happened, given how many.

    z tells the shares alone, so that long and short texts, or users who watched much or little, can lie together
    (Liang et al., "Mult-VAE", 2018). An item's total is not in z: x_hat is the shares times the data's mean total.

    Parameters
    ----------
    direction : bool, default=False
        Whether the encoder sees x over its length, as Liang et al. give it, not logarithms; right where few features
        of many are there, as of users' histories.
    """

    name: ClassVar[str] = "multinomial"

    def __init__(self, shape: tuple[int, ...], scale: float | None = None, direction: bool = False):
        super().__init__(shape, scale)
        self.direction = bool(direction)

    def seen(self, x: Tensor) -> Tensor:
        """Counts to what the encoder reads: as of the others, or x / |x|, at a mean square of 1 for each feature."""
        if not self.direction:
            return super().seen(x)
        flat = x.flatten(1)
        return (math.sqrt(flat.shape[1]) * nn.functional.normalize(flat, dim=1)).view_as(x)

    def shares(self, outputs: Tensor) -> Tensor:
        """Outputs (n, ...) to float64 logarithms of shares (n, p), whose exponentials sum to 1."""
        return torch.log_softmax(self.log_rate(outputs), dim=1)

    def parts(self, outputs: Tensor) -> Tensor:
        """Outputs (n, ...) to what they are made of: each feature's share, float64 (n, p), rows summing to 1."""
        return self.shares(outputs).exp()

    def telling(self, outputs: Tensor) -> Tensor:
        """Outputs (n, ...) to share_i log(share_i / share_i of the data), float64 (n, p).

        It is what each feature adds to the divergence of these shares from the data's: large for what is both frequent
        here and rare elsewhere. By shares alone every topic begins with the commonest words, by the logarithm alone
        with the rarest.
        """
        log_shares = self.shares(outputs)
        return log_shares.exp() * (log_shares - torch.log_softmax(self.log_base.double(), 0))

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs and counts x of shape (n, ...) to nats of shape (n,)."""
        x = x.flatten(1).double()
        chosen = torch.lgamma(x.sum(1) + 1) - torch.lgamma(x + 1).sum(1)
        return (-chosen - (x * self.shares(outputs)).sum(1)).to(outputs.dtype)

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs to the counts expected of an item with the mean total, (n, ...)."""
        total = self.log_base.double().exp().sum()
        return (total * self.shares(outputs).exp()).to(outputs.dtype).view_as(outputs)
