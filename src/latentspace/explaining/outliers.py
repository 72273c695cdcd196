"""`space.outliers()`: the items that the space covers least, and what is odd about each, in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .. import looking
from ..evaluate.errors import reconstruction_errors
from ..explain.oddities import Oddity, oddity
from ..progress import Progress
from ..reports import Report, Section, Table

if TYPE_CHECKING:
    from ..verbs.state import State

_NEIGHBOURS = 15
STANDS_OUT = 5.0  # of a score: below it an item is odd as some always are


@dataclass
class Outlier:
    """One odd item.

    Attributes
    ----------
    id : str
    row : int
    score : float
        1 is usual; from about 5 on an item stands out.
    because : list of str
        What is odd about it, the oddest first.
    """

    id: str
    row: int
    score: float
    because: list[str] = field(default_factory=list)


@dataclass
class Outliers(Report):
    """What `space.outliers()` returns: a report, the items as values, and every item's score.

    Attributes
    ----------
    items : list of Outlier
        The oddest first.
    scores : float64 array of shape (n,)
    """

    items: list[Outlier] = field(default_factory=list)
    scores: np.ndarray = field(default_factory=lambda: np.zeros(0))

    __repr__ = Report.__str__

    def __iter__(self):
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def outliers(space: "State", k: int) -> Outliers:
    """Finds a space's odd items; see `LatentSpace.outliers`."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"outliers(k={k!r}) must be how many items to tell, from 1.")
    if len(space) < 2:
        raise ValueError(f"outliers() compares items with one another; this space has {len(space)}.")
    with Progress("Outliers", 3) as progress:
        errors = _errors(space)
        progress.advance()
        density = space.density.log_prob(space.latents) if space.density is not None else None
        progress.advance()
        graph = space.graph(min(_NEIGHBOURS, len(space) - 1))
        found = oddity(errors, density, graph.positions, graph.distances)
        progress.advance()
    order = np.argsort(-found.score, kind="stable")[:k].tolist()
    ids = space.ids_at(order)
    told = [Outlier(id, row, float(found.score[row]), _because(found, row)) for id, row in zip(ids, order, strict=True)]
    return _composed(space, told, found)


def _errors(space: "State") -> np.ndarray | None:
    features = space._features
    own = looking.feature_shape(space) == space.modality.shape and space.modality.stored_as != "sparse"
    if features is None or not own or not hasattr(space.model, "inverse_transform"):
        return None
    return reconstruction_errors(space.model, space.latents, features.blocks())


def _because(found: Oddity, row: int) -> list[str]:
    reasons = [
        (found.error[row], f"comes back {found.error_ratio[row]:.1f} times as badly as the median item"),
        (found.thin[row], "lies where the density of the space is low"),
        (
            found.lonely[row],
            f"is {found.lonely_ratio[row]:.1f} times as far from its neighbours as they are from theirs",
        ),
    ]
    clear = [(deviation, words) for deviation, words in reasons if np.isfinite(deviation) and deviation >= 2]
    if not clear:
        return ["nothing about it is far from usual"]
    return [f"{words} ({deviation:.1f} deviations)" for deviation, words in sorted(clear, reverse=True)]


def _composed(space: "State", told: Sequence[Outlier], found: Oddity) -> Outliers:
    n = int((found.score >= STANDS_OUT).sum())
    name = space.path.name if space.path is not None else f"{len(space):,} {space.modality.kind}"
    verdict = [
        f"{n:,} of {len(space):,} items stand out (score {STANDS_OUT:g} or more)."
        if n
        else f"None of {len(space):,} items stands out; the least usual are told."
    ]
    ways = {"reconstruction error": found.error, "density": found.thin, "neighbours": found.lonely}
    missing = [way for way, values in ways.items() if not np.isfinite(values).any()]
    if missing:
        verdict.append(f"Not looked at, for this space does not have it: {', '.join(missing)}.")
    rows = [[one.id, round(one.score, 2), "; ".join(one.because)] for one in told]
    means = (
        "Score: length of the robust deviations of reconstruction error, of minus the log-density, "
        "and of the "
        "distance to neighbours beside theirs; 1 is usual, higher is odder."
    )
    facts = {
        "stand_out": n,
        "items": [{"id": one.id, "row": one.row, "score": one.score, "because": one.because} for one in told],
    }
    table = Section("The oddest items", "What the space covers least.", [Table(["item", "score", "why"], rows, means)])
    return Outliers(f"Outliers of {name}", verdict, [table], facts, list(told), found.score)
