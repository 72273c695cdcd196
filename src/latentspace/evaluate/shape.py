"""The shape of a cloud of points: how many directions it fills, how many it needs, and what its dimensions share."""

from typing import NamedTuple

import numpy as np

_NOTHING = 1e-6  # of the largest variance: below it a dimension holds nothing but rounding


class Intrinsic(NamedTuple):
    """An estimate of how many numbers tell where a point is, with a 95% interval of the estimate on this model.

    Attributes
    ----------
    dims, low, high : float
        NaN where there are too few distinct points.
    """

    dims: float
    low: float
    high: float


def active_dims(z: np.ndarray, model: object = None) -> np.ndarray:
    """Which dimensions of latents (n, dims) hold something, bool (dims,).

    Those that the model itself counts (`active_dims_`, of neural ones); else those whose variance is more than a
    millionth of the largest: small variance alone is no collapse, for a linear model may give a direction little.
    """
    known = getattr(model, "active_dims_", None)
    if known is not None and len(known) == z.shape[1]:
        return np.asarray(known, bool)
    variance = z.var(axis=0, dtype=np.float64) if len(z) else np.zeros(z.shape[1])
    return variance > _NOTHING * variance.max(initial=0.0)


def effective_rank(z: np.ndarray) -> float:
    """exp of the entropy of the singular values' shares (Roy and Vetterli, "The effective rank", 2007); 1 to dims.

    Examples
    --------
    >>> float(round(effective_rank(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])), 6))
    2.0
    """
    values = np.sqrt(_variances(z))
    if values.sum() == 0:
        return 0.0
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def participation_ratio(z: np.ndarray) -> float:
    """(sum of variances)^2 / sum of their squares along principal axes; dims where all are equal, 1 where one leads."""
    values = _variances(z)
    return float(values.sum() ** 2 / (values**2).sum()) if values.any() else 0.0


def _variances(z: np.ndarray) -> np.ndarray:
    if len(z) < 2:
        return np.zeros(z.shape[1])
    centred = z.astype(np.float64) - z.mean(axis=0, dtype=np.float64)
    return np.maximum(np.linalg.eigvalsh(centred.T @ centred / len(z)), 0)


class Redundancy(NamedTuple):
    """What dimensions say of one another.

    Attributes
    ----------
    total_correlation : float
        Nats that the dimensions share, as a Gaussian of the same covariance would; 0 where they are uncorrelated.
    mean_correlation : float
        Mean absolute correlation of two dimensions, 0 to 1.
    foretold : float64 array of shape (dims,)
        Share of each one's variance that the others tell linearly, 0 to 1; NaN for those without variance.
    """

    total_correlation: float
    mean_correlation: float
    foretold: np.ndarray


def redundancy(z: np.ndarray) -> Redundancy:
    """Measures how far the dimensions of latents (n, dims) repeat one another; less is better."""
    foretold = np.full(z.shape[1], np.nan)
    there = np.flatnonzero(active_dims(z)) if len(z) > 1 else np.zeros(0, int)
    if len(there) < 2:
        foretold[there] = 0.0
        return Redundancy(0.0, 0.0, foretold)
    r = np.asarray(np.corrcoef(z[:, there].astype(np.float64), rowvar=False))
    off = np.abs(r[np.triu_indices(len(there), 1)])
    # A ridge of rounding keeps copies invertible: they show as 1 foretold and a large, finite total correlation.
    ridged = (r + 1e-9 * np.eye(len(r))) / (1 + 1e-9)
    foretold[there] = np.clip(1 - 1 / np.diag(np.linalg.inv(ridged)), 0, 1)
    return Redundancy(float(-0.5 * np.linalg.slogdet(ridged)[1]), float(off.mean()), foretold)


def two_nn(distances: np.ndarray, discard: float = 0.1) -> Intrinsic:
    """Intrinsic dimension from each point's two nearest others (Facco et al., 2017, equation 5).

    mu = r2 / r1 follows a Pareto distribution with the dimension as its exponent, whatever the density; the dimension
    is the slope through 0 of -log(1 - F(mu)) on log(mu).

    Parameters
    ----------
    distances : float array of shape (n, at least 2)
        To the nearest others, nearest first. Points with a copy are left out.
    discard : float, default=0.1
        Share of the largest mu that are left out, where the fit is disturbed most.
    """
    r1, r2 = distances[:, 0].astype(np.float64), distances[:, 1].astype(np.float64)
    mu = np.sort(r2[r1 > 0] / r1[r1 > 0])
    n = len(mu)
    kept = min(int(n * (1 - discard)), n - 1)
    if kept < 10:
        return Intrinsic(np.nan, np.nan, np.nan)
    along, up = np.log(mu[:kept]), -np.log(1 - np.arange(1, kept + 1) / n)
    if not along.any():
        return Intrinsic(np.nan, np.nan, np.nan)
    dims = float((along * up).sum() / (along**2).sum())
    # The likelihood's information gives d / sqrt(n); the points' neighbourhoods overlap, so it is a little more.
    spread = 1.96 * dims * np.sqrt(1.25 / n)
    return Intrinsic(dims, dims - spread, dims + spread)


def levina_bickel(distances: np.ndarray, k: int = 20) -> Intrinsic:
    """Intrinsic dimension by maximum likelihood (Levina and Bickel, 2005), averaged as MacKay and Ghahramani do.

    Each item's estimate is (k - 1) / sum_j log(r_k / r_j); inverses are averaged over items, for the estimates have a
    heavy tail.

    Parameters
    ----------
    distances : float array of shape (n, at least k)
        To the nearest others, nearest first. Points with a copy are left out.
    """
    k = min(k, distances.shape[1])
    r = distances[:, :k].astype(np.float64)
    r = r[(r[:, 0] > 0) & (r[:, -1] > r[:, 0])] if k > 1 else r[:0]
    if len(r) < 10:
        return Intrinsic(np.nan, np.nan, np.nan)
    inverses = np.log(r[:, -1:] / r[:, :-1]).mean(axis=1)
    mean, error = inverses.mean(), inverses.std(ddof=1) / np.sqrt(len(r)) * np.sqrt(k)  # k neighbours are shared by k
    low, high = 1 / (mean + 1.96 * error), 1 / max(mean - 1.96 * error, 1e-12)
    return Intrinsic(float(1 / mean), float(low), float(high))
