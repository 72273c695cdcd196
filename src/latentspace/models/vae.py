"""The variational autoencoder: a latent space that a prior fills, so that it can be sampled and scored."""

from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_array, check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..optional import require

require("torch", "neural", "VAE")

import torch  # noqa: E402

from ..errors import UnsupportedError  # noqa: E402
from . import door  # noqa: E402
from .bounds import BOUNDS, score  # noqa: E402
from .composition import Composition  # noqa: E402
from .divergences import DIVERGENCES  # noqa: E402
from .networks import Plan  # noqa: E402
from .neural import NeuralModel  # noqa: E402
from .parts import Spec, kind_of, make_part  # noqa: E402
from .posteriors import POSTERIORS  # noqa: E402
from .priors import PRIORS  # noqa: E402


def _has_density(model: "VAE") -> bool:
    """Whether a VAE can score; what scikit-learn asks before it calls a method that is not always there."""
    kind = kind_of(model.posterior)
    if kind in POSTERIORS and not POSTERIORS[kind].has_density:
        raise AttributeError(
            f"score_samples() needs a posterior with a density, which {kind!r} has not. Fit one with "
            "posterior='gaussian', or score latents by a density fitted to them."
        )
    return True


class VAE(NeuralModel):
    """A variational autoencoder (Kingma and Welling, 2014), composed of parts.

    q(z given x) = N(mean(x), exp(log_var(x)))      p(z) = N(0, 1)
    log p(x) >= E_q[log p(x given z)] - KL(q from p)

    That is the default. Posterior, prior, divergence, bound and likelihood can be exchanged, each on its own; the
    papers' combinations have names: see `latentspace.presets()` and `VAE.from_preset`. Each part is a name, or a dict
    of its kind and its own options: posterior={"kind": "iaf", "transforms": 4}.

    A first try neither collapses nor gives NaN: features are scaled to the likelihood's unit, the log-variance is
    bounded, the divergence's weight rises over the first part of training, and each dimension has a few bits free.

    Parameters
    ----------
    dims : int or "auto", default=16
        Dimensions of the latent space. "auto" counts the principal components that stand out from noise, 64 at most.
    posterior, prior, divergence, bound : str or dict, default="gaussian", "normal", "kl", "elbo"
        Parts; see `models.posteriors`, `priors`, `divergences` and `bounds`. What cannot go together is refused by
        `fit`, which says why and what could.
    draws : int or None, default=None
        Draws of z an item and step; None takes what is usual for the bound: 1 for the ELBO, 8 or 16 for those that
        weigh several.
    beta : float, default=1.0
        Weight of the divergence. Below 1 reconstructions gain and samples from the prior lose; above 1 the reverse.
    warm_up : float, default=0.1
        Share of training over which that weight rises from 0.
    free_bits : float, default=0.05
        Nats that a dimension may carry at no cost, where the bound is the ELBO and the divergence the KL.
    likelihood, scale, network, hidden
        As for `Autoencoder`: what is rebuilt, and by which networks.
    epochs, batch_size, learning_rate, weight_decay, validation, patience
        As for `Autoencoder`: how it is trained.
    threads, device, random_state, verbose, target_weight, task, precision, compile
        As for `Autoencoder`: what it runs on, and what a target counts.

    Attributes
    ----------
    carried_ : float32 array of shape (dims,)
        What each dimension carries: nats of a Gaussian posterior, else the variance of its mean; see
        `Composition.activity`.
    active_dims_ : bool array of shape (dims,)
        Which dimensions carry more than nothing: 0.1 nats past the free bits, or a thousandth of the largest variance.
    dims_, shape_, likelihood_, history_, n_features_in_
        As for `Autoencoder`.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.linspace(-1, 1, 1000)[:, None]
    >>> model = VAE(dims=1, epochs=30, random_state=0).fit(np.hstack([t, t**2]))
    >>> model.sample(3, random_state=0).shape
    (3, 2)
    """

    family: ClassVar[str] = "vae"
    reads_columns: ClassVar[bool] = True

    def __init__(
        self, dims: int | str = 16, *, posterior: Spec = "gaussian", prior: Spec = "normal", divergence: Spec = "kl",
        bound: Spec = "elbo", draws: int | None = None, beta: float = 1.0, warm_up: float = 0.1,
        free_bits: float = 0.05, likelihood: Spec = "auto", scale: float | None = None, network: Any = "auto",
        hidden: list[int] | None = None, epochs: int | str = "auto", batch_size: int = 128,
        learning_rate: float = 4e-3, weight_decay: float = 0.01, validation: float = 0.1, patience: int = 10,
        threads: int | None = None, device: str = "auto", random_state: Any = None, verbose: bool = False,
        target_weight: float = 1.0, task: str = "auto", precision: str = "auto", compile: bool = False,
    ):  # fmt: skip
        self._keep(locals())

    def infer(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Features to the Gaussian posterior's mean and log-variance, each float32 of shape (n, dims).

        Raises
        ------
        UnsupportedError
            If the posterior is another one.
        """
        check_is_fitted(self)
        if (kind := kind_of(self.posterior)) != "gaussian":
            raise UnsupportedError(
                f"infer() gives the mean and log-variance of posterior='gaussian', but this VAE has {kind!r}. "
                "Its mean is what transform() gives."
            )

        def both_of(x: torch.Tensor) -> torch.Tensor:
            q = self.network_.infer(x)
            return torch.cat([q.mean, q.log_var], dim=1)

        both = self._apply(both_of, self._scaled(X))
        return both[:, : self.dims_], both[:, self.dims_ :]

    def sample(self, n: int = 1, random_state: Any = None) -> np.ndarray:
        """Draws n new items from the prior: features, float32, shaped as those that were fitted.

        A density fitted to the latents of real items gives better samples; see `latentspace.models.densities`.
        """
        check_is_fitted(self)
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        with torch.inference_mode():
            z = self.network_.prior.sample(door.drawn(n), torch.Generator().manual_seed(seed))
        return self.draw(z.numpy(), seed)

    def draw(self, z: Any, random_state: Any = None) -> np.ndarray:
        """Latents (n, dims) to features drawn from p(x given z), where the likelihood draws, as for columns of a table.

        For the others, pictures above all, the mean that `inverse_transform` gives: a draw would add noise to it.
        """
        check_is_fitted(self)
        likelihood = self.network_.likelihood
        if not hasattr(likelihood, "draw"):
            return self.inverse_transform(z)
        z = check_array(z, dtype=np.float32, input_name="z")
        outputs = torch.from_numpy(self._apply(self.network_.outputs, np.ascontiguousarray(z)))
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        with torch.inference_mode():
            x = likelihood.draw(outputs, torch.Generator().manual_seed(seed))
        return self._units().backward(x.numpy())

    @available_if(_has_density)
    def score_samples(self, X: Any, draws: int = 16) -> np.ndarray:
        """Scores items by a lower bound on their log-likelihood, in nats, float32 of shape (n,); higher is likelier.

        The importance-weighted bound of Burda et al. (2016): log of the mean over draws of p(x, z) / q(z given x),
        whatever the model was trained on; more draws are tighter. A bound on log p(x) in the features' own unit for a
        likelihood that is a density; for the others (see `likelihoods`), of what they read. All items meet the same
        chance, so scores can be compared and repeat.

        A posterior without a density, "point", has no such method.
        """
        check_is_fitted(self)
        model = self.network_
        bound = self._apply(lambda x: score(model, x, draws), self._scaled(X))
        if model.likelihood.is_density:
            bound -= np.float32(self._units().log_volume(self.n_features_in_))
        return bound

    def _compose(self, plan: Plan, dims: int, likelihood: Any) -> Composition:
        weights = {"beta": self.beta * likelihood.eases, "warm_up": self.warm_up, "free_bits": self.free_bits}
        drawn = {} if self.draws is None else {"draws": self.draws}
        return Composition(
            plan,
            dims,
            posterior=make_part(POSTERIORS, self.posterior, "posterior", dims=dims),
            prior=make_part(PRIORS, self.prior, "prior", dims=dims),
            divergence=make_part(DIVERGENCES, self.divergence, "divergence", dims=dims, **weights),
            likelihood=likelihood,
            bound=make_part(BOUNDS, self.bound, "bound", **drawn),
        )

    def _against_collapse(self, count: int) -> str:
        return f"The data may have no more to give: try dims={count}; if reconstructions are poor, a smaller beta."
