"""Likelihoods of real numbers about the decoder's outputs, with a scale: one for all features, or one for each."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from .base import Likelihood

_MEMORY = 0.95  # share of the old scale that a batch leaves


class Gaussian(Likelihood):
    """p(x given z) = N(x; outputs, scale^2), with one scale for all features, learned or fixed.

    The learned scale is the maximum of the likelihood itself, scale^2 = mean (x - outputs)^2, followed over batches by
    a moving average (Rybkin, Daniilidis and Levine, "sigma-VAE", 2021): it balances reconstruction against the
    divergence with no weight to tune, and no optimiser's rate bounds how fast it settles.
    """

    name: ClassVar[str] = "gaussian"
    is_density: ClassVar[bool] = True
    has_scale: ClassVar[bool] = True

    smallest: ClassVar[float] = 1e-5  # variance: what can be rebuilt without error would ask for an infinite density

    variance: Tensor

    def __init__(self, shape: tuple[int, ...], scale: float | None = None):
        super().__init__(shape, scale)
        self.learns = scale is None
        self.register_buffer("variance", torch.ones(()) if scale is None else torch.tensor(float(scale) ** 2))

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs and x of shape (n, ...) to nats of shape (n,)."""
        difference = (outputs - x).flatten(1)
        squares = torch.linalg.vecdot(difference, difference)  # (n,)
        p = difference.shape[1]
        if self.training and self.learns:
            self.variance.lerp_(squares.detach().mean() / p, 1 - _MEMORY).clamp_(min=self.smallest)
        # A copy: the next batch changes the buffer in place, maybe before this one's gradient is taken.
        variance = self.variance.clone()
        return 0.5 * (squares / variance + p * (variance.log() + math.log(2 * math.pi)))

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs to the expected x: the outputs."""
        return outputs


class GaussianPerDim(Likelihood):
    """p(x given z) = prod_i N(x_i; outputs_i, scale_i^2), each feature with a learned scale of its own.

    Right where some features are noise and others can be rebuilt well: one scale for all would let the noise decide how
    well the others have to be. Variances follow the residuals as `Gaussian`'s does. None falls below a hundredth of
    their mean: without a floor the easiest feature would draw all of the gradient, and its density has no bound.
    """

    name: ClassVar[str] = "gaussian-per-dim"
    is_density: ClassVar[bool] = True

    smallest: ClassVar[float] = 1e-5
    share: ClassVar[float] = 0.01  # of the mean variance, the least that a feature has

    variance: Tensor

    def __init__(self, shape: tuple[int, ...], scale: float | None = None):
        super().__init__(shape, scale)
        self.register_buffer("variance", torch.ones(math.prod(shape)))

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs and x of shape (n, ...) to nats of shape (n,)."""
        squares = (outputs - x).flatten(1).square()
        if self.training:
            self.variance.lerp_(squares.detach().mean(0), 1 - _MEMORY)
        variance = self.variance.clamp_min(max(self.smallest, self.share * float(self.variance.mean())))
        return 0.5 * (squares @ (1 / variance) + variance.log().sum() + len(variance) * math.log(2 * math.pi))

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs to the expected x: the outputs."""
        return outputs


class Laplace(Likelihood):
    """p(x given z) = exp(-|x - outputs| / scale) / (2 scale), with one scale for all features, learned or fixed.

    Absolute residuals in place of squares: a few features far off cost less, so outliers do not rule, and pictures stay
    sharper. The learned scale is the maximum of the likelihood, mean |x - outputs|, followed as `Gaussian`'s.
    """

    name: ClassVar[str] = "laplace"
    is_density: ClassVar[bool] = True
    has_scale: ClassVar[bool] = True

    smallest: ClassVar[float] = 3e-3

    spread: Tensor

    def __init__(self, shape: tuple[int, ...], scale: float | None = None):
        super().__init__(shape, scale)
        self.learns = scale is None
        self.register_buffer("spread", torch.ones(()) if scale is None else torch.tensor(float(scale)))

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs and x of shape (n, ...) to nats of shape (n,)."""
        distance = (outputs - x).flatten(1).abs()
        p = distance.shape[1]
        distance = distance.sum(1)
        if self.training and self.learns:
            self.spread.lerp_(distance.detach().mean() / p, 1 - _MEMORY).clamp_(min=self.smallest)
        spread = self.spread.clone()
        return distance / spread + p * (spread.log() + math.log(2))

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs to the expected x: the outputs."""
        return outputs
