"""Whether latents keep what predicts a target: the same probes on features, latents and what they have to beat.

All are scored on the same items in the same folds, so that a difference is no luck of the split.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..progress import Progress
from . import intervals
from .intervals import UNKNOWN, Score
from .probes import Products, Target, as_rows, as_rows_and_breadths, cross_validated, folds_of, waves

FOLDS = 5
FEWEST = 2 * FOLDS  # items of a class that is told: each fold has two
_LOST = 0.1  # of a class's recall: less than that is no loss worth a word


@dataclass
class Told:
    """What one representation tells of a target.

    Attributes
    ----------
    width : int
        Numbers an item.
    linear, nonlinear : Score
        Balanced accuracy, 1/classes by chance and 1 at best; or R^2, 0 by chance and 1 at best.
    each : list of Score
        Each class's recall by the better probe of the two; empty for numbers.
    right : arrays (n,) by probe
        Which items each probe told rightly, or their squared errors.
    penalty : float
        Of the linear probe.
    """

    width: int
    linear: Score
    nonlinear: Score
    each: list[Score] = field(default_factory=list)
    right: dict[str, np.ndarray] = field(default_factory=dict)
    penalty: float = 0.0

    @property
    def best(self) -> str:
        """The probe that tells more."""
        return "nonlinear" if self.nonlinear.value > self.linear.value else "linear"

    @property
    def score(self) -> Score:
        return self.nonlinear if self.best == "nonlinear" else self.linear


@dataclass
class TaskScores:
    """What several representations of the same items tell of one target.

    Attributes
    ----------
    names : list or None
        The classes; None for numbers.
    n : int
        Items scored.
    chance : float
        What knowing nothing scores.
    told : dict of name to Told
        "features" first, where they are there; "z"; what z has to beat.
    kept : Score
        (z - chance) / (features - chance) by each one's better probe; NaN where the features tell nothing.
    permuted : float64 array of shape (r,)
        What z scores on r shufflings of the target.
    p_value : float
        Share of the shufflings, and of what was seen, that do as well as z: small where z does tell.
    lost : list of (class, Score, Score)
        Classes whose recall from z is lower than from the features, surely and by more than 0.1; the most first.
    left_out : list
        Classes with too few items.
    """

    names: list[Any] | None
    n: int
    chance: float
    told: dict[str, Told]
    kept: Score
    permuted: np.ndarray
    p_value: float
    lost: list[tuple[Any, Score, Score]]
    left_out: list[Any]


def target_of(values: Sequence[Any], task: str = "auto") -> tuple[Target, np.ndarray, list[Any]]:
    """A metadata column as a target, the rows that have it, and the classes that have too few items to be told.

    Parameters
    ----------
    values : sequence of length n
        Strings, booleans, numbers; None or NaN where missing.
    task : {"auto", "numbers", "classes"}
        "auto" takes strings, booleans and few whole numbers for classes.

    Raises
    ------
    ValueError
        If fewer than two classes, or fewer than 10 numbers, are left.
    """
    from ..models.target import Classes, classes_or_numbers

    read = classes_or_numbers(list(values), len(values), "evaluate()", task)
    if isinstance(read, Classes):
        counts = np.bincount(read.codes[read.codes >= 0], minlength=len(read.names))
        enough = counts >= FEWEST
        if enough.sum() < 2:
            raise ValueError(
                f"the target has {int(enough.sum())} class(es) of at least {FEWEST} items; telling classes apart needs "
                "two. Choose another target, or bring more items."
            )
        rows = np.flatnonzero((read.codes >= 0) & enough[read.codes])
        places = np.cumsum(enough) - 1
        names = [name for name, there in zip(read.names, enough, strict=True) if there]
        left = [name for name, there in zip(read.names, enough, strict=True) if not there]
        return Target(places[read.codes[rows]], names), rows, left
    rows = np.flatnonzero(np.isfinite(read[:, 0]))
    if len(rows) < FEWEST:
        raise ValueError(f"the target has {len(rows)} numbers; at least {FEWEST} items with one are needed.")
    if np.ptp(read[rows, 0]) == 0:
        raise ValueError(f"the target is {read[rows[0], 0]:g} for all items: there is nothing to tell.")
    return Target(read[rows, 0].astype(np.float64)), rows, []


def task_scores(
    spaces: Mapping[str, Any], target: Target, *, seed: int = 0, nonlinear: bool = True, permutations: int = 19,
    left_out: Sequence[Any] = (),
) -> TaskScores:  # fmt: skip
    """Scores every representation by cross-validation in the same five folds.

    Parameters
    ----------
    spaces : mapping of name to rows (n, ...)
        Arrays, or CSR matrices. "features" and "z" are those that `kept` compares.
    target : Target
        Of the same n items.
    seed : int
        Draws the folds, the random features and the shufflings.
    nonlinear : bool, default=True
        Whether the nonlinear probe is tried too.
    permutations : int, default=19
        Shufflings of the target that z is scored on, by the linear probe.
    """
    folds = folds_of(target, FOLDS, seed)
    told: dict[str, Told] = {}
    permuted = np.zeros(0)
    with Progress("scoring the task", len(spaces) * (1 + nonlinear) + 1) as progress:
        for name, rows in spaces.items():
            ready, breadths = as_rows_and_breadths(rows)
            products = Products(ready, folds)
            told[name] = _told(products, target, int(np.prod(rows.shape[1:])))
            if name == "z":
                permuted = _permuted(products, target, told[name].penalty, permutations, seed)
            progress.advance()
            del products
            if nonlinear:
                _try_waves(told[name], waves(ready, seed, breadths=breadths), folds, target)
                progress.advance()
            if target.is_classes:
                told[name].each = _each(told[name].right[told[name].best], target)
    seen = told["z"].linear.value if "z" in told else np.nan
    return TaskScores(
        target.names, len(target), 1 / len(target.names) if target.names else 0.0, told, _kept(told, target), permuted,
        float((1 + (permuted >= seen).sum()) / (1 + len(permuted))), _lost(told, target), list(left_out),
    )  # fmt: skip


def task_score(rows: Any, target: Target, *, seed: int = 0) -> Score:
    """One representation's score by the linear probe: balanced accuracy or R^2; higher is better."""
    products = Products(as_rows(rows), folds_of(target, FOLDS, seed))
    return _told(products, target, 0).linear


