"""A space as its evaluation is given it: its arrays, and what it can do, as functions of arrays."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import looking
from .models import adapter

if TYPE_CHECKING:
    from .evaluate.given import Given
    from .reports import Report
    from .verbs.state import State


def given_of(
    space: "State", *, target: str | None = None, task: str = "auto", factors: Sequence[str] = (), quick: bool = False,
    seed: int = 0, encoder: Any = None,
) -> "Given":  # fmt: skip
    """Collects what `evaluate.evaluation` and `evaluate.comparison` work on."""
    from .evaluate.given import Given

    own = looking.feature_shape(space) == space.modality.shape
    # Texts may be decoded by real ones near them, and a model of other vectors gives those back: neither is an error.
    features = space._features if own else None
    return Given(
        title=name_of(space),
        ids=space.ids,
        z=space.latents,
        features=features,
        model=space.model,
        decodes=features is not None and hasattr(space.model, "inverse_transform"),
        metadata=space.metadata,
        target=target,
        task=task,
        factors=tuple(factors),
        seen=space.facts.get("target") if isinstance(space.facts.get("target"), str) else None,
        draw=_draws(space) if features is not None else None,
        picture=space.modality.picture,
        encoder=_encoder(encoder),
        item_bytes=_bytes_of(features),
        seed=seed,
        quick=quick,
    )


def judge(space: "State", **options: Any) -> "Report":
    """Evaluates a space; see `LatentSpace.evaluate`."""
    from .evaluate.evaluation import evaluate

    return evaluate(given_of(space, **options))


def name_of(space: "State") -> str:
    """What a report calls a space: its file, else what it is."""
    model = getattr(space.model, "family", type(space.model).__name__)
    what = f"{len(space):,} {space.modality.kind} by {model} in {space.dims} dims"
    return f"{space.path.name} ({what})" if space.path is not None else what


def _brief(space: "State") -> str:
    """What a space is called beside another in a sentence."""
    family = getattr(space.model, "family", type(space.model).__name__)
    return space.path.name if space.path is not None else f"{family} in {space.dims} dims"


def _draws(space: "State") -> Callable[[int, int], np.ndarray] | None:
    """Features of drawn items: what `sample` gives, before it becomes items."""
    if space.density is None or not hasattr(space.model, "inverse_transform"):
        return None

    def draw(n: int, seed: int) -> np.ndarray:
        z = space.density.sample(n, np.random.default_rng(seed)).reshape(n, space.dims)
        z = space._checked(adapter.project(space.model, z))
        return adapter.draw(space.model, z, looking.feature_shape(space), seed)

    return draw


def _encoder(encoder: Any) -> tuple[str, Callable[[np.ndarray], np.ndarray]] | None:
    """A function or a fitted estimator, with its name, as what turns features into vectors to compare by."""
    if encoder is None:
        return None
    work = encoder if not hasattr(encoder, "transform") else lambda x: adapter.encode(encoder, x)
    if not callable(work):
        raise TypeError(f"encoder={encoder!r} is neither a function of features nor a fitted estimator.")
    name = getattr(encoder, "__name__", None) or getattr(encoder, "family", type(encoder).__name__)

    def checked(x: np.ndarray) -> np.ndarray:
        found = np.asarray(work(x))
        found = found.reshape(len(found), -1)
        if len(found) != len(x) or not np.isfinite(found).all():
            raise ValueError(f"encoder {name} gave {found.shape} for {len(x)} items, or NaN: it must give finite rows.")
        return found

    return str(name), checked


def _bytes_of(features: Any) -> int:
    if features is None:
        return 0
    kept, p = features._kept, int(np.prod(features.shape, dtype=np.int64))
    if kept is not None and hasattr(kept, "indptr"):
        return round((kept.data.nbytes + kept.indices.nbytes) / max(kept.shape[0], 1))
    return p * (kept.dtype.itemsize if kept is not None else 4)


def compare_features(space: "State", *, target: str | None, quick: bool, seed: int) -> "Report":
    """A space's features against its latents; see `LatentSpace.compare_features`."""
    from .errors import UnsupportedError
    from .evaluate.comparison import Side, compare

    given = given_of(space, seed=seed, quick=quick)
    if given.features is None:
        raise UnsupportedError(
            "compare_features() needs the features that the model was fitted on, and neither the file nor the items' "
            "source has them any more. Bring the source back and load the space again."
        )
    x = given.rows(np.arange(given.n))
    values = None if target is None else _column(space, target)
    return compare(
        f"Features and latents of {given.title}", Side("features", x), Side("z", given.z), given.ids, values=values,
        target=target or "", quick=quick, seed=seed,
    )  # fmt: skip


def compare_spaces(a: "State", b: "State", *, target: str | None, quick: bool, seed: int) -> "Report":
    """Two spaces on the items that both have; see `LatentSpace.compare`."""
    from .evaluate.comparison import Side, compare

    place = {id_: row for row, id_ in enumerate(b.ids)}
    pairs = np.array([(row, place[id_]) for row, id_ in enumerate(a.ids) if id_ in place], np.int64).reshape(-1, 2)
    if len(pairs) < 20:
        raise ValueError(
            f"{name_of(a)} and {name_of(b)} have {len(pairs)} items of the same id; comparing needs 20. Whether "
            "new items come from where a space's own came from is told by drift(items)."
        )
    names = [_brief(a), _brief(b)]
    if names[0] == names[1]:
        names = [f"{name} ({which})" for name, which in zip(names, ("first", "second"), strict=True)]
    values = None if target is None else [_column(a, target)[row] for row in pairs[:, 0]]
    first, second = (Side(name, own.latents[rows]) for name, own, rows in zip(names, (a, b), pairs.T, strict=True))
    return compare(
        f"{name_of(a)} and {name_of(b)}", first, second, [a.ids[row] for row in pairs[:, 0]], values=values,
        target=target or "",
        quick=quick, seed=seed,
    )  # fmt: skip


def drift(space: "State", items: Any, *, seed: int) -> "Report":
    """New items against a space's own; see `LatentSpace.drift`."""
    from .evaluate.comparison import drift as tested

    ids, z = space.encode(items, with_ids=True)
    return tested(f"New items against {name_of(space)}", space.latents, z, ids, seed=seed)


def _column(space: "State", name: str) -> Sequence[Any]:
    if name not in space.metadata:
        there = ", ".join(map(repr, space.metadata)) or "none"
        raise ValueError(f"target={name!r} is no metadata column of this space. There are: {there}.")
    return space.metadata[name]
