"""The variational autoencoder: a latent space that a prior fills, so that it can be sampled and scored."""

from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..optional import require

require("torch", "neural", "VAE")

import torch  # noqa: E402

from .bounds import ELBO  # noqa: E402
from .composition import Composition  # noqa: E402
from .divergences import KL  # noqa: E402
from .networks import Plan  # noqa: E402
from .neural import NeuralModel  # noqa: E402
from .posteriors import Gaussian  # noqa: E402
from .priors import StandardNormal  # noqa: E402


class VAE(NeuralModel):
    """A variational autoencoder (Kingma and Welling, 2014), composed of parts.

    q(z given x) = N(mean(x), exp(log_var(x)))      p(z) = N(0, 1)
    log p(x) >= E_q[log p(x given z)] - KL(q from p)

    A first try neither collapses nor gives NaN: features are scaled to the likelihood's unit, the log-variance is
    bounded, the divergence's weight rises over the first part of training, and each dimension has a few bits free.

    Parameters
    ----------
    dims : int or "auto", default=16
        Dimensions of the latent space. "auto" counts the principal components that stand out from noise, 64 at most.
    beta : float, default=1.0
        Weight of the divergence. Below 1 reconstructions gain and samples from the prior lose; above 1 the reverse.
    warm_up : float, default=0.1
        Share of training over which that weight rises from 0.
    free_bits : float, default=0.05
        Nats that a dimension may carry at no cost.
    likelihood, scale, network, hidden
        As for `Autoencoder`: what is rebuilt, and by which networks.
    epochs, batch_size, learning_rate, weight_decay, validation, patience
        As for `Autoencoder`: how it is trained.
    threads, device, random_state, verbose
        As for `Autoencoder`: what it runs on.

    Attributes
    ----------
    carried_ : float32 array of shape (dims,)
        Mean KL of each dimension, in nats.
    active_dims_ : bool array of shape (dims,)
        Which dimensions carry more than 0.1 nats past the free bits.
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

    def __init__(
        self, dims: int | str = 16, *, beta: float = 1.0, warm_up: float = 0.1, free_bits: float = 0.05,
        likelihood: str = "auto", scale: float | None = None, network: str = "auto",
        hidden: list[int] | None = None, epochs: int | str = "auto", batch_size: int = 128,
        learning_rate: float = 4e-3, weight_decay: float = 0.01, validation: float = 0.1, patience: int = 10,
        threads: int | None = None, device: str = "auto", random_state: Any = None, verbose: bool = False,
    ):  # fmt: skip
        self._keep(locals())

    def posterior(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Features to the posterior's mean and log-variance, each float32 of shape (n, dims)."""
        check_is_fitted(self)

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
        z = self.network_.prior.sample(n, torch.Generator().manual_seed(seed))
        return self.inverse_transform(z.numpy())

    def score_samples(self, X: Any, draws: int = 16) -> np.ndarray:
        """Scores items by their evidence lower bound, in nats, float32 of shape (n,); higher is likelier.

        A bound on log p(x) in the features' own unit for a Gaussian likelihood; for a Bernoulli one, of the features
        scaled to [0, 1]. All items meet the same `draws` of noise, so scores can be compared and repeat.
        """
        check_is_fitted(self)
        noise = torch.randn((draws, 1, self.dims_), generator=torch.Generator().manual_seed(0))
        model = self.network_
        bound = self._apply(lambda x: model.bound.per_item(model, x, noise.to(x.device)), self._scaled(X))
        if model.likelihood.is_density:
            bound -= np.float32(self._units().log_volume(self.n_features_in_))
        return bound

    def _compose(self, plan: Plan, dims: int, likelihood: Any) -> Composition:
        return Composition(
            plan,
            dims,
            posterior=Gaussian,
            prior=StandardNormal(dims),
            divergence=KL(self.beta, self.warm_up, self.free_bits),
            likelihood=likelihood,
            bound=ELBO(),
        )

    def _warm_up(self) -> float:
        return self.warm_up

    def _against_collapse(self, count: int) -> str:
        return f"The data may have no more to give: try dims={count}; if reconstructions are poor, a smaller beta."
