"""How many axes to keep: a share of the variance, or those that stand out from noise."""

from collections.abc import Callable

import numpy as np

_TRACY_WIDOM_95 = 0.98  # 95th percentile of the Tracy-Widom law of order 1 (Bejan, 2005)
_SHARE = 0.95  # of the variance, kept where the spectrum slopes into the noise without a step
_STEP = 1.3  # times the edge of the noise, from which the last axes that stand out make a step
_ROUNDING = 1e-12  # of the largest variance: float64 sums know nothing below
_BATCH = 64  # axes asked for at a time


def share_rank(variances: np.ndarray, total: float, share: float) -> int:
    """Returns how many leading axes hold at least `share` of the total variance, at least 1; 0 if these do not."""
    if total <= 0:
        return 1
    held = np.cumsum(variances)
    enough = held >= share * total * (1 - _ROUNDING)
    return int(enough.argmax()) + 1 if enough.any() else 0


def noise_edge(variances: np.ndarray, n: int) -> float:
    """Returns the variance that the first axis of pure noise stays below in 19 samples of 20.

    Noise is independent columns with these variances. Its largest eigenvalue ends at the upper edge of a generalised
    Marchenko-Pastur law, and scatters about it by Tracy and Widom's:

        sum_j (c t_j / (1 - c t_j))^2 = n                    c in (0, 1 / max t)
        edge = (1 + sum_j c t_j / (1 - c t_j) / n) / c  +  q n^(-2/3) (1 + sum_j (c t_j / (1 - c t_j))^3 / n)^(1/3) / c

    For equal variances t the first term is t (1 + sqrt(p / n))^2.

    Parameters
    ----------
    variances : float array of shape (p,)
        Column variances t.
    n : int
        Rows.

    References
    ----------
    El Karoui, "Tracy-Widom limit for the largest eigenvalue of a large class of complex sample covariance matrices",
    2007; Lee and Schnelli, "Tracy-Widom distribution for the largest eigenvalue of real sample covariance matrices with
    general population", 2016.
    """
    largest = variances.max(initial=0.0)
    if largest <= 0:
        return 0.0
    t = variances[variances > 0] / largest
    low, high = 0.0, 1.0  # c, by bisection: the sum grows from 0 to infinity
    for _ in range(50):
        c = (low + high) / 2
        u = c * t
        if ((u / (1 - u)) ** 2).sum() > n:
            high = c
        else:
            low = c
    ratio = low * t / (1 - low * t)
    edge = 1 + ratio.sum() / n + _TRACY_WIDOM_95 * n ** (-2 / 3) * (1 + (ratio**3).sum() / n) ** (1 / 3)
    return float(largest * edge / low)


def noise_rank(
    variances: np.ndarray,
    axes: Callable[[int, int], np.ndarray],
    columns: np.ndarray,
    n: int,
    rounding: float = _ROUNDING,
) -> int:
    """Returns how many leading axes stand out from noise: parallel analysis without simulation, deflated.

    An axis stands out when its variance is above `noise_edge` of what the axes before it leave of each column. Unlike
    Horn's rule on the whole data, a strong axis does not hide a weak one behind it. What is left after k of r possible
    axes is spread over r - k, so its variances are scaled by r / (r - k).

    On natural images every axis but the last few stands out a little. Where there is no step (the last one is less
    than 1.3 times the edge, and the one before it too) the answer is at most what holds 95% of the variance.

    Parameters
    ----------
    variances : float array of shape (m,)
        Variances of the leading axes, descending; m may be less than the rank.
    axes : callable(start, stop)
        Gives axes of shape (stop - start, p).
    columns : float array of shape (p,)
        Variances of the columns.
    n : int
        Rows.
    rounding : float, default=1e-12
        Share of the largest variance below which variances are rounding.

    Returns
    -------
    int
        From 0 to m; m when all that were given stand out.

    References
    ----------
    Horn, "A rationale and test for the number of factors in factor analysis", 1965. Dobriban and Owen, "Deterministic
    parallel analysis: an improved method for selecting factors and principal components", 2019.
    """
    possible = min(n - 1, len(columns))
    total, left = columns.sum(), columns.astype(np.float64)
    floor = rounding * variances.max(initial=0.0)
    kept, clear = 0, [np.inf]  # how many times the edge each kept axis is
    while kept < min(possible, len(variances)):
        if kept % _BATCH == 0:
            batch = axes(kept, min(kept + _BATCH, len(variances)))
        edge = max(noise_edge(left * (possible / (possible - kept)), n), floor)
        if variances[kept] <= edge:
            break
        clear.append(variances[kept] / edge)
        left = np.maximum(left - variances[kept] * batch[kept % _BATCH] ** 2, 0)
        kept += 1
    if max(clear[-2:]) < _STEP:
        return min(kept, share_rank(variances, total, _SHARE) or kept)
    return kept
