"""95% intervals of scores that come from items, by how much each item sways the score.

A cross-validated score estimates what the probes of its folds would score on new items; around that the score of n
items is normal, with the variance of the items' own influences (Bayle et al., "Cross-validation confidence intervals
for test error", 2020). Shares near 0 or 1 take Wilson's form (1927), in which no wrong item among n is no certainty.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

_Z = 1.959963984540054
# Folds share items, which a sum over items does not see. At 1.0 from 0.895 to 0.97 of 95% intervals held, at 1.1 from
# 0.922 to 0.982; at this value 0.939 to 0.969 of 1,000 simulated cases each, and of ratios of R^2 on 200 items 0.919
# (benchmarks.evaluation).
_SHARED = 1.07


class Score(NamedTuple):
    """A figure with its 95% interval; NaN where it cannot be told."""

    value: float
    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low


UNKNOWN = Score(np.nan, np.nan, np.nan)


def balanced_accuracy(right: np.ndarray, y: np.ndarray, classes: int) -> tuple[float, np.ndarray]:
    """Mean over classes of the share that is right, and what each item adds to its error, float64 (n,)."""
    counts = np.bincount(y, minlength=classes)
    shares = np.bincount(y, right, minlength=classes) / np.maximum(counts, 1)
    return float(shares.mean()), len(y) / (classes * counts[y]) * (right - shares[y])


def determination(errors: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """R^2 = 1 - sum(errors) / sum((y - mean)^2) of squared errors (n,), and what each item adds to its error."""
    spread = (y - y.mean()) ** 2
    if spread.sum() == 0:
        return np.nan, np.zeros(len(y))
    left = errors.mean() / spread.mean()
    return float(1 - left), -(errors - left * spread) / spread.mean()


def variance_of(influence: np.ndarray, lost: int) -> float:
    """The variance of a score, from its items' influences; `lost` degrees of freedom went into their means."""
    n = len(influence)
    return float((influence**2).sum() / n / max(n - lost, 1)) * _SHARED**2


def share(value: float, variance: float, n: int) -> Score:
    """A share of n items with its interval, in Wilson's form for as many plain draws as have this variance."""
    if n == 0 or np.isnan(value):
        return UNKNOWN
    draws = value * (1 - value) / variance if variance > 0 and 0 < value < 1 else n
    centre = (value + _Z**2 / (2 * draws)) / (1 + _Z**2 / draws)
    half = _Z / (1 + _Z**2 / draws) * np.sqrt(value * (1 - value) / draws + _Z**2 / (4 * draws**2))
    return Score(float(value), float(max(centre - half, 0.0)), float(min(centre + half, 1.0)))


def explained(value: float, variance: float, n: int) -> Score:
    """R^2 with its interval, even on the scale of log(1 - R^2), which can lie anywhere below 1."""
    if np.isnan(value):
        return UNKNOWN
    left = max(1 - value, 1e-12)
    spread = stats.t.ppf(0.975, max(n - 2, 1)) * np.sqrt(variance) / left
    return Score(float(value), float(1 - left * np.exp(spread)), float(1 - left * np.exp(-spread)))


def mean_of(values: np.ndarray) -> Score:
    """A mean over items with Student's interval: the items stand for more like them."""
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return Score(float(values[0]), np.nan, np.nan) if len(values) else UNKNOWN
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return Score(float(values.mean()), float(values.mean() - half), float(values.mean() + half))


def ratio(above: tuple[float, np.ndarray], below: tuple[float, np.ndarray], floor: float, lost: int) -> Score:
    """(a - floor) / (b - floor) of two scores on the same items, by Fieller's theorem (1954); they stay paired.

    Where the denominator cannot be told from 0, there is no ratio: NaN.
    """
    (a, of_a), (b, of_b), n = above, below, len(above[1])
    a, b = a - floor, b - floor
    # One item in doubt on either side: two perfect scores on n items are not known to be equal.
    doubt = 1 / n**2
    va, vb = variance_of(of_a, lost) + doubt / 2, variance_of(of_b, lost) + doubt / 2
    both = float((of_a * of_b).sum() / n / max(n - lost, 1)) * _SHARED**2
    z2 = stats.t.ppf(0.975, max(n - lost, 1)) ** 2
    square = b * b - z2 * vb
    if np.isnan(a) or np.isnan(b) or b <= 0 or square <= 0:
        return UNKNOWN
    middle = a * b - z2 * both
    inside = middle**2 - square * (a * a - z2 * va)
    half = np.sqrt(max(inside, 0.0))
    return Score(float(a / b), float((middle - half) / square), float((middle + half) / square))
