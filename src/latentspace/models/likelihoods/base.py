"""What every likelihood answers to."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..turns import Turn


class Likelihood(nn.Module):
    """p(x given z), read from a decoder's outputs.

    Parameters
    ----------
    shape : tuple of int
        Of one item, (p,) or (c, h, w).
    scale : float or None
        Standard deviation or the like, in the unit of x, for those that have one; None learns it.

    Attributes
    ----------
    name : str
        In `LIKELIHOODS`.
    unit : {"unit", "counts", "weights", "mixed", "any"}
        What x must be: in [0, 1], whole numbers from 0, numbers from 0, columns that are standard or hold 0 and 1, or
        whichever of "unit" and "standard" suits the data.
    heads : int
        Numbers that the decoder gives for each feature.
    is_density : bool
        Whether exp(-nll) is a density over x, so that a change of its unit adds `Scaling.log_volume`. A probability of
        whole numbers, and what is no likelihood but a measure of distance, is not.
    has_scale : bool
        Whether `scale` means anything to it.
    eases : float
        What the divergence counts beside it, times the model's own beta.
    judged : bool
        Whether nll on held-out items tells which epoch is best; not where a learned critic measures it.
    """

    name: ClassVar[str]
    unit: ClassVar[str] = "any"
    is_density: ClassVar[bool] = False
    eases: ClassVar[float] = 1.0
    judged: ClassVar[bool] = True
    has_scale: ClassVar[bool] = False

    heads: int = 1

    def __init__(self, shape: tuple[int, ...], scale: float | None = None):
        super().__init__()
        if scale is not None and not self.has_scale:
            raise ValueError(
                f"scale={scale!r} means nothing to likelihood={self.name!r}, which has none. "
                "Leave it out, or take likelihood='gaussian' or 'laplace'."
            )
        self.shape = tuple(shape)

    def start(self, x: Tensor, generator: torch.Generator) -> None:
        """Learns before training what can be counted from the items x of shape (n, ...): nothing, for most."""

    def seen(self, x: Tensor) -> Tensor:
        """Returns what the encoder sees of x: x itself, for most."""
        return x

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs (n, heads * c, ...) and x (n, c, ...) to nats of negative log-likelihood (n,); lower is better."""
        raise NotImplementedError

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs (n, heads * c, ...) to the expected x (n, c, ...)."""
        raise NotImplementedError

    def turns(self, model: Any) -> list[Turn]:
        """Returns the turns of what this likelihood learns on a loss of its own: none, for most."""
        return []
