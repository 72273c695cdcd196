"""A generative adversarial network with an encoder: samples that a discriminator takes for real, and a way to z."""

import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..optional import require

require("torch", "neural", "GAN")

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from ..errors import CollapseWarning  # noqa: E402
from . import door  # noqa: E402
from .composition import Composition  # noqa: E402
from .gan_discriminator import Discriminator  # noqa: E402
from .gan_game import Game  # noqa: E402
from .gan_losses import ADVERSARIES  # noqa: E402
from .gan_watch import Watch, coverage, distinct, verdict  # noqa: E402
from .networks import Plan, enough_steps  # noqa: E402
from .neural import NeuralModel  # noqa: E402
from .posteriors import POSTERIORS  # noqa: E402
from .priors import PRIORS  # noqa: E402

_COMPARED = 500  # items that samples are compared with
_FEW = 20  # items: fewer tell nothing of coverage


class GAN(NeuralModel):
    """A generator and a discriminator that play against each other (Goodfellow et al., 2014), and an encoder.

    z ~ N(0, 1)      made = generator(z), to look real to the discriminator
    x_hat = generator(encoder(x)), to be x      z_hat = encoder(generator(z)), to be z

    Samples are sharper than a VAE's. The encoder learns with the generator, so `transform` works, what comes back from
    it is the item, and the way between two items leads over what looks real. What is kept is a moving average of both.

    Parameters
    ----------
    dims : int or "auto", default=16
        Dimensions of the latent space. "auto" counts the principal components that stand out from noise, 64 at most.
    loss : {"relativistic", "wgan-gp", "hinge"}, default="relativistic"
        What the two networks lower: relativistic pairs with penalties at real and made items (Huang et al., 2024),
        hard to collapse; Wasserstein with a penalty between them (Gulrajani et al., 2017), the slowest; hinge with a
        penalty at real items (Lim and Ye, 2017).
    penalty : float or None, default=None
        Weight of the discriminator's slopes; larger is steadier and softer. None takes the loss's own.
    reconstruction : float, default=1.0
        Weight of x_hat beside x. At 0 decoded items are only like the encoded ones.
    cycle : float, default=1.0
        Weight of z_hat beside z.
    average : float, default=0.998
        Share that a step leaves of the moving average of weights which is kept.
    likelihood : {"auto", "bernoulli", "gaussian"}, default="auto"
        Items in [0, 1], or in any range; "auto" as for `Autoencoder`.
    network, hidden, epochs, batch_size, learning_rate, validation
        As for `Autoencoder`. "auto" epochs make twice the steps of an autoencoder's.
    threads, device, random_state, verbose
        As for `Autoencoder`: what it runs on.

    Attributes
    ----------
    coverage_, distinct_ : float
        Share of real items, held out where there are some, that have a sample among their neighbours, and of samples
        that are not alike; higher is better. A `CollapseWarning` tells when they are low, and `history_` has both by
        epoch as validation_coverage and validation_distinct.
    history_ : list of dict
        One row an epoch. reconstruction is the share of the variance of x that is left in x_hat - x, cycle that of z;
        gap is by how much the discriminator scores real items higher, penalty its mean squared slope beside the one
        that costs nothing; validation_loss is the reconstruction of held-out items by what is kept.
    dims_, shape_, likelihood_, carried_, active_dims_, n_features_in_
        As for `Autoencoder`.

    Warns
    -----
    CollapseWarning
        By `fit`: while training goes on, where the samples cover less and less of the items; at its end, where they
        cover little or are all alike.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.linspace(-1, 1, 500)[:, None]
    >>> model = GAN(dims=1, epochs=30, random_state=0).fit(np.hstack([t, t**2]))
    >>> model.sample(3, random_state=0).shape
    (3, 2)
    """

    family: ClassVar[str] = "gan"
    batches_sparse: ClassVar[bool] = False

    scale = None  # of no likelihood here
    weight_decay = 0.0
    patience = 1  # no epoch is better than the last

    def __init__(
        self, dims: int | str = 16, *, loss: str = "relativistic", penalty: float | None = None,
        reconstruction: float = 1.0, cycle: float = 1.0, average: float = 0.998, likelihood: str = "auto",
        network: str = "auto", hidden: list[int] | None = None, epochs: int | str = "auto", batch_size: int = 64,
        learning_rate: float = 1e-3, validation: float = 0.1, threads: int | None = None, device: str = "auto",
        random_state: Any = None, verbose: bool = False,
    ):  # fmt: skip
        self._keep(locals())

    def sample(self, n: int = 1, random_state: Any = None) -> np.ndarray:
        """Draws n new items, at least 1: features, float32, shaped as those that were fitted and in their unit."""
        check_is_fitted(self)
        n = door.drawn(n)
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        z = self.network_.prior.sample(n, torch.Generator().manual_seed(seed))
        return self.inverse_transform(z.numpy())

    def _watching(self, callback: Callable[[dict[str, Any]], Any] | None) -> Watch:
        return Watch(callback)

    def _check(self) -> None:
        if self.loss not in ADVERSARIES:
            raise ValueError(f"loss={self.loss!r} is not known. Known losses: {', '.join(ADVERSARIES)}.")
        if self.likelihood not in ("auto", "bernoulli", "gaussian"):
            raise ValueError(f"likelihood={self.likelihood!r} must be 'auto', 'bernoulli' or 'gaussian' for a GAN.")
        for name in ("penalty", "reconstruction", "cycle"):
            value, free = getattr(self, name), name == "penalty"
            if not (free and value is None) and not (isinstance(value, int | float) and 0 <= value < np.inf):
                raise ValueError(f"{name}={value!r} must be a number of at least 0{', or None' if free else ''}.")
        if not 0 <= self.average < 1:
            raise ValueError(f"average={self.average!r} must be a share, from 0 to below 1.")

    def _compose(self, plan: Plan, dims: int, likelihood: nn.Module) -> Composition:
        return Composition(
            plan, dims, posterior=POSTERIORS["point"](dims), prior=PRIORS["normal"](dims), likelihood=likelihood
        )

    def _learner(self, model: Composition, plan: Plan) -> Game:
        adversary = ADVERSARIES[self.loss]()
        with torch.random.fork_rng(devices=[]):
            discriminator = Discriminator(plan)
        return Game(
            model,
            discriminator,
            adversary,
            penalty=adversary.weight if self.penalty is None else self.penalty,
            reconstruction=self.reconstruction,
            cycle=self.cycle,
            memory=self.average,
        )

    def _enough_steps(self, plan: Plan) -> int:
        return 2 * enough_steps(plan)

    def _finish(self, x: Tensor, order: Tensor) -> None:
        """Compares samples with real items, those held out first."""
        real = x[order[:_COMPARED]]
        z = self.network_.prior.sample(len(real), torch.Generator().manual_seed(0))
        made = self._apply(self.network_.decode, z.numpy())
        codes = [torch.from_numpy(self._apply(lambda x: self.network_.infer(x).mean, x)) for x in (real.numpy(), made)]
        self.coverage_, self.distinct_ = float(coverage(*codes)), float(distinct(*codes))
        if len(real) >= _FEW and (said := verdict(self.coverage_, self.distinct_)):
            warnings.warn(f"{type(self).__name__}: {said}", CollapseWarning, stacklevel=5)
