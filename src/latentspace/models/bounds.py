"""The bound on the log-likelihood that training climbs: how a model's parts become one number an item."""

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .composition import Composition


class ELBO(NamedTuple):
    """log p(x) >= E_q[log p(x given z)] - KL(q from prior), with one draw of z an item (Kingma and Welling, 2014).

    Without a divergence only the first term is left: a plain autoencoder's reconstruction.
    """

    def loss(
        self, model: "Composition", x: Tensor, generator: torch.Generator, progress: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns what training lowers for a batch, and its terms: detached scalars in nats an item.

        Parameters
        ----------
        model : Composition
            The parts.
        x : float tensor of shape (n, ...)
            A batch in the network's unit.
        generator : torch.Generator
            Draws z.
        progress : float
            Share of training that is done, 0 to 1: schedules of weights follow it.
        """
        q = model.infer(x)
        z = q.rsample(generator)
        nll = model.likelihood.nll(model.decoder(z), x).mean()
        terms = {"nll": nll.detach()}
        if model.divergence is None:
            return nll, terms
        penalty, terms["kl"] = model.divergence.penalty(q, z, model.prior, generator, progress)
        return nll + penalty, terms

    def per_item(self, model: "Composition", x: Tensor, noise: Tensor) -> Tensor:
        """Returns the bound of every item in nats (n,), higher is better, averaged over `noise` (draws, 1, dims)."""
        q = model.infer(x)
        nll = torch.stack([model.likelihood.nll(model.decoder(q.at(draw)), x) for draw in noise]).mean(0)
        return -nll if model.divergence is None else -nll - model.divergence.per_item(q, model.prior)
