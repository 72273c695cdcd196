"""One of several symbols at every step: what strings are rebuilt by."""

from typing import ClassVar

import torch
from torch import Tensor

from .base import Likelihood


class Categorical(Likelihood):
    """p(x given z) = prod_t softmax(a_t)[symbol_t] for sequences (c, t) that hold one 1 a step, a symbol of c.

    Steps are independent given z: what makes a string's symbols agree is in the decoder, and all that is known of the
    string comes through z.
    """

    name: ClassVar[str] = "categorical"
    unit: ClassVar[str] = "unit"

    def start(self, x: Tensor, generator: torch.Generator) -> None:
        """Makes sure that every step of the items x (n, c, t) holds one symbol."""
        if x.ndim != 3 or not ((x == 0) | (x == 1)).all() or not (x.sum(1) == 1).all():
            raise ValueError(
                f"likelihood='categorical' takes sequences (n, c, t) with a single 1 among the c symbols of each step, "
                f"but X of shape {tuple(x.shape)} is none. Fit strings (kind='strings'), or take likelihood='auto'."
            )

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs and x of shape (n, c, t) to nats of shape (n,)."""
        return -(x * torch.log_softmax(outputs, 1)).flatten(1).sum(1)

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs to the symbols' probabilities at every step, (n, c, t)."""
        return torch.softmax(outputs, 1)
