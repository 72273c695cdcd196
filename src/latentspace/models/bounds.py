"""The bound on the log-likelihood that training climbs: how a model's parts become one number an item.

With w_k = p(x given z_k) p(z_k) / q(z_k given x) for draws z_k of q,

    ELBO_K   the mean of log w_k                            (Kingma and Welling, 2014)
    IWAE_K   log of the mean of w_k                         (Burda et al., 2016)
    MIWAE    IWAE over groups of draws, averaged            (Rainforth et al., 2018)
    CIWAE    share * ELBO_K + (1 - share) * IWAE_K
    PIWAE    the decoder climbs IWAE over all draws, the encoder MIWAE

IWAE rises towards log p(x) with K, but what it tells the encoder drowns in noise as K grows; the last three answer that
(Rainforth et al., "Tighter variational bounds are not necessarily better", 2018).
"""

import math
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from .coherence import Coherence
from .noise import NOISES
from .parts import Spec, in_range, make_part, whole
from .turns import Turn

if TYPE_CHECKING:
    from .composition import Composition

Said = tuple[Tensor, dict[str, Tensor]]


class ELBO:
    """log p(x) >= E_q[log p(x given z)] - KL(q from prior).

    With another divergence in the KL's place it is what that divergence's paper lowers; with none, a plain
    autoencoder's reconstruction.

    Parameters
    ----------
    draws : int
        Draws of z an item that the reconstruction is averaged over.
    noise : {"gaussian", "masking", "salt-and-pepper"}, dict or None
        What is done to items before the encoder sees them in training; whole ones are rebuilt (Im et al., "Denoising
        criterion for variational auto-encoding framework", 2017). See `noise`.
    """

    name: ClassVar[str] = "elbo"
    usual: ClassVar[int] = 1  # draws, when the user names no number

    def __init__(self, draws: int = usual, noise: Spec | None = None):
        self.draws = whole("draws", draws, 1, 100_000)
        self.disturb = make_part(NOISES, noise, "noise")

    def refusal(self, divergence: Any) -> str | None:
        """Says why the bound cannot go with a divergence and what could; None when it can."""
        return None

    def loss(self, model: "Composition", x: Tensor, generator: torch.Generator, progress: float) -> Said:
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
        q = model.infer(x if self.disturb is None or not model.training else self.disturb(x, generator))
        z = q.rsample(generator)
        drawn = z if self.draws == 1 else torch.cat([z, *(q.rsample(generator) for _ in range(self.draws - 1))])
        nll = model.likelihood.nll(model.outputs(drawn), _repeated(x, self.draws)).mean()
        terms = {"nll": nll.detach()}
        if model.divergence is None:
            return nll, terms
        penalty, more = model.divergence.penalty(q, z, model.prior, generator, progress)
        return nll + penalty, terms | more


class CoherentELBO(ELBO):
    """The ELBO, and how well the words of each topic go together in the items that are learned from: a prior of topics.

    log p(topics) = weight * n * sum_k coherence(topic_k) + constant, so that an item counts it `weight` times; for
    networks whose decoder has topics, and likelihoods that say what they are made of. See `coherence`.

    Parameters
    ----------
    weight : float, default=10
        Nats an item that a topic costs whose words are met together no oftener than by chance, over one whose words
        always are. On mails, 40 made topics little more coherent than 10 and rebuilt texts worse.
    """

    name: ClassVar[str] = "coherent"
    settled: ClassVar[float] = 0.1  # share of training over which the weight rises from 0

    def __init__(self, draws: int = ELBO.usual, noise: Spec | None = None, weight: float = 10.0):
        super().__init__(draws, noise)
        self.weight = in_range("weight", weight, 0.0, 1e6)

    def start(self, model: "Composition", x: Tensor) -> None:
        """Counts which features come together.

        Raises
        ------
        ValueError
            If the model has no topics.
        """
        if not (hasattr(model.decoder, "topics") and hasattr(model.likelihood, "parts")):
            raise ValueError(
                "bound='coherent' is of topics, which this model has none of. Take network='mixture' or 'topics' and "
                "likelihood='vmf' or 'multinomial', or bound='elbo'."
            )
        self.coherence = Coherence(x)

    def forget(self) -> None:
        """Lets go of the pairs, which only training needs."""
        del self.coherence

    def loss(self, model: "Composition", x: Tensor, generator: torch.Generator, progress: float) -> Said:
        loss, terms = super().loss(model, x, generator, progress)
        self.coherence.to(x.device)
        decoder: Any = model.decoder
        coherence = self.coherence(model.likelihood.parts(decoder.topics()).to(x.dtype))
        rise = min(1.0, progress / self.settled)
        return loss - rise * self.weight * coherence.sum(), terms | {"coherence": coherence.detach().mean()}


