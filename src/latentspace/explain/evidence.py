"""What metadata goes with each dimension: rank correlation and mutual information, corrected for many tests."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..labels import are_labels, are_numbers

FEWEST = 10  # items with a value
_BINS = 8  # of equal counts, that mutual information is measured in
_SAMPLE = 20_000


class Column(NamedTuple):
    """A metadata column made ready.

    Attributes
    ----------
    name : str
    there : bool array of shape (n,)
        Items that have a value.
    values : array of shape (there.sum(),)
        float64 numbers, or int64 places in `groups`.
    groups : list or None
        The values of a category, sorted; None for numbers.
    """

    name: str
    there: np.ndarray
    values: np.ndarray
    groups: list[Any] | None


class Evidence(NamedTuple):
    """How a metadata column goes with a dimension.

    Attributes
    ----------
    column : str
    strength : float
        0 to 1: Spearman's rank correlation without its sign; of a category the square root of the share of the ranks'
        variance between its groups, less what that many groups share by chance.
    sign : int
        1 or -1 for a number that rises or falls along the dimension, 0 for a category.
    information : float
        0 to 1: mutual information as a share of the column's entropy, less what is there by chance. Larger than the
        strength suggests, it tells of a bent relation.
    p_value : float
        That nothing goes with anything would show this much somewhere: corrected for all columns and dimensions (Holm).
    low, high : any
        Of a category, the group that lies lowest and the one that lies highest; None for numbers.
    """

    column: str
    strength: float
    sign: int
    information: float
    p_value: float
    low: Any = None
    high: Any = None


def columns_of(metadata: Mapping[str, Sequence[Any]], rows: np.ndarray) -> list[Column]:
    """The columns that can go with anything: numbers and categories with few values, neither texts nor constants.

    Few whole numbers are labels: their order is not taken for a measure.
    """
    found = []
    for name, values in metadata.items():
        some = [values[row] for row in rows]
        there = np.array([value is not None and value == value for value in some], bool)
        kept = [value for value, is_there in zip(some, there, strict=True) if is_there]
        if len(kept) < FEWEST:
            continue
        if are_numbers(kept):
            numbers = np.array(kept, np.float64)
            if not np.isfinite(numbers).all() or np.ptp(numbers) == 0:
                continue
            if not are_labels(kept):
                found.append(Column(name, there, numbers, None))
                continue
            groups, codes = np.unique(numbers, return_inverse=True)
            groups = np.array([f"{number:g}" for number in groups])
        else:
            groups, codes = np.unique([str(value) for value in kept], return_inverse=True)
        if 2 <= len(groups) <= len(kept) / 3:
            found.append(Column(name, there, codes.astype(np.int64), groups.tolist()))
    return found


def sample_rows(n: int, seed: int = 0, most: int = _SAMPLE) -> np.ndarray:
    """All rows, or `most` of them drawn; ascending."""
    return np.arange(n) if n <= most else np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def evidence(z: np.ndarray, columns: Sequence[Column]) -> list[list[Evidence]]:
    """For each dimension of latents (n, dims), what goes with it, the strongest first.

    Raises
    ------
    ValueError
        If a column is of another number of items.

    References
    ----------
    Kruskal and Wallis, "Use of ranks in one-criterion variance analysis", 1952, for categories; Holm, "A simple
    sequentially rejective multiple test procedure", 1979.
    """
    z = np.asarray(z, np.float64)
    found: list[tuple[int, Evidence]] = []
    raw: list[float] = []
    for column in columns:
        if len(column.there) != len(z):
            raise ValueError(f"column {column.name!r} is of {len(column.there)} items, the latents of {len(z)}.")
        own = z[column.there]
        ranked = _by_ranks(own, column)
        shared = _by_information(own, column)
        ends = _ends(own, column)
        for d in range(z.shape[1]):
            strength, sign, p_rank = ranked[d]
            information, p_shared = shared[d]
            raw.append(min(1.0, 2 * min(p_rank, p_shared)))
            found.append((d, Evidence(column.name, strength, sign, information, 1.0, *ends[d])))
    corrected = holm(np.array(raw))
    each: list[list[Evidence]] = [[] for _ in range(z.shape[1])]
    for (d, one), p in zip(found, corrected, strict=True):
        each[d].append(one._replace(p_value=float(p)))
    return [sorted(some, key=lambda one: (-max(one.strength, one.information), one.column)) for some in each]


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values corrected for being many, float64, by Holm's step-down rule.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    m = len(p_values)
    order = np.argsort(p_values, kind="stable")
    corrected = np.empty(m)
    corrected[order] = np.minimum(np.maximum.accumulate((m - np.arange(m)) * p_values[order]), 1.0)
    return corrected


def _by_ranks(z: np.ndarray, column: Column) -> list[tuple[float, int, float]]:
    from scipy.stats import chi2, rankdata
    from scipy.stats import t as student

    n = len(z)
    ranks = rankdata(z, axis=0) - (n + 1) / 2
    total = (ranks**2).sum(axis=0)
    if column.groups is None:
        own = rankdata(column.values) - (n + 1) / 2
        norm = np.sqrt(total * (own**2).sum())
        rho = np.divide(own @ ranks, norm, out=np.zeros(z.shape[1]), where=norm > 0)
        left = np.maximum(1 - rho**2, 1e-15)
        p = 2 * student.sf(np.abs(rho) * np.sqrt((n - 2) / left), n - 2)
        return [(abs(float(r)), int(np.sign(r)), float(q)) for r, q in zip(rho, p, strict=True)]
    share = np.divide(_between(ranks, column), total, out=np.zeros(z.shape[1]), where=total > 0)
    groups = len(column.groups)
    p = chi2.sf((n - 1) * share, groups - 1)
    fair = np.maximum(1 - (1 - share) * (n - 1) / max(n - groups, 1), 0)
    return [(float(np.sqrt(f)), 0, float(q) if s > 0 else 1.0) for f, q, s in zip(fair, p, share, strict=True)]


def _between(values: np.ndarray, column: Column) -> np.ndarray:
    """The sum of squares between groups of centred values (n, m): (m,)."""
    assert column.groups is not None
    counts = np.bincount(column.values, minlength=len(column.groups))
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, column.values, values)
    return (sums**2 / counts[:, None]).sum(axis=0)


def _ends(z: np.ndarray, column: Column) -> list[tuple[Any, Any]]:
    if column.groups is None:
        return [(None, None)] * z.shape[1]
    counts = np.bincount(column.values, minlength=len(column.groups))
    sums = np.zeros((len(counts), z.shape[1]))
    np.add.at(sums, column.values, z)
    means = sums / counts[:, None]
    return [(column.groups[means[:, d].argmin()], column.groups[means[:, d].argmax()]) for d in range(z.shape[1])]


def _by_information(z: np.ndarray, column: Column) -> list[tuple[float, float]]:
    """Mutual information with the column in bins of equal counts, and the p-value of its G test."""
    from scipy.stats import chi2

    own = column.values if column.groups is not None else _binned(column.values)
    n, kinds = len(z), int(own.max()) + 1
    entropy = _entropy(np.bincount(own))
    told = []
    for d in range(z.shape[1]):
        bins = _binned(z[:, d])
        table = np.bincount(bins * kinds + own, minlength=(int(bins.max()) + 1) * kinds).reshape(-1, kinds)
        table = table[table.sum(axis=1) > 0]
        nats = _entropy(table.sum(axis=1)) + entropy - _entropy(table)
        free = (table.shape[0] - 1) * ((table.sum(axis=0) > 0).sum() - 1)
        fair = max(nats - free / (2 * n), 0.0)  # the mean of what independence shows (Miller, 1955)
        told.append(
            (min(fair / entropy, 1.0) if entropy > 0 else 0.0, float(chi2.sf(2 * n * nats, free) if free else 1))
        )
    return told


def _binned(values: np.ndarray) -> np.ndarray:
    kinds, codes = np.unique(values, return_inverse=True)
    if len(kinds) <= _BINS:
        return codes
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.searchsorted(edges, values, side="right")


def _entropy(counts: np.ndarray) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
