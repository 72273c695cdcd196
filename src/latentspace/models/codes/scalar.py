"""Finite scalar quantisation: every dimension rounded to a few levels. No codebook, so none that could collapse."""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..parts import whole
from .coded import Coded, perplexity
from .steady import Steady

_MOST_LEVELS = 4096
_SLOPE = 0.8  # tanh(0.8 h) is within 0.02 of the normal distribution's own 2 F(h) - 1
_MARGIN = 1e-3  # how far beyond the outermost level the bounded value may go, so that this level can be reached


class ScalarCodes(nn.Module):
    """z_i = round((L_i - 1) / 2 * tanh(0.8 h_i)) / (L_i // 2) (Mentzer, Minnen, Agustsson and Tschannen, 2024).

    An even number of levels is shifted by half a step, so that exactly L_i values can be taken. h is in a steady unit,
    in which tanh(0.8 h) spreads a normal distribution evenly over the levels.

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
        half = (self.levels - 1) * (1 + _MARGIN) / 2
        offset = torch.where(self.levels % 2 == 0, 0.5, 0.0)
        steady = self.steady(h)
        bounded = torch.tanh(_SLOPE * self._grouped(steady) + torch.atanh(offset / half)) * half - offset
        steps = bounded.round()
        z = Coded.passing((bounded / self._half_steps).flatten(1), (steps / self._half_steps).flatten(1))
        return Coded(z, steady, self._codes(steps))

    def project(self, z: Tensor) -> Tensor:
        """Latents (n, dims) to the nearest that a code stands for."""
        return self.decode(self.codes(z))

    def codes(self, z: Tensor) -> Tensor:
        """Latents (n, dims) to codes, int64 (n, groups)."""
        steps = (self._grouped(z) * self._half_steps).round()
        low = -self._half_steps
        return self._codes(torch.maximum(torch.minimum(steps, low + self.levels - 1), low))

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (n, groups) to latents (n, dims)."""
        levels = self.levels.to(torch.int64)
        steps = (codes.unsqueeze(-1) // self.weights) % levels  # (n, groups, group)
        return ((steps - levels // 2) / self._half_steps).to(torch.float32).flatten(1)

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

    @property
    def _half_steps(self) -> Tensor:
        return self.levels // 2

    def _grouped(self, values: Tensor) -> Tensor:
        return values.unflatten(1, (-1, self.group))

    def _codes(self, steps: Tensor) -> Tensor:
        """Mixed radix, the group's first dimension counting by one."""
        return ((steps + self._half_steps).to(torch.int64) * self.weights).sum(-1)
