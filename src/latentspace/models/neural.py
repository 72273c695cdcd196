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
import torch
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import ClassifierTags, check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from ..errors import CollapseWarning, UnsupportedError
from ..resources import free_cores
from . import acceleration, door, heads, networks, scaling, training
from .base import Stateful
from .block_items import HELD_OUT, BlockItems
from .composition import Composition
from .dimensions import parallel_analysis
from .from_blocks import FromBlocks
from .history import History
from .likelihoods import LIKELIHOODS
from .parts import Spec, kind_of, make_part
from .predicting import Predicting
from .sparse_items import WRITTEN_OUT, Items, SparseItems, admitted, some_of, subset_of
from .threads import in_chunks

_FEW = 20  # items: below so many none are held out, a tenth of them would judge by chance
_NOTHING = "Nothing was learned: the items may be all alike, or the epochs too few."
_BLOCK = 2**24  # values of sparse rows that are encoded together
_PROBE = 1024  # items that activity is measured on after training


class NeuralModel(FromBlocks, Predicting, Stateful, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """An encoder and a decoder, trained together; the base of the neural families."""

    takes_images: ClassVar[bool] = True
    batches_sparse: ClassVar[bool] = True  # whether many sparse rows are trained on without writing all of them out
    dense_inside: ClassVar[bool] = True  # sparse rows are read, but every feature costs what a dense one does
    rebuilt: ClassVar[frozenset[str]] = frozenset({"network_"})

    dims: int | str
    likelihood: Spec
    scale: float | None
    network: Any
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
    target_weight: float = 1.0
    task: str = "auto"
    precision: str = "auto"
    compile: bool = False

    network_: Any
    architecture_: dict[str, Any]

    def _keep(self, parameters: dict[str, Any]) -> None:
        """Stores what __init__ was given, and nothing else: `self._keep(locals())`."""
        for name, value in parameters.items():
            if name != "self" and not name.startswith("__"):
                setattr(self, name, value)

    @abstractmethod
    def _compose(self, plan: networks.Plan, dims: int, likelihood: nn.Module) -> Composition:
        """Puts the model together from its parts."""

    def _finish(self, x: Any, order: Tensor) -> None:
        """Learns what comes after the networks from items x in the network's unit, in random order: nothing, mostly."""

    def _learner(self, model: Composition, plan: networks.Plan) -> Any:
        """Returns what the loop trains to make the model good: itself, or itself among what only training needs."""
        return model

    def _auto_dims(self, x: np.ndarray, rng: np.random.RandomState) -> int:
        """Returns how many dimensions "auto" takes for items x in the network's unit."""
        return parallel_analysis(x.reshape(len(x), -1), rng)

    def _enough_steps(self, plan: networks.Plan) -> int:
        """Returns how many steps "auto" epochs make."""
        return networks.enough_steps(plan)

    def _against_collapse(self, count: int) -> str:
        """Says what to do when only `count` dimensions carry anything."""
        return f"The data may have no more to give: try dims={count}."

    def _check(self) -> None:
        """Refuses parameters of its own that make no sense, before any work."""

    def _watching(self, callback: Callable[[dict[str, Any]], Any] | None) -> Callable[[dict[str, Any]], Any] | None:
        """Returns what is called after every epoch: the user's callback, and what the family looks out for itself."""
        return callback

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        callback: Callable[[dict[str, Any]], Any] | None = None,
        checkpoint: str | Path | None = None,
    ) -> "NeuralModel":
        """Learns the latent space of features.

        Ctrl-C ends training and keeps the best epoch so far; in the first epoch it interrupts as ever.

        Parameters
        ----------
        X : float array of shape (n, p), (n, c, t) or (n, c, h, w), or SciPy sparse matrix (n, p)
            Any range and unit: they are scaled inside, and come back from `inverse_transform`. Sparse rows are written
            out a batch at a time where they are many.
        y : sequence of length n, or None
            Class labels (strings, booleans, whole numbers) or numbers to regress on, which a head reads off z while
            training goes on, so that z keeps what tells them (see `heads`); None or NaN where one is missing. `task`
            says which they are, `target_weight` how much they count; 0 leaves y aside.
        callback : callable or None
            Called after every epoch with its row of `history_`; a true answer ends training there.
        checkpoint : path or None
            A file that the state of training is kept in while it runs. A fit that finds one made with the same data
            and parameters goes on from it, on the CPU to the same bits as if it had never stopped. The end removes it.

        Raises
        ------
        ValueError
            If X holds NaN or infinity, y has nothing to tell apart, or a parameter does not fit the data; the message
            says what would.
        MemoryError
            If the features would not fit in memory.
        FloatingPointError
            If training gives NaN at any learning rate.
        """
        self._check()
        X = admitted(door.features(self, X), self.batches_sparse)
        door.parameters(self)
        self.likelihood_, units = self._scale(X)
        x: Items = SparseItems(X, units) if issparse(X) else torch.from_numpy(units.forward(X))
        return self._fit_items(x, units, y, callback, checkpoint)

    def _fit_items(
        self, x: Items, units: scaling.Scaling, y: Any, callback: Any, checkpoint: str | Path | None,
        without: np.ndarray | None = None,
    ) -> "NeuralModel":  # fmt: skip
        path = Path(checkpoint) if checkpoint is not None else None
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if path is not None and path.exists() and self.random_state is None:
            seed = training.seed_of(path)
        rng = np.random.RandomState(seed)
        self.unit_, self.shift_, self.scale_ = units
        self.shape_ = tuple(int(size) for size in x.shape[1:])
        if self.dims == "auto":
            some = x.numpy() if isinstance(x, Tensor) else x.looked_at(_PROBE, seed)
            some = some[np.isfinite(some).reshape(len(some), -1).all(axis=1)]  # of rows on disk that are left out
            self.dims_ = self._auto_dims(some, rng)
        else:
            self.dims_ = int(self.dims)
        targets = self._aim(y, len(x))
        plan = networks.plan(self.shape_, self.network, self.hidden)
        self.architecture_ = plan.architecture()
        order = rng.permutation(len(x))
        if without is not None and len(without):
            order = order[~np.isin(order, without)]
        self._train(plan, x, targets, torch.from_numpy(order), seed, self._watching(callback), path)
        return self

    def _aim(self, y: Any, n: int) -> Tensor | None:
        """Reads y as what a head will learn, (n, m) with NaN where it is missing; None where there is no head."""
        for name in ("target_", "classes_"):  # of an earlier fit
            self.__dict__.pop(name, None)
        if y is None or self.target_weight == 0:
            return None
        target, columns = heads.read(y, n, type(self).__name__, self.task)
        self.target_ = list(target)
        if target.names is not None:
            self.classes_ = list(target.names)
        return torch.from_numpy(columns)

    def _train(
        self, plan: networks.Plan, x: Items, y: Tensor | None, order: Tensor, seed: int, callback: Any,
        checkpoint: Path | None,
    ) -> None:  # fmt: skip
        """Trains a new network on x in the network's unit; the first items of `order` are held out."""
        device = acceleration.device_of(self.device)
        dtype = acceleration.resolve(self.precision, device)
        model = self._build(plan)
        learner = self._learner(model, plan)
        generator = torch.Generator().manual_seed(seed)
        learner.initialise(generator)
        share = self.validation if len(x) >= _FEW else 0.0
        if isinstance(x, BlockItems):  # what is held out stays in memory
            share = min(share, max(1, HELD_OUT // (4 * self.n_features_in_)) / len(x))
        held, rows = _split(order, y, share)
        learner.start(some_of(x, rows, WRITTEN_OUT), generator)
        enough = training.enough_epochs(len(rows), self.batch_size, self._enough_steps(plan))
        settings = training.Settings(
            epochs=enough if self.epochs == "auto" else int(self.epochs),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            patience=self.patience,
            warm_up=getattr(model, "settles", 0.0),
            threads=self.threads,
            device=str(device),
            seed=seed,
            verbose=self.verbose,
        )
        targets = None if y is None else training.Targets(heads.weighed(y, rows), heads.weighed(y, held)[held])
        weight = heads.weight_of(self.target_weight, plan.shape)
        with acceleration.accelerated(model.to(device), x[rows[:2]].to(device), dtype=dtype, compiled=self.compile):
            self.history_ = training.train(
                (learner if y is None else heads.Supervised(learner, weight)).to(device),
                x,
                rows,
                subset_of(x, held),
                settings,
                targets=targets,
                generator=torch.Generator(device).manual_seed(seed),
                callback=callback,
                checkpoint=checkpoint,
                described=self._described(plan, seed),
            )
        if hasattr(model, "forget"):  # not all that is trained is composed of parts
            model.forget()
        self.network_ = model.cpu()
        self._note_activity(some_of(x, order[:_PROBE]))
        self._finish(x, order)

    @property
    def history(self) -> History:
        """How the model was trained: `history_` as a table, columns by name, and `plot(path)`."""
        check_is_fitted(self)
        return History(self.history_)

    def transform(self, X: Any) -> np.ndarray:
        """Features (n, p), (n, c, t) or (n, c, h, w) to latents (n, dims): the posterior's mean, float32.

        An item's latent does not depend on the items beside it, nor on the number of threads.
        """
        check_is_fitted(self)
        if issparse(X):  # written out a block at a time
            rows = max(1, _BLOCK // max(1, X.shape[1]))
            blocks = [X[start : start + rows].toarray() for start in range(0, X.shape[0], rows)]
            return np.concatenate([self.transform(block) for block in blocks])
        return self._apply(lambda x: self.network_.infer(x).mean, self._scaled(X))

    def inverse_transform(self, z: Any) -> np.ndarray:
        """Latents (n, dims) back to features, float32, shaped as those that were fitted and in their unit."""
        check_is_fitted(self)
        return self._units().backward(self._apply(self.network_.decode, door.latents(self, z)))

    def differentiable(self) -> tuple[Callable[[Tensor], Tensor], Callable[[Any], np.ndarray]]:
        """The encoder for those who want its gradients: a torch function of scaled features, and what scales them."""
        check_is_fitted(self)
        return lambda x: self.network_.infer(x).mean, self._scaled

    @available_if(lambda model: hasattr(getattr(getattr(model, "network_", None), "decoder", None), "topics"))
    def topic_weights(self) -> np.ndarray:
        """What each topic alone makes of every feature, (dims, p); of models with network="topics"."""
        with torch.inference_mode():
            topics, likelihood = self.network_.decoder.topics(), self.network_.likelihood
            return (likelihood.telling(topics) if hasattr(likelihood, "telling") else topics).numpy()

    def get_state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, np.ndarray]]:
        """Returns `(params, facts, arrays)`; weights are arrays named as "network/encoder.layers.0.weight"."""
        check_is_fitted(self)
        networks.refuse_unsavable(self.architecture_)
        params, facts, arrays = super().get_state()
        facts["shape_"] = list(self.shape_)
        for name, value in self.network_.state_dict().items():
            arrays[f"network/{name}"] = np.array(
                value.numpy(), order="C"
            )  # keeps shape (), where ascontiguousarray does not
        return params, facts, arrays

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Rebuilds the network from its plan, and only then takes weights, each of the shape that the plan asks for.

        The plan is first built without memory, so a damaged one cannot ask for more than the weights that are there.
        """
        own = {name: value for name, value in arrays.items() if not name.startswith("network/")}
        weights = {name.removeprefix("network/"): value for name, value in arrays.items() if name not in own}
        super()._set_state(facts, own)
        try:
            self.shape_ = tuple(self.shape_)
            self.n_features_in_ = math.prod(self.shape_)
            plan = networks.plan_from(self.shape_, self.architecture_)
            with torch.device("meta"):
                expected = _shapes(self._build(plan).state_dict())
        except UnsupportedError:  # a network that is not declared here: no damage
            raise
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(f"The {self.family} in this file cannot be built: {error}. The file is damaged.") from None
        if expected != (found := _shapes(weights)):
            wrong = min(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
            raise ValueError(
                f"The {self.family}'s weights do not fit its network: {wrong} has shape {found.get(wrong)}, "
                f"expected {expected.get(wrong)}. {networks.blame(plan)}"
            )
        self.network_ = self._build(plan).eval()
        # A copy: arrays from a file may be read-only, or views of it.
        self.network_.load_state_dict(
            {name: torch.from_numpy(np.array(value, dtype=np.float32)) for name, value in weights.items()}
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]  # z is float32 whatever comes in
        tags.input_tags.sparse = True
        tags.classifier_tags = ClassifierTags()  # of `predict_proba`, which is there when y holds classes
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    @property
    def wants_counts(self) -> bool:
        """Whether the likelihood is one of whole numbers from 0."""
        return self.likelihood != "auto" and LIKELIHOODS[kind_of(self.likelihood)].unit == "counts"

    @property
    def _n_features_out(self) -> int:
        return self.dims_

    def _scale(self, X: Any) -> tuple[Spec, scaling.Scaling]:
        """Chooses the likelihood by the data, or the data's unit by the likelihood."""
        if self.likelihood == "auto":
            unit: str = scaling.choose(X)
            name = "bernoulli" if unit == "unit" and self.scale is None else "gaussian"
            return name, scaling.learn(X, unit)
        unit = LIKELIHOODS[kind_of(self.likelihood)].unit
        return self.likelihood, scaling.learn(X, scaling.choose(X) if unit == "any" else unit)

    def _build(self, plan: networks.Plan) -> Composition:
        """Builds the network that the fitted facts describe."""
        with torch.random.fork_rng(devices=[]):  # layers draw starting weights from the global generator, unasked
            likelihood = make_part(LIKELIHOODS, self.likelihood_, "likelihood", shape=plan.shape, scale=self.scale)
            model = self._compose(plan, self.dims_, likelihood)
            if hasattr(self, "target_"):
                model.head = heads.Head(self.dims_, heads.Target(*self.target_))
            return model

    def _described(self, plan: networks.Plan, seed: int) -> dict[str, Any]:
        """What a checkpoint must agree with: the network, and the parameters that change the result."""
        silent = {"threads", "verbose", "random_state", "device", "dims", "hidden", "network"}
        params = {name: repr(value) for name, value in self.get_params(deep=False).items() if name not in silent}
        return params | {"family": self.family, "plan": repr(tuple(plan)), "dims": self.dims_, "seed": seed}

    def _note_activity(self, x: Tensor) -> None:
        """Counts what each dimension carries, and warns where most carry nothing."""
        carried, active = self.network_.activity(x)
        self.carried_, self.active_dims_ = carried.numpy(), active.numpy()
        count = int(active.sum())
        if 2 * count < self.dims_ and len(x) >= _FEW:
            warnings.warn(
                f"{type(self).__name__}: {count} of {self.dims_} dimensions carry anything, the others collapsed. "
                + (self._against_collapse(count) if count else _NOTHING),
                CollapseWarning,
                stacklevel=5,
            )

    def _read_head(self, X: Any) -> np.ndarray:
        return self._apply(lambda x: self.network_.head(self.network_.infer(x).mean), self._scaled(X))

    def _units(self) -> scaling.Scaling:
        return scaling.Scaling(self.unit_, self.shift_, self.scale_)

    def _scaled(self, X: Any) -> np.ndarray:
        return self._units().forward(door.features(self, X, fitted=self.shape_))

    def _apply(self, work: Callable[[Tensor], Tensor], x: np.ndarray) -> np.ndarray:
        """Runs the network on items in chunks of a fixed size; see `threads.in_chunks`."""
        device = acceleration.device_of(self.device)
        network = self.network_.to(device)
        rows = 64 if self.n_features_in_ <= 4096 else 16 if self.n_features_in_ <= 2**15 else 4
        threads = self.threads or min(free_cores(), torch.get_num_threads())

        @torch.inference_mode()  # a mode of each thread, so set where the work is
        def infer(chunk: Tensor) -> Tensor:
            return work(chunk.to(device)).cpu()

        values = in_chunks(infer, torch.from_numpy(x), rows, threads)
        network.cpu()
        return values.numpy()


def _split(order: Tensor, y: Tensor | None, share: float) -> tuple[Tensor, Tensor]:
    """Splits a random order into rows held out and rows to learn from, alike where a target is known and where not."""
    groups = [order]
    if y is not None:
        known = ~y.isnan().any(1)[order]
        groups = [order[known], order[~known]]
    held = [round(share * len(group)) for group in groups]
    pairs = list(zip(groups, held, strict=True))
    return torch.cat([group[:count] for group, count in pairs]), torch.cat([group[count:] for group, count in pairs])


def _shapes(weights: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in weights.items()}
