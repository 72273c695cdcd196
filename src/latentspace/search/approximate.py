"""Approximate search: candidates from inverted lists of 4-bit codes, put in order by the full vectors.

What it finds is nearly always right, its scores always are. How often it is right is measured on the user's own data
after every build, and the least work that reaches the asked recall is chosen; where none does, search is exact.
docs/decisions/0016-search.md has the trials.
"""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..models.workers import ordered, workers
from ..resources import usable_cores
from . import approximate_lists as lists
from . import approximate_tuning as tuning
from . import rerank
from .exact import ExactIndex, Neighbours
from .metrics import METRICS, check_metric

RECALL = 0.95  # of the ten nearest, unless another is asked for
SMALLEST = 2000  # items; below, learning lists costs more than any search saves

LAYOUT = 1  # of what is kept; another is learned again

_LISTS = 0.8  # times the root of n
_BLOCK = 128  # queries a thread takes at a time
_WORTH_THREADS = 64  # queries
_KEPT_WORK = 8_000_000  # numbers of the items a mask keeps, up to which exact search is as fast
_MORE = 2.0  # items looked at and put in order for a masked search: what is left lies further away
_KEPT_SHARE = 0.05  # of items, below which lists hold too few that may be found


class Approximate:
    """Finds nearly all of the true nearest of n latents, by one metric, many times faster than looking at each.

    Made by `build`, or by `from_state` from what a file kept.

    Attributes
    ----------
    exact : ExactIndex
        The latents, and what answers where approximation can't.
    metric : "cosine", "euclidean" or "dot"
    settings : list of Setting
        Ways to search and the recall each was measured to reach.
    report : dict
        kind, metric, items, lists, codes an item, the recall aimed at, how many lists are looked through and how many
        candidates put in order for ten neighbours, the recall that reaches, on how many queries that was measured,
        bytes beside the latents, seconds of building.
    """

    def __init__(self, exact: ExactIndex, frame: lists.Frame, coded: lists.Coded, settings: list[tuning.Setting]):
        self.exact = exact
        self.frame = frame
        self.coded = coded
        self.settings = settings
        self.metric = frame.metric
        self.report: dict[str, Any] = {}
        self._lists = lists.Lists(coded, frame.metric)
        lengths = exact.norms if frame.metric == "cosine" else None
        self._full = rerank.Vectors(exact.z, lengths, frame.metric)
        # A vector of zeros has cosine 0 with everything, and no direction to share it out by.
        zeros = np.zeros(0, np.int64) if lengths is None else np.flatnonzero(lengths == 0)
        self._zeros = zeros[: max(k for k in tuning.KS)].astype(np.int64)

    def __len__(self) -> int:
        return len(self.exact)

    @classmethod
    def build(cls, z, metric: str = "cosine", recall: float = RECALL, seed: int = 0) -> "Approximate":
        """Learns lists and codes of latents, and measures how hard to look.

        Parameters
        ----------
        z : ExactIndex, or array of shape (n, dims)
            At least `SMALLEST` rows.
        metric : "cosine", "euclidean" or "dot", default="cosine"
        recall : float, default=0.95
            What a search aims at when it is not told; above 0 and at most 1.
        seed : int, default=0

        Raises
        ------
        ValueError
            If the metric is unknown, there are too few items, or z holds NaN or infinity.
        """
        check_metric(metric)
        exact = z if isinstance(z, ExactIndex) else ExactIndex(z)
        n, dims = exact.z.shape
        if n < SMALLEST:
            raise ValueError(f"{n} items are too few for approximate search, which takes {SMALLEST}; use ExactIndex.")
        began = time.perf_counter()
        nlist = int(2 ** round(np.log2(_LISTS * n**0.5)))
        sample = np.random.default_rng(seed).choice(n, size=min(n, lists.sample_size(nlist)), replace=False)
        centre = exact.form(metric).centre
        with workers():  # small steps, in which threads would mostly wait for one another
            rows = lists.Frame(metric, None, centre)(exact.z[np.sort(sample)])
            frame = lists.Frame(metric, lists.mixed_axes(rows, seed) if dims > 1 else None, centre)
            if frame.rotation is not None:
                rows = rows @ frame.rotation.T
            centres, codebooks = lists.learn(rows, nlist, seed)
        index = cls(exact, frame, lists.encode(exact.z, None, frame, centres, codebooks), [])
        index.measure(recall, seed + 1)
        index.report["seconds"] = round(time.perf_counter() - began, 2)
        return index

    def measure(self, recall: float, seed: int = 0) -> None:
        """Measures recall on the latents as they are now, and chooses anew how hard to look for `recall`."""
        n, dims = self.exact.z.shape
        own = np.random.default_rng(seed).choice(n, size=tuning.sample_size(n, dims), replace=False)
        own = own.astype(np.int64)
        queries = np.ascontiguousarray(self.exact.z[own])
        k = min(max(tuning.KS), len(self) - 1)
        true = self.exact.search(queries, k, self.metric, exclude=own)
        rows = self.frame(queries)
        nlist, codes = self._lists.nlist, len(self.coded.codebooks)

        def candidates(probes: int, count: int) -> np.ndarray:
            found = np.empty((len(rows), count), np.int64)

            def one(block: slice) -> None:
                found[block] = self._lists.candidates(rows[block], probes, count)

            self._share_out(one, len(rows))
            return found

        def keys(found: np.ndarray) -> np.ndarray:
            near = np.empty(found.shape, np.float32)

            def one(block: slice) -> None:
                near[block] = self._full.keys(queries[block], found[block])

            self._share_out(one, len(found))
            return near

        self.settings = tuning.settings(
            candidates,
            keys,
            keys(true.positions),
            own,
            nlist=nlist,
            price=lambda p, c: tuning.cost(p, c, n=n, nlist=nlist, codes=codes, dims=dims),
        )
        self._aim(recall, len(own) // 2)

    def _aim(self, recall: float, queries: int) -> None:
        chosen = tuning.pick(self.settings, 10, recall)
        self.report = {
            "kind": "lists of 4-bit codes",
            "metric": self.metric,
            "items": len(self),
            "lists": self._lists.nlist,
            "codes": len(self.coded.codebooks),
            "target": recall,
            "recall": chosen.recall if chosen else 1.0,
            "looks_through": chosen.probes if chosen else self._lists.nlist,
            "puts_in_order": chosen.candidates if chosen else len(self),
            "queries": queries,
            "bytes": self.coded.bytes + self.coded.codes.nbytes + 8 * len(self),
        }

    def search(self, queries, k: int, mask=None, exclude=None, recall: float | None = None) -> Neighbours:
        """Returns nearly all of the k nearest items of each query, best first; as many as exact search would.

        Parameters
        ----------
        queries : array of shape (q, dims)
        k : int
            More than the largest number that settings were measured for (100) are searched exactly.
        mask, exclude
            As `ExactIndex.search` takes them. Where few items are left, search is exact.
        recall : float, optional
            The share of true neighbours to aim at, instead of the default that the index was built for. What no setting
            reaches is searched exactly, as is 1.0.

        Raises
        ------
        ValueError
            As `ExactIndex.search`.
        """
        queries = self.exact.as_queries(queries, k)
        mask = self.exact.as_mask(mask)
        pairs = self.exact.as_pairs(exclude, len(queries))
        setting = self.plan(k, mask, recall)
        if setting is None:
            return self.exact.search(queries, k, self.metric, mask, exclude)
        kept = None if mask is None else lists.Kept(mask, self.coded.lists, self._lists.nlist)
        most = int(np.bincount(pairs[0]).max()) if len(pairs[0]) else 0
        depth = int(setting.candidates * (1.0 if mask is None else _MORE)) + most
        work = _Work(k, setting.probes, depth, kept, pairs)
        found = Neighbours(np.full((len(queries), k), -1, np.int64), np.full((len(queries), k), np.nan, np.float32))
        self._share_out(lambda block: self._search_block(queries, block, work, found), len(queries))
        self._complete(found, queries, mask, exclude, pairs)
        return found

    def plan(self, k: int, mask: np.ndarray | None = None, recall: float | None = None) -> tuning.Setting | None:
        """The setting that a search will use; None where it will be exact."""
        recall = self.report["target"] if recall is None else recall
        if not 0 < recall <= 1:
            raise ValueError(f"recall={recall} is out of range: a share of the true neighbours, above 0 and at most 1.")
        if mask is not None:
            kept = int(np.count_nonzero(mask))
            if kept * self.exact.z.shape[1] <= _KEPT_WORK or kept < _KEPT_SHARE * len(self):
                return None
        return None if recall == 1 else tuning.pick(self.settings, k, recall)

    def _search_block(self, queries: np.ndarray, block: slice, work: "_Work", found: Neighbours) -> None:
        """Fills in the rows of `block`."""
        q = queries[block]
        rows = self.frame(q)
        if work.kept is None:
            candidates = self._lists.candidates(rows, work.probes, work.depth)
        else:
            looked = _MORE * work.probes * len(self) / self._lists.nlist
            candidates = self._lists.candidates_among(rows, work.kept, looked, work.depth)
        if len(self._zeros):
            candidates = self._with_zeros(candidates, None if work.kept is None else work.kept.mask)
        if len(work.pairs[0]):
            first, last = np.searchsorted(work.pairs[0], (block.start, block.stop))
            for row, position in zip(work.pairs[0][first:last] - block.start, work.pairs[1][first:last], strict=True):
                candidates[row, candidates[row] == position] = -1
        keys, positions = rerank.best(self._full.keys(q, candidates), candidates, work.k)
        width = positions.shape[1]
        found.positions[block, :width] = positions
        found.scores[block, :width] = rerank.scores_of(keys, self.metric)

    def _with_zeros(self, candidates: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
        zeros = self._zeros if mask is None else self._zeros[mask[self._zeros]]
        candidates[np.isin(candidates, zeros)] = -1  # they may be there already
        return np.concatenate([candidates, np.broadcast_to(zeros, (len(candidates), len(zeros)))], axis=1)

    def _complete(self, found: Neighbours, queries, mask, exclude, pairs) -> None:
        """Searches exactly for the queries whose lists held fewer than there are to be found."""
        if (found.positions[:, -1:] >= 0).all():
            return
        allowed = len(self) if mask is None else int(np.count_nonzero(mask))
        k = found.positions.shape[1]
        short = np.flatnonzero((found.positions >= 0).sum(axis=1) < k)
        excluded = np.bincount(pairs[0], minlength=len(queries))[short]
        short = short[(found.positions[short] >= 0).sum(axis=1) < np.minimum(k, allowed - excluded)]
        if len(short) == 0:
            return
        some = None if exclude is None else [pairs[1][pairs[0] == row] for row in short]
        right = self.exact.search(queries[short], k, self.metric, mask, some)
        found.positions[short], found.scores[short] = right.positions, right.scores

    def _share_out(self, work, n: int) -> None:
        """Calls work(slice) on blocks of n queries, in threads where there are enough."""
        if n < _WORTH_THREADS:
            with lists.one_thread():
                work(slice(0, n))
            return
        size = min(-(-n // usable_cores()), _BLOCK)
        blocks = [slice(start, min(start + size, n)) for start in range(0, n, size)]

        def one(block: slice) -> None:
            with lists.one_thread():
                work(block)

        with workers() as count:
            for _ in ordered(one, blocks, count):
                pass

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Returns facts that survive JSON, and plain arrays, for the store."""
        arrays = {
            "centres": self.coded.centres,
            "codebooks": self.coded.codebooks,
            "lists": self.coded.lists,
            "codes": self.coded.codes,
        }
        if self.frame.rotation is not None:
            arrays["rotation"] = self.frame.rotation
        if self.frame.centre is not None:
            arrays["centre"] = self.frame.centre
        return {
            "layout": LAYOUT,
            "metric": self.metric,
            "report": self.report,
            "settings": tuning.to_facts(self.settings),
        }, arrays

    @classmethod
    def from_state(cls, z, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Approximate":
        """Rebuilds what `state` gave, over the same latents.

        Parameters
        ----------
        z : ExactIndex, or array of shape (n, dims)

        Raises
        ------
        ValueError
            If arrays do not fit one another or the latents, or facts are out of range: the file is damaged.
        """
        exact = z if isinstance(z, ExactIndex) else ExactIndex(z)
        names = ("centres", "codebooks", "lists", "codes")
        coded = lists.Coded(*(np.ascontiguousarray(arrays.get(name)) for name in names))
        coded.check()
        rotation, centre = arrays.get("rotation"), arrays.get("centre")
        report, metric = facts.get("report"), facts.get("metric")
        dims, r = exact.z.shape[1], coded.centres.shape[1]
        sound = (
            facts.get("layout") == LAYOUT
            and len(coded.lists) == len(exact)
            and metric in METRICS
            and isinstance(report, dict)
            and all(isinstance(report.get(name), int | float) for name in ("target", "recall", "queries"))
            and 0 < report["target"] <= 1
        )
        if rotation is None:
            sound = sound and r == dims
        else:
            rotation = np.ascontiguousarray(rotation)
            sound = (
                sound and rotation.dtype == np.float32 and rotation.shape == (r, dims) and np.isfinite(rotation).all()
            )
        if centre is not None:
            centre = np.ascontiguousarray(centre)
            sound = sound and centre.dtype == np.float64 and centre.shape == (dims,) and np.isfinite(centre).all()
        if not sound:
            raise ValueError("the stored search index does not belong to these latents, or is damaged. Build it again.")
        index = cls(exact, lists.Frame(str(metric), rotation, centre), coded, tuning.from_facts(facts.get("settings")))
        index.report = dict(report)  # type: ignore[arg-type]
        return index


class _Work(NamedTuple):
    """What the blocks of one search share."""

    k: int
    probes: int
    depth: int
    kept: lists.Kept | None
    pairs: tuple[np.ndarray, np.ndarray]
