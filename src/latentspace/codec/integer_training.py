"""Trains the networks of `integer`: in torch, at first as floats, then through the rounding that they will go through.

A layer's weights are kept to multiples of 2^-k, where k is the most that leaves the largest below 127 of them, and
activations to multiples of 2^-5 from 0 to 255 of these. Rounding has no slope: gradients pass it as if it were not
there (Bengio, Léonard and Courville, 2013).
"""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from .integer import TOP, IntegerNetwork, Layer

STEP = 5  # activations come in steps of 2^-5: 0 to 7.97


class RoundedMLP(nn.Module):
    """A network of fully connected layers that becomes an `IntegerNetwork`.

    Parameters
    ----------
    widths : list of int
        Inputs, hidden units of each layer, outputs.
    input_step : int, default=6
        An input of whole number v counts as v * 2^-input_step.
    output_step : int, default=5
        Outputs are whole multiples of 2^-output_step.
    """

    def __init__(self, widths: list[int], *, input_step: int = 6, output_step: int = 5):
        super().__init__()
        self.widths, self.input_step, self.output_step = widths, input_step, output_step
        layers = [nn.Linear(a, b) for a, b in pairwise(widths)]
        self.weights = nn.ParameterList(layer.weight for layer in layers)
        self.biases = nn.ParameterList(layer.bias for layer in layers)
        self.rounds = False  # floats at first

    def forward(self, x: torch.Tensor, extra: torch.Tensor | None = None) -> torch.Tensor:
        """Inputs (n, inputs), whole numbers as float32, to outputs (n, outputs) in their unit.

        `extra` (n, hidden), in the first layer's unit, is added to its sums: see `rounded_extra`.
        """
        x = x * 2.0**-self.input_step
        last = len(self.weights) - 1
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if self.rounds:
                k, step = self._exponent(number), self._step_before(number)
                weight = _round(weight, 2.0**k)
                bias = _round(bias, 2.0 ** (k + step))
            x = nn.functional.linear(x, weight, bias)
            if number == 0 and extra is not None:
                x = x + self.rounded_extra(extra)
            if number < last:
                if self.rounds:
                    x = _round(x, 2.0**STEP)
                x = x.clamp(0, TOP * 2.0**-STEP)
        return _round(x, 2.0**self.output_step) if self.rounds else x

    def rounded_extra(self, extra: torch.Tensor) -> torch.Tensor:
        """What is added to the first layer's sums, as it will be when they are whole numbers of 8 bits and a shift."""
        return _round(extra, 2.0**STEP).clamp(-4, 127 / 32) if self.rounds else extra

    @torch.no_grad()
    def clip(self) -> None:
        """Keeps weights where they leave a shift that is not negative; to be called after each step of training."""
        for number, weight in enumerate(self.weights):
            step = self._step_after(number)
            least = max(step - self._step_before(number), 0)
            weight.clamp_(-127 * 2.0**-least, 127 * 2.0**-least)

    def _step_before(self, number: int) -> int:
        return self.input_step if number == 0 else STEP

    def _step_after(self, number: int) -> int:
        return self.output_step if number == len(self.weights) - 1 else STEP

    def _exponent(self, number: int) -> int:
        """k: the layer's weights are whole multiples of 2^-k."""
        largest = float(self.weights[number].detach().abs().max())
        return int(np.clip(np.floor(np.log2(127.4 / max(largest, 1e-6))), 0, 12))

    @torch.no_grad()
    def to_integer(self, extra: float = 0.0) -> IntegerNetwork:
        """The network of whole numbers; `extra` is the largest magnitude of what is added to the first sums."""
        layers = []
        for number, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            k, step = self._exponent(number), self._step_before(number)
            weight = torch.round(w * 2.0**k).clamp(-127, 127).to(torch.int8).numpy()
            bias = torch.round(b * 2.0 ** (k + step)).to(torch.int32).numpy()
            layers.append(Layer(weight, bias, k + step - self._step_after(number)))
        return IntegerNetwork(layers, extra=int(extra * 2.0 ** (self._exponent(0) + self.input_step)))

    @property
    def extra_shift(self) -> int:
        """Bits by which extras of steps 2^-5 are shifted to be added to the integer network's first sums."""
        return self._exponent(0) + self.input_step - STEP


def _round(x: torch.Tensor, steps: float) -> torch.Tensor:
    """Rounds half up to multiples of 1 / steps, as a shift does; the gradient passes."""
    return x + (torch.floor(x.detach() * steps + 0.5) / steps - x.detach())
