"""Equal latents: which rows hold the same numbers. Graphs and searches of n^2 pairs are spared them."""

from typing import NamedTuple

import numpy as np

_BLOCK = 4_000_000  # numbers hashed at a time


class Copies(NamedTuple):
    """Rows grouped by equality.

    Attributes
    ----------
    firsts : int64 array of shape (u,)
        The first row of each kind, ascending.
    kinds : int64 array of shape (n,)
        Which kind each row is of: `z[firsts[kinds]] == z`.
    """

    firsts: np.ndarray
    kinds: np.ndarray


def copies_of(z: np.ndarray) -> Copies:
    """Groups the rows of float32 (n, dims) that are equal, -0.0 and 0.0 being the same.

    Rows are told apart by a 64-bit sum of their bits times random odd numbers, then compared in full where sums agree.

    Examples
    --------
    >>> copies_of(np.float32([[1, 2], [3, 4], [1, 2]]))
    Copies(firsts=array([0, 1]), kinds=array([0, 1, 0]))
    """
    n, dims = z.shape
    odd = np.random.default_rng(0).integers(2**63, size=dims, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    sums = np.empty(n, np.uint64)
    block = max(1, _BLOCK // max(dims, 1))
    for start in range(0, n, block):
        bits = (z[start : start + block] + np.float32(0)).view(np.uint32)  # adding 0 turns -0.0 into 0.0
        mixed = bits * odd  # wraps around: arithmetic modulo 2^64
        sums[start : start + block] = (mixed ^ (mixed >> np.uint64(29))).sum(axis=1)
    _, firsts, kinds = np.unique(sums, return_index=True, return_inverse=True)
    twice = np.flatnonzero(firsts[kinds] != np.arange(n))
    if len(twice) and any(
        (z[twice[start : start + block]] != z[firsts[kinds[twice[start : start + block]]]]).any()
        for start in range(0, len(twice), block)
    ):  # two different rows with one sum, which chance brings once in 10^8 spaces of a million rows
        _, firsts, kinds = np.unique(z + np.float32(0), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return Copies(firsts[order].astype(np.int64), place[kinds.ravel()])
