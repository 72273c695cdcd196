"""Two clouds of the same items beside one another: their similarity as a whole, and each one's distances."""

import numpy as np


def cka(a: np.ndarray, b: np.ndarray) -> float:
    """Linear centred kernel alignment (Kornblith et al., "Similarity of neural network representations", 2019).

    Without the bias of few items against many features: the diagonals are left out as Song et al. (2012) do, so that
    unrelated clouds score about 0. 1 is alike up to a turn, a shift and a scale. Rows (n, p) and (n, q), n from 4.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(cka(rows, -2 * rows[:, ::-1] + 1), 6)
    1.0
    """
    of_a, of_b = (_centred_products(rows) for rows in (a, b))
    below = np.sqrt((of_a**2).sum() * (of_b**2).sum())
    return float((of_a * of_b).sum() / below) if below > 0 else 0.0


def _centred_products(rows: np.ndarray) -> np.ndarray:
    """Products of rows without their diagonal, U-centred (Szekely and Rizzo, 2014): sums of products are unbiased."""
    rows = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    k, n = rows @ rows.T, len(rows)
    np.fill_diagonal(k, 0)
    sums = k.sum(axis=1)
    k -= sums[:, None] / (n - 2) + sums[None, :] / (n - 2) - sums.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(k, 0)
    return k


def procrustes(a: np.ndarray, b: np.ndarray) -> float:
    """What is left, 0 to 1, after the best turn, shift and scale of one cloud onto the other; 0 is alike.

    1 - (sum of singular values of a' b)^2 / (|a|^2 |b|^2) of centred rows (Gower, 1975); equal to SciPy's `procrustes`.
    """
    a, b = (rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64) for rows in (a, b))
    sizes = (a**2).sum() * (b**2).sum()
    if sizes == 0:
        return 1.0
    if min(a.shape[1], b.shape[1]) > len(a):  # the products of rows are smaller, and have the same singular values
        a, b = (_turned(rows) for rows in (a, b))
    return float(max(1 - np.linalg.svd(a.T @ b, compute_uv=False).sum() ** 2 / sizes, 0.0))


def _turned(rows: np.ndarray) -> np.ndarray:
    variances, vectors = np.linalg.eigh(rows @ rows.T)
    return vectors * np.sqrt(np.maximum(variances, 0))


def pair_distances(rows: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Euclidean distances of pairs (m, 2) of rows, float64 (m,)."""
    found = np.empty(len(pairs))
    for start in range(0, len(pairs), 4096):
        a, b = pairs[start : start + 4096].T
        found[start : start + 4096] = np.linalg.norm(rows[a].astype(np.float64) - rows[b], axis=1)
    return found


def rank_agreement(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's correlation of distances of the same pairs; 1 where far stays far, 0 where it is chance."""
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0


def concentration(distances: np.ndarray) -> float:
    """Standard deviation of distances over their mean: near 0 all items are about as far, and near means little."""
    mean = distances.mean() if len(distances) else 0.0
    return float(distances.std() / mean) if mean > 0 else 0.0


def hubness(neighbours: np.ndarray, n: int) -> float:
    """Skewness of how often each of n items is among the nearest of others (Radovanovic et al., 2010).

    0 is fair; above 1, some items turn up everywhere. `neighbours` holds positions (m, k).
    """
    counts = np.bincount(neighbours[neighbours >= 0].ravel(), minlength=n).astype(np.float64)
    spread = counts.std()
    return float(((counts - counts.mean()) ** 3).mean() / spread**3) if spread > 0 else 0.0
