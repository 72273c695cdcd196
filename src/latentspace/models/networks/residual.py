"""The residual block: a way around two convolutions, along which a deep network's gradient passes unchanged."""

import math

import torch
from torch import Tensor, nn

from .starting import Starts

_GROUPS = 8  # that a block's channels are normalised in, or what divides both


class Residual(Starts):
    """h + conv(silu(norm(conv(silu(norm(h)))))), with kernels of 3 (He et al., "Identity mappings", 2016).

    Groups of channels are normalised within each item (Wu and He, 2018): no item's result depends on its batch. The
    second convolution starts at zero, so the block starts as nothing, whatever the depth (Zhang et al., "Fixup", 2019).
    """

    def __init__(self, channels: int, sides: int):
        super().__init__()
        convolution = nn.Conv1d if sides == 1 else nn.Conv2d
        groups = math.gcd(_GROUPS, channels)
        self.layers = nn.Sequential(
            nn.GroupNorm(groups, channels), nn.SiLU(), convolution(channels, channels, 3, padding=1),
            nn.GroupNorm(groups, channels), nn.SiLU(), convolution(channels, channels, 3, padding=1),
        )  # fmt: skip

    def settle(self, generator: torch.Generator) -> None:
        """Starts the block as nothing."""
        nn.init.zeros_(self.layers[-1].weight)  # type: ignore[arg-type]

    def forward(self, h: Tensor) -> Tensor:
        return h + self.layers(h)
