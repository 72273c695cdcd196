"""q(z given x) of a coder: all mass on one of finitely many values, and a gradient that passes the rounding."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..posteriors import Point


@dataclass
class Coded(Point):
    """A quantised latent.

    Attributes
    ----------
    mean : float tensor of shape (n, dims)
        The quantised latent. Its gradient reaches `raw` as if nothing had been rounded (Bengio, Leonard and Courville,
        2013).
    raw : float tensor of shape (n, dims)
        What the encoder gave, in a steady unit.
    codes : int64 tensor of shape (n, groups) or (n, groups, stages)
    """

    raw: Tensor
    codes: Tensor

    @staticmethod
    def passing(raw: Tensor, quantised: Tensor) -> Tensor:
        """Returns the quantised value, whose gradient goes to the raw one."""
        # The sum `raw + (quantised - raw)` of the usual trick is off by a rounding, so z would not be a code's value.
        return _StraightThrough.apply(raw, quantised)


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, raw: Tensor, quantised: Tensor) -> Tensor:  # noqa: ARG004
        return quantised.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ARG004
        return gradient, None


def perplexity(counts: Tensor) -> Tensor:
    """How many codes are in use: exp of the entropy of their shares.

    Parameters
    ----------
    counts : float tensor of shape (..., size)
        How often each code was used.

    Returns
    -------
    float tensor of shape (...)
        From 1, one code for everything, to `size`, all equally often; higher is better.
    """
    shares = counts / counts.sum(-1, keepdim=True).clamp_min(1e-12)
    return torch.special.entr(shares).sum(-1).exp()
