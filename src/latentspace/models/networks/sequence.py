"""Networks for sequences (c, t) whose steps depend on one another over any distance: recurrent and transformer.

Both decoders give all steps at once, from z alone: no step is fed with the true steps before it. A decoder that sees
those learns to go on without z, which is how VAEs of texts collapse (Bowman et al., 2016); here z is the only way
through, every step receives it, and the steps are made to agree by layers that look both ways.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from .dense import Shape, stack
from .starting import Decoder, Starts

_BOTTLENECK = 256  # width of the dense layer between a sequence and z
_STRETCHES = 16  # parts of a sequence that a transformer sums up, and lays z out over
_HEAD = 16  # least width of an attention head
_LONGEST = 10_000.0  # wavelength of the slowest position signal, in steps over 2 pi


class RecurrentEncoder(nn.Module):
    """Gated recurrent layers (Cho et al., 2014) in both directions; their last states go through a dense layer."""

    def __init__(self, shape: Shape, hidden: tuple[int, ...], outputs: int):
        super().__init__()
        self.layers = _recurrent(shape[0], hidden)
        self.head = stack([2 * hidden[-1], _BOTTLENECK, outputs])

    def forward(self, x: Tensor) -> Tensor:
        h = x.transpose(1, 2)  # (n, t, c)
        for layer in self.layers:
            h, last = layer(h)  # (n, t, 2 * width), (2, n, width)
        return self.head(torch.cat([last[0], last[1]], 1))


class RecurrentDecoder(Decoder):
    """z and the position at every step -> recurrent layers in both directions -> that step's features."""

    def __init__(self, shape: Shape, hidden: tuple[int, ...], dims: int, heads: int):
        super().__init__()
        self.everywhere = stack([dims, _BOTTLENECK, hidden[-1]])
        self.positions = Positions(shape[1], hidden[-1])
        self.layers = _recurrent(hidden[-1], tuple(reversed(hidden)))
        self.out = nn.Linear(2 * hidden[0], heads * shape[0])

    def last(self) -> Any:
        """Returns the layer that gives the outputs."""
        return self.out

    def forward(self, z: Tensor) -> Tensor:
        h = self.positions(self.everywhere(z).unsqueeze(1))  # (n, t, width)
        for layer in self.layers:
            h, _ = layer(h)
        return self.out(h).transpose(1, 2)


class TransformerEncoder(nn.Module):
    """Pre-norm transformer blocks (Vaswani et al., 2017; Xiong et al., 2020), then the means of a few stretches.

    The stretches keep the order, and the number of weights behind them does not grow with the length. Rows that learn
    to attend to the steps were tried in their place: they carry nothing at the start, and learned far slower.
    """

    def __init__(self, shape: Shape, hidden: tuple[int, ...], outputs: int):
        super().__init__()
        width = hidden[0]
        self.into = nn.Linear(shape[0], width)
        self.positions = Positions(shape[1], width)
        self.blocks = nn.Sequential(*[Block(width) for _ in hidden], nn.LayerNorm(width))
        self.stretches = nn.AdaptiveAvgPool1d(stretches := min(shape[1], _STRETCHES))
        self.head = stack([stretches * width, _BOTTLENECK, outputs])

    def forward(self, x: Tensor) -> Tensor:
        h = self.blocks(self.positions(self.into(x.transpose(1, 2))))  # (n, t, width)
        return self.head(self.stretches(h.transpose(1, 2)).flatten(1))


class TransformerDecoder(Decoder):
    """z laid out over the stretches, and the position at every step -> transformer blocks -> the steps' features."""

    def __init__(self, shape: Shape, hidden: tuple[int, ...], dims: int, heads: int):
        super().__init__()
        width = hidden[0]
        self.stretches = min(shape[1], _STRETCHES)
        self.everywhere = stack([dims, _BOTTLENECK, self.stretches * width])
        self.positions = Positions(shape[1], width)
        self.blocks = nn.Sequential(*[Block(width) for _ in hidden], nn.LayerNorm(width))
        self.out = nn.Linear(width, heads * shape[0])

    def last(self) -> Any:
        """Returns the layer that gives the outputs."""
        return self.out

    def forward(self, z: Tensor) -> Tensor:
        steps = self.positions.table.shape[0]
        stretch_of = torch.arange(steps, device=z.device) * self.stretches // steps
        h = self.everywhere(z).unflatten(1, (self.stretches, -1))[:, stretch_of]  # (n, t, width)
        return self.out(self.blocks(self.positions(h))).transpose(1, 2)


class Positions(Starts):
    """Adds to every step what tells it from the others: learned, and starting as sines of all wavelengths.

    A table of weights, not a formula: what a file says of the length is checked against the weights that are there.
    """

    def __init__(self, steps: int, width: int):
        super().__init__()
        self.table = nn.Parameter(torch.empty(steps, width))

    def settle(self, generator: torch.Generator) -> None:
        """Starts as sines and cosines of geometric wavelengths (Vaswani et al., 2017)."""
        steps, width = self.table.shape
        rates = torch.exp(-math.log(_LONGEST) * torch.arange(0, width, 2) / width)
        angles = torch.arange(steps).unsqueeze(1) * rates
        self.table.data = torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[:, :width].contiguous()

    def forward(self, h: Tensor) -> Tensor:
        return h + self.table


class Block(Starts):
    """h + attention(norm(h)), then h + dense(norm(h)). Both parts start as nothing, so depth costs no warm-up."""

    def __init__(self, width: int):
        super().__init__()
        self.heads = max(heads for heads in range(1, max(1, width // _HEAD) + 1) if width % heads == 0)
        self.norm = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.mixed = nn.Linear(width, width)
        self.dense = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width)
        )

    def settle(self, generator: torch.Generator) -> None:
        """Starts both parts as nothing, and attention with scores of variance 1."""
        self.queries_keys_values.weight.data.mul_(math.sqrt(0.5))
        nn.init.zeros_(self.mixed.weight)
        nn.init.zeros_(self.dense[-1].weight)  # type: ignore[arg-type]

    def forward(self, h: Tensor) -> Tensor:
        n, t, width = h.shape
        q, k, v = self.queries_keys_values(self.norm(h)).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v)  # (n, heads, t, width / heads)
        h = h + self.mixed(mixed.transpose(1, 2).reshape(n, t, width))
        return h + self.dense(h)


def _recurrent(into: int, hidden: tuple[int, ...]) -> nn.ModuleList:
    widths = (into, *(2 * width for width in hidden))
    return nn.ModuleList(
        nn.GRU(before, width, batch_first=True, bidirectional=True)
        for before, width in zip(widths, hidden, strict=False)
    )
