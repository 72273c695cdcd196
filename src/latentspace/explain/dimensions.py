"""Dimensions by how much they hold, their extreme items, and the metadata that goes with each."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..labels import are_labels, are_numbers

_SAMPLE = 20_000  # items that associations are measured on: their standard error is then below 0.01
_FEWEST = 10  # items with a value


class Association(NamedTuple):
    """How a metadata column goes with a dimension.

    Attributes
    ----------
    column : str
    strength : float
        0 to 1: the absolute rank correlation with a number, the share of variance (eta squared, as a root) between
        the groups of a category.
    sign : int
        1 or -1 for a number that rises or falls along the dimension; 0 for a category, few whole numbers too.
    """

    column: str
    strength: float
    sign: int


def importance(z: np.ndarray) -> np.ndarray:
    """Each dimension's share of the variance of latents (n, dims): float64 (dims,), which sums to 1 or is all 0."""
    variance = z.var(axis=0, dtype=np.float64) if len(z) else np.zeros(z.shape[1])
    total = variance.sum()
    return variance / total if total > 0 else variance


def extremes(z: np.ndarray, d: int, k: int = 6) -> tuple[list[int], list[int]]:
    """The rows lowest and highest along dimension d, outermost first."""
    along = np.ascontiguousarray(z[:, d])
    if len(along) <= 2 * k:
        order = np.argsort(along, kind="stable")
        return order[:k].tolist(), order[::-1][:k].tolist()
    ends = np.partition(along, (k - 1, len(along) - k))  # sorting a million, for each dimension, takes a minute
    low, high = np.flatnonzero(along <= ends[k - 1]), np.flatnonzero(along >= ends[len(along) - k])
    low, high = (rows[np.argsort(along[rows], kind="stable")] for rows in (low, high))
    return low[:k].tolist(), high[::-1][:k].tolist()


def associations(
    z: np.ndarray, metadata: Mapping[str, Sequence[Any]], seed: int = 0, most: int = 5, least: float = 0.2
) -> list[list[Association]]:
    """For each dimension the metadata columns that go with it, the strongest first.

    Parameters
    ----------
    z : float32 array of shape (n, dims)
    metadata : mapping of column name to n values
    seed : int
        Draws the sample of 20,000 items where there are more.
    most : int
        Columns a dimension.
    least : float
        Associations weaker than this are not told: with few groups or items they come by chance.
    """
    n, dims = z.shape
    rows = np.arange(n) if n <= _SAMPLE else np.sort(np.random.default_rng(seed).choice(n, _SAMPLE, replace=False))
    found: list[list[Association]] = [[] for _ in range(dims)]
    for column, values in metadata.items():
        for d, (strength, sign) in enumerate(_measured(z[rows], [values[row] for row in rows])):
            if strength >= least:
                found[d].append(Association(column, round(strength, 4), sign))
    return [sorted(each, key=lambda one: -one.strength)[:most] for each in found]


def _measured(z: np.ndarray, values: Sequence[Any]) -> list[tuple[float, int]]:
    there = np.array([value is not None for value in values], bool)
    kept = [value for value in values if value is not None]
    if len(kept) < _FEWEST:
        return []
    z = z[there].astype(np.float64)
    if are_numbers(kept) and not are_labels(kept):
        return _rank_correlations(z, np.array(kept, np.float64))
    codes = np.unique([str(value) for value in kept], return_inverse=True)[1]
    groups = codes.max() + 1
    return [] if groups < 2 or groups > len(kept) / 3 else _between(z, codes, groups)


def _rank_correlations(z: np.ndarray, numbers: np.ndarray) -> list[tuple[float, int]]:
    from scipy.stats import rankdata

    ranks, own = rankdata(z, axis=0), rankdata(numbers)
    ranks -= ranks.mean(axis=0)
    own -= own.mean()
    norm = np.sqrt((ranks**2).sum(axis=0) * (own**2).sum())
    rho = np.divide(own @ ranks, norm, out=np.zeros(z.shape[1]), where=norm > 0)
    return [(abs(float(one)), int(np.sign(one))) for one in rho]


def _between(z: np.ndarray, codes: np.ndarray, groups: int) -> list[tuple[float, int]]:
    """The correlation ratio, less what that many groups explain by chance (epsilon squared; Kelley, 1935)."""
    counts = np.bincount(codes, minlength=groups)
    z = z - z.mean(axis=0)
    sums = np.zeros((groups, z.shape[1]))
    np.add.at(sums, codes, z)
    total = (z**2).sum(axis=0)
    between = (sums**2 / counts[:, None]).sum(axis=0)
    n = len(z)
    share = np.divide(between, total, out=np.zeros(z.shape[1]), where=total > 0)
    fair = 1 - (1 - share) * (n - 1) / max(n - groups, 1)
    return [(float(np.sqrt(max(one, 0.0))), 0) for one in fair]
