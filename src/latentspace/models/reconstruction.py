"""What an autoencoder lowers: the reconstruction of items it may have seen only in part, and what regularises it."""

from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from .bounds import ELBO
from .regularisers import Pass

if TYPE_CHECKING:
    from .composition import Composition


class Reconstruction(ELBO):
    """-log p(x given z) + penalty + commitment, with z = encoder(noise(x)).

    Noise is for training alone: epochs are judged by whole items.

    Parameters
    ----------
    noise : one of `noise.NOISES` or None
    regulariser : one of `regularisers.REGULARISERS` or None
    """

    name: ClassVar[str] = "reconstruction"

    def __init__(self, noise: Any = None, regulariser: Any = None):
        super().__init__()
        self.noise = noise
        self.regulariser = regulariser

    def loss(
        self, model: "Composition", x: Tensor, generator: torch.Generator, progress: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns what training lowers for a batch, and its terms; see `ELBO.loss`."""
        graph = torch.is_grad_enabled()
        with torch.set_grad_enabled(graph or getattr(self.regulariser, "differentiates", False)):
            loss, terms = self._terms(model, x, generator)
        return loss if graph else loss.detach(), terms

    def _terms(self, model: "Composition", x: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        if self.regulariser is not None and model.training:
            self.regulariser.hold(model.decoder, generator)
        seen = model.seen(x)
        if self.noise is not None and model.training:
            seen = self.noise(seen, generator)
        if getattr(self.regulariser, "differentiates", False):
            seen = seen.detach().requires_grad_()
        q = model.posterior(model.encoder(seen))
        outputs = model.outputs(q.mean)
        nll = model.likelihood.nll(outputs, x).mean()
        loss, terms = nll, {"nll": nll.detach()}
        if self.regulariser is not None:
            penalty = self.regulariser(Pass(seen, q.mean, outputs, model.decoder), generator)
            loss, terms["penalty"] = loss + penalty, penalty.detach()
        if hasattr(model.posterior, "commitment"):
            commitment = model.posterior.commitment(q)
            loss, terms["commitment"] = loss + commitment, commitment.detach()
            if model.training:
                model.posterior.learn(q, generator)
            terms |= model.posterior.used(q)
        return loss, terms
