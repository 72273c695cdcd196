"""Inverted lists of 4-bit codes: which items could be near, from a thirtieth of their bytes.

Items are shared out to the nearest of `nlist` centres; each is kept as one 4-bit code a dimension (or two), and a query
looks through the lists of its nearest centres. A code's distance is one look-up in a table of 16 entries that stands in
a register, so 32 items are compared at once (Andre, Kermarrec and Le Scouarnec, "Cache locality is not enough", 2015;
FAISS's FastScan). What comes out is candidates, in about the right order; `rerank` puts them right.

All that is learned is plain arrays. FAISS's objects are put together from them, and never read from a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..models.workers import ordered, workers
from .approximate_threads import faiss, one_thread
from .metrics import norms_of

_ROWS = 16384  # rows framed and coded at a time
_ONE_BY_ONE = 10  # FAISS's number for searching without sorting lists by query, with a heap
_BLOCK = 32  # codes side by side in a register
CODES = 128  # of an item, at most
_RESIDUAL = 16  # dims; part of what a kept index means (`approximate.LAYOUT`)


@dataclass(frozen=True)
class Frame:
    """What is done to vectors before they are shared out, besides a rotation to fewer dimensions.

    Attributes
    ----------
    metric : "cosine", "euclidean" or "dot"
        For the cosine, vectors are brought to length 1.
    rotation : float32 array of shape (r, dims) or None
        Orthonormal rows that keep most of the variance; None leaves vectors as they are.
    centre : float64 array of shape (dims,) or None
        What is subtracted from vectors that lie far from the origin, for Euclidean distance.
    reach : float
        For the dot product, the length of the longest: one more dim brings all to that length, and queries too, so that
        distances order as products do (Bachrach et al., "Speeding up the Xbox recommender system", 2014). Looked
        through by products themselves, word vectors needed 2.5 times the candidates and never reached 0.99.
    """

    metric: str
    rotation: np.ndarray | None
    centre: np.ndarray | None = None
    reach: float = 0.0

    def of_queries(self, rows: np.ndarray) -> np.ndarray:
        """Queries (q, dims) as float32 (q, r): in the items' frame, but that for the dot product they lie flat.

        For the cosine they come with length 1.
        """
        if self.metric == "cosine":
            return self._turned(rows)
        if self.metric != "dot":
            return self(rows)
        lengths = norms_of(rows)
        scale = np.divide(self.reach, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        return self._turned(_widened(rows * scale.astype(np.float32)[:, None], 0))

    def __call__(self, rows: np.ndarray, lengths: np.ndarray | None = None) -> np.ndarray:
        """Rows (m, dims), with their lengths (m,) where they are known, as float32 (m, r)."""
        if self.metric == "cosine":
            lengths = norms_of(rows) if lengths is None else lengths
            weights = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
            rows = rows * weights.astype(np.float32)[:, None]
        elif self.metric == "dot":
            lengths = norms_of(rows) if lengths is None else lengths
            rows = _widened(rows, np.sqrt(np.maximum(self.reach**2 - lengths**2, 0)))
        elif self.centre is not None:
            rows = (rows - self.centre).astype(np.float32)
        return self._turned(rows)

    def _turned(self, rows: np.ndarray) -> np.ndarray:
        if self.rotation is not None:
            rows = rows @ self.rotation.T
        return np.ascontiguousarray(rows, dtype=np.float32)

    def state(self) -> dict[str, np.ndarray]:
        """Plain arrays for the store."""
        parts = {"rotation": self.rotation, "centre": self.centre}
        if self.metric == "dot":
            parts["reach"] = np.array([self.reach])
        return {name: each for name, each in parts.items() if each is not None}

    @classmethod
    def from_state(cls, arrays: Mapping[str, np.ndarray], metric: str, r: int, dims: int) -> "Frame":
        """Rebuilds what `state` gave, from vectors of `dims` to r; raises ValueError where the file is damaged."""
        rotation, centre, reach = (arrays.get(name) for name in ("rotation", "centre", "reach"))
        dims += metric == "dot"
        sound = (reach is not None and _fits(reach, (1,), np.float64)) if metric == "dot" else reach is None
        sound = sound and r == dims if rotation is None else _fits(rotation, (r, dims), np.float32)
        if not sound or not (centre is None or _fits(centre, (dims,), np.float64)):
            raise ValueError(
                "the stored search index is damaged, or of other latents: its rotation does not fit. Build it again."
            )
        turn = None if rotation is None else np.ascontiguousarray(rotation)
        return cls(metric, turn, centre, 0.0 if reach is None else float(reach[0]))


def _widened(rows: np.ndarray, last: Any) -> np.ndarray:
    wide = np.empty((len(rows), rows.shape[1] + 1), np.float32)
    wide[:, :-1] = rows
    wide[:, -1] = last
    return wide


def _fits(array: np.ndarray, shape: tuple[int, ...], dtype: type) -> bool:
    return array.shape == shape and array.dtype == dtype and bool(np.isfinite(array).all())


def residual(r: int) -> bool:
    """Whether codes of r dims are of what is left beside the centre.

    With few dims a list is narrower than one step of a code, and nothing would be told apart: at 8 dims residuals took
    a tenth of the candidates. With many they only cost a table for each list.
    """
    return r <= _RESIDUAL


@dataclass
class Coded:
    """Items as lists and codes: plain arrays, all that the file keeps.

    Attributes
    ----------
    centres : float32 array of shape (nlist, r)
    codebooks : float32 array of shape (m, 16, r / m)
        The 16 values that each code of a dimension (or of r / m of them) stands for.
    lists : int32 array of shape (n,)
        The centre that each item is nearest to.
    codes : uint8 array of shape (n, (m + 1) // 2)
        Two codes a byte, the first in the low half.
    """

    centres: np.ndarray
    codebooks: np.ndarray
    lists: np.ndarray
    codes: np.ndarray

    @property
    def bytes(self) -> int:
        """Memory of the arrays."""
        return sum(each.nbytes for each in (self.centres, self.codebooks, self.lists, self.codes))

    def state(self) -> dict[str, np.ndarray]:
        """Plain arrays for the store."""
        return {"centres": self.centres, "codebooks": self.codebooks, "lists": self.lists, "codes": self.codes}

    def followed(self, rows: np.ndarray, more: "Coded") -> "Coded":
        """Returns the items at these rows, and `more` of the same centres and codebooks behind them."""
        items = [np.concatenate(each) for each in ((self.lists[rows], more.lists), (self.codes[rows], more.codes))]
        return Coded(self.centres, self.codebooks, *items)

    @classmethod
    def from_state(cls, arrays: Mapping[str, np.ndarray], n: int) -> "Coded":
        """Rebuilds what `state` gave for n items.

        Raises
        ------
        ValueError
            If arrays disagree in shape, type or range: FAISS would not look.
        """
        own = cls(*(np.ascontiguousarray(arrays.get(name)) for name in ("centres", "codebooks", "lists", "codes")))
        centres, books, lists, codes = own.centres, own.codebooks, own.lists, own.codes
        sound = (
            centres.ndim == 2
            and books.ndim == 3
            and codes.ndim == 2
            and all(each.dtype == np.float32 for each in (centres, books))
            and lists.dtype == np.int32
            and codes.dtype == np.uint8
            and len(centres) > 0
            and len(books) > 0
            and books.shape[1] == 16
            and books.shape[0] * books.shape[2] == centres.shape[1] > 0
            and lists.shape == (n,)
            and codes.shape == (n, (len(books) + 1) // 2)
            and bool(np.isfinite(centres).all())
            and bool(np.isfinite(books).all())
            and bool(((lists >= 0) & (lists < len(centres))).all())
        )
        if not sound:
            raise ValueError(
                "the stored search index is damaged, or of other latents: its arrays do not fit. Build it again."
            )
        return own


def encode(
    z: np.ndarray, lengths: np.ndarray | None, frame: Frame, centres: np.ndarray, codebooks: np.ndarray
) -> Coded:
    """Shares rows of z (n, dims) out to the centres and codes them, in blocks of bounded memory."""

    n, m = len(z), len(codebooks)
    lists, codes = np.empty(n, np.int32), np.empty((n, (m + 1) // 2), np.uint8)
    coarse, quantiser, left = _flat(centres), _quantiser(codebooks), residual(centres.shape[1])

    def one(start: int) -> None:
        with one_thread():
            block = slice(start, start + _ROWS)
            rows = frame(z[block], None if lengths is None else lengths[block])
            lists[block] = coarse.search(rows, 1)[1][:, 0]
            codes[block] = quantiser.compute_codes(rows - centres[lists[block]] if left else rows)

    with workers() as count:
        for _ in ordered(one, range(0, n, _ROWS), count):
            pass
    return Coded(centres, codebooks, lists, codes)


class Lists:
    """The codes, ready to be looked through.

    Parameters
    ----------
    coded : Coded
        Checked, or made here.
        By Euclidean distance, which orders framed vectors as their metric does.
    """

    def __init__(self, coded: Coded):
        self.nlist = len(coded.centres)
        self._centres = coded.centres
        r, m = coded.centres.shape[1], len(coded.codebooks)
        self._coarse = _flat(coded.centres)
        self._slow = faiss().IndexIVFPQ(self._coarse, r, self.nlist, m, 4)
        self._slow.by_residual = residual(r)
        faiss().copy_array_to_vector(coded.codebooks.ravel(), self._slow.pq.centroids)
        self._slow.is_trained = True
        order = np.argsort(coded.lists, kind="stable").astype(np.int64)
        codes = np.ascontiguousarray(coded.codes[order])
        ends = np.cumsum(np.bincount(coded.lists, minlength=self.nlist))
        for number, (start, stop) in enumerate(zip(np.concatenate([[0], ends[:-1]]), ends, strict=True)):
            if stop > start:
                self._slow.invlists.add_entries(
                    number, int(stop - start), faiss().swig_ptr(order[start:stop]), faiss().swig_ptr(codes[start:stop])
                )
        self._slow.ntotal = len(order)
        self._fast = faiss().IndexIVFPQFastScan(self._slow, _BLOCK)
        self._slow.reset()  # the fast index has its own copy of the codes
        # The same lists, gone through one after the other: for one query a quarter faster than put in order at first.
        self._alone = faiss().IndexIVFPQFastScan(self._slow, _BLOCK)
        self._alone.replace_invlists(self._fast.invlists, False)
        self._alone.ntotal, self._alone.implem = len(order), _ONE_BY_ONE
        self._options: dict[int, Any] = {}  # by probes: making them takes a tenth of one query's time

    def candidates(self, rows: np.ndarray, probes: int, count: int) -> np.ndarray:
        """The `count` likeliest items of each framed query (q, r): int64 (q, count), likeliest first, -1 where fewer.

        Parameters
        ----------
        probes : int
            Lists that are looked through, of the nearest centres.
        """
        if probes not in self._options:
            self._options[probes] = faiss().IVFSearchParameters(nprobe=min(probes, self.nlist))
        scores = np.empty((len(rows), count), np.float32)
        found = np.empty((len(rows), count), np.int64)
        point = faiss().swig_ptr
        index = self._alone if len(rows) == 1 else self._fast
        index.search_c(len(rows), point(rows), count, point(scores), point(found), self._options[probes])
        return found

    def of_items(self) -> np.ndarray:
        """Each item's list, int32 (n,), as FAISS holds them."""
        found = np.empty(self._fast.ntotal, np.int32)
        held = self._fast.invlists
        for number in range(self.nlist):
            if size := held.list_size(number):
                found[faiss().rev_swig_ptr(held.get_ids(number), size)] = number
        return found

    def candidates_among(self, rows: np.ndarray, kept: "Kept", looked: float, count: int) -> np.ndarray:
        """As `candidates`, of the items that a mask keeps.

        Parameters
        ----------
        looked : float
            How many kept items are looked at, at least: lists that hold none are passed over, and where lists hold few,
            more are looked through. A mask that has to do with the latents (a label) leaves whole lists empty, and the
            nearest of what it keeps may lie in none of the nearest lists.
        """
        distances = self._distances(rows)
        order = np.argsort(np.where(kept.counts > 0, distances, np.inf), axis=1)
        counts = kept.counts[order]
        wanted = (np.cumsum(counts, axis=1) - counts < looked) & (counts > 0)
        width = max(int(wanted.sum(axis=1).max(initial=1)), 1)
        chosen = np.ascontiguousarray(np.where(wanted, order, -1)[:, :width], dtype=np.int64)
        near = np.ascontiguousarray(np.take_along_axis(distances, order[:, :width], 1), dtype=np.float32)
        library = faiss()
        scores = np.empty((len(rows), count), np.float32)
        found = np.empty((len(rows), count), np.int64)
        options = library.IVFSearchParameters(nprobe=width, sel=library.IDSelectorBitmap(kept.bits))
        pointers = [library.swig_ptr(each) for each in (rows, chosen, near, scores, found)]
        self._fast.search_preassigned_c(len(rows), pointers[0], count, *pointers[1:], False, options)
        return found

    def _distances(self, rows: np.ndarray) -> np.ndarray:
        """Squared distances of framed queries to the centres: float32 (q, nlist)."""
        lengths = [np.einsum("ij,ij->i", each, each) for each in (rows, self._centres)]
        return np.maximum(lengths[0][:, None] + lengths[1] - 2 * (rows @ self._centres.T), 0)


class Kept:
    """What a mask keeps, by lists.

    Parameters
    ----------
    mask : bool array of shape (n,)
    lists : int32 array of shape (n,)
        Each item's list.
    nlist : int
    """

    def __init__(self, mask: np.ndarray, lists: np.ndarray, nlist: int):
        self.mask = mask
        self.bits = np.packbits(mask, bitorder="little")
        self.counts = np.bincount(lists[mask], minlength=nlist)


def _flat(centres: np.ndarray) -> Any:
    index = faiss().IndexFlatL2(centres.shape[1])
    index.add(centres)
    return index


def _quantiser(codebooks: np.ndarray) -> Any:
    m, _, width = codebooks.shape
    quantiser = faiss().ProductQuantizer(m * width, m, 4)
    faiss().copy_array_to_vector(codebooks.ravel(), quantiser.centroids)
    return quantiser
