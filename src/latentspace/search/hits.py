"""What a search returns: ids with their scores, best first, and the items themselves when they are asked for."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import numpy as np

_SHOWN = 20  # rows that repr shows


class Hits(Sequence):
    """Found items, best first. Iterates as pairs (id, score).

    Parameters
    ----------
    ids : sequence of str
    scores : array of the same length
        Cosine or dot product (large is near), or Euclidean distance (small is near), as `metric` says.
    items : sequence, or a function of no arguments that returns one, optional
        The items in their own form, aligned with `ids`. A function is called once, when `items` is first read.
    metric : str, default="score"
        Name of the scores, for showing.
    recall : float, default=1.0
        Share of the true nearest that such a search finds, as measured on a sample of the space; 1.0 when it is exact.
    plan : str, default="exact"
        How it was searched.

    Examples
    --------
    >>> hits = Hits(["a.png", "b.png"], [0.98, 0.5], metric="cosine")
    >>> hits
    id     cosine
    a.png  0.980
    b.png  0.500
    >>> [name for name, score in hits if score > 0.9]
    ['a.png']
    """

    def __init__(
        self, ids: Sequence[str], scores, items: Sequence | Callable[[], Sequence] | None = None,
        metric: str = "score", recall: float = 1.0, plan: str = "exact",
    ):  # fmt: skip
        self.ids = list(ids)
        self.scores = np.asarray(scores, dtype=np.float32)
        self.metric = metric
        self.recall = recall
        self.plan = plan
        if self.scores.shape != (len(self.ids),):
            raise ValueError(f"{len(self.ids)} ids need as many scores; got an array of shape {self.scores.shape}.")
        self._items = items

    @property
    def items(self) -> Any:
        """The items in their own form: images, rows, arrays. Read or decoded on first use."""
        if callable(self._items):
            self._items = self._items()
        return self._items

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return zip(self.ids, self.scores.tolist(), strict=True)

    @overload
    def __getitem__(self, at: int) -> tuple[str, float]: ...
    @overload
    def __getitem__(self, at: slice) -> "Hits": ...
    def __getitem__(self, at):
        """One pair (id, score), or for a slice the Hits of that part."""
        if not isinstance(at, slice):
            return self.ids[at], float(self.scores[at])
        items = None if self._items is None else lambda: self.items[at]
        return Hits(self.ids[at], self.scores[at], items, self.metric, self.recall, self.plan)

    def __eq__(self, other) -> bool:
        if not isinstance(other, Hits):
            return NotImplemented
        return self.ids == other.ids and np.array_equal(self.scores, other.scores) and self.metric == other.metric

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if not self.ids:
            return "Hits: none"
        width = max(len("id"), *(len(name) for name in self.ids[:_SHOWN]))
        lines = [f"{'id':{width}}  {self.metric}"]
        lines += [f"{name:{width}}  {score:.3f}" for name, score in list(self)[:_SHOWN]]
        if len(self) > _SHOWN:
            lines.append(f"... and {len(self) - _SHOWN:,} more")
        if self.recall < 1:
            lines.append(f"{self.plan}: such searches find {self.recall:.1%} of the true nearest")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON-able data: the metric, plan and recall, and id and score of each hit."""
        hits = [{"id": name, "score": score} for name, score in self]
        return {"metric": self.metric, "plan": self.plan, "recall": self.recall, "hits": hits}
