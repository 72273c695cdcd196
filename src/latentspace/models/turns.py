"""Turns: parameter groups that each lower a loss of their own, one after another, within one step of training.

A model with an adversary has `turns() -> list[Turn]`: its own networks on their loss, then the critic on its. A model
without has one group, all its parameters, on `model.loss`. Every turn has an optimiser of its own, clipped by what is
usual for its own gradients; a gradient that is not finite in any of them rolls all of them back.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .parallel import Group
from .updates import Updates

Loss = Callable[[Tensor, torch.Generator, float], tuple[Tensor, dict[str, Tensor]]]


class Turn(NamedTuple):
    """One parameter group and what it learns from.

    Attributes
    ----------
    name : str
        Names its loss in the history, "critic_loss" for "critic"; the first turn's is "loss".
    parameters : sequence of tensors
        Only these move. What else the loss depends on gets no gradient, so neither `detach` nor freezing is needed to
        keep the others still. Two turns may share parameters.
    loss : callable
        (x, generator, progress) to what this turn lowers, and its terms: detached scalars that the history averages.
    rate : float
        Times the schedule's learning rate.
    betas : (float, float)
        How long AdamW remembers a gradient and its square; adversaries often want a first of 0 to 0.5.
    weight_decay : float or None
        None takes the settings'.
    clip : float
        How many times the usual norm a gradient may have.
    repeats : int
        Times that the turn is taken in one step, on the same batch with new draws.
    """

    name: str
    parameters: Sequence[nn.Parameter]
    loss: Loss
    rate: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float | None = None
    clip: float = 4.0
    repeats: int = 1


class Turns:
    """All turns of a model with their optimisers: one `step` takes each of them.

    Parameters
    ----------
    model : nn.Module
        With `turns`, or with `loss` alone.
    weight_decay : float
        For turns that name none.
    group : Group
        Those who train together; by default this process alone.
    """

    def __init__(self, model: Any, weight_decay: float, group: Group | None = None):
        own = model.turns() if hasattr(model, "turns") else []
        self.turns: list[Turn] = own or [Turn("model", list(model.parameters()), model.loss)]
        several = len(self.turns) > 1
        self.updates = [
            Updates(
                turn.parameters,
                weight_decay=weight_decay if turn.weight_decay is None else turn.weight_decay,
                clip=turn.clip,
                betas=turn.betas,
                alone=not several,
                group=group,
            )
            for turn in self.turns
        ]

    def step(self, x: Tensor, generator: torch.Generator, progress: float, rate: float) -> dict[str, Tensor]:
        """Takes every turn on a batch; returns the losses and terms of their last repeats.

        Raises
        ------
        NotFinite
            If a gradient is not finite. Earlier turns have moved by then: go back to a state that was good.
        """
        said: dict[str, Tensor] = {}
        for index, (turn, updates) in enumerate(zip(self.turns, self.updates, strict=True)):
            for _ in range(turn.repeats):
                loss, terms = turn.loss(x, generator, progress)
                updates.step(loss, rate * turn.rate)
            said["loss" if index == 0 else f"{turn.name}_loss"] = loss.detach()
            said |= terms
        return said

    def state(self) -> dict[str, Tensor]:
        """Returns the optimisers' tensors by name; the first turn's have no prefix."""
        return {
            self._name(index, name): value
            for index, updates in enumerate(self.updates)
            for name, value in updates.state().items()
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Takes back what `state` gave."""
        for index, updates in enumerate(self.updates):
            updates.restore({name: tensors[self._name(index, name)] for name in updates.state()})

    def _name(self, index: int, name: str) -> str:
        return f"{self.turns[index].name}/{name}" if index else name
