"""The three metrics as one product: `key = (q @ rows.T) * weight + offset`, where a larger key is a nearer item.

Keys are float32 and only choose candidates; scores come from `exact_scores`, in float64. Between the two stands a
margin: no item whose true score could still be among the best k is dropped, however the float32 product rounded.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Metric = Literal["cosine", "euclidean", "dot"]
METRICS: tuple[str, ...] = get_args(Metric)

_ROUNDING = float(np.finfo(np.float32).eps) / 2
# A sum of `dims` rounded products is off by at most 8 sqrt(dims) roundings of its scale, but for odds below 1e-13
# (Higham and Mary, "A new approach to probabilistic rounding error analysis", 2019).
_SURE = 8.0
_UNDERFLOW = 1e-37
# Beyond these norms a float32 product can overflow or vanish, and the keys are computed in float64.
_LARGEST, _SMALLEST = 1e15, 1e-15
_FEW = 4096  # numbers


def check_metric(metric: str) -> None:
    """Raises ValueError, listing the metrics there are, for any other."""
    if metric not in METRICS:
        raise ValueError(f"metric={metric!r} is not known. Known metrics: {', '.join(METRICS)}.")


def as_latents(z, name: str = "z") -> np.ndarray:
    """Returns `z` as a C-ordered float32 array of shape (n, dims).

    Raises
    ------
    ValueError
        If it has another number of axes, or holds NaN or infinity; the message names the first such row.
    """
    z = np.asarray(z)
    if z.ndim != 2:
        raise ValueError(
            f"{name} has shape {z.shape}; expected (n, dims). Pass one latent as an array of shape (1, dims)."
        )
    if z.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {z.dtype}; expected numbers, as float32.")
    if z.dtype != np.float32:
        with np.errstate(over="ignore"):  # values past float32's range become infinite, and are refused below
            z = z.astype(np.float32)
    z = np.ascontiguousarray(z)
    if z.size <= _FEW and math.isfinite(np.vdot(z, z)):  # of one query, a tenth of the time of the sum
        return z
    if math.isfinite(z.sum(dtype=np.float64)):
        return z
    bad = ~np.isfinite(z).all(axis=1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{name} holds NaN, infinity or a value beyond float32 in {int(bad.sum())} of {len(z)} rows, "
            f"first in row {row}. Remove those rows, or encode them again."
        )
    return z


def norms_of(z: np.ndarray) -> np.ndarray:
    """Returns the float64 length of each row of float32 (n, dims), in blocks of bounded memory."""
    norms = np.empty(len(z))
    for start in range(0, len(z), 16384):
        wide = z[start : start + 16384].astype(np.float64)
        norms[start : start + 16384] = np.sqrt((wide * wide).sum(axis=1))
    return norms


def exact_scores(z, norms, queries, query_norms, metric: str, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Scores the pairs (queries[rows], z[columns]) in float64, in blocks of bounded memory.

    Equal latents get equal scores to the last bit: each row is summed in the same order.
    """
    scores = np.empty(len(rows))
    block = max(1, 2_000_000 // max(z.shape[1], 1))
    for start in range(0, len(rows), block):
        r, c = rows[start : start + block], columns[start : start + block]
        a, b = queries[r].astype(np.float64), z[c].astype(np.float64)
        if metric == "euclidean":
            a -= b
            a *= a
            scores[start : start + block] = np.sqrt(a.sum(axis=1))
            continue
        a *= b
        dots = a.sum(axis=1)
        if metric == "cosine":
            lengths = query_norms[r] * norms[c]
            dots = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)
            np.clip(dots, -1.0, 1.0, out=dots)
        scores[start : start + block] = dots
    return scores


