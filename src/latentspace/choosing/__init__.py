"""Which model, and how many dimensions: measured on items that no model was trained on, and said in words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import fitting
from ..items.protocol import OnError
from ..progress import say
from ..reports import Report
from .halving import Kept, Plan, rounds_of, run
from .picking import Trial, pick
from .telling import sections
from .trials import Sample

if TYPE_CHECKING:
    from ..space import LatentSpace

ITEMS = 10_000  # trained on, at most: what more of them change is less than what models differ by

_DIMS = (1, 2, 4, 8, 16, 32, 64)
_MODELS: dict[str, tuple[str, ...]] = {
    "images": ("pca", "autoencoder", "vae", "rae-l2"),
    "audio": ("pca", "autoencoder", "vae"),
    "texts": ("lsa", "pca", "nmf"),
    "strings": ("pca", "autoencoder"),
    "table": ("pca", "autoencoder", "vae"),
    "array": ("pca", "autoencoder", "vae"),
    "interactions": ("latent-factors", "mult-vae"),
}


@dataclass(repr=False)
class Choice(Report):
    """What `choose` recommends: a report that can be acted on.

    Attributes
    ----------
    model : str
    dims : int
    trials : list of Trial
        All that were made, in their order.
    """

    model: str = ""
    dims: int = 0
    trials: list[Trial] = field(default_factory=list)
    again: Callable[..., "LatentSpace"] | None = None

    def fit(self, **options: Any) -> "LatentSpace":
        """Fits what is recommended on the whole source, as `latentspace.fit` does; further options go there."""
        assert self.again is not None
        return self.again(**options)


def choose(
    source: Any,
    target: Any = None,
    *,
    models: Sequence[str] | None = None,
    dims: Sequence[int] | None = None,
    kind: str | None = None,
    ids: Sequence[str] | None = None,
    metadata: Any = None,
    items: int = ITEMS,
    seconds: float | None = None,
    resume: str | Path | None = None,
    seed: int = 0,
    on_error: OnError = "skip",
    **options: Any,
) -> Choice:
    """Tries models and numbers of dimensions on a sample of a source, and recommends one of each.

    All are measured on the same items, which none was trained on: the task, how much of the features comes back, whose
    neighbours stay, how many dimensions are used, bytes and seconds. Models meet by successive halving: on a ninth of
    the sample first, then the better half of them on a third, and half of those on all. No model is recommended that
    another beats in every column.

    Parameters
    ----------
    source : path, array, frame, or list of items
        As `latentspace.fit` takes it.
    target : str or sequence, optional
        A metadata column, or one label an item: what z should tell. Models are then compared by it first.
    models : sequence of str, optional
        Families and presets that are trained here. By default three or four that suit the kind of items: linear ones,
        an autoencoder, a VAE.
    dims : sequence of int, optional
        By default 1, 2, 4 ... 64, and what parallel analysis finds in the features; quick models are tried in between.
    kind, ids, metadata, on_error
        As `latentspace.fit` takes them.
    items : int, default=10,000
        Trained on at most, drawn at random; another fifth, from 400 to 2,000, is held out.
    seconds : float, optional
        By the clock, after which no further trial is begun; the answer is of what was measured by then.
    resume : path, optional
        A JSON file in which trials are kept while they are made: the same call goes on from it to the same answer.
    seed : int, default=0
    **options
        The modality's own (`size=32` for images).

    Returns
    -------
    Choice
        A report, with `model`, `dims`, and `fit()`.

    Raises
    ------
    ValueError
        If there are fewer than 20 items, a model or the target is not known, a number is out of range, `resume` holds
        trials of something else, or nothing could be measured.
    """
    modality, gathered = fitting.gather(source, kind, ids, metadata, _likely(models))
    names = _checked(models, modality.kind, dims, items, seconds)
    sample = Sample(
        modality, gathered, target=target, most=items, seed=seed, on_error=on_error, options=options
    )  # fmt: skip
    reading = sample.reading(fitting.make_model(names[0], None, seed, {}))
    features = int(np.prod(reading.features.shape, dtype=np.int64))
    plan = Plan(names, _dims_to_try(dims, reading, features, len(reading.train)), rounds_of(len(reading.train)))
    asked = {
        "items": reading.fingerprint, "held out": len(reading.held_out), "models": plan.models, "dims": plan.dims,
        "rounds": plan.rounds, "seed": seed, "target": target if isinstance(target, str) else target is not None,
        "options": {name: repr(value) for name, value in sorted(options.items())},
    }  # fmt: skip
    say(
        lambda: (
            f"{len(plan.models)} models ({', '.join(plan.models)}) with {', '.join(map(str, plan.dims))} dimensions, "
            f"on {' then '.join(f'{n:,}' for n in plan.rounds)} items, measured on {len(reading.held_out):,} others"
            + (f"; at most about {seconds:g} s" if seconds is not None else "")
        )
    )
    out = run(plan, lambda m, d, n: sample.try_model(m, d, n, {}), Kept(resume, asked), features, seconds)
    picked = pick(out.last, features)
    verdict, told = sections(picked, out, plan, features, target)
    best = picked.trial
    facts = {
        "model": best.model, "dims": best.dims, "why": picked.why, "held_out": len(reading.held_out),
        "rounds": plan.rounds, "out_of_time": out.out_of_time, "trials": [trial.to_dict() for trial in out.trials],
    }  # fmt: skip

    def again(**more: Any) -> "LatentSpace":
        from ..space import fit

        given: dict[str, Any] = {"kind": kind, "ids": ids, "metadata": metadata, "seed": seed, "on_error": on_error}
        # The trials were told the target: a space fitted without it would not be the one that was measured.
        return fit(source, best.model, **{"dims": best.dims, "target": target, **given, **options, **more})

    return Choice(
        f"A model for {gathered.origin}", verdict, told, facts, best.model, best.dims, out.trials, again
    )  # fmt: skip


def _likely(models: Sequence[str] | None) -> str | None:
    from ..models import adapter

    return "interactions" if models and all(adapter.is_of_interactions(name) for name in models) else None


def _checked(
    models: Sequence[str] | None, kind: str, dims: Sequence[int] | None, items: int, seconds: float | None
) -> list[str]:
    from ..models import adapter, class_of

    if isinstance(models, str):
        raise TypeError(f"models={models!r} is one name: pass a list of them, as ['pca', {models!r}].")
    if dims is not None and (not len(dims) or any(int(each) != each or each < 1 for each in dims)):
        raise ValueError(f"dims={list(dims)!r}: pass whole numbers from 1.")
    if items < 20 or (seconds is not None and seconds <= 0):
        raise ValueError(f"items={items}, seconds={seconds}: items is at least 20, and seconds above 0.")
    names = list(dict.fromkeys(models if models is not None else _MODELS.get(kind, ())))
    if not names:
        raise ValueError(f"choose() has no models of its own for {kind}: name some, as models=['pca', 'vae'].")
    for name in names:
        class_of(name)  # raises for one that is not known
        if adapter.kind_read(name, {}) is not None:
            raise ValueError(f"{name!r} was trained before, and not here: fit it, and compare spaces instead.")
    return names


def _dims_to_try(dims: Sequence[int] | None, reading: Any, features: int, items: int) -> list[int]:
    most = max(1, min(features, items // 2))
    if dims is not None:
        there = sorted({int(each) for each in dims if each <= most})
        if not there:
            raise ValueError(
                f"dims={list(dims)!r}: {features} features of {items} items allow at most {most} dimensions."
            )
        return there
    tried = {each for each in _DIMS if each <= most}
    found = _by_parallel_analysis(reading)
    return sorted(tried | ({found} if found is not None and found <= min(most, 2 * _DIMS[-1]) else set()))


def _by_parallel_analysis(reading: Any) -> int | None:
    """Axes that stand out from noise; None where features are sparse, whose noise is not what it assumes."""
    from ..models.pca import PCA

    kept: Mapping | Any = reading.features.kept
    if kept is None or not isinstance(kept, np.ndarray):
        return None
    rows = reading.features.rows(reading.train[:2_000])
    try:
        return int(PCA(dims="auto").fit(rows.reshape(len(rows), -1)).dims_)
    except ValueError:
        return None
