"""Recommendation from latents: how much each candidate is like what was liked, and unlike what was not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .diversity import unit_rows
from .hits import _SHOWN, Hits

TEMPERATURE = 0.2  # of the soft maximum, in cosines
DISLIKE = 0.5  # weight of what was disliked beside what was liked
_BLOCK = 2**22  # cosines at a time: 16 MB


def liking(
    z: np.ndarray, liked: np.ndarray, disliked: np.ndarray | None = None, *, centre: np.ndarray | float = 0.0,
    weights: np.ndarray | None = None, temperature: float = TEMPERATURE, dislike: float = DISLIKE,
) -> np.ndarray:  # fmt: skip
    """Scores candidates by their likeness with several examples.

        score(z) = soft(z, liked) - dislike * soft(z, disliked)
        soft(z, L) = temperature * log mean_(l in L) exp(cosine(z, l) / temperature)

    The soft maximum lies between the mean, which serves nobody of two tastes (what lies between them is neither), and
    the nearest example alone, which listens to one example at a time. Trials: docs/decisions/0015-recommendation.md.

    Parameters
    ----------
    z : float array of shape (n, dims)
        Candidates.
    liked, disliked : float arrays of shape (m, dims)
        In the same frame. Either may be empty.
    centre : float array of shape (dims,), default=0
        Taken off all before cosines: the space's mean, or what all items have in common counts as likeness.
    weights : float array of shape (m,), optional
        How much each liked example counts, above 0; equal by default.
    temperature : float, default=0.2
        Small: the nearest example decides; large: their mean.
    dislike : float, default=0.5
        Weight of the disliked; with 1 one of them outshouts one liked example beside it.

    Returns
    -------
    float32 array of shape (n,)
        -1.5 to 1.5, higher is liked better; 0 for all where nothing is given.

    Examples
    --------
    >>> z = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> liking(z, z[:1], z[1:2]).round(2).tolist()
    [1.0, -0.5, -1.0]
    """
    scores = np.zeros(len(z), np.float32)
    sides = []
    for examples, sign, heed in ((liked, 1.0, weights), (disliked, -dislike, None)):
        if examples is not None and len(examples):
            heed = np.ones(len(examples)) if heed is None else np.asarray(heed, float)
            sides.append((unit_rows(examples - centre).T, sign, (heed / heed.sum()).astype(np.float32)))
    rows = max(1, _BLOCK // max([z.shape[1], *(towards.shape[1] for towards, _, _ in sides)]))
    for start in range(0, len(z), rows):
        part = slice(start, start + rows)
        unit = unit_rows(z[part] - centre)
        for towards, sign, share in sides:
            cosines = unit @ towards
            most = cosines.max(axis=1, keepdims=True)  # taken out, so that no temperature overflows
            sums = np.exp((cosines - most) / temperature) @ share
            scores[part] += sign * (most[:, 0] + temperature * np.log(np.maximum(sums, np.finfo(np.float32).tiny)))
    return scores


def typical(z: np.ndarray, centre: np.ndarray | float = 0.0) -> np.ndarray:
    """How near each candidate is to the middle of all: minus its distance from `centre`, float32 (n,).

    What is shown of a space where nothing is known of who asks.
    """
    return -np.linalg.norm(z - centre, axis=1).astype(np.float32)


def standard(scores: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Scores with mean 0 and deviation 1 over the candidates `among` (bool): two kinds of them can be added then."""
    part = np.asarray(scores, np.float64)[among]
    if not len(part):
        return np.zeros(len(scores))
    deviation = part.std()
    return (scores - part.mean()) / (deviation if deviation > 0 else 1.0)


def shared_axis(a: np.ndarray, b: np.ndarray) -> tuple[int, float]:
    """The dimension in which two latents agree most: its number, and its share of all that agrees, 0 to 1.

    The cosine is a sum over dimensions; this is its largest term. Where nothing agrees the share is 0.
    """
    terms = np.asarray(a, float) * np.asarray(b, float)
    agreed = terms.clip(0).sum()
    axis = int(np.argmax(terms))
    return axis, float(terms[axis] / agreed) if agreed > 0 else 0.0


@dataclass(frozen=True)
class Reason:
    """Why something was recommended.

    Attributes
    ----------
    text : str
        In words: "near 'a.png', which you liked (cosine 0.93); shares axis 3".
    near : str or None
        Which of the given it owes most to.
    share : float or None
        How much of it: the cosine with `near`, or `near`'s part of the score where scores are sums.
    axis : int or None
        The dimension in which both agree most.
    """

    text: str
    near: str | None = None
    share: float | None = None
    axis: int | None = None

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text, "near": self.near, "share": self.share, "axis": self.axis}


class Recommendations(Hits):
    """What to look at next, best first. Iterates as pairs (id, score); `reasons` says why.

    Parameters
    ----------
    ids, scores, items, metric
        As those of `Hits`. A score is what decided before diversity did, higher is better; `metric` says what it is.
    reasons : sequence of Reason, or a function of no arguments that returns one
        Aligned with `ids`.

    Examples
    --------
    >>> Recommendations(["b"], [0.5], reasons=[Reason("near 'a', which you liked")])
    id  score
    b   0.500  near 'a', which you liked
    """

    def __init__(
        self, ids: Sequence[str], scores: Any, items: Sequence | Callable[[], Sequence] | None = None,
        metric: str = "score", *, reasons: Sequence[Reason] | Callable[[], Sequence[Reason]] = (),
    ):  # fmt: skip
        super().__init__(ids, scores, items, metric)
        self._reasons = reasons

    @property
    def reasons(self) -> list[Reason]:
        """Why each, worked out when first asked for."""
        if callable(self._reasons):
            self._reasons = self._reasons()
        return list(self._reasons)

    def __getitem__(self, at: Any) -> Any:
        """One pair (id, score), or for a slice the Recommendations of that part."""
        if not isinstance(at, slice):
            return super().__getitem__(at)
        part = super().__getitem__(at)
        return Recommendations(
            part.ids, part.scores, None if part._items is None else lambda: part.items, self.metric,
            reasons=lambda: self.reasons[at],
        )  # fmt: skip

    def __repr__(self) -> str:
        if not self.ids:
            return "Recommendations: none"
        head, *lines = super().__repr__().split("\n")
        shown = min(len(self), _SHOWN)
        width = max(map(len, lines[:shown]))
        said = [f"{line:{width}}  {reason}" for line, reason in zip(lines[:shown], self.reasons, strict=False)]
        return "\n".join([head, *said, *lines[len(said) :]])

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON-able data: the metric, and id, score and reason of each."""
        rows = zip(self.ids, self.scores.tolist(), self.reasons, strict=True)
        return {
            "metric": self.metric,
            "hits": [{"id": id_, "score": score, "reason": reason.to_dict()} for id_, score, reason in rows],
        }
