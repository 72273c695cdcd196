"""An encoder that was trained before, frozen, and a decoder trained on top, so that its latents can be decoded."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..errors import UnsupportedError
from ..optional import require

require("torch", "neural", "Pretrained")

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from ..resources import free_cores  # noqa: E402
from . import door, networks, scaling  # noqa: E402
from .base import Stateful  # noqa: E402
from .decoding import LatentDecoder, train_decoder  # noqa: E402
from .encoders import Pictures, Reads, kind_read, open_encoder  # noqa: E402
from .encoders.raw import all_told, raw_items  # noqa: E402
from .encoders.seeing import brightest, seen_rows  # noqa: E402
from .likelihoods import LIKELIHOODS  # noqa: E402
from .parts import kind_of, make_part  # noqa: E402
from .pca import PCA  # noqa: E402
from .ridge import RidgeDecoder  # noqa: E402
from .threads import in_chunks  # noqa: E402
from .weights import put_weights, split_weights, weights_of  # noqa: E402

_ROWS = 16  # items at a time in the encoder
_MANY = 5_000  # items, from which a network decodes better than a ridge regression


def _can_decode(model: "Pretrained") -> bool:
    return model.decoder_ is not None if hasattr(model, "decoder_") else model.trains_decoder


class Pretrained(Stateful, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A frozen encoder, by name or as a module, and for features a decoder that learns to give its items back.

    h = encoder(x)      z = h, or its principal components      x_hat = decoder(z)

    Encoders read pictures and other features, or items as they are: texts (str), or sounds (float32 samples at their
    rate). Nothing is downloaded: they come from installed packages and local files. A file keeps the name and a hash of
    the weights: without these it decodes, searches and maps; encoding says what is missing or changed.

    Parameters
    ----------
    encoder : str or nn.Module, default="efficientnet-lite0"
        Of texts: "minilm", "text:FOLDER" (as sentence-transformers saves them), "sentence-transformers:NAME", "glove",
        "words:FILE". Of sounds: "resemblyzer", "openwakeword". Of pictures: "efficientnet-lite0", "timm:NAME" (weights
        in the local cache), "timm:NAME=FILE", "open_clip:NAME=FILE". Of any: "onnx:FILE", which reads texts where a
        tokenizer.json lies beside it and sounds where `input_rate` is given, or a module from (n, ...) to (n, width),
        which is copied. A space with a module cannot be saved: export it to ONNX.
    dims : int, float, "auto" or None, default=None
        Principal components of what the encoder gives, as for `PCA`; None keeps all that it gives.
    whiten : bool, default=False
        Give each of them variance 1.
    input_size, input_mean, input_std : int, list of float, list of float; or None
        What pictures in [0, 1] become for the encoder: side in pixels, (x - mean) / std in each channel. None takes
        what the encoder was trained with, as far as it says so. A smaller size takes less time.
    input_rate : int or None, default=None
        Samples a second, for an ONNX file or a module that takes samples of sounds.
    decoder : str or None, default="auto"
        "linear", exact and in a moment (`RidgeDecoder`), or a network, as `network` of `Autoencoder`. "auto" is linear
        for fewer than 5,000 items, on which networks do no better, and a network for more or where `hidden`, `epochs`
        or `likelihood` are given; none for texts and sounds, of which encoders keep neither words nor phases. None
        learns none, and there is no `inverse_transform`.
    likelihood, hidden, epochs, batch_size, learning_rate
        Of a decoder's network, as for `Autoencoder`.
    threads : int or None, default=None
        None uses the cores that are free.
    random_state : int, RandomState or None, default=None
        Draws weights, what is held out, and order.

    Attributes
    ----------
    dims_ : int
    digest_ : str
        Hash of the encoder's weights.
    about_ : dict
        The encoder's name, what it reads, where its weights were, their size and licence; `cut`, how many texts were
        longer than it reads, their ends left out.
    width_ : int
        How many numbers the encoder gives an item.
    shape_ : tuple of int or None
        Shape of one item's features; None where it read items as they are and has no decoder.
    history_ : list of dict
        One row an epoch of a decoder's network; see `history`.
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np, torch
    >>> X = np.random.default_rng(0).normal(size=(60, 4))
    >>> model = Pretrained(torch.nn.Linear(4, 3), epochs=2, random_state=0).fit(X)
    >>> model.transform(X).shape, model.inverse_transform(model.transform(X)).shape
    ((60, 3), (60, 4))
    """

    family: ClassVar[str] = "pretrained"
    takes_images: ClassVar[bool] = True
    encodes_once: ClassVar[bool] = True  # fit_transform gives the latents of what it was fitted on
    rebuilt: ClassVar[frozenset[str]] = frozenset({"decoder_", "components_"})

    decoder_: LatentDecoder | RidgeDecoder | None
    components_: PCA | None

    def __init__(
        self, encoder: Any = "efficientnet-lite0", dims: int | float | Literal["auto"] | None = None, *,
        whiten: bool = False, input_size: int | None = None, input_mean: list[float] | None = None,
        input_std: list[float] | None = None, input_rate: int | None = None,
        decoder: str | None = "auto", likelihood: Any = "auto", hidden: list[int] | None = None,
        epochs: int | str = "auto", batch_size: int = 128, learning_rate: float = 4e-3, threads: int | None = None,
        random_state: Any = None,
    ):  # fmt: skip
        self.encoder = encoder
        self.dims = dims
        self.whiten = whiten
        self.input_size = input_size
        self.input_mean = input_mean
        self.input_std = input_std
        self.input_rate = input_rate
        self.decoder = decoder
        self.likelihood = likelihood
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.threads = threads
        self.random_state = random_state

    # ------------------------------------------------------------------ fit and transform
    def fit(self, X: Any, y: Any = None, *, callback: Callable[[dict[str, Any]], Any] | None = None) -> "Pretrained":
        """Encodes items and learns what is learned: components, and a decoder of features of shape (n, p), (n, c, t) or
        (n, c, h, w).

        Raises
        ------
        ValueError
            If X holds NaN or infinity, or the encoder cannot take such items.
        TypeError
            If the encoder reads texts or sounds, and X are none.
        UnsupportedError, MissingExtraError
            If the encoder is not on this machine; the message says what is missing.
        """
        self.fit_transform(X, y, callback=callback)
        return self

    def fit_transform(
        self, X: Any, y: Any = None, *, callback: Callable[[dict[str, Any]], Any] | None = None
    ) -> np.ndarray:
        """As `fit`, and returns the latents; every item is encoded once."""
        if kind_read(self.encoder, self.input_rate) != "features":
            return self.fit_rows(self.rows(X), callback=callback)
        X = door.features(self, X)
        self._encoder = open_encoder(self.encoder)
        if self._encoder.pictures is not None and X.ndim != 4:
            raise ValueError(
                f"encoder={self._name()!r} reads pictures (n, c, h, w), but these are items of shape {X.shape[1:]}. "
                "Choose an encoder of such items: 'minilm' reads texts, 'resemblyzer' voices, 'onnx:FILE' any."
            )
        self.white_ = brightest(X) if self._pictures() is not None and X.ndim == 4 else 1.0
        return self.fit_rows(self._rows(X), X, callback=callback)

    def fit_rows(
        self, h: np.ndarray, X: Any = None, *, callback: Callable[[dict[str, Any]], Any] | None = None
    ) -> np.ndarray:
        """As `fit`, from what `rows` gave for the items, float32 (n, width); returns latents (n, dims).

        Parameters
        ----------
        h : float32 array of shape (n, width)
        X : float array of shape (n, ...) or None
            The items' features, for the decoder; None where there is none to train.
        callback : callable, optional
        """
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        encoder = self._opened(fitting=True)
        if X is not None and encoder.reads.kind != "features":
            X = door.features(self, X)
        self.digest_ = encoder.digest
        told = {name: value for name, value in encoder.about.items() if value}
        kept = "by name and hash, its weights are not in the file"
        self.about_ = {"name": self._name(), "reads": encoder.reads.kind, **told, "kept": kept}
        self.width_ = int(h.shape[1])
        self.components_ = None if self.dims is None else PCA(self.dims, whiten=self.whiten, random_state=seed).fit(h)
        z = self.reduce(h)
        self.dims_ = int(z.shape[1])
        self.decoder_ = None
        self.shape_ = None if X is None else tuple(map(int, X.shape[1:]))
        if X is not None and self.trains_decoder:
            if self._is_linear(len(X)):
                self.decoder_ = RidgeDecoder.learn(z, np.asarray(X, np.float32).reshape(len(X), -1), seed)
            else:
                self._learn_back(X, z, seed, callback)
        return z

    @property
    def reads(self) -> Reads:
        """What the encoder reads: features, texts, or sounds at a rate."""
        return self._opened(fitting=not hasattr(self, "digest_")).reads

    @property
    def trains_decoder(self) -> bool:
        """Whether `fit` trains a decoder, by the parameters."""
        if self.decoder == "auto":
            return kind_read(self.encoder, self.input_rate) == "features"
        return self.decoder is not None

    def _is_linear(self, n: int) -> bool:
        of_networks = self.hidden is not None or self.epochs != "auto" or self.likelihood != "auto"
        return self.decoder == "linear" or (self.decoder == "auto" and n < _MANY and not of_networks)

    def transform(self, X: Any) -> np.ndarray:
        """Items to latents, float32 (n, dims); an item's does not depend on the items beside it.

        Raises
        ------
        UnsupportedError
            If the encoder is no longer there, or is no longer what it was when this was fitted.
        """
        check_is_fitted(self)
        if kind_read(self.encoder, self.input_rate) != "features":
            return self.reduce(self.rows(X))
        return self.reduce(self._rows(door.features(self, X, fitted=self.shape_)))

    def rows(self, items: Any) -> np.ndarray:
        """Texts or sounds to what the encoder gives, float32 (n, width).

        Raises
        ------
        TypeError
            If they are of another kind than the encoder reads.
        ValueError
            If the encoder has nothing to say of one.
        """
        return all_told(self.some_rows(raw_items(items, self.reads, self._name())), items, self._name())

    def some_rows(self, items: Sequence[Any], advance: Callable[[int], Any] | None = None) -> np.ndarray:
        """As `rows`, of items that are known to be right; a row of NaN where the encoder has nothing to say."""
        threads = self.threads or min(free_cores(), torch.get_num_threads())
        return self._opened(fitting=not hasattr(self, "digest_")).rows(items, threads, advance)

    def words(self, texts: Sequence[str]) -> np.ndarray | None:
        """Latents (n, dims) of texts that tell of pictures, by an encoder of both; None where it is of one kind."""
        encoder = self._opened()
        return self.reduce(encoder.words(texts).numpy()) if hasattr(encoder, "words") else None

    @available_if(_can_decode)
    def inverse_transform(self, z: Any) -> np.ndarray:
        """Latents (n, dims) to items as the decoder gives them: float32, shaped and in the unit of those fitted."""
        check_is_fitted(self)
        z = torch.from_numpy(door.latents(self, z))
        if isinstance(linear := self.decoder_, RidgeDecoder):
            x = in_chunks(lambda rows: torch.from_numpy(linear(rows.numpy())), z, _ROWS, 1).numpy()
            return x.reshape(len(x), *(self.shape_ or ()))
        with torch.inference_mode():
            return self._units().backward(in_chunks(self._decode, z, _ROWS, 1).numpy())

    def get_state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, np.ndarray]]:
        """Returns `(params, facts, arrays)`: the encoder's name and hash, the components and the decoder's weights.

        Raises
        ------
        TypeError
            If the encoder is a module, which no file can name.
        """
        check_is_fitted(self)
        if not isinstance(self.encoder, str):
            raise TypeError(
                f"Pretrained(encoder={type(self.encoder).__name__}(...)) cannot be saved: a file keeps the encoder's "
                "name, never code. Export the module to ONNX and fit with encoder='onnx:FILE'."
            )
        params, facts, arrays = super().get_state()
        facts["shape_"] = None if self.shape_ is None else list(self.shape_)
        if self.components_ is not None:
            options, learned, values = self.components_.get_state()
            facts["components_"] = {"params": options, "facts": learned}
            arrays |= {f"components/{name}": value for name, value in values.items()}
        if isinstance(self.decoder_, RidgeDecoder):
            arrays |= {f"ridge/{name}": value for name, value in self.decoder_.arrays.items()}
        elif self.decoder_ is not None:
            networks.refuse_unsavable(self.architecture_)
            arrays |= weights_of(self.decoder_, "decoder")
        return params, facts, arrays

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        weights, arrays = split_weights(arrays, "decoder")
        ridge, arrays = split_weights(arrays, "ridge")
        values, own = split_weights(arrays, "components")
        components = dict(facts).pop("components_", None)
        super()._set_state({name: value for name, value in facts.items() if name != "components_"}, own)
        self.components_ = self.decoder_ = None
        if self.shape_ is not None:
            self.shape_ = tuple(self.shape_)
            self.n_features_in_ = math.prod(self.shape_)
        if components is not None:
            self.components_ = PCA.from_state(components["params"], components["facts"], values)
        if ridge:
            self.decoder_ = RidgeDecoder(ridge)
            p, dims = len(self.decoder_.arrays["offset"]), len(self.decoder_.arrays["mean"])
            if (p, dims) != (math.prod(self.shape_ or ()), self.dims_):
                raise ValueError(f"The stored decoder is of {dims} dims and {p:,} features; the file is damaged.")
        elif self.shape_ is not None and self.trains_decoder and not hasattr(self, "architecture_"):
            raise ValueError("The stored decoder is not there; the file is damaged.")
        if self.shape_ is not None and hasattr(self, "architecture_"):
            plan = networks.plan_from(self.shape_, self.architecture_)
            with torch.device("meta"):  # a damaged plan cannot ask for more memory than the weights that are there
                asked = sum(value.numel() for value in self._built(plan).state_dict().values())
            if asked != (held := sum(value.size for value in weights.values())):
                raise ValueError(f"The stored decoder asks for {asked:,} weights, not {held:,}; the file is damaged.")
            self.decoder_ = put_weights(self._built(plan), weights, "decoder")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "dims_")

    @property
    def _n_features_out(self) -> int:
        return self.dims_

    def _opened(self, fitting: bool = False) -> Any:
        """The encoder, opened on first use: what only decodes and searches needs none."""
        if not hasattr(self, "_encoder"):
            found = open_encoder(self.encoder, self.input_rate)
            if not fitting and found.digest != self.digest_:
                raise UnsupportedError(
                    f"encoder={self.encoder!r} is not the one that this model was fitted with: its weights' hash is "
                    f"{found.digest}, not {self.digest_}. Bring back the old weights, or fit anew."
                )
            self._encoder = found
        return self._encoder

    def _name(self) -> str:
        return self.encoder if isinstance(self.encoder, str) else type(self.encoder).__name__

    def _pictures(self) -> Pictures | None:
        """What the pictures become, the user's word before the encoder's; None where items go in as they are."""
        own = self._opened().pictures
        given = {name: getattr(self, f"input_{name}") for name in ("size", "mean", "std")}
        given = {name: value for name, value in given.items() if value is not None}
        return (own or Pictures())._replace(**given) if own is not None or given else None

    def _rows(self, X: np.ndarray) -> np.ndarray:
        """Items to what the encoder gives, float32 (n, width), in chunks of a fixed size."""
        threads = self.threads or min(free_cores(), torch.get_num_threads())
        return seen_rows(self._opened(), X, self._pictures(), self.white_, threads)

    def reduce(self, h: np.ndarray) -> np.ndarray:
        """What `rows` gave (n, width) to latents (n, dims): its principal components, where `dims` asks for them."""
        if self.components_ is None:
            return np.ascontiguousarray(h, dtype=np.float32)
        components = self.components_
        # In chunks of a fixed size too, or a product's last bits would depend on how many items it is of.
        return in_chunks(
            lambda rows: torch.from_numpy(components.transform(rows.numpy())), torch.from_numpy(h), _ROWS, 1
        ).numpy()

    # ------------------------------------------------------------------ the decoder
    def _learn_back(self, X: np.ndarray, z: np.ndarray, seed: int, callback: Any) -> None:
        """Trains the decoder to give the items back from their latents."""
        unit = scaling.choose(X)
        self.likelihood_ = (
            ("bernoulli" if unit == "unit" else "gaussian") if self.likelihood == "auto" else self.likelihood
        )
        asked = LIKELIHOODS[kind_of(self.likelihood_)].unit if kind_of(self.likelihood_) in LIKELIHOODS else "any"
        self.unit_, self.shift_, self.scale_ = scaling.learn(X, unit if asked == "any" else asked)
        plan = networks.plan(X.shape[1:], self.decoder or "auto", self.hidden)
        self.architecture_ = plan.architecture()
        decoder = self._built(plan)
        self.history_ = train_decoder(
            decoder, plan, torch.from_numpy(self._units().forward(X)), torch.from_numpy(z), seed=seed,
            epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate, threads=self.threads,
            callback=callback,
        )  # fmt: skip
        self.decoder_ = decoder.eval().requires_grad_(False)

    def _built(self, plan: networks.Plan) -> LatentDecoder:
        with torch.random.fork_rng(devices=[]):  # layers draw starting weights from the global generator, unasked
            likelihood = make_part(LIKELIHOODS, self.likelihood_, "likelihood", shape=plan.shape, scale=None)
            return LatentDecoder(plan, self.dims_, likelihood)

    def _decode(self, z: Tensor) -> Tensor:
        assert isinstance(self.decoder_, LatentDecoder)  # for the type checker: there is no way here without one
        with torch.inference_mode():
            return self.decoder_(z)

    def _units(self) -> scaling.Scaling:
        return scaling.Scaling(self.unit_, self.shift_, self.scale_)
