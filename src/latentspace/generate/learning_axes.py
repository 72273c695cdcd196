"""Learns an axis from two sets of items, or from a number: its direction, its unit, its probe and its evidence."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .axes import Axis, Evidence

_MOST = 20_000  # items that stand for all when there are more
_FOLDS = 5
_FEWEST = 5  # examples of each side, or items with a number, below which none are held out
_RANDOM = 50  # directions that chance is measured on
_CROSS = 0.95  # of the items that one unit takes across
_SURE = float(np.log(9))  # log-odds by which they are across: at the border itself, another probe would not agree
_LEFT = 1e-3  # of a direction that must be left once others are taken out of it


class Probe(NamedTuple):
    """z @ weights + offset: log-odds of "positive", or a number."""

    weights: np.ndarray
    offset: float

    def read(self, z: np.ndarray) -> np.ndarray:
        return z @ self.weights + self.offset


def axis_of_label(
    name: str, source: str, z: np.ndarray, positive: np.ndarray, avoid: Sequence[Axis] = (), seed: int = 0
) -> Axis:
    """Learns an axis from items that have something and items that do not.

    direction = mean(positive) - mean(negative), less what lies along the axes to avoid

    The difference of means is what changes with the label in the data themselves, where a probe's own normal also
    turns into directions in which hardly anything varies, and which decode to nothing that the eye would call the label
    (Haufe et al., 2014, patterns against filters). On digits moved by one unit, a network that names decoded digits
    agreed 1.1 to 3 times as often for the means as for the normal of a logistic regression.

    Parameters
    ----------
    name, source : str
    z : float array of shape (n, dims)
        Latents of the examples.
    positive : bool array of shape (n,)
        Which of them have it; some do and some do not.
    avoid : sequence of Axis
        The direction is made orthogonal to theirs and to their probes' weights: these do not change along it.
    seed : int
        Draws the subsample, the folds and the random directions.

    Returns
    -------
    Axis
        Its unit is the distance along the direction at which 19 of 20 items are on the other side, with odds of 9 to 1
        by the probe.

    Raises
    ------
    ValueError
        If one side is empty, or nothing of the direction is left.
    """
    if not positive.any() or positive.all():
        side = "an example" if not positive.any() else "a counterexample"
        raise ValueError(f"axis {name!r} ({source}) lacks {side}: {int(positive.sum()):,} of {len(z):,} items have it.")
    rng = np.random.default_rng(seed)
    z, positive = _some(z, positive, rng)
    direction = _freed(name, z[positive].mean(axis=0) - z[~positive].mean(axis=0), avoid)
    probe = _logistic(z, positive)
    unit = _crossing(name, probe, direction, z)
    evidence = _evidence_of_label(z, positive, avoid, name, rng)
    return _axis(name, source, "label", direction, unit, probe, evidence, avoid)


def axis_of_number(
    name: str, source: str, z: np.ndarray, number: np.ndarray, avoid: Sequence[Axis] = (), seed: int = 0
) -> Axis:
    """Learns an axis from a number that items have: the direction of their covariance with it.

    Its unit changes what a ridge regression reads by one standard deviation of the number. Parameters, returns and
    errors as for `axis_of_label`, with `number` a finite float array of shape (n,).
    """
    if not np.ptp(number) > 0:
        raise ValueError(f"axis {name!r} ({source}): the number is the same for all {len(z):,} items.")
    rng = np.random.default_rng(seed)
    z, number = _some(z, number, rng)
    std = float(number.std())
    direction = _freed(name, (number - number.mean()) @ (z - z.mean(axis=0)) / (len(z) * std), avoid)
    probe = _ridge(z, number)
    gain = float(probe.weights @ direction)
    if not gain > 1e-9 * np.linalg.norm(probe.weights):
        raise ValueError(_says_nothing(name))
    evidence = _evidence_of_number(z, number, avoid, name, rng)
    return _axis(name, source, "number", direction, std / gain, probe, evidence, avoid)


def _axis(
    name: str, source: str, kind: str, direction: np.ndarray, unit: float, probe: Probe, evidence: Evidence,
    avoid: Sequence[Axis],
) -> Axis:  # fmt: skip
    return Axis(
        name, direction.astype(np.float32), float(unit), probe.weights.astype(np.float32), float(probe.offset), kind,
        source, evidence, tuple(axis.name for axis in avoid),
    )  # fmt: skip


def _some(z: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    rows = np.arange(len(z)) if len(z) <= _MOST else np.sort(rng.choice(len(z), _MOST, replace=False))
    if y.dtype == bool and (not y[rows].any() or y[rows].all()):  # a rare label fell out
        rows = np.unique(np.append(rows, [np.flatnonzero(y)[0], np.flatnonzero(~y)[0]]))
    return z[rows].astype(np.float64), y[rows]


def _freed(name: str, direction: np.ndarray, avoid: Sequence[Axis]) -> np.ndarray:
    """A direction of length 1, orthogonal to other axes and to what their probes read."""
    length = float(np.linalg.norm(direction))
    if avoid and length:
        others = np.stack([row for axis in avoid for row in (axis.direction, axis.weights)]).astype(np.float64)
        others /= np.maximum(np.linalg.norm(others, axis=1, keepdims=True), 1e-300)
        _, sizes, basis = np.linalg.svd(others, full_matrices=False)
        basis = basis[sizes > 1e-6 * sizes[0]]
        for _ in range(2):  # once more: what rounding left
            direction = direction - (direction @ basis.T) @ basis
    left = float(np.linalg.norm(direction))
    if not left > _LEFT * length:
        if not length:
            raise ValueError(f"axis {name!r}: both sides have the same mean; the latents do not tell them apart.")
        raise ValueError(
            f"axis {name!r}: nothing of it is left that is orthogonal to {', '.join(axis.name for axis in avoid)} in "
            f"{len(direction)} dims. Name fewer in orthogonal_to=."
        )
    return direction / left


def _says_nothing(name: str) -> str:
    return f"axis {name!r}: along it the probe reads no more of it than before; the latents do not tell it."


def _crossing(name: str, probe: Probe, direction: np.ndarray, z: np.ndarray) -> float:
    """How far along a direction 19 of 20 items are across the probe's border with odds of 9 to 1, from either side."""
    gain = float(probe.weights @ direction)
    if not gain > 1e-9 * np.linalg.norm(probe.weights):
        raise ValueError(_says_nothing(name))
    away = (np.abs(probe.read(z)) + _SURE) / gain
    sides = probe.read(z) > 0
    reach = [float(np.quantile(away[side], _CROSS)) for side in (sides, ~sides) if side.any()]
    return max(max(reach), 1e-12)


