"""`space.why()`: which dimensions put an item where it is, and which make it near another."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..explain.reasons import Apart, Place, apart, placed
from ..reports import Report, Section, Table

if TYPE_CHECKING:
    from ..verbs.state import State

_TOLD = 8  # dimensions
_FAR = 1.5  # standard deviations that are worth a sentence


def why(space: "State", item: Any, other: Any, metric: Literal["euclidean", "cosine"]) -> Report:
    """Tells why an item is where it is, or why it is near another; see `LatentSpace.why`."""
    if metric not in ("euclidean", "cosine"):
        raise ValueError(f"why(metric={metric!r}) is not known; choose 'euclidean' or 'cosine'.")
    if len(space) < 2:
        raise ValueError(f"why() compares an item with the others; this space has {len(space)}.")
    z, row, name = _latent(space, item)
    if other is None:
        return _where(name, placed(space.latents, row, z))
    its, _, others = _latent(space, other)
    return _near(name, others, apart(space.latents, z, its, metric), metric)


def _latent(space: "State", item: Any) -> tuple[np.ndarray, int | None, str]:
    z = space.latent(item)
    if len(z) != 1:
        raise ValueError(f"why() tells of one item; it got {len(z)}.")
    known = isinstance(item, str) and item in space._positions
    return z[0], space._positions[item] if known else None, item if known else "the item given"


def _where(name: str, places: list[Place]) -> Report:
    far = [place for place in places if abs(place.deviations) >= _FAR][:3]
    told = ", ".join(
        f"{_side(place)} on dimension {place.dimension} ({place.deviations:+.1f} deviations)" for place in far
    )
    verdict = f"{name} is {told}." if told else f"{name} is near the middle on every dimension."
    rows = [[p.dimension, p.value, p.deviations, f"{p.below:.0%}", f"{p.share:.0%}"] for p in places[:_TOLD]]
    meaning = (
        "Deviations: from the mean, in standard deviations. Below: items that have less. Share: of how far the item is "
        "from the middle. What makes it special comes first."
    )
    table = Table(["dimension", "value", "deviations", "below", "share"], rows, meaning)
    facts = {"item": name, "dimensions": [place._asdict() for place in places]}
    return Report(f"Why {name} is where it is", [verdict], [Section("Dimensions", "", [table])], facts)


def _side(place: Place) -> str:
    return "high" if place.deviations > 0 else "low"


def _near(name: str, other: str, found: Apart, metric: str) -> Report:
    what = "Euclidean distance" if metric == "euclidean" else "cosine similarity"
    verdict = [
        f"{other} is number {found.rank:,} of what is nearest to {name} ({what} {found.measure:.3g}), nearer than "
        f"{found.nearer_than:.0%} of random pairs."
    ]
    rows = [[step.dimension, step.here, step.there, step.part, step.usual] for step in found.steps[:_TOLD]]
    part = "squared difference" if metric == "euclidean" else "product of the unit vectors' values"
    better = "less than usual brings" if metric == "euclidean" else "more than usual brings"
    meaning = f"Part: the {part}; the parts of all dimensions add up. Usual: its mean over random pairs; {better} near."
    table = Table(["dimension", "here", "there", "part", "usual"], rows, meaning)
    facts = {
        "item": name, "other": other, "metric": metric, "measure": found.measure, "rank": found.rank,
        "nearer_than": found.nearer_than, "dimensions": [step._asdict() for step in found.steps],
    }  # fmt: skip
    return Report(f"Why {other} is near {name}", verdict, [Section("Dimensions", "", [table])], facts)
