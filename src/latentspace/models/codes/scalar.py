"""Finite scalar quantisation: every dimension rounded to a few levels. No codebook, so none that could collapse."""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..parts import whole
from .coded import Coded, perplexity
from .steady import DEVIATION, Steady

_MOST_LEVELS = 4096
_SLOPE = 0.8 / DEVIATION  # tanh(0.8 h) is within 0.02 of the standard normal distribution's own 2 F(h) - 1
_SPAN = 5.0  # z goes from -5 to 5, a deviation of about 3


class ScalarCodes(nn.Module):
    """z_i is the centre of that one of L_i equal bins of (-5, 5) which holds 5 tanh(0.27 h_i) (Mentzer et al., 2024).

    h has a deviation of 3, so that the bound spreads a normal distribution evenly over the bins. The paper rounds
    instead, which gives the outermost levels half a bin, and shifts an even number of levels by a bin's half, which
    leaves one of two levels nearly without items.

    Parameters
    ----------
    dims : int
        Latent dimensions.
    levels : int or list of int, default=8
        Levels of every dimension, each dimension being a code of its own; or of the dimensions of a group, whose levels
        together are one code of prod(levels) values, repeated over all dimensions.

    Raises
    ------
    ValueError
        If a group does not divide the dimensions, or levels are below 2.
    """

    name: ClassVar[str] = "fsq"
    space: ClassVar[str] = "euclidean"
    factorised: ClassVar[bool] = True
    has_density: ClassVar[bool] = False

    levels: Tensor
    weights: Tensor

    def __init__(self, dims: int, levels: int | Sequence[int] = 8):
        super().__init__()
        group = [levels] if isinstance(levels, int) else list(levels)
        group = [whole("levels", level, 2, _MOST_LEVELS) for level in group]
        if not group or dims % len(group):
            raise ValueError(
                f"levels={levels!r} make a group of {len(group)} dimensions, which do not divide dims={dims}. "
                f"Pass dims={max(1, round(dims / max(1, len(group)))) * max(1, len(group))}, or one number of levels."
            )
        if math.prod(group) >= 2**53:
            raise ValueError(f"levels={levels!r} make a code of {math.prod(group):.3g} values: pass fewer than 2**53.")
        self.outputs = dims
        self.steady = Steady(dims)
        self.group = len(group)
        self.size = math.prod(group)  # values of one code
        self.register_buffer("levels", torch.tensor(group, dtype=torch.float32), persistent=False)
        weights = [math.prod(group[:i]) for i in range(len(group))]
        self.register_buffer("weights", torch.tensor(weights, dtype=torch.int64), persistent=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one item's codes."""
        return (self.outputs // self.group,)

    def forward(self, h: Tensor) -> Coded:
        """The encoder's outputs (n, dims) to q."""
        steady = self.steady(h)
        bounded = _SPAN * torch.tanh(_SLOPE * steady)
        codes = self.codes(bounded)
        return Coded(Coded.passing(bounded, self.decode(codes)), steady, codes)

    def project(self, z: Tensor) -> Tensor:
        """Latents (n, dims) to the nearest that a code stands for."""
        return self.decode(self.codes(z))

    def codes(self, z: Tensor) -> Tensor:
        """Latents (n, dims) to codes, int64 (n, groups)."""
        bins = ((z.unflatten(1, (-1, self.group)) / _SPAN + 1) / 2 * self.levels).floor()
        bins = torch.minimum(bins.clamp_min(0), self.levels - 1).to(torch.int64)
        return (bins * self.weights).sum(-1)  # mixed radix, the group's first dimension counting by one

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (n, groups) to latents (n, dims)."""
        bins = (codes.unsqueeze(-1) // self.weights) % self.levels.to(torch.int64)  # (n, groups, group)
        return (_SPAN * ((2 * bins + 1) / self.levels - 1)).flatten(1)

    def commitment(self, q: Coded) -> Tensor:
        """Nothing to pay: the bound holds h near z already."""
        return q.mean.new_zeros(())

    def learn(self, q: Coded, generator: torch.Generator) -> None:
        """Follows a batch's unit; there is no codebook to learn."""
        self.steady.learn(q.raw)

    def used(self, q: Coded) -> dict[str, Tensor]:
        """Returns how many codes a batch used: the mean perplexity of the groups where codes can be counted."""
        if self.size > 2**16:
            return {}
        counts = torch.zeros(q.codes.shape[1], self.size, device=q.codes.device)
        counts.scatter_add_(1, q.codes.T, torch.ones_like(q.codes.T, dtype=counts.dtype))
        return {"perplexity": perplexity(counts).mean()}
