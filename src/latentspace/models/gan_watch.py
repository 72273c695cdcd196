"""Whether a generator gives all that the data holds: measured while it learns, and said where it does not."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..errors import CollapseWarning

LOW = 0.25  # coverage, or share of distinct samples, below which a user should look
_NEAREST = 5
_IN_A_ROW = 3  # epochs below before it is said: one may be chance


def coverage(real: Tensor, made: Tensor) -> Tensor:
    """Returns the share of real items that have a made one as near as their fifth real neighbour (Naeem et al., 2020).

    Parameters
    ----------
    real, made : float tensors of shape (n, dims) and (m, dims)
        Latents of both, by the same encoder.

    Returns
    -------
    float tensor of shape ()
        Higher is better. As many made as real items of one and the same distribution give 31/32 on average; a generator
        that leaves out a third of the data, 2/3 of that.
    """
    k = min(_NEAREST, len(real) - 1)
    if k < 1:
        return real.new_ones(())
    radius = torch.cdist(real, real).kthvalue(k + 1).values  # the item itself is the first
    return (torch.cdist(real, made).amin(1) <= radius).float().mean()


def distinct(real: Tensor, made: Tensor) -> Tensor:
    """Returns the share of made items with no other nearer than half the median distance between real neighbours.

    Parameters
    ----------
    real, made : float tensors of shape (n, dims) and (m, dims)
        Latents of both, by the same encoder: in x, samples that vary in few dimensions lie closer than noise does.

    Returns
    -------
    float tensor of shape ()
        Higher is better: 0 when all samples are one and the same item.
    """
    if len(real) < 2:
        return real.new_ones(())
    usual = torch.cdist(real, real).kthvalue(2).values.median()
    return (torch.cdist(made, made).kthvalue(2).values >= usual / 2).float().mean()


class Watch:
    """A training callback that says once, while there is time to act, that the generator has collapsed.

    Parameters
    ----------
    then : callable or None
        The user's own callback, whose answer is passed on.
    """

    def __init__(self, then: Callable[[dict[str, Any]], Any] | None):
        self.then = then
        self.was_well = self.said = False
        self.below = 0

    def __call__(self, row: dict[str, Any]) -> Any:
        covered = row.get("validation_coverage", 1.0)
        low = covered < LOW or row.get("validation_distinct", 1.0) < LOW
        self.was_well |= not low
        self.below = self.below + 1 if low and self.was_well else 0  # nobody covers much in the first epochs
        if self.below == _IN_A_ROW and not self.said:
            self.said = True
            warnings.warn(
                f"The generator is collapsing: since epoch {row['epoch'] - _IN_A_ROW + 1} samples cover "
                f"{covered:.0%} of the held-out items or less. Ctrl-C keeps what there is.",
                CollapseWarning,
                stacklevel=2,
            )
        return None if self.then is None else self.then(row)


def verdict(covered: float, apart: float) -> str | None:
    """Returns what to tell a user of a trained generator; None when it is well."""
    if covered >= LOW and apart >= LOW:
        return None
    return (
        f"samples cover {covered:.0%} of the real items and {apart:.0%} of them are distinct (each should be above "
        f"{LOW:.0%}; history_ has both by epoch). Train for more epochs; if both fell on the way, take a larger "
        "penalty, loss='relativistic' or a smaller learning_rate; or draw from a density fitted to the latents."
    )
