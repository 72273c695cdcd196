"""A head on z: reads the target off it while training goes on, so that z keeps what the task needs.

The reconstruction keeps what varies most. A target may depend on what varies little: a plain autoencoder of few
dimensions throws that away, and no later classifier brings it back. With a head, training lowers

    loss + weight * (p / 2) * l(y, head(z))

where l is the cross-entropy of classes in units of their entropy, or the squared error of numbers in units of their
variance: 1 for who knows nothing, 0 for who knows all. p / 2 nats is what p standardised features cost a Gaussian
that knows nothing, so at a weight of 1 the target counts as much as all features together, whatever their number and
the target's unit. Items without a target take part in all but l (semi-supervised).

The head is linear, so what it reads lies along axes of z, where searches, maps and traversals see it. It reads a draw
of z as the decoder does, not the posterior's mean: a mean could hold the target in differences that are lost in the
posterior's noise, at no cost and to no use. Predictions read the mean.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .target import Classes, classes_or_numbers
from .turns import Turn

Loss = Callable[..., tuple[Tensor, dict[str, Tensor]]]


class Target(NamedTuple):
    """What a head predicts, as plain values that a file keeps.

    Attributes
    ----------
    names : list or None
        The classes; None for numbers.
    mean, scale : lists of float
        Of each number; empty for classes.
    ignorance : float
        The loss in nats of who knows only how often each class comes; of numbers in their unit, 1/2.
    """

    names: list[Any] | None
    mean: list[float]
    scale: list[float]
    ignorance: float

    @property
    def outputs(self) -> int:
        """Numbers that a head gives for an item."""
        return len(self.mean) if self.names is None else len(self.names)


def read(y: Any, n: int, model: str, task: str) -> tuple[Target, np.ndarray]:
    """Reads y for a head.

    Parameters
    ----------
    y, n, model, task
        As for `target.classes_or_numbers`.

    Returns
    -------
    Target
    float32 array of shape (n, m)
        A class's position, or numbers in their own standard deviation; NaN where they are missing.

    Raises
    ------
    ValueError
        If y has another length, or nothing to tell apart.
    """
    found = classes_or_numbers(y, n, model, task)
    if isinstance(found, Classes):
        shares = np.bincount(found.codes[found.codes >= 0]) / np.count_nonzero(found.codes >= 0)
        column = np.where(found.codes >= 0, found.codes, np.nan).astype(np.float32)[:, None]
        return Target(list(found.names), [], [], float(-(shares * np.log(shares)).sum())), column
    known = found[~np.isnan(found).any(axis=1)]
    scale = known.std(axis=0) if len(known) else np.zeros(1)
    if not (scale > 0).all():
        raise ValueError(
            f"{model} got a target in which nothing differs: y holds {len(known)} known numbers of n_samples={n}"
            f"{f', all {known[0].tolist()}' if len(known) else ''}. Give a target that varies, or y=None."
        )
    mean = known.mean(axis=0)
    return Target(None, mean.tolist(), scale.tolist(), 0.5), ((found - mean) / scale).astype(np.float32)


def weighed(y: Tensor, rows: Tensor) -> Tensor:
    """Adds a last column to targets (n, m): weights that are 0 where the target is missing, and average 1 over `rows`.

    Means of weighted losses over items are then means over the items that have a target.
    """
    known = ~y.isnan().any(1)
    share = known[rows].float().mean() if len(rows) else torch.ones(())
    weights = known.float() / share.clamp_min(1e-12)
    return torch.cat([y.nan_to_num(0.0), weights[:, None]], dim=1)


class Head(nn.Module):
    """Logits of classes or standardised numbers, linear in z."""

    def __init__(self, dims: int, target: Target):
        super().__init__()
        self.layer = nn.Linear(dims, target.outputs)
        self.target = target

    def forward(self, z: Tensor) -> Tensor:
        """z of shape (n, dims) to (n, outputs)."""
        return self.layer(z)

    def judge(self, z: Tensor, y: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns l(y, head(z)) and its terms, means over the items that have a target; y is as from `weighed`."""
        outputs, weights = self(z), y[:, -1]
        if self.target.names is None:
            errors = (outputs - y[:, :-1]).square().mean(1)
            loss = (weights * errors).mean()
            return loss, {"target_loss": loss.detach()}
        codes = y[:, 0].long()
        entropies = F.cross_entropy(outputs, codes, reduction="none") / self.target.ignorance
        loss = (weights * entropies).mean()
        right = (weights * (outputs.detach().argmax(1) == codes)).mean()
        return loss, {"target_loss": loss.detach(), "target_accuracy": right}


