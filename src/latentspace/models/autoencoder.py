"""A plain autoencoder: the shortest code from which a network can rebuild its input."""

from typing import Any, ClassVar

from ..optional import require

require("torch", "neural", "Autoencoder")

from .composition import Composition  # noqa: E402
from .networks import Plan  # noqa: E402
from .neural import NeuralModel  # noqa: E402
from .posteriors.point import PointPosterior  # noqa: E402


class Autoencoder(NeuralModel):
    """Two networks that meet in a bottleneck: z = encoder(x), x_hat = decoder(z), trained so that x_hat is x.

    The non-linear relative of PCA (Hinton and Salakhutdinov, 2006). Nothing shapes its latents but the reconstruction:
    to sample, fit a density to them, or take a `VAE`.

    Parameters
    ----------
    dims : int or "auto", default=16
        Dimensions of the latent space. "auto" counts the principal components that stand out from noise, 64 at most.
    likelihood : {"auto", "bernoulli", "gaussian"}, default="auto"
        How far x_hat is from x: cross-entropy on features in [0, 1], or squares. "auto" takes the first for images and
        for columns in [0, 1] or of 8-bit levels, the second for all others, each in its own standard deviation.
    scale : float or None, default=None
        Standard deviation of the Gaussian likelihood, in the scaled unit; None learns it.
    network : {"auto", "dense", "conv"}, default="auto"
        Convolutional for images with sides of at least 8, dense for all else.
    hidden : list of int or None, default=None
        Widths of the dense layers, or channels of the convolutional levels, from x to z; None chooses by the shape.
    epochs : int or "auto", default="auto"
        The most passes over the data; "auto" gives 900 to 4,000 steps by what one costs (see `networks.enough_steps`),
        in 10 to 600 passes. Training ends earlier when nothing gets better.
    batch_size : int, default=128
        Items a step.
    learning_rate : float, default=0.004
        The constant rate between warm-up and fall; see `updates.Schedule`.
    weight_decay : float, default=0.01
        Of AdamW.
    validation : float, default=0.1
        Share of the items that is held out to judge epochs by; none of fewer than 20 items.
    patience : int, default=10
        Epochs without a better validation loss, after which the rate begins to fall to zero; 300 steps at least.
    threads : int or None, default=None
        None uses the cores that are free, looked at while training goes on (`history_` tells); a number fixes it.
    device : str, default="auto"
        "cpu", "cuda", ...; "auto" takes a GPU where there is one.
    random_state : int, RandomState or None, default=None
        Draws weights, the held-out items, order and noise. An int gives the same result every time on one machine.
    verbose : bool, default=False
        Prints every epoch's row to stderr.

    Attributes
    ----------
    dims_ : int
        Latent dimensions.
    shape_ : tuple of int
        Shape of one item.
    likelihood_ : str
        The likelihood that was used.
    history_ : list of dict
        One row an epoch: losses in nats an item (lower is better), active dimensions, rate, threads, seconds.
    carried_ : float32 array of shape (dims,)
        Variance of each dimension over items.
    active_dims_ : bool array of shape (dims,)
        Which dimensions carry anything: at least a thousandth of the largest variance.
    n_features_in_ : int
        Features of one item, c * h * w for images.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.linspace(0, 1, 64)[:, None]
    >>> model = Autoencoder(dims=1, epochs=2, random_state=0).fit(np.hstack([t, t**2]))
    >>> model.transform([[0.5, 0.25]]).shape
    (1, 1)
    """

    family: ClassVar[str] = "autoencoder"

    def __init__(
        self, dims: int | str = 16, *, likelihood: str = "auto", scale: float | None = None, network: str = "auto",
        hidden: list[int] | None = None, epochs: int | str = "auto", batch_size: int = 128,
        learning_rate: float = 4e-3, weight_decay: float = 0.01, validation: float = 0.1, patience: int = 10,
        threads: int | None = None, device: str = "auto", random_state: Any = None, verbose: bool = False,
    ):  # fmt: skip
        self._keep(locals())

    def _compose(self, plan: Plan, dims: int, likelihood: Any) -> Composition:
        return Composition(plan, dims, posterior=PointPosterior(dims), likelihood=likelihood)
