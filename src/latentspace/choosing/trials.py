"""A sample of a source, read once for all models that read it alike; and one trial on it."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import get_tags

from .. import fitting
from ..errors import CollapseWarning
from ..evaluate.errors import reconstruction_errors
from ..evaluate.neighbours import neighbours_changed
from ..evaluate.shape import active_dims
from ..evaluate.tasks import target_of, task_score
from ..features import Features, dense
from ..models import adapter
from .picking import Trial

_K = 10  # neighbours compared
_QUICK = 8_000_000  # numbers trained on, up to which what is not trained by epochs takes a second or two
_COMPARED = 1_000  # held-out items whose neighbours are


@dataclass
class Reading:
    """A sample's items as features for models that read them alike."""

    modality: Any
    features: Features
    y: list | None
    train: np.ndarray
    held_out: np.ndarray
    fingerprint: str

    def of(self, rows: np.ndarray) -> Features:
        """The features of some rows."""
        if self.features.kept is not None:
            return Features(self.features.shape, self.features.kept[rows])
        return Features(self.features.shape, self.features.rows(rows))


class Sample:
    """Items of a source drawn at random, and which of them are held out.

    Parameters
    ----------
    gathered
        The source's items, as `fitting.gather` lists them, and their modality's class.
    target : str or None
        A metadata column.
    most : int
        Items to train on, at most.
    """

    def __init__(
        self, modality: Any, gathered: Any, *, target: Any, most: int, seed: int, on_error: Any, options: dict[str, Any]
    ):
        self.kind, self.target, self.seed, self.on_error = modality.kind, target, seed, on_error
        self._class, self._options = modality, dict(options)
        if isinstance(target, str) and self.kind == "table":
            self._options["exclude"] = [*(self._options.get("exclude") or []), target]
        n = len(gathered)
        self.held = int(min(max(0.2 * n, min(n // 2, 400)), 2_000))
        chosen = np.random.default_rng(seed).permutation(n)[: most + self.held]
        rows = np.sort(chosen).tolist()
        self.gathered = gathered if len(chosen) == n else gathered.select(rows)
        if target is not None and not isinstance(target, str) and len(target) == n:  # one label an item of the source
            labels = list(target)
            self.target = [labels[row] for row in rows]
        self._readings: dict[Any, Reading] = {}

    def reading(self, model: Any) -> Reading:
        """The sample as this model, unfitted, reads it."""
        counts, sparse = adapter.wants_counts(model), adapter.is_at_ease_in_sparse(model)
        if (counts, sparse) not in self._readings:
            self._readings[counts, sparse] = self._read(counts, sparse)
        return self._readings[counts, sparse]

    def _read(self, counts: bool, sparse: bool) -> Reading:
        modality = self._class(**self._options)
        modality.suit(counts=counts, sparse=sparse, raw=False)
        modality.learn(self.gathered)
        gathered = modality.pieces(self.gathered)
        read = fitting.read_all(modality, gathered, self.on_error)
        n = len(read.ids)
        if n < 20:
            raise ValueError(f"choose() needs 20 items that can be read, and more, to say anything; there are {n}.")
        held = min(self.held, n // 2)
        order = np.random.default_rng([self.seed, 1]).permutation(n)
        y = fitting.target_values(self.target, read, gathered)
        held_out = np.sort(order[:held])
        if y is not None:
            try:
                target_of([y[row] for row in held_out])
            except ValueError as error:
                raise ValueError(f"among the {held} items that are held out, {error}") from None
        return Reading(modality, read.features, y, order[held:], held_out, read.fingerprint)

    def try_model(self, model: str, dims: int, items: int, options: dict[str, Any]) -> Trial:
        """Trains on so many items and measures on those held out. What a model refuses is its trial's `failed`."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", CollapseWarning)  # the trial says how many dimensions are active
                return self._tried(model, dims, items, options)
        except (ValueError, TypeError, MemoryError, ImportError, ArithmeticError, RuntimeError) as error:
            return Trial(model, dims, items, failed=str(error).splitlines()[0] if str(error) else type(error).__name__)

    def _tried(self, model: str, dims: int, items: int, options: dict[str, Any]) -> Trial:
        estimator = fitting.make_model(model, dims, self.seed, options)
        reading = self.reading(estimator)
        rows = np.sort(reading.train[:items])
        train, held = reading.of(rows), reading.of(reading.held_out)
        adapter.tell_columns(estimator, reading.modality.plan)
        y = None if reading.y is None else [reading.y[row] for row in rows]
        began = time.process_time()
        adapter.fit_model(estimator, train, y, {}, None)
        z = fitting.encode_features(estimator, held)
        seconds = time.process_time() - began
        if not np.isfinite(z).all():
            raise ValueError("its latents are not finite.")
        task, error = self._task(reading, z)
        return Trial(
            model, int(z.shape[1]), len(rows), task, error, _reconstructed(estimator, z, held), _kept(held, z),
            int(active_dims(z, estimator).sum()), z.shape[1] * 4, round(seconds, 4),
            told=y is not None and (hasattr(estimator, "target_") or get_tags(estimator).target_tags.required),
            measured_on=len(reading.held_out), quick=_is_quick(estimator, train),
        )  # fmt: skip

    def _task(self, reading: Reading, z: np.ndarray) -> tuple[float | None, float | None]:
        if reading.y is None:
            return None, None
        target, rows, _ = target_of([reading.y[row] for row in reading.held_out])
        score = task_score(z[rows], target, seed=self.seed)
        return float(score.value), float(score.width) / (2 * 1.96)


def _is_quick(model: Any, train: Features) -> bool:
    """By what there is to do, and not by the clock: the same call gives the same trials on a busy machine."""
    numbers = train.kept.nnz if issparse(train.kept) else len(train) * int(np.prod(train.shape, dtype=np.int64))
    return "epochs" not in model.get_params() and numbers <= _QUICK


def _reconstructed(model: Any, z: np.ndarray, held: Features) -> float | None:
    if not hasattr(model, "inverse_transform"):
        return None
    errors = reconstruction_errors(model, z, (dense(block) for block in held.blocks()))
    x = dense(held.whole()).reshape(len(held), -1).astype(np.float64)
    variance = float(x.var(axis=0).mean())
    return 1 - float(errors.mean()) / variance if variance > 0 else 1.0


def _kept(held: Features, z: np.ndarray) -> float:
    rows: Sequence[int] | np.ndarray = np.arange(min(len(held), _COMPARED))
    x = dense(held.rows(rows)).reshape(len(rows), -1)
    return 1 - float(neighbours_changed(x, z[: len(rows)], np.arange(len(rows)), min(_K, len(rows) - 1)).mean())
