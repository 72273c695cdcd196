"""Autoencoders: a bottleneck from which a network can rebuild its input, and what papers have added to it as parts."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted

from ..optional import require

require("torch", "neural", "Autoencoder")

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from . import door  # noqa: E402
from .bounds import ELBO  # noqa: E402
from .codes import CODES  # noqa: E402
from .composition import Composition  # noqa: E402
from .densities import density_class  # noqa: E402
from .networks import Plan  # noqa: E402
from .neural import NeuralModel  # noqa: E402
from .noise import NOISES  # noqa: E402
from .parts import make_part  # noqa: E402
from .posteriors.point import PointPosterior  # noqa: E402
from .reconstruction import Reconstruction  # noqa: E402
from .regularisers import REGULARISERS, OnOff  # noqa: E402
from .sparse_items import Items, some_of  # noqa: E402

_FOR_DENSITY = 4096  # items whose latents tell what `sample` draws from: half a second for 64 dimensions
_WIDE = 512  # dimensions from which a mixture's covariances would be larger than the networks


class Autoencoder(NeuralModel):
    """Two networks that meet in a bottleneck: z = encoder(x), x_hat = decoder(z), trained so that x_hat is x.

    The non-linear relative of PCA (Hinton and Salakhutdinov, 2006). By default nothing shapes its latents but the
    reconstruction. `noise`, `regulariser` and `codes` name parts that shape them, each by its name or as a dict of the
    name and its options: `noise={"kind": "masking", "share": 0.5}`.

    Parameters
    ----------
    dims : int or "auto", default=16
        Dimensions of the latent space. "auto" counts the principal components that stand out from noise, 64 at most.
    noise : {"gaussian", "masking", "salt-and-pepper"}, dict or None, default=None
        What is done to items before the encoder sees them in training; whole ones are rebuilt. See `noise`.
    regulariser : {"l1", "sparsity", "contractive", "decoder-l2", "decoder-gradient", "decoder-spectral"}, dict or None
        What is asked of latents or decoder besides the reconstruction; default None, nothing. See `regularisers`.
    codes : {"vq", "fsq", "residual-vq"}, dict or None, default=None
        Makes latents discrete: z is then the nearest of finitely many values, and `encode_codes` gives the integers.
        `codes={"kind": "vq", "groups": 16, "size": 512}` cuts z into 16 pieces with 512 values each. See `codes`.
    likelihood : str or dict, default="auto"
        How far x_hat is from x. "bernoulli": cross-entropy on features in [0, 1]; "gaussian": squares, with one scale;
        "gaussian-per-dim": a scale for each feature; "laplace": absolute values; "logistic-mixture": exact levels of
        8-bit pixels; "multinomial", "poisson", "negative-binomial": counts, which x_hat is the mean of; "ms-ssim",
        "feature-matching": pictures as the eye, or a discriminator, sees them. "auto" takes the first for images and
        for columns in [0, 1] or of 8-bit levels, the second for all others, each in its own standard deviation.
        Options: `likelihood={"kind": "logistic-mixture", "levels": 17}`; see `likelihoods`.
    scale : float or None, default=None
        Standard deviation of the Gaussian likelihood, or width of the Laplace one, in the scaled unit; None learns it.
    network : str, dict or pair of modules, default="auto"
        "auto": convolutional for images with sides of at least 8 and sequences (n, c, t) of at least 8 steps, dense for
        all else. "dense", "conv", "residual", "gru", "transformer", or your own; see `declare_network`.
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
        None uses all that torch may where a step is work enough for them, else one (`history_` tells); a number fixes
        it. Another number rounds otherwise, so the last bits of what is learned depend on it.
    device : str, default="auto"
        "cpu", "cuda", ...; "auto" takes a GPU where there is one.
    random_state : int, RandomState or None, default=None
        Draws weights, the held-out items, order and noise. An int gives the same result every time on one machine.
    verbose : bool, default=False
        Prints every epoch's row to stderr.
    target_weight : float, default=1.0
        How much a target that `fit` is given counts, beside 1 for all features together; 0 leaves y aside. See `heads`.
    task : {"auto", "classes", "numbers"}, default="auto"
        What that target is; "auto" takes strings, booleans and few different whole numbers for classes.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        What the networks compute in while they train; "auto" is bfloat16 on a GPU that has it, else float32.
    compile : bool, default=False
        Whether torch compiles the networks first: it takes seconds to minutes, and pays where training takes hours.

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
    classes_ : list
        The classes of the target, where there was one of classes; then there are `predict` and `predict_proba`.
    n_features_in_ : int
        Features of one item, c * h * w for images.
    density_ : Density
        Fitted to the latents of up to 4,096 items, for `sample`.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.linspace(0, 1, 64)[:, None]
    >>> model = Autoencoder(dims=1, epochs=2, random_state=0).fit(np.hstack([t, t**2]))
    >>> model.transform([[0.5, 0.25]]).shape
    (1, 1)
    """

    family: ClassVar[str] = "autoencoder"
    rebuilt: ClassVar[frozenset[str]] = NeuralModel.rebuilt | {"density_"}

    noise: str | dict[str, Any] | None
    regulariser: str | dict[str, Any] | None
    codes: str | dict[str, Any] | None

    def __init__(
        self, dims: int | str = 16, *, noise: str | dict[str, Any] | None = None,
        regulariser: str | dict[str, Any] | None = None, codes: str | dict[str, Any] | None = None,
        likelihood: str = "auto", scale: float | None = None, network: Any = "auto",
        hidden: list[int] | None = None, epochs: int | str = "auto", batch_size: int = 128,
        learning_rate: float = 4e-3, weight_decay: float = 0.01, validation: float = 0.1, patience: int = 10,
        threads: int | None = None, device: str = "auto", random_state: Any = None, verbose: bool = False,
        target_weight: float = 1.0, task: str = "auto", precision: str = "auto", compile: bool = False,
    ):  # fmt: skip
        self._keep(locals())

    def sample(self, n: int = 1, random_state: Any = None) -> np.ndarray:
        """Draws n new items: latents from a density fitted to those of real items, decoded.

        Returns features, float32, shaped as those that were fitted and in their unit.
        """
        check_is_fitted(self)
        rng = np.random.default_rng(check_random_state(random_state).randint(2**31 - 1))
        return self.inverse_transform(self.project(self.density_.sample(door.drawn(n), rng)))

    def project(self, z: Any) -> np.ndarray:
        """Latents (n, dims) to the nearest that the encoder could give, float32 (n, dims).

        With codes, the value of a code; in residual stages one that is near. Else z as it is, within its bounds.
        """
        check_is_fitted(self)
        z = check_array(z, dtype=np.float32, input_name="z")
        posterior = self.network_.posterior
        return self._apply(posterior.project, np.ascontiguousarray(z)) if hasattr(posterior, "project") else z

    def encode_codes(self, X: Any) -> np.ndarray:
        """Features to codes: int64 of shape (n, groups), or (n, groups, stages) where there are several stages.

        Raises
        ------
        AttributeError
            If the model has no codes.
        """
        coder = self._coder("encode_codes")
        return self._apply(lambda x: coder.codes(self.network_.infer(x).mean), self._scaled(X))

    def decode_codes(self, codes: Any) -> np.ndarray:
        """Codes, as `encode_codes` gives them, back to features; of fewer stages too, which is coarser.

        Raises
        ------
        ValueError
            If the codes have another shape than this model's, or are not integers from 0 to below `size`.
        """
        coder = self._coder("decode_codes")
        codes = np.asarray(codes)
        groups, *stages = coder.shape
        fits = codes.ndim == 1 + len(coder.shape) and codes.shape[1] == groups
        if not fits or (stages and not 1 <= codes.shape[2] <= stages[0]):
            raise ValueError(
                f"decode_codes() got codes of shape {codes.shape}; expected (n, {', '.join(map(str, coder.shape))})."
            )
        if codes.dtype.kind not in "iu" or (codes.size and not (codes.min() >= 0 and codes.max() < coder.size)):
            raise ValueError(
                f"decode_codes() takes integers from 0 to {coder.size - 1}, not {codes.dtype} from {codes.min()} to "
                f"{codes.max()}. Pass what encode_codes() gave."
            )
        return self.inverse_transform(coder.decode(torch.from_numpy(codes.astype(np.int64))).numpy())

    def get_state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, np.ndarray]]:
        """Returns `(params, facts, arrays)`; as for every neural model, and the density's under "density/"."""
        params, facts, arrays = super().get_state()
        options, learned, values = self.density_.get_state()
        facts["density_"] = {"family": self.density_.family, "params": options, "facts": learned}
        return params, facts, arrays | {f"density/{name}": value for name, value in values.items()}

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        kept = {name: value for name, value in arrays.items() if name.startswith("density/")}
        described = dict(facts).pop("density_", None)
        super()._set_state(
            {name: value for name, value in facts.items() if name != "density_"},
            {name: value for name, value in arrays.items() if name not in kept},
        )
        values = {name.removeprefix("density/"): value for name, value in kept.items()}
        try:
            cls: Any = density_class(described["family"])
            self.density_ = cls.from_state(described["params"], described["facts"], values)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"The density of the {self.family} in this file cannot be used: {error}. The file is damaged."
            ) from None

    def _finish(self, x: Items, order: Tensor) -> None:
        some = some_of(x, order[:_FOR_DENSITY]).numpy()
        z = self._apply(lambda x: self.network_.infer(x).mean, some)
        family = "gaussian" if self.dims_ > _WIDE else "mixture"
        self.density_ = density_class(family)(random_state=0).fit(z)

    def _compose(self, plan: Plan, dims: int, likelihood: Any) -> Composition:
        coder = make_part(CODES, self.codes, "codes", dims=dims)
        noise = make_part(NOISES, self.noise, "noise")
        regulariser = make_part(REGULARISERS, self.regulariser, "regulariser")
        on_off = getattr(regulariser, "on_off", False)
        if coder is not None and on_off:
            raise ValueError(
                f"regulariser={self.regulariser!r} bounds the latents, which codes={self.codes!r} do in another way. "
                "Leave one out."
            )
        posterior: nn.Module = coder or (OnOff(dims) if on_off else PointPosterior(dims))
        plain = coder is None and noise is None and regulariser is None
        bound = ELBO() if plain else Reconstruction(noise, regulariser)
        return Composition(plan, dims, posterior=posterior, likelihood=likelihood, bound=bound)

    def _coder(self, verb: str) -> Any:
        check_is_fitted(self)
        if self.codes is None:
            raise AttributeError(
                f"{verb}() needs discrete latents: fit an Autoencoder with codes='vq', 'fsq' or 'residual-vq'."
            )
        return self.network_.posterior
