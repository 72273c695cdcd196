"""What every neural estimator shares: data in and out, devices, training, and a state of plain arrays.

An estimator file adds its parameters and says which parts it is composed of.
"""

import math
import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..errors import CollapseWarning
from ..optional import require
from ..resources import free_cores, refuse_if_too_large
from . import scaling
from .base import Stateful
from .dimensions import parallel_analysis

require("torch", "neural", "a neural model ('autoencoder', 'vae')")

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from . import networks, training  # noqa: E402
from .composition import Composition  # noqa: E402
from .likelihoods import LIKELIHOODS  # noqa: E402
from .threads import in_chunks  # noqa: E402

_LARGEST = 1e30  # features beyond it would overflow when squared in float32
_FEW = 20  # items: below so many none are held out, a tenth of them would judge by chance


class NeuralModel(Stateful, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """An encoder and a decoder, trained together; the base of the neural families."""

    takes_images: ClassVar[bool] = True
    rebuilt: ClassVar[frozenset[str]] = frozenset({"network_"})

    dims: int | str
    likelihood: str
    scale: float | None
    network: str
    hidden: list[int] | None
    epochs: int | str
    batch_size: int
    learning_rate: float
    weight_decay: float
    validation: float
    patience: int
    threads: int | None
    device: str
    random_state: Any
    verbose: bool

    network_: Any

    def _keep(self, parameters: dict[str, Any]) -> None:
        """Stores what __init__ was given, and nothing else: `self._keep(locals())`."""
        for name, value in parameters.items():
            if name != "self" and not name.startswith("__"):
                setattr(self, name, value)

    @abstractmethod
    def _compose(self, plan: networks.Plan, dims: int, likelihood: nn.Module) -> Composition:
        """Puts the model together from its parts."""

    def _warm_up(self) -> float:
        """Returns the share of training over which the loss itself changes."""
        return 0.0

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        callback: Callable[[dict[str, Any]], Any] | None = None,
        checkpoint: str | Path | None = None,
    ) -> "NeuralModel":
        """Learns the latent space of features.

        Parameters
        ----------
        X : float array of shape (n, p) or (n, c, h, w)
            Any range and unit: they are scaled inside, and come back from `inverse_transform`.
        y : ignored
        callback : callable or None
            Called after every epoch with its row of `history_`; a true answer ends training there.
        checkpoint : path or None
            A file that the state of training is kept in while it runs. A fit that finds one made with the same data and
            parameters goes on from it, on the CPU to the same bits as if it had never stopped. It is removed at the end.

        Raises
        ------
        ValueError
            If X holds NaN or infinity, or a parameter does not fit the data; the message says what would.
        MemoryError
            If the features would not fit in memory.
        FloatingPointError
            If training gives NaN at any learning rate.
        """
        X = self._features(X, reset=True)
        self._check_parameters()
        path = Path(checkpoint) if checkpoint is not None else None
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if path is not None and path.exists() and self.random_state is None:
            seed = training.seed_of(path)
        rng = np.random.RandomState(seed)
        refuse_if_too_large(4 * X.size, f"{len(X):,} items of shape {X.shape[1:]} in float32", "Pass fewer items.")

        likelihood, units = self._scale(X)
        x = units.forward(X)
        shape = tuple(int(size) for size in X.shape[1:])
        dims = self.dims if self.dims != "auto" else parallel_analysis(x.reshape(len(x), -1), rng)
        plan = networks.plan(shape, self.network, self.hidden)
        device = _device(self.device)
        generator = torch.Generator(device).manual_seed(seed)
        model = self._build(plan, int(dims), likelihood)
        model.initialise(torch.Generator().manual_seed(seed))

        order = torch.from_numpy(rng.permutation(len(x)))
        held = round(self.validation * len(x)) if len(x) >= _FEW else 0
        items = torch.from_numpy(x)
        self.history_ = training.train(
            model.to(device), items, order[held:], items[order[:held]], self._settings(len(x) - held, device, seed),
            generator=generator, callback=callback, checkpoint=path, described=self._described(plan, int(dims), seed),
        )  # fmt: skip
        self.network_ = model.cpu()
        self.dims_, self.shape_, self.likelihood_ = int(dims), shape, likelihood
        self.architecture_ = {"kind": plan.kind, "hidden": list(plan.hidden)}
        self.unit_, self.shift_, self.scale_ = units
        self._note_activity(items[order[: 2 * 1024]])
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Features (n, p) or (n, c, h, w) to latents (n, dims): the posterior's mean, float32.

        An item's latent does not depend on the items beside it, nor on the number of threads.
        """
        check_is_fitted(self)
        return self._apply(lambda x: self.network_.infer(x).mean, self._scaled(X))

    def inverse_transform(self, z: Any) -> np.ndarray:
        """Latents (n, dims) back to features, float32, shaped as those that were fitted and in their unit."""
        check_is_fitted(self)
        z = check_array(z, dtype=np.float32, input_name="z")
        if z.shape[1] != self.dims_:
            raise ValueError(
                f"inverse_transform() got latents of {z.shape[1]} dimensions, but {type(self).__name__} was fitted "
                f"with {self.dims_}. Pass what transform() gave."
            )
        return self._units().backward(self._apply(self.network_.decode, np.ascontiguousarray(z)))

    def get_state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, np.ndarray]]:
        """Returns `(params, facts, arrays)`; weights are arrays named as "network/encoder.layers.0.weight"."""
        check_is_fitted(self)
        params, facts, arrays = super().get_state()
        facts["shape_"] = list(self.shape_)
        weights = {
            f"network/{name}": np.ascontiguousarray(value.numpy()).copy()
            for name, value in self.network_.state_dict().items()
        }
        return params, facts, arrays | weights

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Rebuilds the network from its plan, and only then takes weights, each of the shape that the plan asks for.

        The plan is first built without memory, so a damaged one cannot ask for more than the weights that are there.
        """
        own = {name: value for name, value in arrays.items() if not name.startswith("network/")}
        super()._set_state(facts, own)
        self.shape_ = tuple(self.shape_)
        try:
            plan = networks.plan(self.shape_, self.architecture_["kind"], self.architecture_["hidden"])
            with torch.device("meta"):
                expected = _shapes(self._build(plan, self.dims_, self.likelihood_).state_dict())
        except (ValueError, TypeError, KeyError, RuntimeError, OverflowError) as error:
            raise ValueError(f"The {self.family} in this file cannot be built: {error}. The file is damaged.") from None
        weights = {name.removeprefix("network/"): value for name, value in arrays.items() if name not in own}
        found = _shapes(weights)
        if expected != found:
            wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
            raise ValueError(
                f"The {self.family}'s weights do not fit its network: {wrong[0]} has shape {found.get(wrong[0])}, "
                f"expected {expected.get(wrong[0])}. The file is damaged."
            )
        tensors = {name: torch.from_numpy(np.array(value, dtype=np.float32)) for name, value in weights.items()}
        model = self._build(plan, self.dims_, self.likelihood_)
        model.load_state_dict(tensors)
        self.network_ = model.eval()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]  # z is float32 whatever comes in
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.dims_

    def _features(self, X: Any, reset: bool) -> np.ndarray:
        """Checks features at the door: finite numbers of shape (n, p) or (n, c, h, w), at `reset=False` as fitted."""
        kinds = [np.float64, np.float32]
        if getattr(X, "ndim", 2) <= 2:
            X = validate_data(self, X, dtype=kinds, reset=reset)
        else:
            X = check_array(X, dtype=kinds, allow_nd=True, estimator=self, input_name="X")
            if X.ndim != 4:
                raise ValueError(
                    f"{type(self).__name__} got an array of shape {X.shape}; it takes vectors (n, p) or images "
                    f"(n, c, h, w). Found array with dim {X.ndim}; add the channel axis to grey images."
                )
            if reset:
                self.n_features_in_ = math.prod(X.shape[1:])
        if not reset and X.shape[1:] != self.shape_:
            raise ValueError(
                f"{type(self).__name__} got items of shape {X.shape[1:]}, but was fitted on {self.shape_}. "
                "Pass items of that shape, or fit anew on these."
            )
        if (largest := max(-X.min(), X.max())) > _LARGEST:
            raise ValueError(f"X holds {largest:.3g}; values beyond {_LARGEST:g} cannot be trained on. Rescale X.")
        return X

    def _check_parameters(self) -> None:
        """Refuses parameters that no data could fit."""
        whole = {"dims": self.dims, "epochs": self.epochs, "batch_size": self.batch_size, "patience": self.patience,
                 "threads": self.threads}  # fmt: skip
        for name, value in whole.items():
            if (name in ("dims", "epochs") and value == "auto") or (name == "threads" and value is None):
                continue
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name}={value!r} must be an integer of at least 1.")
        for name, value in {"learning_rate": self.learning_rate, "scale": self.scale}.items():
            if not (name == "scale" and value is None) and not 0 < value < math.inf:
                raise ValueError(f"{name}={value!r} must be above 0.")
        if not 0 <= self.validation < 1:
            raise ValueError(f"validation={self.validation!r} must be a share of the items, from 0 to below 1.")
        if self.likelihood != "auto" and self.likelihood not in LIKELIHOODS:
            known = ", ".join(["auto", *sorted(LIKELIHOODS)])
            raise ValueError(f"likelihood={self.likelihood!r} is not known. Known likelihoods: {known}.")

    def _scale(self, X: np.ndarray) -> tuple[str, scaling.Scaling]:
        """Chooses the likelihood by the data, or the data's unit by the likelihood."""
        if self.likelihood == "auto":
            unit: str = scaling.choose(X)
            return ("bernoulli" if unit == "unit" else "gaussian"), scaling.learn(X, unit)
        return self.likelihood, scaling.learn(X, "unit" if self.likelihood == "bernoulli" else scaling.choose(X))

    def _build(self, plan: networks.Plan, dims: int, likelihood: str) -> Composition:
        p = math.prod(plan.shape)
        part = LIKELIHOODS[likelihood](p, self.scale) if likelihood == "gaussian" else LIKELIHOODS[likelihood](p)
        return self._compose(plan, dims, part)

    def _settings(self, n: int, device: torch.device, seed: int) -> training.Settings:
        return training.Settings(
            epochs=training.enough_epochs(n, self.batch_size) if self.epochs == "auto" else int(self.epochs),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            patience=self.patience,
            warm_up=self._warm_up(),
            threads=self.threads,
            device=str(device),
            seed=seed,
            verbose=self.verbose,
        )

    def _described(self, plan: networks.Plan, dims: int, seed: int) -> dict[str, Any]:
        """What a checkpoint must agree with: parameters that change the result, and the network."""
        silent = {"threads", "verbose", "random_state", "device", "dims"}
        params = {name: repr(value) for name, value in self.get_params(deep=False).items() if name not in silent}
        return params | {"family": self.family, "network": repr(tuple(plan)), "dims": dims, "seed": seed}

    def _note_activity(self, x: Tensor) -> None:
        """Counts what each dimension carries, and warns where most carry nothing."""
        carried, active = self.network_.activity(x)
        self.carried_ = carried.numpy()
        self.active_dims_ = active.numpy()
        count = int(active.sum())
        if 2 * count < self.dims_ and len(x) >= _FEW:
            warnings.warn(
                f"{type(self).__name__}: {count} of {self.dims_} dimensions carry anything; the rest collapsed. "
                + self._against_collapse(max(1, count)),
                CollapseWarning,
                stacklevel=3,
            )

    def _against_collapse(self, count: int) -> str:
        return f"The data may have no more to give: try dims={count}."

    def _units(self) -> scaling.Scaling:
        return scaling.Scaling(self.unit_, self.shift_, self.scale_)

    def _scaled(self, X: Any) -> np.ndarray:
        return self._units().forward(self._features(X, reset=False))

    def _apply(self, work: Callable[[Tensor], Tensor], x: np.ndarray) -> np.ndarray:
        """Runs the network on items in chunks of a fixed size; see `threads.in_chunks`."""
        device = _device(self.device)
        network = self.network_.to(device).eval()
        p = self.n_features_in_
        rows = 64 if p <= 4096 else 16 if p <= 2**15 else 4
        with torch.inference_mode():
            values = in_chunks(lambda chunk: work(chunk.to(device)).cpu(), torch.from_numpy(x), rows, self._workers())
        network.cpu()
        return values.numpy()

    def _workers(self) -> int:
        return self.threads or min(free_cores(), torch.get_num_threads())


def _shapes(weights: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in weights.items()}


def _device(name: str) -> torch.device:
    """Resolves "auto" to a GPU where there is one.

    Raises
    ------
    ValueError
        If torch knows no such device, or it is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device={name!r} cannot be used ({str(error).splitlines()[0]}). Pass 'auto' or 'cpu'."
        ) from None
