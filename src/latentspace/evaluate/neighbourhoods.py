"""Whether the near in one space are the near in another, at several k at once.

Venna and Kaski, "Neighborhood preservation in nonlinear projection methods: an experimental study", 2001. What
`maps.honesty` says of one map and one k; here features may be sparse rows, and every k comes from the same distances.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..progress import track

_EXACT = 3e7  # values of a space up to which distances are taken in float64
_CELLS = 8_000_000  # distances at a time


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """Measured items, and what each keeps at every k. All shares are 0 to 1, and 1 is best.

    Attributes
    ----------
    ks : list of int
    rows : int64 array of shape (m,)
        The items measured, each against all n.
    n : int
    trustworthiness : float64 array of shape (len(ks), m)
        How few neighbours in z are false: no neighbours in x, weighted by how far off they are there.
    continuity : float64 array of shape (len(ks), m)
        How few neighbours in x are lost in z, weighted likewise.
    kept : float64 array of shape (len(ks), m)
        Share of the k nearest in x that are among the k nearest in z.
    """

    ks: list[int]
    rows: np.ndarray
    n: int
    trustworthiness: np.ndarray
    continuity: np.ndarray
    kept: np.ndarray

    @property
    def chance(self) -> np.ndarray:
        """The share that would be kept if z had nothing to do with x: k of n - 1, float64 (len(ks),)."""
        return np.array(self.ks, np.float64) / max(self.n - 1, 1)


def neighbourhoods(x: Any, z: Any, ks: Sequence[int] = (5, 15, 50), rows: np.ndarray | None = None) -> Neighbourhoods:
    """Compares the neighbourhoods of the same items in two spaces, by Euclidean distance.

    Parameters
    ----------
    x, z : arrays of shape (n, ...), or CSR matrices (n, p)
    ks : sequence of int
        Neighbourhood sizes; those past (n - 1) // 2 have no meaning and are lowered to that.
    rows : int array of shape (m,), optional
        Items to measure, each against all n; all by default. The work is m n p.

    Raises
    ------
    ValueError
        If x and z differ in number, or a k is below 1.

    Examples
    --------
    >>> line = np.arange(12.0)[:, None]
    >>> found = neighbourhoods(line, -2 * line, ks=[3])
    >>> float(found.kept.mean()), float(found.trustworthiness.mean())
    (1.0, 1.0)
    """
    n = x.shape[0]
    if z.shape[0] != n:
        raise ValueError(f"{n} items in one space, {z.shape[0]} in the other: pass the same items of both.")
    if any(k < 1 for k in ks):
        raise ValueError(f"ks={list(ks)} holds a k below 1: compare at least 1 neighbour.")
    sizes = sorted({min(k, max(n - 1, 0) // 2) for k in ks} - {0})
    rows = np.arange(n) if rows is None else np.asarray(rows, np.int64)
    shape = (len(sizes), len(rows))
    found = Neighbourhoods(sizes, rows, n, np.ones(shape), np.ones(shape), np.ones(shape))
    if not sizes or not len(rows):
        return found
    spaces = (_Distances(x), _Distances(z))
    block = max(1, _CELLS // n)
    for start in track(range(0, len(rows), block), "comparing neighbours", -(-len(rows) // block)):
        here = rows[start : start + block]
        in_x, in_z = (space.of(here) for space in spaces)
        for place in range(len(here)):
            _measure(found, start + place, in_x[place], in_z[place], [space.slack for space in spaces])
    return found


def _measure(found: Neighbourhoods, column: int, in_x: np.ndarray, in_z: np.ndarray, slack: list[float]) -> None:
    most, n = found.ks[-1], found.n
    near_x, near_z = (_nearest(distances, most) for distances in (in_x, in_z))
    kept = near_x[:, None] == near_z[None, :]
    ranks_x = _ranks(in_x, near_z, ~kept[: found.ks[0]].any(axis=0) | (np.arange(most) >= found.ks[0]), slack[0])
    ranks_z = _ranks(in_z, near_x, ~kept[:, : found.ks[0]].any(axis=1) | (np.arange(most) >= found.ks[0]), slack[1])
    for place, k in enumerate(found.ks):
        worst = k * (2 * n - 3 * k - 1) / 2
        both = kept[:k, :k]
        false, lost = ~both.any(axis=0), ~both.any(axis=1)
        found.trustworthiness[place, column] -= np.maximum(ranks_x[:k][false] - k, 0).sum() / worst
        found.continuity[place, column] -= np.maximum(ranks_z[:k][lost] - k, 0).sum() / worst
        found.kept[place, column] = 1 - lost.mean()


def _nearest(distances: np.ndarray, k: int) -> np.ndarray:
    """The k nearest, nearest first; of equal ones the first, so that the same ties give the same neighbours."""
    chosen = np.argpartition(distances, k - 1)[:k] if k < len(distances) else np.arange(len(distances))
    return chosen[np.lexsort((chosen, distances[chosen]))]


def _ranks(distances: np.ndarray, others: np.ndarray, wanted: np.ndarray, slack: float) -> np.ndarray:
    """1 + how many are nearer, for the `others` that are `wanted`; 0 for the rest. Equal distances count as equal."""
    ranks = np.zeros(len(others))
    for place in np.flatnonzero(wanted):
        ranks[place] = 1 + np.count_nonzero(distances < distances[others[place]] - slack)
    return ranks


class _Distances:
    """Squared distances of some rows to all, infinite to themselves."""

    def __init__(self, rows: Any):
        self.sparse = issparse(rows)
        if self.sparse:
            self.rows = rows.astype(np.float64)
            self.squares = np.asarray(self.rows.multiply(self.rows).sum(axis=1)).ravel()
        else:
            flat = np.asarray(rows).reshape(rows.shape[0], -1)
            kind = np.float64 if flat.size <= _EXACT else np.float32
            # Centred, because far from the origin the squares cancel.
            self.rows = (flat - flat.mean(axis=0, dtype=np.float64)).astype(kind)
            self.squares = np.einsum("ij,ij->i", self.rows, self.rows)
        # What rounding can make of two equal distances.
        self.slack = (1e-13 if self.rows.dtype == np.float64 else 1e-6) * float(self.squares.max(initial=0.0))

    def of(self, here: np.ndarray) -> np.ndarray:
        products = self.rows[here] @ self.rows.T
        distances = products.toarray() if self.sparse else products
        distances *= -2
        distances += self.squares
        distances += self.squares[here, None]
        distances[np.arange(len(here)), here] = np.inf
        return distances
