"""Groups of items: what `duplicates` and `groups` return."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np

_SHOWN = 20  # groups that repr shows
_IDS = 4  # ids of each


@dataclass(frozen=True)
class Group:
    """Some items that belong together.

    Attributes
    ----------
    name : str
        What they have in common, as far as labels or words say it.
    ids : list of str
        The most typical first; among duplicates, the one that came first.
    distances : float32 array of shape (items,)
        Euclidean distance of each to the group's mean; among duplicates, to the first.
    exact : bool
        Whether they are the same to the last bit.
    """

    name: str
    ids: list[str]
    distances: np.ndarray = field(repr=False)
    exact: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON-able data."""
        return {
            "name": self.name,
            "size": len(self.ids),
            "exact": self.exact,
            "ids": self.ids,
            "distances": [float(d) for d in self.distances],
        }


class Groups(Sequence):
    """Groups of a space's items, the largest first. Iterates over `Group`s.

    Attributes
    ----------
    labels : int64 array of shape (n,)
        Each item's group, in the order of the space's items; -1 for none.
    rule : str
        How they were found, in words.
    recall : float
        Share of true neighbours that the graph behind them holds; 1.0 when it is exact.
    facts : dict
        Further figures, such as the modularity of `groups` (up to 1, larger is better).
    """

    kind = "groups"
    _noun = "group"

    def __init__(
        self, groups: Sequence[Group], labels: np.ndarray, rule: str, recall: float = 1.0, facts: dict | None = None
    ):
        self._groups = list(groups)
        self.labels = labels
        self.rule = rule
        self.recall = recall
        self.facts = dict(facts or {})

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups)

    @overload
    def __getitem__(self, at: int) -> Group: ...
    @overload
    def __getitem__(self, at: slice) -> list[Group]: ...
    def __getitem__(self, at):
        """One group, or for a slice a list of them."""
        return self._groups[at]

    @property
    def names(self) -> list[str | None]:
        """The name of each item's group, in the order of the space's items: a column to colour a map by."""
        return [self._groups[label].name if label >= 0 else None for label in self.labels.tolist()]

    def __repr__(self) -> str:
        if not self._groups:
            return f"{self.kind.capitalize()}: none ({self.rule})."
        lines = [f"{self._count(len(self))}, {self.rule}{self._doubt()}"]
        shown = self._groups[:_SHOWN]
        width = max(len(group.name) for group in shown)
        for group in shown:
            more = f", and {len(group) - _IDS:,} more" if len(group) > _IDS else ""
            lines.append(f"{len(group):>7,}  {group.name:{width}}  {', '.join(group.ids[:_IDS])}{more}")
        if len(self) > _SHOWN:
            lines.append(f"... and {len(self) - _SHOWN:,} more")
        return "\n".join(lines)

    def _count(self, count: int) -> str:
        return f"1 {self._noun}" if count == 1 else f"{count:,} {self._noun.replace('group', 'groups', 1)}"

    def _doubt(self) -> str:
        return f"; the graph holds {self.recall:.1%} of the true neighbours" if self.recall < 1 else ""

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON-able data: the rule and every group with its ids."""
        return {"rule": self.rule, "recall": self.recall, **self.facts, self.kind: [g.to_dict() for g in self._groups]}


class Duplicates(Groups):
    """Groups of near-duplicates, those that lie nearest first.

    Attributes
    ----------
    extra : list of str
        Every item of a group but the first: `space.remove(duplicates.extra)` keeps one of each.
    """

    kind = "duplicates"
    _noun = "group of duplicates"

    @property
    def extra(self) -> list[str]:
        """Every item of a group but the first."""
        return [id_ for group in self for id_ in group.ids[1:]]

    @property
    def exact(self) -> "Duplicates":
        """Those groups only whose items are the same to the last bit."""
        kept = [number for number, group in enumerate(self) if group.exact]
        place = np.full(len(self) + 1, -1)  # one more, for items in no group
        place[kept] = np.arange(len(kept))
        return Duplicates(
            [self[number] for number in kept], place[self.labels], "the same to the last bit", self.recall
        )