@dataclass(frozen=True)
class Form:
    """One metric over fixed items, ready for the product.

    Attributes
    ----------
    metric : "cosine", "euclidean" or "dot"
    rows : float32 array of shape (n, dims)
        The items, centred for Euclidean distance when they lie far from the origin.
    centre : float64 array of shape (dims,) or None
        What was subtracted from them.
    weight, offset : float32 arrays of shape (n,) or None
    reach : float
        Length of the longest row.
    wide : bool
        Whether lengths are so extreme that keys have to be float64.
    """

    metric: str
    rows: np.ndarray
    centre: np.ndarray | None
    weight: np.ndarray | None
    offset: np.ndarray | None
    reach: float
    wide: bool

    @property
    def slack(self) -> float:
        """Largest rounding error of a key, as a share of the lengths that were multiplied."""
        return _ROUNDING * (_SURE * np.sqrt(self.rows.shape[1]) + 4)

    def prepare(self, queries: np.ndarray, query_norms: np.ndarray) -> np.ndarray:
        """Queries in the form's own frame, float32 or float64 (q, dims): unit length for cosine, centred for Euclid."""
        q = queries.astype(np.float64)
        if self.metric == "cosine":
            q /= np.where(query_norms > 0, query_norms, 1.0)[:, None]
        elif self.centre is not None:
            q -= self.centre
        return q if self.wide or (len(q) and np.abs(q).max() > _LARGEST) else q.astype(np.float32)

    def keys(self, q: np.ndarray, start: int, stop: int, chosen: np.ndarray | None) -> np.ndarray:
        """Keys of prepared queries against items start to stop, or only those at start + chosen: (q, items)."""
        rows = self.rows[start:stop] if chosen is None else self.rows[start:stop][chosen]
        keys = q @ rows.T.astype(q.dtype, copy=False)
        for values, combine in ((self.weight, np.multiply), (self.offset, np.add)):
            if values is not None:
                combine(keys, values[start:stop] if chosen is None else values[start:stop][chosen], out=keys)
        return keys

    def margin(self, q: np.ndarray, kth: np.ndarray) -> np.ndarray:
        """How far below the k-th best key (q,) an item may lie and still be among the k nearest: float64 (q,)."""
        if self.metric == "cosine":
            return np.full(len(q), 2 * self.slack)
        squared = (q.astype(np.float64) ** 2).sum(axis=1)
        if self.metric == "dot":
            return 2 * self.slack * np.sqrt(squared) * self.reach + _UNDERFLOW
        # Offsets hold + slack |z|^2 already, so one far outlier does not widen the margin of all the others. What is
        # left is |q|^2 and the |z|^2 of the k best, which are near: with key = (|q|^2 - d^2) / 2 and |z| <= |q| + d,
        # |z|^2 <= 4 |q|^2 - 4 key.
        nearby = np.minimum(4.1 * squared - 4.1 * np.minimum(kth, squared), self.reach**2)
        return 2 * self.slack * (squared + nearby) + _UNDERFLOW


def make_form(z: np.ndarray, norms: np.ndarray | None, metric: str) -> Form:
    """Prepares items z (n, dims) with lengths `norms` (n,) for one metric; Euclidean distance needs none."""
    if norms is None or metric == "euclidean":
        return _euclidean_form(z)
    nonzero = norms[norms > 0]
    reach = float(norms.max(initial=0.0))
    wide = bool(len(nonzero)) and (reach > _LARGEST or nonzero.min() < _SMALLEST)
    weight = None
    if metric == "cosine":
        weight = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)
        weight = weight if wide else weight.astype(np.float32)
    return Form(metric, z, None, weight, None, reach, wide)


def _euclidean_form(z: np.ndarray) -> Form:
    # |q - z|^2 loses its digits when both lie far from the origin. The centre is a median, which one outlier can't
    # drag away from all the others, of a sample, because a few hundred rows place it well enough.
    centre = None
    rows = z
    if len(z):
        some = z[:: max(1, len(z) // 512)].astype(np.float64)
        middle = np.median(some, axis=0)
        if np.linalg.norm(middle) > 0.3 * np.median(np.linalg.norm(some, axis=1)):
            centre = middle
            rows = np.empty_like(z)
            for start in range(0, len(z), 16384):
                rows[start : start + 16384] = z[start : start + 16384] - centre
    norms = norms_of(rows)
    reach = float(norms.max(initial=0.0))
    wide = reach > _LARGEST or 0 < reach < _SMALLEST
    form = Form("euclidean", rows, centre, None, None, reach, wide)
    offset = (form.slack - 0.5) * norms**2
    return Form("euclidean", rows, centre, None, offset if wide else offset.astype(np.float32), reach, wide)
