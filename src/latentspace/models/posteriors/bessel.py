"""Modified Bessel functions of the first kind, as logarithms and ratios, at any order and argument, with gradients."""

import math

import torch
from torch import Tensor

_ENOUGH = 25.0  # order from which Debye's expansion to the fourth term is exact to eight digits


def log_bessel(order: float, x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns log I_v(x) and I_{v+1}(x) / I_v(x) for v = `order` of at least 0 and x above 0, both float64.

    At high orders by the uniform expansion (DLMF 10.41.3), which neither overflows nor cancels; at lower ones it is
    taken from an order high enough downwards, by the recurrence I_{v-1} = (2v / x) I_v + I_{v+1}, stable that way.
    """
    x = x.double()
    steps = max(0, math.ceil(_ENOUGH - order))
    log_top, log_above = _debye(order + steps, x), _debye(order + steps + 1, x)
    ratio = torch.exp(log_above - log_top)
    value = log_top
    for v in range(steps, 0, -1):
        ratio = 1 / (2 * (order + v) / x + ratio)  # I_{v} / I_{v-1}
        value = value - torch.log(ratio)
    return value, ratio


def _debye(v: float, x: Tensor) -> Tensor:
    """log I_v(x) = v eta - log(2 pi v) / 2 + log(t) / 2 + log sum_k u_k(t) / v^k,  t = 1 / sqrt(1 + (x / v)^2)."""
    root = torch.sqrt(1 + (x / v).square())
    eta = root + torch.log(x / v) - torch.log1p(root)
    t = 1 / root
    s = t.square()
    series = (
        1
        + t * (3 - 5 * s) / 24 / v
        + s * (81 - 462 * s + 385 * s**2) / 1152 / v**2
        + t * s * (30375 - 369603 * s + 765765 * s**2 - 425425 * s**3) / 414720 / v**3
        + s**2 * (4465125 - 94121676 * s + 349922430 * s**2 - 446185740 * s**3 + 185910725 * s**4) / 39813120 / v**4
    )
    return v * eta - 0.5 * math.log(2 * math.pi * v) + 0.5 * torch.log(t) + torch.log(series)
