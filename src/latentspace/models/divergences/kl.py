"""The Kullback-Leibler divergence of every item's posterior from the prior: the evidence lower bound's."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from .base import Divergence, Penalty


def kl(q: Any, z: Tensor, prior: Any) -> Tensor:
    """KL(q from the prior) in nats: by dimension (n, dims) or whole (n, 1).

    The closed form where the pair has one, else log q(z) - log p(z) at the draw z, whose mean it is.
    """
    closed = q.kl(prior)
    return (q.log_prob(z) - prior.log_prob(z)).unsqueeze(1) if closed is None else closed


class KL(Divergence):
    """beta * KL(q from the prior), with a warm-up and free bits against collapse.

    A dimension that carries less than the free bits is not pulled further down. Where the KL has no parts by dimension,
    the free bits of all count together.
    """

    name: ClassVar[str] = "kl"

    def penalty(self, q: Any, z: Tensor, prior: Any, generator: torch.Generator, progress: float) -> Penalty:
        """Returns the weighted KL past the free bits, and the plain one as "kl"; see `Divergence.penalty`."""
        charged, plain = charge(self, q, z, prior)
        return self.weight(progress) * charged, {"kl": plain.detach()}

    def refusal(self, posterior: Any, prior: Any, bound: Any) -> str | None:
        return self._needs_density(posterior)


def charge(divergence: Divergence, q: Any, z: Tensor, prior: Any) -> tuple[Tensor, Tensor]:
    """Returns the mean KL of a batch, in nats an item: past the divergence's free bits, and plain."""
    parts = kl(q, z, prior).mean(0)
    plain = parts.sum()
    if divergence.free_bits == 0:
        return plain, plain
    free = divergence.free_bits * divergence.dims / len(parts)
    return parts.clamp_min(free).sum(), plain
