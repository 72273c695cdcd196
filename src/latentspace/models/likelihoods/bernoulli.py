"""Yes or no in every feature, or a share between: what pixels and ticks are rebuilt by."""

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .base import Likelihood


class Bernoulli(Likelihood):
    """p(x given z) = s(a)^x (1 - s(a))^(1 - x) for x in [0, 1], with the decoder's outputs as logits a.

    For x strictly between 0 and 1 it is a cross-entropy that is smallest where s(a) = x, not a density over x
    (Loaiza-Ganem and Cunningham, 2019).
    """

    name: ClassVar[str] = "bernoulli"
    unit: ClassVar[str] = "unit"

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