class Supervised(nn.Module):
    """A model and its head as the training loop sees them: its batches are pairs (x, y).

    Parameters
    ----------
    model : nn.Module that is `training.Trainable`
        That infers q from x, and has an `encoder` and a `head`.
    weight : float
        Nats that the head's relative loss of 1 counts.
    """

    def __init__(self, model: Any, weight: float):
        super().__init__()
        self.model = model
        self.weight = weight
        self.judged = getattr(model, "judged", True)
        if hasattr(model, "after_step"):
            self.after_step = model.after_step

    def loss(self, batch: Any, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, Tensor]]:
        """As the model's own, and the head's on top."""
        return self._with_head(self.model.loss)(batch, generator, progress)

    def activity(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """As the model's own."""
        return self.model.activity(x)

    def turns(self) -> list[Turn]:
        """The model's own turns; the head goes with the first that moves the encoder."""
        own = self.model.turns() if hasattr(self.model, "turns") else []
        encoder = {id(parameter) for parameter in self.model.encoder.parameters()}
        carriers = [i for i, turn in enumerate(own) if any(id(parameter) in encoder for parameter in turn.parameters)]
        return [
            self._carry(turn) if i == carriers[0] else turn._replace(loss=_of_x(turn.loss))
            for i, turn in enumerate(own)
        ]

    def _carry(self, turn: Turn) -> Turn:
        there = {id(parameter) for parameter in turn.parameters}
        head = [parameter for parameter in self.model.head.parameters() if id(parameter) not in there]
        return turn._replace(parameters=[*turn.parameters, *head], loss=self._with_head(turn.loss))

    def _with_head(self, loss_of_x: Loss) -> Loss:
        def loss(batch: Any, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, Tensor]]:
            x, y = batch
            with _inferred(self.model) as seen:
                loss, terms = loss_of_x(x, generator, progress)
            if not y[:, -1].any():  # nobody here has a target
                return loss, terms
            # What the loss inferred is read again instead of being computed again: an encoder is half of a step.
            q = seen[0] if seen and len(seen[0].mean) == len(x) else self.model.infer(x)
            z = q.rsample(generator) if self.training else q.mean
            relative, head_terms = self.model.head.judge(z, y)
            return loss + self.weight * relative, terms | head_terms

        return loss


@contextmanager
def _inferred(model: Any) -> Iterator[list[Any]]:
    """Collects what `model.infer` returns meanwhile."""
    seen: list[Any] = []
    infer = model.infer

    def infer_and_keep(x: Tensor) -> Any:
        seen.append(infer(x))
        return seen[-1]

    model.infer = infer_and_keep  # on the instance, in front of the class's
    try:
        yield seen
    finally:
        del model.infer


def _of_x(loss: Loss) -> Loss:
    return lambda batch, generator, progress: loss(batch[0], generator, progress)


def predictions(outputs: np.ndarray, target: Target) -> np.ndarray:
    """Outputs of a head (n, outputs) to class names (n,), or to numbers (n,) or (n, m) in the target's own unit."""
    if target.names is not None:
        kinds = {type(name) for name in target.names}
        names = np.array(target.names, dtype=object if len(kinds) > 1 else None)
        return names[outputs.argmax(axis=1)]
    numbers = outputs.astype(np.float64) * target.scale + target.mean
    return numbers[:, 0] if len(target.mean) == 1 else numbers


def probabilities(outputs: np.ndarray) -> np.ndarray:
    """Logits (n, classes) to probabilities, float64 rows that sum to 1."""
    z = np.exp(outputs - outputs.max(axis=1, keepdims=True), dtype=np.float64)
    return z / z.sum(axis=1, keepdims=True)


def weight_of(target_weight: float, shape: tuple[int, ...]) -> float:
    """Returns the nats that a head's relative loss of 1 counts, for items of a shape; see the module."""
    return target_weight * math.prod(shape) / 2
