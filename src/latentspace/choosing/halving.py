"""Many models on few items, the better half of them on more, and so on: minutes instead of hours.

Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", 2016. What is halved
are models, each with all its numbers of dimensions: to say how many dimensions pay takes the whole curve.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from ..progress import Progress
from .picking import Trial, noise_begins, size_of

_ETA = 3  # each round has so many times the items of the one before
_FEWEST = 300  # items of a round, where there are more


class Plan(NamedTuple):
    """The models, their numbers of dimensions, and the items of each round."""

    models: list[str]
    dims: list[int]
    rounds: list[int]


class Outcome(NamedTuple):
    """All trials in the order in which they were made, those of the last round, and whether time ran out."""

    trials: list[Trial]
    last: list[Trial]
    out_of_time: bool


def rounds_of(items: int) -> list[int]:
    """How many items each round trains on: a ninth, a third and all, as far as these are 300."""
    return [*(size for size in (items // _ETA**2, items // _ETA) if size >= _FEWEST), items]


class Kept:
    """Trials that were made, in a file of their own, so that what was stopped goes on.

    Parameters
    ----------
    path : path or None
        None keeps them in memory only.
    asked : dict
        What the trials are of; a file of anything else is refused.
    """

    def __init__(self, path: str | Path | None, asked: dict[str, Any]):
        self._path, self._asked = None if path is None else Path(path), json.loads(json.dumps(asked))
        self.trials: dict[tuple[str, int, int], Trial] = {}
        if self._path is not None and self._path.exists():
            self._read(self._path)

    def _read(self, path: Path) -> None:
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            asked, rows = held["asked"], held["trials"]
            self.trials = {(row["model"], row["asked"], row["items"]): Trial(**row["trial"]) for row in rows}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} holds no trials of choose() ({type(error).__name__}: {error}). "
                "Choose another path for resume=."
            ) from None
        if asked != self._asked:
            other = next(name for name in {**asked, **self._asked} if asked.get(name) != self._asked.get(name))
            raise ValueError(
                f"{path} holds trials of something else: its {other} is {asked.get(other)!r}, and here it is "
                f"{self._asked.get(other)!r}. Choose another path for resume=, or delete the file."
            )

    def trial(self, model: str, dims: int, items: int, make: Callable[[], Trial]) -> Trial:
        """A trial that was made before, or is now."""
        key = (model, dims, items)
        if key not in self.trials:
            self.trials[key] = make()
            self._write()
        return self.trials[key]

    def _write(self) -> None:
        if self._path is None:
            return
        rows = [
            {"model": model, "asked": dims, "items": items, "trial": trial.to_dict()}
            for (model, dims, items), trial in self.trials.items()
        ]
        beside = self._path.with_name(self._path.name + ".part")
        beside.write_text(json.dumps({"asked": self._asked, "trials": rows}, indent=1), encoding="utf-8")
        os.replace(beside, self._path)


def run(
    plan: Plan, attempt: Callable[[str, int, int], Trial], kept: Kept, features: int, seconds: float | None
) -> Outcome:
    """Makes the trials, round by round.

    Parameters
    ----------
    plan : Plan
    attempt : callable(model, dims, items) -> Trial
    kept : Kept
    features : int
        Numbers an item has; no model gets more dimensions.
    seconds : float or None
        By the clock, after which no trial is begun.
    """
    began = time.monotonic()
    trials: list[Trial] = []
    last: list[Trial] = []
    models = plan.models

    def spent() -> bool:
        return seconds is not None and time.monotonic() - began > seconds

    def tried(model: str, dims: int, items: int) -> Trial:
        return kept.trial(model, dims, items, lambda: attempt(model, dims, items))

    for place, items in enumerate(plan.rounds):
        dims = [each for each in plan.dims if each < items // 2] or plan.dims[:1]
        here: list[Trial] = []
        with Progress(f"Trying models, round {place + 1} of {len(plan.rounds)}", len(models) * len(dims)) as progress:
            for model in models:
                whole = []
                for each in dims:
                    if spent() and last:
                        break
                    whole.append(tried(model, each, items))
                    progress.advance()
                trials += whole
                if len(whole) == len(dims):  # half a curve tells nothing
                    here += whole
        if not here:
            return Outcome(trials, last, True)
        last = here
        if spent():
            return Outcome(trials, last, place + 1 < len(plan.rounds))
        if place + 1 < len(plan.rounds):
            models = better_half(here, features)
    refined = _refined(
        last, lambda m, d: kept.trial(m, d, plan.rounds[-1], lambda: attempt(m, d, plan.rounds[-1])), features
    )
    return Outcome([*trials, *refined], [*last, *refined], False)


def better_half(trials: Sequence[Trial], features: int) -> list[str]:
    """The models that go on: those of the best quality at their own best size, and all that cost next to nothing."""
    names = list(dict.fromkeys(trial.model for trial in trials))
    quality = {}
    for name in names:
        measured = [trial for trial in trials if trial.model == name and not trial.failed]
        quality[name] = size_of(measured, features).trial.quality if measured else float("-inf")
    ranked = sorted(names, key=lambda name: -quality[name])
    dear = [name for name in ranked if not all(t.quick for t in trials if t.model == name and not t.failed)]
    gone = dear[(len(dear) + 1) // 2 :]
    return [name for name in names if quality[name] > float("-inf") and name not in gone] or ranked[:1]


def _refined(last: Sequence[Trial], attempt: Callable[[str, int], Trial], features: int) -> list[Trial]:
    """Trials between the numbers asked for, of quick models, until what pays is known to one dimension."""
    made: list[Trial] = []
    for name in dict.fromkeys(trial.model for trial in last):
        own = [trial for trial in last if trial.model == name and not trial.failed]
        while len(own) > 1 and all(trial.quick for trial in own):
            gap = _widest_doubt(own, features)
            if gap is None:
                break
            trial = attempt(name, sum(gap) // 2)
            if trial.failed or any(trial.dims == other.dims for other in own):
                break
            own.append(trial)
            made.append(trial)
    return made


def _widest_doubt(own: Sequence[Trial], features: int) -> tuple[int, int] | None:
    """Two neighbouring numbers of dimensions between which the answer may lie; None where it is known."""
    there = sorted({trial.dims for trial in own})
    by_task = own[0].task is not None
    ended = by_task or noise_begins(own, features) is not None
    # Where no noise was seen, it may begin within the last step, whose mean it does not show in.
    ends = there[-2:] if not ended else []
    at = there.index(size_of(own, features).trial.dims)
    doubts = [*pairwise(ends), *pairwise(there[max(at - 1, 0) : at + 2])]
    return next(((a, b) for a, b in doubts if b - a > 1), None)
