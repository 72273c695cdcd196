"""Convolutional networks for images (c, h, w) and sequences (c, t) of any size, plain or residual."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from .dense import Shape, stack
from .residual import Residual
from .starting import Decoder

_BOTTLENECK = 256  # width of the dense layer between pictures and z


class ConvEncoder(nn.Module):
    """Strided convolutions of kernel 4, each halving the sides (rounded up), then a dense layer and the outputs.

    The dense layer costs little and wins much: on 4,500 digits at equal epochs, test error fell from 0.0215 to 0.0154.

    Parameters
    ----------
    shape : (c, t) or (c, h, w)
    hidden : tuple of int
        Channels of the levels, from x towards z.
    outputs : int
    residual : bool, default=False
        A `Residual` block at every level, after its convolution, in place of a ReLU.
    """

    def __init__(self, shape: Shape, hidden: tuple[int, ...], outputs: int, *, residual: bool = False):
        super().__init__()
        sides = len(shape) - 1
        convolution = nn.Conv1d if sides == 1 else nn.Conv2d
        layers: list[nn.Module] = []
        sizes = _sizes(shape, len(hidden))
        for into, out, size in zip((shape[0], *hidden), hidden, sizes, strict=False):
            layers += [_PadToEven(size), convolution(into, out, 4, stride=2, padding=1)]
            layers += [Residual(out, sides)] if residual else [nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)
        self.head = stack([hidden[-1] * math.prod(sizes[-1]), _BOTTLENECK, outputs])
        _channels_last(self, sides)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(_laid_out(x)).flatten(1))


class ConvDecoder(Decoder):
    """The encoder's mirror: dense layers to the smallest picture, then transposed convolutions that double the sides.

    A kernel of 4 with a stride of 2 covers every pixel equally often, which is what keeps checkerboards away
    (Odena, Dumoulin and Olah, 2016). Each level is cut to the size that the encoder had there, so odd sizes come back.
    """

    def __init__(self, shape: Shape, hidden: tuple[int, ...], dims: int, heads: int, *, residual: bool = False):
        super().__init__()
        sides = len(shape) - 1
        double = _Double1d if sides == 1 else _Double
        sizes = _sizes(shape, len(hidden))
        channels = (heads * shape[0], *hidden)
        self.smallest = (hidden[-1], *sizes[-1])
        self.head = stack([dims, _BOTTLENECK, math.prod(self.smallest)])
        layers: list[nn.Module] = []
        for level in reversed(range(len(hidden))):
            layers += [Residual(channels[level + 1], sides)] if residual else [nn.ReLU(inplace=True)]
            layers += [double(channels[level + 1], channels[level]), _CutTo(sizes[level])]
        self.layers = nn.Sequential(*layers)
        _channels_last(self, sides)

    def last(self) -> Any:
        """Returns the layer that gives the outputs."""
        return self.layers[-2]  # before the cut

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(_laid_out(self.head(z).unflatten(1, self.smallest)))


class ResidualEncoder(ConvEncoder):
    """A `ConvEncoder` with a residual block at every level."""

    def __init__(self, shape: Shape, hidden: tuple[int, ...], outputs: int):
        super().__init__(shape, hidden, outputs, residual=True)


class ResidualDecoder(ConvDecoder):
    """A `ConvDecoder` with a residual block at every level."""

    def __init__(self, shape: Shape, hidden: tuple[int, ...], dims: int, heads: int):
        super().__init__(shape, hidden, dims, heads, residual=True)


def _laid_out(x: Tensor) -> Tensor:
    """Channels last, weights and pictures alike, is what the CPU's kernels work in: a sixth of the time less."""
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x.contiguous()


def _channels_last(network: nn.Module, sides: int) -> None:
    if sides == 2:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class _Double(nn.ConvTranspose2d):
    """A transposed convolution that doubles the sides of a picture.

    To a single channel it goes by a product and a fold: the same sums, in two thirds of the time of torch's kernel.
    """

    def __init__(self, into: int, out: int):
        super().__init__(into, out, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        if self.out_channels > 1 or self.bias is None:
            return super().forward(x)
        n, c, h, w = x.shape
        columns = x.permute(0, 2, 3, 1).reshape(n * h * w, c) @ self.weight.reshape(c, 16)
        columns = columns.view(n, h * w, 16).transpose(1, 2)
        return nn.functional.fold(columns, (2 * h, 2 * w), 4, stride=2, padding=1) + self.bias.view(1, 1, 1, 1)


class _Double1d(nn.ConvTranspose1d):
    """A transposed convolution that doubles the steps of a sequence."""

    def __init__(self, into: int, out: int):
        super().__init__(into, out, 4, stride=2, padding=1)


class _PadToEven(nn.Module):
    """Adds a last row, column or step of zeros to an odd size, so that nothing falls off a stride."""

    def __init__(self, size: tuple[int, ...]):
        super().__init__()
        self.padding = [edge for side in reversed(size) for edge in (0, side % 2)]  # torch's pad begins at the last

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.pad(x, self.padding) if any(self.padding) else x


class _CutTo(nn.Module):
    """Drops the row, column or step that doubling an odd size's half gave too many."""

    def __init__(self, size: tuple[int, ...]):
        super().__init__()
        self.within: tuple[Any, ...] = (..., *(slice(side) for side in size))

    def forward(self, x: Tensor) -> Tensor:
        return x[self.within]


def _sizes(shape: Shape, levels: int) -> list[tuple[int, ...]]:
    """Returns the sides before every level and after the last."""
    sizes = [tuple(shape[1:])]
    for _ in range(levels):
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    return sizes
