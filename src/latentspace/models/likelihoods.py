"""p(x given z): what a decoder's outputs mean, as nats of negative log-likelihood and as the reconstruction they give.

A likelihood reads `heads` numbers a feature, laid out along the first axis of an item: outputs (n, heads * c, ...) for
x of shape (n, c, ...). Each works in one unit of x (see `scaling`), which the data tells.
"""

import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Bernoulli(nn.Module):
    """p(x given z) = s(a)^x (1 - s(a))^(1 - x) for x in [0, 1], with the decoder's outputs as logits a.

    For x strictly between 0 and 1 it is a cross-entropy that is smallest where s(a) = x, not a density over x
    (Loaiza-Ganem and Cunningham, 2019).
    """

    name: ClassVar[str] = "bernoulli"
    unit: ClassVar[str] = "unit"
    heads: ClassVar[int] = 1
    is_density: ClassVar[bool] = False

    def __init__(self, p: int, scale: float | None = None):
        super().__init__()

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs and x of shape (n, ...) to nats of shape (n,)."""
        return _BernoulliNll.apply(outputs.flatten(1), x.flatten(1))

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs to the expected x, in [0, 1]."""
        return torch.sigmoid(outputs)


class _BernoulliNll(torch.autograd.Function):
    """softplus(a) - a x, with one sigmoid for the value and for the gradient, which is s(a) - x.

    Through PyTorch's own kernel the step costs twice the passes over a batch. softplus(a) = max(a, 0) - log s(|a|), and
    s(|a|) = |s(a) - 1/2| + 1/2 lies in [1/2, 1], where a float32 logarithm is exact enough.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, x: Tensor) -> Tensor:
        s = torch.sigmoid(a)
        ctx.save_for_backward(s, x)
        log = (s - 0.5).abs_().add_(0.5).log_()
        return torch.clamp_min(a, 0).sub_(log.addcmul_(a, x)).sum(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        s, x = ctx.saved_tensors
        return (s - x).mul_(gradient.unsqueeze(1)), None


class Gaussian(nn.Module):
    """p(x given z) = N(x; outputs, scale^2), with one scale for all features, learned or fixed.

    The learned scale is the maximum of the likelihood itself, scale^2 = mean (x - outputs)^2, followed over batches by
    a moving average (Rybkin, Daniilidis and Levine, "sigma-VAE", 2021): it balances reconstruction against the
    divergence with no weight to tune, and no optimiser's rate bounds how fast it settles.

    Parameters
    ----------
    p : int
        Features of one item.
    scale : float or None
        In the unit of x. None learns it.
    """

    name: ClassVar[str] = "gaussian"
    unit: ClassVar[str] = "standard"
    heads: ClassVar[int] = 1
    is_density: ClassVar[bool] = True

    smallest: ClassVar[float] = 1e-5  # variance: what can be rebuilt without error would ask for an infinite density
    memory: ClassVar[float] = 0.95  # share of the old variance that a batch leaves

    variance: Tensor

    def __init__(self, p: int, scale: float | None = None):
        super().__init__()
        self.learns = scale is None
        self.register_buffer("variance", torch.ones(()) if scale is None else torch.tensor(float(scale) ** 2))

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs and x of shape (n, ...) to nats of shape (n,)."""
        difference = (outputs - x).flatten(1)
        squares = torch.linalg.vecdot(difference, difference)  # (n,)
        p = difference.shape[1]
        if self.training and self.learns:
            self.variance.lerp_(squares.detach().mean() / p, 1 - self.memory).clamp_(min=self.smallest)
        # A copy: the next batch changes the buffer in place, maybe before this one's gradient is taken.
        variance = self.variance.clone()
        return 0.5 * (squares / variance + p * (variance.log() + math.log(2 * math.pi)))

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs to the expected x: the outputs."""
        return outputs


LIKELIHOODS: dict[str, type[nn.Module]] = {"bernoulli": Bernoulli, "gaussian": Gaussian}
