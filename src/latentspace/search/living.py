"""An approximate index that items come to and go from, without learning it anew.

Items have *slots* in the lists: their order when the lists were last made. Those that came since are a *tail*, searched
exactly; those that went are *tombstones*, which a search must not find. Both cost a little at every search, and once
they have cost as much as making the lists from the codes that are there, the lists are made (`relisted`). Centres and
codebooks are learned again only when more items have come than they were learned from, or when no setting reaches the
recall any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from . import plan
from .approximate import RECALL, SMALLEST, Approximate
from .exact import ExactIndex, Neighbours

_LISTING = 4  # a query's work on a row of the tail, to that of listing one: 0.1 against 0.4 microseconds at 64 dims
_TOMBSTONES = 0.2  # share of the slots, past which a search looks at too many that are gone
_PER_SLOT = ("lists", "codes", "eight")  # arrays with a row a slot
_CHANGED = 0.2  # share of the items that came or went since recall was measured, past which it is measured again


@dataclass(frozen=True, eq=False)
class Living:
    """One metric's approximate index over n latents, as they are now.

    Attributes
    ----------
    approximate : Approximate
        Over the slots.
    slots : int64 array of shape (listed,)
        The slot of each of the first `listed` latents, ascending; the others are the tail.
    n : int
    learned, measured : int
        Of how many items the centres were learned, and how many have come or gone since recall was measured.
    work : list of one int
        What tail and tombstones have cost since the lists were made: queries times rows.
    """

    approximate: Approximate
    slots: np.ndarray
    n: int
    learned: int
    changed: int = 0
    work: list[int] = field(default_factory=lambda: [0])

    @classmethod
    def built(
        cls, exact: ExactIndex, metric: str, recall: float = RECALL, near: np.ndarray | None = None,
        rerank: plan.Rerank = "auto", frugal: bool = False,
    ) -> "Living":  # fmt: skip
        """Learns and makes the lists of all items; `near` are their latents, where what is searched are vectors."""
        approximate = plan.build(exact, near, metric, recall, rerank, frugal)
        return cls(approximate, np.arange(len(exact)), len(exact), len(exact))

    def again(self, exact: ExactIndex, near: np.ndarray | None) -> "Living":
        """Learns all anew, as it was asked for at first."""
        report = self.approximate.report
        rerank, frugal = report.get("rerank", "auto"), self.approximate.frugal
        return Living.built(exact, self.approximate.metric, report["target"], near, rerank, frugal)

    @property
    def of_latents(self) -> bool:
        """Whether candidates are found by latents, so that queries have to come with theirs."""
        return self.approximate.near is not self.approximate.exact.z

    @property
    def tail(self) -> int:
        """How many items are searched exactly."""
        return self.n - len(self.slots)

    @property
    def tombstones(self) -> int:
        """How many slots are of items that are gone."""
        return len(self.approximate) - len(self.slots)

    @property
    def report(self) -> dict[str, Any]:
        """The approximate index's own report, with tail and tombstones."""
        return {**self.approximate.report, "items": self.n, "tail": self.tail, "tombstones": self.tombstones}

    @cached_property
    def _row_of(self) -> np.ndarray:
        """The row of each slot, -1 for a tombstone."""
        rows = np.full(len(self.approximate), -1, np.int64)
        rows[self.slots] = np.arange(len(self.slots))
        return rows

    @cached_property
    def _there(self) -> np.ndarray | None:
        return None if self.tombstones == 0 else self._row_of >= 0

    # ------------------------------------------------------------------ change
    def extended(self, m: int) -> "Living":
        """Returns the index after m items came."""
        return replace(self, n=self.n + m, changed=self.changed + m, work=self.work.copy())

    def without(self, keep: np.ndarray) -> "Living":
        """Returns the index of the items where `keep`, bool (n,), is true."""
        gone = self.n - int(np.count_nonzero(keep))
        slots = self.slots[keep[: len(self.slots)]]
        return replace(self, slots=slots, n=self.n - gone, changed=self.changed + gone, work=self.work.copy())

    @property
    def due(self) -> bool:
        """Whether making the lists anew pays: what the tail has cost so far would have paid for it."""
        dead = self.tombstones > _TOMBSTONES * len(self.approximate)
        return dead or (self.tail > 0 and self.work[0] > _LISTING * self.n)

    def relisted(self, exact: ExactIndex, near: np.ndarray | None = None) -> "Living":
        """Returns an index of the same items without tail and tombstones.

        Parameters
        ----------
        exact : ExactIndex
            Over all n that are searched.
        near : float32 array of shape (n, few), optional
            Their latents, where what is searched are vectors.
        """
        old = self.approximate
        if self.n > 2 * self.learned:
            return self.again(exact, near)
        fresh = old.relisted(exact, self.slots, near if self.of_latents else None)
        changed = self.changed
        if changed > _CHANGED * self.n:
            measured_of = fresh.report
            fresh.measure(old.report["target"])
            fresh.report = {**measured_of, **fresh.report}
            changed = 0
            if fresh.plan(10) is None and old.plan(10) is not None:  # only exact search reaches it any more
                return self.again(exact, near)
        if fresh.frugal:
            exact.forget()
        return Living(fresh, np.arange(self.n), self.n, self.learned, changed)

    # ------------------------------------------------------------------ search
    def search(
        self, z: np.ndarray, queries: np.ndarray, k: int, mask: np.ndarray | None, exclude: np.ndarray | None,
        recall: float | None = None, near: np.ndarray | None = None,
    ) -> Neighbours:  # fmt: skip
        """Returns nearly all of the k nearest of each query; as many as exact search would.

        Parameters
        ----------
        z : float32 array of shape (n, dims)
            The latents as they are now.
        mask : bool array of shape (n,), optional
        exclude : int64 array of shape (q, m), optional
            Rows that each query must not find, -1 for none.
        recall : float, optional
        near : float32 array of shape (q, few), optional
            The queries' latents, where candidates are found by those.
        """
        listed = len(self.slots)
        among = self._there
        if mask is not None:
            among = np.zeros(len(self.approximate), bool)
            among[self.slots] = mask[:listed]
        found = self.approximate.search(queries, k, among, self._as_slots(exclude), recall, near)
        if self.tombstones:
            positions = np.where(found.positions >= 0, self._row_of[found.positions], -1)
            found = Neighbours(positions, found.scores)
        if self.tail == 0:
            return found
        self.work[0] += len(queries) * self.tail
        others = None if exclude is None else np.where(exclude >= listed, exclude - listed, -1)
        kept = None if mask is None else mask[listed:]
        newest = self._tail_of(z).search(queries, k, self.approximate.metric, kept, others)
        positions = np.where(newest.positions >= 0, newest.positions + listed, -1)
        return merged(found, Neighbours(positions, newest.scores), self.approximate.metric)

    def _as_slots(self, exclude: np.ndarray | None) -> np.ndarray | None:
        if exclude is None:
            return None
        listed = len(self.slots)
        if listed == 0:
            return np.full_like(exclude, -1)
        here = (exclude >= 0) & (exclude < listed)
        return np.where(here, self.slots[np.where(here, exclude, 0)], -1)

    def _tail_of(self, z: np.ndarray) -> ExactIndex:
        kept = self.__dict__.get("_tail")
        if kept is None or len(kept) != self.tail:
            kept = self.__dict__["_tail"] = ExactIndex(z[len(self.slots) :])
        return kept

    # ------------------------------------------------------------------ keeping
    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray], np.ndarray]:
        """Returns facts that survive JSON, plain arrays, and the present row of what each slot is of, -1 for gone."""
        facts, arrays = self.approximate.state()
        return {"approximate": facts, "learned": self.learned, "changed": self.changed}, arrays, self._row_of

    @classmethod
    def from_state(
        cls, exact: ExactIndex, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], rows: np.ndarray,
        near: np.ndarray | None = None,
    ) -> "Living":  # fmt: skip
        """Rebuilds what `state` gave, items having come and gone since.

        Parameters
        ----------
        exact : ExactIndex
            Over all n latents that are there now.
        rows : int64 array of shape (slots,)
            The present row of each slot's item, -1 for gone.
        near : float32 array of shape (n, few), optional
            The latents of all, where what is searched are vectors.

        Raises
        ------
        ValueError
            If it is damaged, or is not of these latents, or of too few of them to be worth anything.
        """
        keep = rows >= 0
        listed = int(np.count_nonzero(keep))
        learned, changed = facts.get("learned"), facts.get("changed")
        sound = (
            all(isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in (learned, changed))
            and isinstance(facts.get("approximate"), Mapping)
            and all(isinstance(arrays.get(name), np.ndarray) for name in ("lists", "codes"))
            and all(arrays[name].shape[:1] == rows.shape for name in _PER_SLOT if name in arrays)
            and SMALLEST <= listed <= len(exact) <= 2 * listed
            and bool((rows[keep] == np.arange(listed)).all())
        )
        if not sound:
            raise ValueError("the stored search index is damaged, or is of other latents. Build it again.")
        own = dict(arrays)
        if listed < len(rows):
            own |= {name: own[name][keep] for name in _PER_SLOT if name in own}
        whole = exact if listed == len(exact) else ExactIndex(exact.z[:listed])
        report = facts["approximate"].get("report")
        by_latents = near is not None and isinstance(report, Mapping) and report.get("of") == "latents"
        latents = near[:listed] if by_latents and near is not None else None
        approximate = Approximate.from_state(whole, facts["approximate"], own, latents=latents)
        since = len(rows) - listed + len(exact) - listed
        return cls(approximate, np.arange(listed), len(exact), learned, changed + since)  # type: ignore[arg-type, operator]


def merged(a: Neighbours, b: Neighbours, metric: str) -> Neighbours:
    """Returns the best k of two lists of neighbours (q, k), best first, ties by position."""
    k = a.positions.shape[1]
    positions = np.concatenate([a.positions, b.positions], axis=1)
    scores = np.concatenate([a.scores, b.scores], axis=1)
    keys = np.where(positions < 0, np.inf, scores if metric == "euclidean" else -scores)
    order = np.lexsort((positions, keys), axis=1)[:, :k]
    return Neighbours(np.take_along_axis(positions, order, 1), np.take_along_axis(scores, order, 1))
