"""The index of a space: exact while that is fast, approximate where it has paid, and alive.

Learning an approximate index takes as long as thousands of exact searches, so it is learned once exact searches have
cost as much: whatever comes, no more than twice the work of knowing beforehand (the rule of renting skis until they
could have been bought; Karlin et al., "Competitive snoopy caching", 1988). Work is counted, not timed, so that the same
calls give the same answers.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .approximate import RECALL, SMALLEST
from .exact import ExactIndex, Neighbours
from .living import Living
from .mapped import is_mapped, mapped
from .metrics import check_metric
from .plan import Rerank

Find = Callable[[str], Any]  # a name -> facts, arrays and rows that were kept under it, or None
Keep = Callable[[str, dict, dict, np.ndarray], Any]

EXACT = 10_000  # items, up to which an exact answer takes a tenth of a millisecond: not worth one neighbour in thirty
_CALL = 20  # queries that cost as much as beginning an exact search does: reading all latents once
# What reading a kept index and learning one cost, in multiplications of exact search: a part that is always there, and
# a part for each number in the latents. Measured: 9 s of CPU to learn 1,000,000 x 64, 2 s for 30,000 x 64; 35 ps one.
_LOAD = (5e9, 80.0)
_LEARN = (6e10, 4000.0)
_ROWS = 16384  # copied at a time from file to file
_KEPT = 0.1  # share of the items that came or went since an index was kept, past which it is kept again


class _Now(NamedTuple):
    """One state of the items; replaced whole, so that a search in another thread sees one or the other."""

    z: np.ndarray
    near: np.ndarray | None
    living: dict[str, Living]


class Index:
    """Finds the nearest of latents to which some are added and from which some are removed.

    Parameters
    ----------
    z : float32 array of shape (n, dims)
        Latents, or other vectors of the items, finite; not copied until some are added.
    near : float32 array of shape (n, few), optional
        The items' latents, where z are vectors of more dims: candidates may be found by them.
    find : function of a name, optional
        Gives what `keep` was given under that name (an object with `facts`, `arrays` and `rows`), or None.
    keep : function of (name, facts, arrays, rows), optional
        Keeps an index that took long to learn.
    name : str, default="index"
        What names to keep under begin with.
    folder : path, optional
        Where vectors lie that a frugal index does not hold in memory.
    moved : function of an array, optional
        Told when z has moved from memory to a file: the same numbers, elsewhere.

    Examples
    --------
    >>> index = Index(np.float32([[0, 1], [1, 0], [2, 0]]))
    >>> index.add(np.float32([[3, 0]])).shape
    (4, 2)
    >>> index.remove(np.array([2])).shape
    (3, 2)
    >>> index.search([[3, 0]], k=2, metric="euclidean")
    Neighbours(positions=array([[2, 1]]), scores=array([[0., 2.]], dtype=float32))
    """

    def __init__(
        self, z: np.ndarray, near: np.ndarray | None = None, *, find: Find | None = None, keep: Keep | None = None,
        name: str = "index", folder: Path | None = None, moved: Callable[[np.ndarray], Any] | None = None,
    ):  # fmt: skip
        self._now = _Now(z, near, {})
        self._find, self._keep = find, keep
        self._name, self._folder, self._moved = name, folder, moved
        self._mapped = is_mapped(z)
        self._room = z  # latents with room for more behind them
        self._exact: ExactIndex | None = None
        self._spent: dict[str, float] = {}
        self._sought: set[str] = set()
        self._changing = threading.RLock()

    def __len__(self) -> int:
        return len(self._now.z)

    @property
    def z(self) -> np.ndarray:
        """The latents, float32 (n, dims)."""
        return self._now.z

    @property
    def near(self) -> np.ndarray | None:
        """The items' latents, float32 (n, few), where z are other vectors."""
        return self._now.near

    @property
    def exact(self) -> ExactIndex:
        """Exact search of what is there now."""
        return self._exact_of(self._now.z)

    # ------------------------------------------------------------------ search
    def search(
        self, queries, k: int, metric: str = "cosine", mask=None, exclude=None, recall: float | None = None, near=None
    ) -> Neighbours:
        """Returns the k nearest items of each query, best first.

        Parameters
        ----------
        queries : array of shape (q, dims)
        k : int
            Neighbours asked for, at least 1. Where fewer exist, the rest is -1 and nan.
        metric : "cosine", "euclidean" or "dot", default="cosine"
        mask : bool array of shape (n,), optional
            Only items that are True take part.
        exclude : array of shape (q,) or (q, m), or a sequence of q sequences, optional
            Rows that each query must not find; -1 excludes nothing.
        recall : float, optional
            The share of the true neighbours to aim at, above 0; 1 is exact. By default what the index was built for,
            or exact where there is none (`report` tells).
        near : array of shape (q, few), optional
            The queries' latents, where z are other vectors. Without them, what is found by latents is searched exactly.

        Raises
        ------
        ValueError
            If shapes disagree, k is below 1, the metric is unknown, or queries hold NaN or infinity.
        """
        check_metric(metric)
        if recall is not None and not 0 < recall <= 1:
            raise ValueError(f"recall={recall} is out of range: a share of the true neighbours, above 0 and at most 1.")
        living = None if recall == 1 else self._obtain(metric, len(np.atleast_2d(np.asarray(queries))))
        now = self._now
        if living is None or now.living.get(metric) is None or (near is None and now.living[metric].of_latents):
            return self._exact_of(now.z).search(queries, k, metric, mask, exclude)
        living = now.living[metric]
        door = living.approximate.exact
        queries = door.as_queries(queries, k)
        mask = checked_mask(mask, len(now.z))
        found = living.search(now.z, queries, k, mask, as_table(exclude, len(queries), len(now.z)), recall, near)
        if living.due:
            self._relist(metric)
        return found

    def plan(
        self,
        metric: str = "cosine",
        k: int = 10,
        mask: np.ndarray | None = None,
        recall: float | None = None,
        near=None,
    ) -> dict[str, Any]:  # fmt: skip
        """How such a search is done as things are: its `kind`, and the `recall` that was measured for it."""
        living = self._now.living.get(metric)
        setting = living.approximate.plan(k, mask, recall) if living is not None and recall != 1 else None
        if living is None or setting is None or (near is None and living.of_latents):
            return {"kind": "exact", "recall": 1.0}
        return {
            **living.report, "recall": setting.recall, "probes": setting.probes, "candidates": setting.candidates,
        }  # fmt: skip

    @property
    def report(self) -> dict[str, dict[str, Any]]:
        """What each metric's approximate index is: its recall, on how many queries, tail, tombstones, bytes."""
        return {metric: living.report for metric, living in self._now.living.items()}

    def build(
        self, metric: str = "cosine", recall: float = RECALL, rerank: Rerank = "auto", frugal: bool = False
    ) -> dict[str, Any]:
        """Learns an approximate index now, rather than when it has paid; returns its report.

        Parameters
        ----------
        metric : "cosine", "euclidean" or "dot", default="cosine"
        recall : float, default=0.95
            Share of the true ten nearest that searches shall find, on average.
        rerank : "auto", True or False, default="auto"
            Where z are vectors that have latents: find candidates by these where that is measured to be less work,
            always, or never.
        frugal : bool, default=False
            Hold 8-bit copies in memory, and the vectors themselves in a file.

        Raises
        ------
        ValueError
            If the metric is unknown, recall is out of range, or there are too few items.
        """
        check_metric(metric)
        if not 0 < recall <= 1:
            raise ValueError(f"recall={recall} is out of range: a share of the true neighbours, above 0 and at most 1.")
        with self._changing:
            if frugal and len(self) >= SMALLEST:
                self._map()
            living = Living.built(self._exact_of(self._now.z), metric, recall, self._now.near, rerank, frugal)
            self._put(metric, living)
            self._keep_now(metric, living)
        return living.report

    def _obtain(self, metric: str, queries: int) -> Living | None:
        """The index that serves this metric, read or learned if the exact searches so far would have paid for it."""
        now = self._now
        if metric in now.living or len(now.z) < max(EXACT, SMALLEST):
            return now.living.get(metric)
        with self._changing:
            self._spent[metric] = spent = self._spent.get(metric, 0) + (_CALL + queries) * now.z.size
            if spent > _LOAD[0] + _LOAD[1] * now.z.size:
                self.load(metric)
            if spent > _LEARN[0] + _LEARN[1] * now.z.size and metric not in self._now.living:
                self.build(metric)
            return self._now.living.get(metric)

    def load(self, metric: str) -> bool:
        """Takes the index that was kept, if there is one; returns whether this metric has an index now."""
        with self._changing:
            if metric in self._now.living:
                return True
            if self._find is None or metric in self._sought:
                return False
            self._sought.add(metric)
            kept = self._find(f"{self._name}-{metric}")
            if kept is None:
                return False
            if "eight" in kept.arrays:
                self._map()
            now = self._now
            try:
                living = Living.from_state(self._exact_of(now.z), kept.facts, kept.arrays, kept.rows, now.near)
            except ValueError:  # damaged: learned again once that has paid
                return False
            if living.approximate.metric != metric:
                return False
            self._put(metric, living)
            return True

    def _put(self, metric: str, living: Living) -> None:
        now = self._now
        self._now = now._replace(living={**now.living, metric: living})

    def _map(self) -> None:
        """Moves z from memory to a file."""
        if self._mapped:
            return
        now = self._now
        z = mapped(now.z.shape, self._folder)
        z[:] = now.z
        self._mapped, self._room, self._exact = True, z, None
        # What was learned before is of the vectors where they were; where it was kept, it is found again.
        self._now = now._replace(z=z, living={})
        self._sought.clear()
        if self._moved is not None:
            self._moved(z)

    def followed(self, near: np.ndarray) -> None:
        """Takes latents that are the same numbers, but lie elsewhere now."""
        with self._changing:
            self._now = self._now._replace(near=near)

    def _relist(self, metric: str) -> None:
        with self._changing:
            living = self._now.living.get(metric)
            if living is None or not living.due:  # another thread was faster
                return
            if len(self) < SMALLEST:
                self._now = self._now._replace(
                    living={one: each for one, each in self._now.living.items() if one != metric}
                )
                return
            fresh = living.relisted(self._exact_of(self._now.z), self._now.near)
            self._put(metric, fresh)
            if living.tail + living.tombstones > _KEPT * len(self):
                self._keep_now(metric, fresh)

    def tidy(self) -> None:
        """Makes the lists of every index without tail and tombstones, and keeps them."""
        with self._changing:
            for metric, living in self._now.living.items():
                fresh = living
                if living.tail or living.tombstones:
                    fresh = living.relisted(self._exact_of(self._now.z), self._now.near)
                self._put(metric, fresh)
                self._keep_now(metric, fresh)

    def _keep_now(self, metric: str, living: Living) -> None:
        if self._keep is not None:
            facts, arrays, rows = living.state()
            self._keep(f"{self._name}-{metric}", facts, arrays, rows)

    def _exact_of(self, z: np.ndarray) -> ExactIndex:
        exact = self._exact
        if exact is None or exact.z is not z:
            exact = self._exact = ExactIndex(z)
        return exact

    # ------------------------------------------------------------------ change
    def add(self, more: np.ndarray, near: np.ndarray | None = None) -> np.ndarray:
        """Adds latents (m, dims) behind the others; returns all of them. `near` are the latents of all, as for `Index`.

        There is room for a quarter more each time it runs out, so that adding one by one copies each only a few times.
        """
        with self._changing:
            now = self._now
            n, m = len(now.z), len(more)
            if len(self._room) < n + m or now.z.base is not self._room:
                shape = (n + m + (n + m) // 4, now.z.shape[1])
                room = self._room_of(shape)
                room[:n] = now.z
                self._room = room
            self._room[n : n + m] = more
            z = self._room[: n + m]
            self._now = _Now(z, near, {metric: living.extended(m) for metric, living in now.living.items()})
            return z

    def remove(self, rows: np.ndarray, near: np.ndarray | None = None) -> np.ndarray:
        """Removes the latents at these rows; returns the others, in a new array. `near` are the others' latents."""
        with self._changing:
            now = self._now
            keep = np.ones(len(now.z), bool)
            keep[rows] = False
            z = self._room = self._kept(now.z, keep)
            self._now = _Now(z, near, {metric: living.without(keep) for metric, living in now.living.items()})
            return z

    def _room_of(self, shape: tuple[int, int]) -> np.ndarray:
        if self._mapped:
            try:
                return mapped(shape, self._folder)
            except OSError:  # the disk is full: what came is in the space's file already, and has to be here too
                self._mapped = False
        return np.empty(shape, np.float32)

    def _kept(self, z: np.ndarray, keep: np.ndarray) -> np.ndarray:
        if not self._mapped:
            return z[keep]
        rows = np.flatnonzero(keep)
        fewer = self._room_of((len(rows), z.shape[1]))
        for start in range(0, len(rows), _ROWS):
            fewer[start : start + _ROWS] = z[rows[start : start + _ROWS]]
        return fewer


def checked_mask(mask: Any, n: int) -> np.ndarray | None:
    """A mask as bool (n,); None where every item takes part."""
    if mask is None:
        return None
    mask = np.asarray(mask)
    if mask.shape != (n,) or mask.dtype != bool:
        raise ValueError(
            f"mask has shape {mask.shape} and dtype {mask.dtype}; expected one bool for each of {n} items. "
            "Make it with mask_of(metadata, n, where)."
        )
    return None if mask.all() else mask


def as_table(exclude: Any, q: int, n: int) -> np.ndarray | None:
    """What `exclude` means, as one int64 array (q, m), -1 for none."""
    if exclude is None:
        return None
    if len(exclude) != q:
        raise ValueError(f"exclude has {len(exclude)} entries for {q} queries; give one entry a query.")
    if isinstance(exclude, np.ndarray) and exclude.ndim <= 2:
        table = exclude.reshape(q, -1)
    else:
        each = [np.zeros(0, np.int64) if one is None else np.ravel(np.asarray(one)) for one in exclude]
        table = np.full((q, max((len(one) for one in each), default=0)), -1)
        for row, one in enumerate(each):
            table[row, : len(one)] = one
    if table.size and (table.dtype.kind not in "iu" or table.max() >= n or table.min() < -1):
        raise ValueError(f"exclude must hold positions from 0 to {n - 1}, or -1 for none.")
    return table.astype(np.int64)
