"""Approximate search: candidates from inverted lists of 4-bit codes, put in order by the full vectors.

What it finds is nearly always right, its scores always are. How often it is right is measured on the user's own data
after every build, and the least work that reaches the asked recall is chosen; where none does, search is exact.
docs/decisions/0016-search.md has the trials.
"""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from . import approximate_lists as lists
from . import approximate_tuning as tuning
from . import rerank
from .approximate_learning import learn_frame, together
from .approximate_one import One
from .approximate_threads import gather
from .exact import ExactIndex, Neighbours
from .metrics import METRICS, as_latents, check_metric, norms_of
from .quantise import EightBit

RECALL = 0.95  # of the ten nearest, unless another is asked for
SMALLEST = 2000  # items; below, learning lists costs more than any search saves

LAYOUT = 1  # of what is kept; another is learned again

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

    def __init__(
        self,
        exact: ExactIndex,
        frame: lists.Frame,
        coded: lists.Coded,
        settings: list[tuning.Setting],
        *,
        metric: str | None = None,
        copies: EightBit | None = None,
        source: np.ndarray | None = None,
    ):
        self.exact = exact
        self.frame = frame
        self.settings = settings
        self.metric = metric or frame.metric
        self.report: dict[str, Any] = {}
        self._lists = lists.Lists(coded)
        cosine, frugal = self.metric == "cosine", copies is not None
        # Where memory counts, what FAISS holds is not held twice.
        self._coded = None if frugal else coded
        self._learned = (coded.centres, coded.codebooks)
        self._full = rerank.Vectors(exact.z, self.metric, exact.norms if cosine and not frugal else None)
        self._frugal = None if copies is None else rerank.Frugal(copies, self._full)
        # A vector of zeros has cosine 0 with everything, and no direction to share it out by.
        zeros = np.flatnonzero(norms_of(exact.z) == 0) if cosine else np.zeros(0, np.int64)
        self._zeros = zeros[: max(tuning.KS)].astype(np.int64)
        # Few steps suit one query where there is nothing to see to besides.
        self._one = One(self._lists, frame, self._full) if copies is None and len(self._zeros) == 0 else None
        self._source = source  # latents that lists are made of, where those are others than exact.z

    def __len__(self) -> int:
        return len(self.exact)

    @property
    def coded(self) -> lists.Coded:
        """The items as lists and codes."""
        if self._coded is not None:
            return self._coded
        return lists.encode(self.near, None, self.frame, *self._learned)

    @property
    def near(self) -> np.ndarray:
        """What candidates are found by: the vectors themselves, or the latents of the same items."""
        return self.exact.z if self._source is None else self._source

    frugal = property(lambda self: self._frugal is not None, doc="Whether 8-bit copies stand for vectors in a file.")

    @classmethod
    def build(
        cls,
        z,
        metric: str = "cosine",
        recall: float = RECALL,
        seed: int = 0,
        *,
        latents: np.ndarray | None = None,
        frugal: bool = False,
    ) -> "Approximate":
        """Learns lists and codes of latents, and measures how hard to look.

        Parameters
        ----------
        z : ExactIndex, or array of shape (n, dims)
            What counts: hits are the nearest of these. At least `SMALLEST` rows.
        metric : "cosine", "euclidean" or "dot", default="cosine"
        recall : float, default=0.95
            What a search aims at when it is not told; above 0 and at most 1.
        seed : int, default=0
        latents : float32 array of shape (n, few), optional
            Other vectors of the same items, of fewer dims, that candidates are found by (Euclidean distance): search in
            z, and order by x. Queries then come with latents of their own.
        frugal : bool, default=False
            Keep z where it is (a memory-mapped file), and in memory only coarser codes and 8-bit copies: less than a
            third of the memory of z from about 48 dims, at a half to a tenth of the speed.

        Raises
        ------
        ValueError
            If the metric is unknown, there are too few items, z holds NaN or infinity, or latents are of other items.
        """
        check_metric(metric)
        exact = z if isinstance(z, ExactIndex) else ExactIndex(z)
        n = len(exact)
        if n < SMALLEST:
            raise ValueError(f"{n} items are too few for approximate search, which takes {SMALLEST}; use ExactIndex.")
        if latents is not None and len(latents) != n:
            raise ValueError(f"there are {len(latents)} latents for {n} vectors; give one each.")
        began = time.perf_counter()
        near = exact if latents is None else ExactIndex(latents)
        few = together(near.z.shape[1], exact.z.shape[1]) if frugal else 1
        frame, coded = learn_frame(near, metric if latents is None else "euclidean", seed, few)
        copies, source = EightBit.encode(exact.z, metric) if frugal else None, None if latents is None else near.z
        index = cls(exact, frame, coded, [], metric=metric, copies=copies, source=source)
        index.measure(recall, seed + 1)
        index.report["seconds"] = round(time.perf_counter() - began, 2)
        if frugal:
            exact.forget()
        return index

    def relisted(self, exact: ExactIndex, slots: np.ndarray, latents: np.ndarray | None = None) -> "Approximate":
        """Returns an index of other items by the same centres and codebooks: those at `slots`, and all that follow.

        Parameters
        ----------
        exact : ExactIndex
            Over the items that are left, in their order, and those that came.
        slots : int64 array of shape (m,), where the first m of them are here
        latents : float32 array of shape (n, few), optional
            Theirs, where candidates are found by latents.
        """
        near = exact.z if latents is None else latents
        if self._coded is None:  # FAISS has the codes
            coded = lists.encode(near, None, self.frame, *self._learned)
        else:
            lengths = exact.norms[len(slots) :] if latents is None else None
            coded = self._coded.followed(slots, lists.encode(near[len(slots) :], lengths, self.frame, *self._learned))
        copies = None if self._frugal is None else self._frugal.copies.followed(slots, exact.z[len(slots) :])
        index = Approximate(exact, self.frame, coded, self.settings, metric=self.metric, copies=copies, source=latents)
        index.report = {**self.report, "items": len(exact), "bytes": index._bytes()}
        return index

    def measure(self, recall: float, seed: int = 0) -> None:
        """Measures recall on the latents as they are now, and chooses anew how hard to look for `recall`."""
        if self.exact.form(self.metric).wide:  # float32 sums of squares would overflow or vanish
            self.settings = []
            self._aim(recall, 0)
            return
        n, dims = self.exact.z.shape
        own = np.random.default_rng(seed).choice(n, size=tuning.sample_size(n, dims), replace=False)
        own = own.astype(np.int64)
        queries = np.ascontiguousarray(self.exact.z[own])
        asked = self._full.prepare(queries)
        k = min(max(tuning.KS), len(self) - 1)
        true = self.exact.search(queries, k, self.metric, exclude=own)
        rows = self.frame.of_queries(asked if self._source is None else self.near[own])

        def candidates(probes: int, count: int) -> np.ndarray:
            return gather(lambda block: (self._lists.candidates(rows[block], probes, count),), len(rows))[0]

        def keys(found: np.ndarray) -> np.ndarray:
            return gather(lambda block: (self._full.keys(asked[block], found[block]),), len(rows))[0]

        most = min(n, tuning.CANDIDATES * (4 if self._learned[1].shape[2] > 2 else 1))
        self.settings = tuning.settings(
            candidates, keys, keys(true.positions), own, nlist=self._lists.nlist, price=self._price, most=most
        )
        self._aim(recall, len(own) // 2)

    def _price(self, probes: int, candidates: int) -> float:
        """One query's nanoseconds, estimated."""
        turned = 0 if self.frame.rotation is None else self.frame.rotation.size
        codes, dims = len(self._learned[1]), self.exact.z.shape[1]
        return tuning.cost(
            probes, candidates, n=len(self), nlist=self._lists.nlist, codes=codes, dims=dims, turned=turned
        )

    def work(self, k: int = 10, recall: float | None = None) -> float:
        """One query's microseconds on one core, estimated from the work of its setting; infinite where it is exact."""
        setting = self.plan(k, None, recall)
        return np.inf if setting is None else self._price(setting.probes, setting.candidates) / 1000

    def _aim(self, recall: float, queries: int) -> None:
        chosen = tuning.pick(self.settings, 10, recall)
        self.report = {
            "kind": "lists of 4-bit codes",
            "metric": self.metric,
            "items": len(self),
            "lists": self._lists.nlist,
            "codes": len(self._learned[1]),
            "of": "vectors" if self._source is None else "latents",
            "target": recall,
            "recall": chosen.recall if chosen else 1.0,
            "looks_through": chosen.probes if chosen else self._lists.nlist,
            "puts_in_order": chosen.candidates if chosen else len(self),
            "queries": queries,
            "bytes": self._bytes(),
        }

    def _bytes(self) -> int:
        """Memory beside the latents: FAISS's lists, our own copy of them, or the 8-bit copies."""
        codes = (len(self._learned[1]) + 1) // 2
        held = sum(each.nbytes for each in self._learned) + len(self) * (codes + 8)
        if self._coded is not None:
            held += self._coded.lists.nbytes + self._coded.codes.nbytes
        return held + (0 if self._frugal is None else self._frugal.copies.bytes)

    def search(self, queries, k: int, mask=None, exclude=None, recall: float | None = None, latents=None) -> Neighbours:
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
        latents : array of shape (q, few), optional
            The queries' latents, where candidates are found by latents.

        Raises
        ------
        ValueError
            As `ExactIndex.search`, or if latents are missing or of another shape.
        """
        queries = self.exact.as_queries(queries, k)
        mask = self.exact.as_mask(mask)
        pairs = self.exact.as_pairs(exclude, len(queries))
        source = self._as_source(queries, latents)
        setting = self.plan(k, mask, recall)
        if setting is None:
            return self.exact.search(queries, k, self.metric, mask, exclude)
        kept = None if mask is None else lists.Kept(mask, self._lists.of_items(), self._lists.nlist)
        most = int(np.bincount(pairs[0]).max()) if len(pairs[0]) else 0
        depth = int(setting.candidates * (1.0 if mask is None else _MORE)) + most
        work = _Work(k, setting.probes, depth, kept, pairs)
        if len(queries) == 1 and mask is None and self._one is not None:
            near = None if self._source is None else source
            if (alone := self._one.search(queries, near, work.k, work.probes, work.depth, pairs[1])) is not None:
                return Neighbours(*alone)
        found = Neighbours(*gather(lambda block: self._search_block(queries, source, block, work), len(queries)))
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

    def _as_source(self, queries: np.ndarray, latents: Any) -> np.ndarray:
        """What lists are searched by: the queries, or their latents."""
        if self._source is None:
            return queries
        if latents is None:
            raise ValueError("candidates are found by latents: pass those of the queries too, as latents=.")
        latents = as_latents(latents, "latents")
        if latents.shape != (len(queries), self._source.shape[1]):
            raise ValueError(
                f"latents have shape {latents.shape}; expected {(len(queries), self._source.shape[1])}, one a query."
            )
        return latents

    def _search_block(
        self, queries: np.ndarray, source: np.ndarray, block: slice, work: "_Work"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Positions and scores (q, k) of the queries of `block`."""
        q = self._full.prepare(queries[block])
        rows = self.frame.of_queries(q if self._source is None else source[block])
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
        candidates.sort(axis=1)
        if self._frugal is not None:
            candidates = self._frugal.few(q, candidates, work.k)
            candidates.sort(axis=1)
        keys, positions = rerank.best(self._full.keys(q, candidates), candidates, work.k)
        scores = rerank.scores_of(keys, self.metric)
        if (missing := work.k - positions.shape[1]) > 0:
            room = ((0, 0), (0, missing))
            return np.pad(positions, room, constant_values=-1), np.pad(scores, room, constant_values=np.nan)
        return positions, scores

    def _with_zeros(self, candidates: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
        zeros = self._zeros if mask is None else self._zeros[mask[self._zeros]]
        candidates[np.isin(candidates, zeros)] = -1  # they may be there already
        return np.concatenate([candidates, np.broadcast_to(zeros, (len(candidates), len(zeros)))], axis=1)

    def _complete(self, found: Neighbours, queries, mask, exclude, pairs) -> None:
        """Searches exactly for the queries whose lists held fewer than there are to be found."""
        if len(queries) == 0 or found.positions[:, -1].min() >= 0:
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

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Returns facts that survive JSON, and plain arrays, for the store."""
        arrays = self.coded.state() | self.frame.state()
        if self._frugal is not None:
            arrays |= self._frugal.copies.state()
        facts = {"layout": LAYOUT, "metric": self.metric, "report": self.report}
        return facts | {"settings": tuning.to_facts(self.settings)}, arrays

    @classmethod
    def from_state(
        cls, z, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, latents: np.ndarray | None = None
    ) -> "Approximate":
        """Rebuilds what `state` gave, over the same latents.

        Parameters
        ----------
        z : ExactIndex, or array of shape (n, dims)
        latents : float32 array of shape (n, few), optional
            As `build` was given them.

        Raises
        ------
        ValueError
            If arrays do not fit one another or the latents, or facts are out of range: the file is damaged.
        """
        exact = z if isinstance(z, ExactIndex) else ExactIndex(z)
        metric, report = facts.get("metric"), facts.get("report")
        sound = (
            facts.get("layout") == LAYOUT
            and metric in METRICS
            and isinstance(report, dict)
            and all(isinstance(report.get(name), int | float) for name in ("target", "recall", "queries"))
            and 0 < report["target"] <= 1
        )
        if not sound:
            raise ValueError("the stored search index is damaged, or of another version. Build it again.")
        source = exact.z if latents is None else latents
        coded = lists.Coded.from_state(arrays, len(exact))
        frame = lists.Frame.from_state(
            arrays, str(metric) if latents is None else "euclidean", coded.centres.shape[1], source.shape[1]
        )
        copies = EightBit.from_state(arrays, exact.z.shape, str(metric))
        known = tuning.from_facts(facts.get("settings"))
        index = cls(exact, frame, coded, known, metric=str(metric), copies=copies, source=latents)
        index.report = dict(report)  # type: ignore[arg-type]
        return index


class _Work(NamedTuple):
    """What the blocks of one search share."""

    k: int
    probes: int
    depth: int
    kept: lists.Kept | None
    pairs: tuple[np.ndarray, np.ndarray]
