"""How drawn items stand beside real ones, both as vectors of a named encoder.

A Frechet distance on another encoder than Inception is no FID, and is not called that: the encoder is always named.
"""

from typing import NamedTuple

import numpy as np

from ..search.exact import ExactIndex


class Drawn(NamedTuple):
    """How near drawn items come to real ones.

    Attributes
    ----------
    frechet : float
        Distance between Gaussians fitted to both, in the encoder's squared units; lower is better.
    kernel : float
        Unbiased squared MMD with the kernel (a.b / d + 1)^3; about 0 for the same distribution, lower is better.
    precision, recall : float
        Share of drawn items among the real ones, and of real ones among the drawn; 0 to 1, higher is better.
    density, coverage : float
        How thickly real items surround the drawn (1 for the same distribution), and the share of real items that have
        a drawn one nearer than their own fifth neighbour; higher is better.
    """

    frechet: float
    kernel: float
    precision: float
    recall: float
    density: float
    coverage: float


class Memorised(NamedTuple):
    """Whether drawn items are copies of those that were fitted.

    Attributes
    ----------
    nearer : float
        How often a drawn item is nearer to its nearest fitted item than that one is to its own nearest other: 0.5 and
        less for a model that draws anew; near 1 for one that repeats.
    copies : float
        Share of drawn items as near to a fitted one as only 1% of fitted items are to their nearest other.
    """

    nearer: float
    copies: float


def compare(real: np.ndarray, drawn: np.ndarray) -> Drawn:
    """Every figure for real (n, d) and drawn (m, d) vectors; n and m of at least 10."""
    return Drawn(
        frechet(real, drawn), kernel(real, drawn), *precision_recall(real, drawn), *density_coverage(real, drawn)
    )


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """|m - m'|^2 + tr(S + S' - 2 (S S')^(1/2)) of Gaussians fitted to rows (Heusel et al., 2017, on their encoder).

    Examples
    --------
    >>> rows = np.array([[0.0], [2.0]])
    >>> frechet(rows, rows + 3)
    9.0
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    cov_a, cov_b = (np.atleast_2d(np.cov(rows, rowvar=False)) for rows in (a, b))
    values, vectors = np.linalg.eigh(cov_a)
    # The symmetric S^(1/2) S' S^(1/2) has the same trace of its root, and real eigenvalues.
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_b @ root), 0)).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


def kernel(a: np.ndarray, b: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (a.b / d + 1)^3 (Binkowski et al., 2018)."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    d, n, m = a.shape[1], len(a), len(b)
    within_a, within_b, across = ((p @ q.T / d + 1) ** 3 for p, q in ((a, a), (b, b), (a, b)))
    return float(
        (within_a.sum() - np.trace(within_a)) / (n * (n - 1))
        + (within_b.sum() - np.trace(within_b)) / (m * (m - 1))
        - 2 * across.mean()
    )


def precision_recall(real: np.ndarray, drawn: np.ndarray, k: int = 3) -> tuple[float, float]:
    """Shares of each that lie within the other's k-th neighbour spheres (Kynkaanniemi et al., 2019)."""
    return _inside(drawn, real, k), _inside(real, drawn, k)


def _inside(queries: np.ndarray, rows: np.ndarray, k: int) -> float:
    radii = _radii(rows, k)
    return float((_distances(queries, rows) <= radii).any(axis=1).mean())


def density_coverage(real: np.ndarray, drawn: np.ndarray, k: int = 5) -> tuple[float, float]:
    """Density and coverage (Naeem et al., "Reliable fidelity and diversity metrics for generative models", 2020)."""
    radii = _radii(real, k)
    distances = _distances(drawn, real)
    density = float((distances < radii).sum() / (min(k, len(real) - 1) * len(drawn)))
    return density, float((distances.min(axis=0) < radii).mean())


def memorised(fitted: np.ndarray, drawn: np.ndarray) -> Memorised:
    """Compares each drawn item's way to its nearest fitted item with the ways between fitted items (m, n of 2 or more).

    After Meehan, Chaudhuri and Dasgupta, "A non-parametric test to detect data-copying in generative models", 2020;
    they take items that were held out, which a space does not have.
    """
    index = ExactIndex(fitted.astype(np.float32))
    near = index.search(drawn.astype(np.float32), 1, "euclidean")
    ours = index.search(fitted.astype(np.float32), 1, "euclidean", exclude=np.arange(len(fitted))).scores[:, 0]
    way, others = near.scores[:, 0], ours[near.positions[:, 0]]
    nearer = float((way < others).mean() + 0.5 * (way == others).mean())
    return Memorised(nearer, float((way < np.quantile(ours, 0.01)).mean()))


def _radii(rows: np.ndarray, k: int) -> np.ndarray:
    distances = _distances(rows, rows)
    np.fill_diagonal(distances, 0)
    return np.partition(distances, min(k, len(rows) - 1), axis=1)[:, min(k, len(rows) - 1)]


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a.astype(np.float64), b.astype(np.float64)
    centre = b.mean(axis=0)
    a, b = a - centre, b - centre
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * (a @ b.T)
    return np.sqrt(np.maximum(squares, 0))
