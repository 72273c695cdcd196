"""Starting weights, drawn from one generator, so that a fit can be repeated."""

import math
from typing import Any

import torch
from torch import nn

from .own import Own

_SHRINK = 0.1  # of the layer that gives a decoder's outputs

_Weighted = nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d


class Starts(nn.Module):
    """A module that has a word in its own starting weights."""

    def settle(self, generator: torch.Generator) -> None:
        """Called once all layers in it have been drawn."""
        raise NotImplementedError


class Decoder(Starts):
    """A decoder: its last layer starts ten times smaller, so that learning need not undo a random picture first.

    A curve in five dimensions was learned in half the steps. An encoder's must not: latents that start near nothing
    carry nothing, and the divergence turns them off before the decoder has met them (9 of 16 dimensions stayed on
    digits, not 16).
    """

    def last(self) -> Any:
        """Returns the layer that gives the outputs."""
        raise NotImplementedError

    def settle(self, generator: torch.Generator) -> None:
        """Shrinks the last layer."""
        self.last().weight.data.mul_(_SHRINK)


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draws the weights from one generator so that ReLU keeps the variance (He et al., 2015); biases start at 0.

    Recurrent weights start orthogonal, gate by gate (Saxe, McClelland and Ganguli, 2014). An own network is drawn by
    its own constructor, or keeps the weights that it came with.
    """
    _begin(module, generator, set())


def _begin(module: nn.Module, generator: torch.Generator, seen: set[int]) -> None:
    if id(module) in seen:  # a part may hold another that the model holds too
        return
    seen.add(id(module))
    if isinstance(module, Own):
        module.begin(generator)
        return
    if isinstance(module, _Weighted):
        bound = math.sqrt(6 / _fan_in(module))
        nn.init.uniform_(module.weight, -bound, bound, generator=generator)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.GRU):
        _draw_gates(module, generator)
    for child in module.children():
        _begin(child, generator, seen)
    if isinstance(module, Starts):
        module.settle(generator)


def _draw_gates(layer: nn.GRU, generator: torch.Generator) -> None:
    for name, value in layer.named_parameters():
        if "bias" in name:
            nn.init.zeros_(value)
            continue
        for gate in value.data.chunk(3):
            if "weight_hh" in name:
                nn.init.orthogonal_(gate, generator=generator)
            else:
                nn.init.xavier_uniform_(gate, generator=generator)


def _fan_in(layer: _Weighted) -> float:
    """Counts the inputs of one output; through a transposed convolution, only one in every stride of the kernel's."""
    if isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d):
        return layer.in_channels * math.prod(layer.kernel_size) / math.prod(layer.stride)
    return layer.weight[0].numel()
