"""The KL taken apart, so that what makes dimensions depend on each other can be charged more than the rest."""

import math
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from .base import Divergence, Penalty
from .kl import charge


class TotalCorrelation(Divergence):
    """alpha I(x; z) + tc KL(q(z) from prod_d q(z_d)) + dim_kl KL(prod_d q(z_d) from p(z)).

    With all three weights 1 it is the mean KL. The middle one is the total correlation of the dimensions over all
    items, 0 where they are independent (Chen et al., "Isolating sources of disentanglement", beta-TCVAE, 2018). q(z)
    and q(z_d) are estimated from a batch; the KL itself is taken in closed form and only what its parts weigh more or
    less than 1 from the estimates, which lowers their noise and changes nothing in expectation.

    Parameters
    ----------
    dims, beta, warm_up, free_bits
        As for every `Divergence`; beta weighs all of it.
    alpha, tc, dim_kl : float, default=1.0, 4.0, 1.0
        Weights of the three parts.
    sampling : {"stratified", "weighted"}, default="stratified"
        How a batch of m stands for n items. "stratified": an item itself weighs 1 / n and the others share the rest,
        which estimates q(z) without bias. "weighted": all weigh 1 / (n m), which bounds it from below.
    """

    name: ClassVar[str] = "tc"

    items: Tensor

    def __init__(
        self, dims: int, beta: float = 1.0, warm_up: float = 0.0, free_bits: float = 0.0, *,
        alpha: float = 1.0, tc: float = 4.0, dim_kl: float = 1.0,
        sampling: Literal["stratified", "weighted"] = "stratified",
    ):  # fmt: skip
        super().__init__(dims, beta, warm_up, free_bits)
        if sampling not in ("stratified", "weighted"):
            raise ValueError(f"sampling={sampling!r} of divergence='tc' must be 'stratified' or 'weighted'.")
        self.alpha, self.tc, self.dim_kl, self.sampling = alpha, tc, dim_kl, sampling
        self.register_buffer("items", torch.zeros(()))  # 0: a batch is all there is

    def start(self, x: Tensor, generator: torch.Generator) -> None:
        """Counts the items that a batch stands for."""
        self.items.fill_(len(x))

    def penalty(self, q: Any, z: Tensor, prior: Any, generator: torch.Generator, progress: float) -> Penalty:
        """Returns the weighted parts, and as "kl", "mi", "tc" and "dim_kl" the plain ones; see `Divergence.penalty`."""
        charged, plain = charge(self, q, z, prior)
        mi, tc, dim_kl = self.parts(q, z, prior)
        more = (self.alpha - 1) * mi + (self.tc - 1) * tc + (self.dim_kl - 1) * dim_kl
        terms = {"kl": plain, "mi": mi, "tc": tc, "dim_kl": dim_kl}
        return self.weight(progress) * (charged + more), {name: value.detach() for name, value in terms.items()}

    def parts(self, q: Any, z: Tensor, prior: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Estimates mutual information, total correlation and the dimensions' KL, in nats an item."""
        pairs = q.log_prob_of_each(z)  # (n, n, dims): of z_i under the posterior of item j
        own = pairs.diagonal().sum(0)  # (n,)
        weights = self._log_weights(len(z)).to(z)
        log_q = torch.logsumexp(pairs.sum(2) + weights, dim=1)
        log_product = torch.logsumexp(pairs + weights.unsqueeze(2), dim=1).sum(1)
        return (own - log_q).mean(), (log_q - log_product).mean(), (log_product - prior.log_prob(z)).mean()

    def _log_weights(self, m: int) -> Tensor:
        """Logarithms of what the posterior of item j in a batch of m weighs in q(z_i), (m, m)."""
        n = max(float(self.items), m)
        if self.sampling == "weighted":
            return torch.full((m, m), -math.log(n * m))
        others = (n - 1) / (n * (m - 1)) if m > 1 else 1.0
        return torch.full((m, m), others).fill_diagonal_(1 / n if m > 1 else 1.0).log()

    def refusal(self, posterior: Any, prior: Any, bound: Any) -> str | None:
        if posterior.factorised or not posterior.has_density:
            return self._needs_density(posterior)
        return (
            f"divergence='tc' needs the density of each dimension, which posterior={posterior.name!r} has only for all "
            "together. Take posterior='gaussian'; or divergence='factor', which needs draws of z beside the KL."
        )
