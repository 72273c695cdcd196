"""Dense networks: for vectors, and for items too small or too odd for anything else."""

import itertools
import math
from typing import Any

from torch import Tensor, nn

from .starting import Decoder

Shape = tuple[int, ...]  # of one item: (p,), (c, t) or (c, h, w)


def stack(widths: list[int]) -> nn.Sequential:
    """Linear layers with ReLU between them, from the first width to the last."""
    layers: list[nn.Module] = []
    for into, out in itertools.pairwise(widths):
        layers += [nn.Linear(into, out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


class DenseEncoder(nn.Module):
    """x -> ReLU layers -> outputs; an item's shape is flattened."""

    def __init__(self, shape: Shape, hidden: tuple[int, ...], outputs: int):
        super().__init__()
        self.layers = stack([math.prod(shape), *hidden, outputs])

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.flatten(1))


class DenseDecoder(Decoder):
    """z -> the encoder's widths in reverse -> one row of features, shaped as an item."""

    def __init__(self, shape: Shape, hidden: tuple[int, ...], dims: int, heads: int):
        super().__init__()
        self.shape = (heads * shape[0], *shape[1:])
        self.layers = stack([dims, *reversed(hidden), math.prod(self.shape)])

    def last(self) -> Any:
        """Returns the layer that gives the outputs."""
        return self.layers[-1]

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z).unflatten(1, self.shape)
