"""From what was measured to what is recommended: rules on plain rows, with the reason in words.

How many dimensions: with a target, the fewest whose score is within one standard error of the best (Breiman et al.,
"Classification and regression trees", 1984, section 3.4.3); without one, as many as hold more than noise does, or,
where every dimension still does, the knee of the curve (Satopaa et al., "Finding a kneedle in a haystack", 2011).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

NEAR = 0.02  # of quality, below which models count as equally good and the quickest is taken
# A dimension is taken for noise unless it holds so many times what an average direction of the rest does: measured on m
# items, noise alone scatters by sqrt(2 / m) of it. Noise that is unlike along its directions needs some room besides.
_PAYS, _SURE, _PAYS_MOST = 1.4, 4.0, 2.0
_BENT = 0.05  # of the curve's height; one that bends less from first to last has no knee

_BETTER = ("task", "reconstruction", "neighbours")  # large is good
_CHEAPER = ("bytes", "seconds")  # small is good


@dataclass(frozen=True)
class Trial:
    """One model of so many dimensions, trained on so many items, and what it gave on others.

    Attributes
    ----------
    model : str
    dims : int
    items : int
        Trained on.
    task : float or None
        Balanced accuracy or R^2 of a linear probe on z; None without a target.
    error : float or None
        The task's standard error.
    reconstruction : float or None
        Share of the features' variance that comes back; None for a model that does not decode.
    neighbours : float or None
        Share of the 10 nearest by features that are among the 10 nearest in z.
    active : int
        Dimensions that hold something.
    bytes : int
        A latent's.
    seconds : float
        Of processor time, to fit and encode.
    failed : str
        Why it could not be measured; empty where it was.
    told : bool
        Whether the model learned from the target of the items it was trained on, as PCA cannot.
    measured_on : int
        Items held out that all this was measured on; 0 where it is not known.
    quick : bool
        Whether such a trial is little work, by its size and not by the clock: a model that is not trained by epochs, on
        at most 8 million numbers. Quick models are never left out, and tried between the numbers asked for.
    """

    model: str
    dims: int
    items: int
    task: float | None = None
    error: float | None = None
    reconstruction: float | None = None
    neighbours: float | None = None
    active: int = 0
    bytes: int = 0
    seconds: float = 0.0
    failed: str = ""
    told: bool = False
    measured_on: int = 0
    quick: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Returns it as plain data."""
        return asdict(self)

    @property
    def quality(self) -> float:
        """What is compared first: the task, or the mean of what else could be measured, 0 at least."""
        if self.task is not None:
            return self.task
        there = [max(value, 0.0) for value in (self.reconstruction, self.neighbours) if value is not None]
        return float(np.mean(there)) if there else 0.0


class Sized(NamedTuple):
    """How many dimensions a model should have, and why."""

    trial: Trial
    why: str


class Picked(NamedTuple):
    """What is recommended, the reason, and each model's own best size."""

    trial: Trial
    why: str
    sized: list[Sized]


def pick(trials: Sequence[Trial], features: int) -> Picked:
    """Recommends one of the trials that were measured.

    Parameters
    ----------
    trials : sequence of Trial
        All trained on as many items.
    features : int
        Numbers an item has before any model.

    Raises
    ------
    ValueError
        If none could be measured.
    """
    measured = [trial for trial in trials if not trial.failed]
    if not measured:
        reasons = "; ".join(f"{trial.model} with {trial.dims}: {trial.failed}" for trial in trials[:4])
        raise ValueError(f"no model could be measured ({reasons or 'there were none'}).")
    names = list(dict.fromkeys(trial.model for trial in measured))
    sized = [size_of([trial for trial in measured if trial.model == name], features) for name in names]
    best = max(each.trial.quality for each in sized)
    leader = max((each.trial for each in sized), key=lambda trial: trial.quality)
    margin = max(NEAR, leader.error or 0.0) if leader.task is not None else NEAR
    level = [each for each in sized if each.trial.quality >= best - margin]
    chosen = min(level, key=lambda each: (each.trial.seconds, each.trial.dims))
    others = [each.trial.model for each in level if each is not chosen]
    why = _reason(chosen, others, best)
    trial, beaten = chosen.trial, False
    while better := [other for other in measured if beats(other, trial)]:
        trial, beaten = max(better, key=lambda other: (other.quality, -other.dims)), True
    if beaten:
        why = f"{trial.model} with {trial.dims} dimensions: no column has {chosen.trial.model} before it."
    return Picked(trial, why, sized)


