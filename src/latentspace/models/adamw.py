"""AdamW in one pass over weights, gradients and moments.

torch.optim.AdamW(fused=True) ends in the same kernel, but making one imports torch's compiler, two seconds of every
process that fits anything, and a step of it costs 0.4 ms of bookkeeping where the arithmetic takes 1.1.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

_FUSED_ON = ("cpu", "cuda")


class AdamW:
    """Adam with decoupled weight decay (Kingma and Ba, 2015; Loshchilov and Hutter, 2019).

    m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g^2
    w = (1 - rate decay) w - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

    Parameters
    ----------
    parameters : iterable of tensors
        Those that need no gradient are left out.
    weight_decay : float
    betas : (float, float), default=(0.9, 0.999)
        b1 and b2: what a step leaves of the averages of g and of g^2.
    """

    eps = 1e-8

    def __init__(
        self, parameters: Iterable[nn.Parameter], weight_decay: float, betas: tuple[float, float] = (0.9, 0.999)
    ):
        self.b1, self.b2 = betas
        self.parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self.weight_decay = weight_decay
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps = torch.zeros((), device=self.parameters[0].device)  # one count that all weights share
        self.fused = self.steps.device.type in _FUSED_ON and hasattr(torch, "_fused_adamw_")

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Moves the weights by their gradients; weights without one stay."""
        self.steps += 1
        moved = [index for index, parameter in enumerate(self.parameters) if parameter.grad is not None]
        if self.fused:
            self._fused_step(moved, rate)
        else:
            self._plain_step(moved, rate)

    def _fused_step(self, moved: list[int], rate: float) -> None:
        gradients: list[Any] = [self.parameters[i].grad for i in moved]
        torch._fused_adamw_(
            [self.parameters[i] for i in moved], gradients,
            [self.means[i] for i in moved], [self.squares[i] for i in moved], [], [self.steps] * len(moved),
            lr=rate, beta1=self.b1, beta2=self.b2, eps=self.eps, weight_decay=self.weight_decay,
            amsgrad=False, maximize=False,
        )  # fmt: skip

    def _plain_step(self, moved: list[int], rate: float) -> None:
        """The same where there is no such kernel."""
        t = float(self.steps)
        for i in moved:
            w, g, m, v = self.parameters[i], self.parameters[i].grad, self.means[i], self.squares[i]
            assert g is not None  # for the type checker: `moved` are those that have one
            w.mul_(1 - rate * self.weight_decay)
            m.lerp_(g, 1 - self.b1)
            v.mul_(self.b2).addcmul_(g, g, value=1 - self.b2)
            w.addcdiv_(m, (v / (1 - self.b2**t)).sqrt_().add_(self.eps), value=-rate / (1 - self.b1**t))

    def state(self) -> dict[str, Tensor]:
        """Returns copies of the moments and the count, by name."""
        tensors = {"steps": self.steps.clone()}
        for index, (m, v) in enumerate(zip(self.means, self.squares, strict=True)):
            tensors[f"{index}.mean"], tensors[f"{index}.square"] = m.clone(), v.clone()
        return tensors

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Takes back what `state` gave."""
        self.steps.copy_(tensors["steps"])
        for index, (m, v) in enumerate(zip(self.means, self.squares, strict=True)):
            m.copy_(tensors[f"{index}.mean"])
            v.copy_(tensors[f"{index}.square"])
