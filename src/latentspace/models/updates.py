"""One step of learning: gradients, clipped by what is usual for them, through AdamW at a schedule's rate."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from .adamw import AdamW
from .parallel import Group


class NotFinite(ArithmeticError):
    """A gradient held NaN or infinity; the weights are as they were before the step."""


class Updates:
    """AdamW (Loshchilov and Hutter, 2019) with adaptive clipping.

    A gradient's norm depends on the number of features and their likelihood, so no fixed bound fits all data. Here the
    bound is `clip` times the moving average of the norms seen so far: usual steps pass untouched, an outlier is cut to
    size (after Seetharaman et al., "AutoClip", 2020).

    Parameters
    ----------
    parameters : iterable of tensors
        What to learn.
    weight_decay : float
        Share of a weight that a step at rate 1 takes away.
    clip : float
        How many times the usual norm a gradient may have.
    betas : (float, float)
        As AdamW's.
    alone : bool
        Whether the losses depend on no other parameters that learn; if they do, those get no gradient here.
    group : Group or None
        Those who train together, over whom gradients are averaged; None for this process alone.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        weight_decay: float,
        clip: float = 4.0,
        betas: tuple[float, float] = (0.9, 0.999),
        alone: bool = True,
        group: Group | None = None,
    ):
        self.optimizer = AdamW(parameters, weight_decay, betas)
        self.clip = clip
        self.alone = alone
        self.group = group or Group()
        self.usual = 0.0  # 0 until the first step

    def step(self, loss: Tensor, rate: float) -> None:
        """Lowers the loss by one step.

        Raises
        ------
        NotFinite
            If the gradient is not finite; nothing is changed then.
        """
        for parameter in self.optimizer.parameters:
            parameter.grad = None
        loss.backward(inputs=None if self.alone else self.optimizer.parameters)
        gradients = [parameter.grad for parameter in self.optimizer.parameters if parameter.grad is not None]
        self.group.average(gradients)
        norm = math.hypot(*(float(torch.linalg.vector_norm(gradient)) for gradient in gradients))
        if not math.isfinite(norm):
            raise NotFinite
        bound = self.clip * self.usual if self.usual > 0 else norm
        if norm > bound:
            # Rounded: sums over many values differ in their last bits between thread counts, the weights must not.
            factor = bound / float(f"{norm:.3g}")
            for gradient in gradients:
                gradient.mul_(factor)
        self.usual += 0.05 * (min(norm, bound) - self.usual) if self.usual > 0 else norm
        self.optimizer.step(rate)

    def state(self) -> dict[str, Tensor]:
        """Returns the optimiser's tensors and the usual norm, by name."""
        return self.optimizer.state() | {"usual": torch.tensor(self.usual, dtype=torch.float64)}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Takes back what `state` gave."""
        self.optimizer.restore(tensors)
        self.usual = float(tensors["usual"])


class Schedule:
    """A rate that needs no tuning: rises, stays, and falls to nothing once staying no longer helps.

    Warm-up over the first steps, then constant until the validation loss stops improving or four fifths of the steps
    are used, then a straight fall to zero (Hägele et al., "Scaling laws and compute-optimal training beyond fixed
    training durations", 2024). Unlike a cosine it need not know the end in advance, so easy data ends early.

    Parameters
    ----------
    peak : float
        The constant rate.
    steps : int
        The most steps that training takes.
    """

    def __init__(self, peak: float, steps: int):
        self.peak = peak
        self.steps = steps
        self.warm_up = max(1, min(200, steps // 20))
        self.falls_at = max(self.warm_up, steps - steps // 5)

    def rate(self, step: int) -> float:
        """Returns the rate of a step, counted from 0."""
        if step < self.falls_at:
            return self.peak * min(1.0, (step + 1) / self.warm_up)
        return self.peak * max(0.0, 1 - (step - self.falls_at + 0.5) / max(1, self.steps - self.falls_at))

    def falling(self, step: int) -> bool:
        """Tells whether the rate falls at this step."""
        return step >= self.falls_at

    def fall_from(self, step: int, length: int) -> None:
        """Starts the fall now, over `length` steps, or over what is left if that is less."""
        self.falls_at, self.steps = step, min(self.steps, step + length)
