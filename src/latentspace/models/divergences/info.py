"""A share of the KL and the maximum mean discrepancy: a prior that is filled without the KL's pull on every item."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from .base import Penalty
from .kl import charge
from .mmd import MMD, Kernel


class Info(MMD):
    """(1 - alpha) KL + (alpha + weight - 1) MMD^2 (Zhao, Song and Ermon, "InfoVAE", 2019).

    The KL of every item lowers what z tells of x; the discrepancy of all together does not. alpha = 1 leaves the latter
    alone.

    Parameters
    ----------
    dims, beta, warm_up, free_bits
        As for every `Divergence`; beta weighs all of it.
    alpha : float, default=0.5
        What is taken off the KL, 0 to 1.
    kernel, weight
        As for `MMD`; the paper's lambda is weight times dims.
    """

    name: ClassVar[str] = "info"

    def __init__(
        self, dims: int, beta: float = 1.0, warm_up: float = 0.0, free_bits: float = 0.0, *,
        alpha: float = 0.5, kernel: Kernel = "imq", weight: float = 30.0,
    ):  # fmt: skip
        super().__init__(dims, beta, warm_up, kernel=kernel, weight=weight)
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha={alpha!r} of divergence='info' must be from 0, the whole KL, to 1, none of it.")
        self.alpha, self.free_bits = alpha, free_bits

    def penalty(self, q: Any, z: Tensor, prior: Any, generator: torch.Generator, progress: float) -> Penalty:
        """Returns the weighted sum, and as "kl" and "mmd" its plain parts; see `Divergence.penalty`."""
        charged, plain = charge(self, q, z, prior)
        found = self.discrepancy(z, prior, generator)
        weighed = (1 - self.alpha) * charged + (self.alpha + self.strength * self.dims - 1) * found
        return self.weight(progress) * weighed, {"kl": plain.detach(), "mmd": found.detach()}

    def refusal(self, posterior: Any, prior: Any, bound: Any) -> str | None:
        return self._needs_density(posterior) or (self._needs_a_fixed_prior(prior) if self.alpha == 1 else None)