def beats(one: Trial, other: Trial) -> bool:
    """Whether one is at least as good in every column that could be measured of the other, and better in some."""
    pairs = [(_known(getattr(one, name)), _known(getattr(other, name))) for name in _BETTER]
    pairs += [(-getattr(one, name), -getattr(other, name)) for name in _CHEAPER]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def size_of(trials: Sequence[Trial], features: int) -> Sized:
    """Which of one model's trials has as many dimensions as pay."""
    by_dims = sorted({trial.dims: trial for trial in trials}.values(), key=lambda trial: trial.dims)
    if len(by_dims) == 1:
        return Sized(by_dims[0], "the only number of dimensions that was tried")
    if by_dims[0].task is not None:
        best = max(by_dims, key=lambda trial: trial.quality)
        error = best.error or 0.0
        enough = next(trial for trial in by_dims if trial.quality >= best.quality - error)
        if enough is by_dims[-1]:
            return Sized(enough, "more dimensions might tell it better still")
        return Sized(enough, f"more dimensions tell it no better than chance would (one standard error: {error:.3f})")
    last = noise_begins(by_dims, features)
    if last is not None:
        knee = knee_of([(trial.dims, trial.quality) for trial in by_dims[: last + 1]])
        bends = "" if knee is None or knee == last else f" (the knee of the curve is at {by_dims[knee].dims})"
        return Sized(by_dims[last], f"dimensions past these hold no more than noise does{bends}")
    knee = knee_of([(trial.dims, trial.quality) for trial in by_dims])
    if knee is None:
        return Sized(by_dims[-1], "every further dimension still paid")
    return Sized(by_dims[knee], "the knee: past it, further dimensions pay less than those before did")


def noise_begins(trials: Sequence[Trial], features: int) -> int | None:
    """The place in one model's trials, by dims, past which there is only noise; None where none was seen."""
    by_dims = sorted({trial.dims: trial for trial in trials}.values(), key=lambda trial: trial.dims)
    return signal_ends([(trial.dims, trial.reconstruction) for trial in by_dims], features, by_dims[0].measured_on)


def signal_ends(curve: Sequence[tuple[int, float | None]], features: int, measured_on: int = 0) -> int | None:
    """The place in a curve (dims, variance kept) past which dimensions hold what any direction of the rest does.

    None where the last step still holds more, or what is kept is not known. The fewer items it was measured on, the
    more a dimension must hold: 1.4 times an average direction of the rest, or one and four standard errors, 2 at most.
    """
    pays = _PAYS_MOST
    if measured_on:
        pays = min(max(_PAYS, 1 + _SURE * np.sqrt(2 / measured_on)), _PAYS_MOST)
    for place, (dims, kept) in enumerate(curve[:-1]):
        if kept is None or dims >= features:
            return None
        per_direction = max(1 - kept, 0.0) / (features - dims)
        steps = [
            (after - before) / (b - a)
            for (a, before), (b, after) in zip(curve[place:], curve[place + 1 :], strict=False)
            if before is not None and after is not None
        ]
        if steps and max(steps) < pays * per_direction:
            return place
    return None


def knee_of(curve: Sequence[tuple[int, float]]) -> int | None:
    """The place in a curve (dims, quality) that lies farthest above the straight line from its first to its last.

    None where the curve hardly bends.
    """
    dims, quality = (np.array(column, float) for column in zip(*curve, strict=True))
    height = quality.max() - quality[0]
    if len(curve) < 3 or height <= 0:
        return 0 if height <= 0 else None
    along, up = (dims - dims[0]) / (dims[-1] - dims[0]), (quality - quality[0]) / height
    above = up - along * up[-1]
    place = int(above.argmax())
    return place if above[place] > _BENT else None


def _reason(chosen: Sized, others: Sequence[str], best: float) -> str:
    trial = chosen.trial
    told = "task score" if trial.task is not None else "mean of variance and neighbours kept"
    words = f"{trial.model} with {trial.dims} dimensions: {chosen.why}; {told} {trial.quality:.3f}"
    if others:
        return f"{words}, as good as {' and '.join(others)} within what can be told, and the quickest of them."
    return f"{words}, the best of all models." if trial.quality >= best else f"{words}."


def _known(value: float | None) -> float:
    return -np.inf if value is None else value