# ---------------------------------------------------------------------- probes
def _standard(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each dimension; a constant one is left as it is."""
    std = z.std(axis=0)
    return z.mean(axis=0), np.where(std > 0, std, 1.0)


def _logistic(z: np.ndarray, positive: np.ndarray) -> Probe:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, std = _standard(z)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the held-out score judges it; nothing for a user to do
        model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=300).fit((z - mean) / std, positive)
    weights = model.coef_[0] / std
    return Probe(weights, float(model.intercept_[0] - weights @ mean))


def _ridge(z: np.ndarray, number: np.ndarray) -> Probe:
    mean, std = _standard(z)
    white = (z - mean) / std
    dims = white.shape[1]
    solved = np.linalg.solve(white.T @ white + np.eye(dims), white.T @ (number - number.mean()))
    weights = solved / std
    return Probe(weights, float(number.mean() - weights @ mean))


# ---------------------------------------------------------------------- evidence
def _evidence_of_label(
    z: np.ndarray, positive: np.ndarray, avoid: Sequence[Axis], name: str, rng: np.random.Generator
) -> Evidence:
    measure, n = "balanced accuracy", len(z)
    if min(positive.sum(), (~positive).sum()) < _FEWEST:
        return Evidence(measure, n=n)
    read, along, moved = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, bool)
    chance = rng.standard_normal((z.shape[1], _RANDOM))
    by_chance = np.zeros((n, _RANDOM), bool)
    for held in _folds(positive, rng):
        own, y = z[~held], positive[~held]
        difference = own[y].mean(axis=0) - own[~y].mean(axis=0)
        direction, probe = _freed(name, difference, avoid), _logistic(own, y)
        read[held] = probe.read(z[held]) > 0
        along[held] = _between(own @ direction[:, None], y, z[held] @ direction[:, None])[:, 0]
        by_chance[held] = _between(own @ chance, y, z[held] @ chance)
        unit = _crossing(name, probe, direction, own)
        other = _logistic(z[held], positive[held])  # on items that the axis does not know
        before = other.read(z[held]) > 0
        moved[held] = (other.read(z[held] + np.where(before, -unit, unit)[:, None] * direction) > 0) != before
    scores = [_balanced(column, positive) for column in by_chance.T]
    return Evidence(
        measure, _balanced(read, positive), _balanced(along, positive), float(np.median(scores)), max(scores),
        float(moved.mean()), n,
    )  # fmt: skip


def _folds(positive: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Masks of what is held out in each fold, both sides spread evenly."""
    fold = np.empty(len(positive), np.int64)
    for side in (positive, ~positive):
        rows = rng.permutation(np.flatnonzero(side))
        fold[rows] = np.arange(len(rows)) % _FOLDS
    return [fold == number for number in range(_FOLDS)]


def _between(own: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Which held-out places (h, m) lie on the positive side of the middle between both means, of each direction."""
    high, low = own[y].mean(axis=0), own[~y].mean(axis=0)
    return (held > (high + low) / 2) == (high > low)


def _balanced(said: np.ndarray, positive: np.ndarray) -> float:
    return float((said[positive].mean() + (~said[~positive]).mean()) / 2)


def _evidence_of_number(
    z: np.ndarray, number: np.ndarray, avoid: Sequence[Axis], name: str, rng: np.random.Generator
) -> Evidence:
    measure, n = "R2", len(z)
    if n < 2 * _FEWEST:
        return Evidence(measure, n=n)
    fold = rng.permutation(n) % _FOLDS
    read, along = np.zeros(n), np.zeros(n)
    chance = rng.standard_normal((z.shape[1], _RANDOM))
    by_chance = np.zeros((n, _RANDOM))
    changes = []
    for number_of in range(_FOLDS):
        held = fold == number_of
        own, y = z[~held], number[~held]
        difference = (y - y.mean()) @ (own - own.mean(axis=0))
        if not np.ptp(y) > 0 or not np.linalg.norm(difference) > 0:
            return Evidence(measure, n=n)
        direction, probe = _freed(name, difference, avoid), _ridge(own, y)
        read[held] = probe.read(z[held])
        along[held] = _line(own @ direction[:, None], y, z[held] @ direction[:, None])[:, 0]
        by_chance[held] = _line(own @ chance, y, z[held] @ chance)
        gain, other = float(probe.weights @ direction), _ridge(z[held], number[held])
        if gain > 0:
            changes.append(float(y.std() / gain * (other.weights @ direction) / number.std()))
    scores = [_r2(column, number) for column in by_chance.T]
    moved = float(np.mean(changes)) if changes else None
    return Evidence(measure, _r2(read, number), _r2(along, number), float(np.median(scores)), max(scores), moved, n)


def _line(own: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
    """What a straight line through places and numbers says of held-out places (h, m), one line a direction."""
    centred = own - own.mean(axis=0)
    squares = (centred**2).sum(axis=0)
    slope = np.divide(centred.T @ (y - y.mean()), squares, out=np.zeros(len(squares)), where=squares > 0)
    return (held - own.mean(axis=0)) * slope + y.mean()


def _r2(said: np.ndarray, number: np.ndarray) -> float:
    return float(1 - ((said - number) ** 2).sum() / ((number - number.mean()) ** 2).sum())