def _told(products: Products, target: Target, width: int) -> Told:
    predictions, _, penalty = cross_validated(products, target)
    right = _right(predictions, target)
    return Told(width, _scored(right, target), UNKNOWN, [], {"linear": right}, penalty)


def _try_waves(told: Told, rows: np.ndarray, folds: np.ndarray, target: Target) -> None:
    predictions, _, _ = cross_validated(Products(rows, folds), target)
    told.right["nonlinear"] = _right(predictions, target)
    told.nonlinear = _scored(told.right["nonlinear"], target)


def _right(predictions: np.ndarray, target: Target) -> np.ndarray:
    if target.is_classes:
        return (predictions == target.y).astype(np.float64)
    return (predictions - target.y) ** 2


def _influences(right: np.ndarray, target: Target) -> tuple[float, np.ndarray]:
    if target.names is not None:
        return intervals.balanced_accuracy(right, target.y, len(target.names))
    return intervals.determination(right, target.y)


def _spent(target: Target) -> int:
    return len(target.names) if target.names is not None else 2


def _scored(right: np.ndarray, target: Target) -> Score:
    value, influence = _influences(right, target)
    form = intervals.share if target.is_classes else intervals.explained
    return form(value, intervals.variance_of(influence, _spent(target)), len(target))


def _each(right: np.ndarray, target: Target) -> list[Score]:
    assert target.names is not None
    found = []
    for place in range(len(target.names)):
        here = right[target.y == place]
        found.append(intervals.share(float(here.mean()), 0.0 if here.var() == 0 else here.var() / len(here), len(here)))
    return found


def _kept(told: Mapping[str, Told], target: Target) -> Score:
    if "features" not in told or "z" not in told:
        return UNKNOWN
    above, below = (_influences(told[name].right[told[name].best], target) for name in ("z", "features"))
    return intervals.ratio(above, below, 1 / len(target.names) if target.names else 0.0, _spent(target))


def _lost(told: Mapping[str, Told], target: Target) -> list[tuple[Any, Score, Score]]:
    """Classes that z tells worse, surely: each difference is tested at 0.05 over all classes (Bonferroni)."""
    if target.names is None or "features" not in told or "z" not in told:
        return []
    from scipy.stats import norm

    x, z = (told[name].right[told[name].best] for name in ("features", "z"))
    edge = norm.ppf(1 - 0.025 / len(target.names))
    found = []
    for place, name in enumerate(target.names):
        here = target.y == place
        drop = (x - z)[here]
        error = np.sqrt(max(drop.var(), 1 / len(drop)) / len(drop))
        if drop.mean() > _LOST and drop.mean() - edge * error > 0:
            found.append((drop.mean(), place, name))
    return [(name, told["features"].each[p], told["z"].each[p]) for _, p, name in sorted(found, reverse=True)]


def _permuted(products: Products, target: Target, penalty: float, times: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng([seed, 1])
    scores = np.empty(times)
    for turn in range(times):
        shuffled = Target(rng.permutation(target.y), target.names)
        predictions, _, _ = cross_validated(products, shuffled, penalty)
        scores[turn] = _influences(_right(predictions, shuffled), shuffled)[0]
    return scores