class IWAE(ELBO):
    """log p(x) >= E[log (1/K) sum_k w_k], tighter than the ELBO, and the tighter the more draws."""

    name: ClassVar[str] = "iwae"
    usual: ClassVar[int] = 8

    def __init__(self, draws: int = usual):
        super().__init__(draws)

    def refusal(self, divergence: Any) -> str | None:
        if divergence is None or divergence.name != "kl":
            return (
                f"bound={self.name!r} weighs draws by p(x, z) / q(z given x), which leaves no place for "
                f"divergence={getattr(divergence, 'name', None)!r}. Take divergence='kl', or bound='elbo'."
            )
        return None

    def loss(self, model: "Composition", x: Tensor, generator: torch.Generator, progress: float) -> Said:
        log_w, terms = log_weights(model, x, self.draws, generator, model.divergence.weight(progress))
        return -self.climbs(log_w).mean(), terms

    def climbs(self, log_w: Tensor) -> Tensor:
        """Log-weights (draws, n) to the bound of every item (n,), in nats."""
        return _log_mean(log_w)


class MIWAE(IWAE):
    """The mean over groups of IWAE within each: a steadier pull on the encoder for the same number of draws.

    Parameters
    ----------
    draws : int
        Of all groups together.
    groups : int or None
        How many; it must divide `draws`. None takes the divisor next to the square root.
    """

    name: ClassVar[str] = "miwae"
    usual: ClassVar[int] = 16

    def __init__(self, draws: int = usual, groups: int | None = None):
        super().__init__(draws)
        self.groups = _middle_divisor(draws) if groups is None else groups
        if self.draws % whole("groups", self.groups, 1, self.draws):
            raise ValueError(f"groups={groups!r} must divide the {draws} draws of bound={self.name!r}.")

    def climbs(self, log_w: Tensor) -> Tensor:
        return _log_mean(log_w.unflatten(0, (self.groups, -1)), dim=1).mean(0)


class PIWAE(MIWAE):
    """The decoder climbs IWAE over all draws, which is the tightest, and the encoder MIWAE, which tells it most."""

    name: ClassVar[str] = "piwae"

    def loss(self, model: "Composition", x: Tensor, generator: torch.Generator, progress: float) -> Said:
        """The decoder's: what an epoch is judged by."""
        log_w, terms = log_weights(model, x, self.draws, generator, model.divergence.weight(progress))
        return -_log_mean(log_w).mean(), terms

    def turns(self, model: "Composition", own: list[nn.Parameter]) -> list[Turn]:
        """Splits the model's own parameters: those of q on MIWAE, all others on IWAE."""
        inference = {id(parameter) for part in (model.encoder, model.posterior) for parameter in part.parameters()}

        def encoders_loss(x: Tensor, generator: torch.Generator, progress: float) -> Said:
            loss, _ = MIWAE.loss(self, model, x, generator, progress)
            return loss, {}

        return [
            Turn("model", [parameter for parameter in own if id(parameter) not in inference], model.loss),
            Turn("encoder", [parameter for parameter in own if id(parameter) in inference], encoders_loss),
        ]


class CIWAE(IWAE):
    """A share of the ELBO and the rest of IWAE.

    Parameters
    ----------
    draws : int
    share : float
        Of the ELBO, 0 to 1.
    """

    name: ClassVar[str] = "ciwae"

    def __init__(self, draws: int = IWAE.usual, share: float = 0.5):
        super().__init__(draws)
        self.share = in_range("share", share, 0, 1)

    def climbs(self, log_w: Tensor) -> Tensor:
        return self.share * log_w.mean(0) + (1 - self.share) * _log_mean(log_w)


def log_weights(
    model: "Composition", x: Tensor, draws: int, generator: torch.Generator, weight: float = 1.0
) -> tuple[Tensor, dict[str, Tensor]]:
    """Draws z and returns log w of shape (draws, n) in nats, and its terms: the mean nll and log q - log p.

    `weight` is what the divergence has now: log p(z) - log q(z given x) counts so much.
    """
    q = model.infer(x)
    pairs = [q.rsample_with_log_prob(generator) for _ in range(draws)]
    z, log_q = torch.cat([z for z, _ in pairs]), torch.cat([log_q for _, log_q in pairs])
    nll = model.likelihood.nll(model.outputs(z), _repeated(x, draws))
    kl = log_q - model.prior.log_prob(z)
    terms = {"nll": nll.detach().mean(), "kl": kl.detach().mean()}
    return (-nll - weight * kl).unflatten(0, (draws, -1)), terms


def score(model: "Composition", x: Tensor, draws: int) -> Tensor:
    """Returns IWAE of every item, in nats (n,); higher is likelier.

    All items meet the same chance, and a draw's does not depend on the draws before it, so an item's score does not
    depend on the items beside it.
    """
    q = model.infer(x)
    log_w = []
    for draw in range(draws):
        z, log_q = q.rsample_with_log_prob(torch.Generator(x.device).manual_seed(draw), shared=True)
        log_w.append(model.prior.log_prob(z) - log_q - model.likelihood.nll(model.outputs(z), x))
    return _log_mean(torch.stack(log_w))


def _log_mean(log_w: Tensor, dim: int = 0) -> Tensor:
    return torch.logsumexp(log_w, dim) - math.log(log_w.shape[dim])


def _repeated(x: Tensor, draws: int) -> Tensor:
    return x if draws == 1 else x.repeat(draws, *[1] * (x.ndim - 1))


def _middle_divisor(count: int) -> int:
    return max(divisor for divisor in range(1, math.isqrt(count) + 1) if count % divisor == 0)


BOUNDS: dict[str, type[ELBO]] = {bound.name: bound for bound in (ELBO, CoherentELBO, IWAE, MIWAE, PIWAE, CIWAE)}
