"""Probes: how well a target can be told from features or latents, by plain models that cost one product of the rows.

The linear probe is a linear discriminant with equal priors for classes (Fisher, 1936; ridge on the covariance within,
Friedman, "Regularized discriminant analysis", 1989) and ridge regression for numbers. Both need sums and products of
the rows alone, which add up over folds: the products of all folds but one are the whole's less that fold's. So
cross-validation costs one pass, and every penalty one Cholesky factor. The nonlinear probe is the same on the
rows with random Fourier features beside them (Rahimi and Recht, "Random features for large-scale kernel machines",
2007).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, sparse

WIDEST = 2_048  # columns whose products are taken; wider rows are turned into as many coordinates as there are items
_PENALTIES = (1e-5, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # of the mean variance of a standardised column
_WAVES = 512  # random Fourier features
_CHEAP = 4e9  # multiplications up to which float64 products cost little
_BLOCK = 4_096


@dataclass
class Target:
    """What is told from the rows.

    Attributes
    ----------
    y : int64 array of shape (n,) for classes, float64 for numbers
        Classes as positions in `names`.
    names : list or None
        The classes' names; None for numbers.
    """

    y: np.ndarray
    names: list[Any] | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def is_classes(self) -> bool:
        return self.names is not None

    def columns(self) -> np.ndarray:
        """What is regressed on, float64: (n, classes) of 0 and 1, or the numbers (n, 1)."""
        if self.names is None:
            return self.y[:, None]
        return (self.y[:, None] == np.arange(len(self.names))).astype(np.float64)


def folds_of(target: Target, k: int = 5, seed: int = 0) -> np.ndarray:
    """Which of k folds each item is in, int64 (n,): shuffled, every class spread evenly over them."""
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(target))
    if target.is_classes:
        shuffled = shuffled[np.argsort(target.y[shuffled], kind="stable")]
    folds = np.empty(len(target), np.int64)
    folds[shuffled] = np.arange(len(target)) % k
    return folds


def as_rows(rows: Any) -> np.ndarray:
    """Rows ready for a probe, as `as_rows_and_breadths` gives them, without the breadths."""
    return as_rows_and_breadths(rows)[0]


def as_rows_and_breadths(rows: Any) -> tuple[np.ndarray, np.ndarray]:
    """Rows ready for a probe: float32 (n, q), centred, every column of variance 1, columns without variance left out.

    The breadths, float32 (q,), are what columns are multiplied by before `waves` measures distances: the root of what
    their deviation was beside the others'. Distances of columns made all alike follow the faintest (a digit's border),
    those of columns as they are follow the broadest (one in other units).

    Wider ones than `WIDEST`, dense or CSR, become their n exact coordinates: products of rows, and so what a
    penalised linear model finds, stay the same. There can be as many items as `WIDEST` then.

    Raises
    ------
    ValueError
        If rows are wider than that, and there are more items than that.
    """
    wide = rows.shape[1] > WIDEST
    if wide and rows.shape[0] > WIDEST:
        raise ValueError(f"{rows.shape[0]:,} rows of {rows.shape[1]:,} features: pass at most {WIDEST:,} of them.")
    if sparse.issparse(rows):
        rows = rows.astype(np.float64)
        mean = np.asarray(rows.mean(axis=0)).ravel()
        variance = np.asarray(rows.multiply(rows).mean(axis=0)).ravel() - mean**2
    else:
        rows = np.asarray(rows).reshape(rows.shape[0], -1)
        mean = rows.mean(axis=0, dtype=np.float64)
        variance = np.zeros(rows.shape[1])
        for start in range(0, len(rows), _BLOCK):
            variance += ((rows[start : start + _BLOCK] - mean) ** 2).sum(axis=0)
        variance /= max(len(rows), 1)
    # A constant column's variance is rounding, not 0: relative to its mean, float32 resolves 1e-7.
    kept = variance > 1e-12 * np.maximum(mean**2, variance.max(initial=0.0) * 1e-6)
    scale = 1 / np.sqrt(variance[kept])
    if wide:
        turned = _turned(rows[:, kept], mean[kept], scale)
        return turned, np.ones(turned.shape[1], np.float32)
    if sparse.issparse(rows):
        rows = rows.toarray()
    level = np.sqrt(variance[kept].mean()) if kept.any() else 1.0
    breadths = (1 / np.sqrt(scale * level)).astype(np.float32)
    return ((rows[:, kept] - mean[kept]) * scale).astype(np.float32), breadths


def _turned(rows: Any, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    if sparse.issparse(rows):
        scaled = rows @ sparse.diags(scale)
        products = (scaled @ scaled.T).toarray()
        cross = scaled @ (mean * scale)
        products += ((mean * scale) ** 2).sum() - cross[:, None] - cross[None, :]
    else:
        scaled = ((rows - mean) * scale).astype(np.float32)
        products = (scaled @ scaled.T).astype(np.float64)
    variances, vectors = np.linalg.eigh(products)
    there = variances > 1e-6 * variances.max(initial=0.0)
    turned = vectors[:, there] * np.sqrt(variances[there])
    # One scale for all columns: standardising them one by one would turn each rare direction up.
    return (turned / max(np.sqrt((turned**2).mean()), 1e-30)).astype(np.float32)


def waves(rows: np.ndarray, seed: int = 0, count: int = _WAVES, breadths: np.ndarray | None = None) -> np.ndarray:
    """Rows (n, q) with random Fourier features of a Gaussian kernel beside them, half as wide as their median distance.

    `breadths` (q,) weigh the columns in those distances.
    """
    rng = np.random.default_rng(seed)
    n, q = rows.shape
    plain, rows = rows, rows if breadths is None else rows * breadths
    if n < 2 or q == 0:
        return plain
    a, b = rng.integers(0, n, (2, 2_000))
    distances = np.linalg.norm(rows[a] - rows[b], axis=1)
    width = float(np.median(distances[distances > 0])) if (distances > 0).any() else 1.0
    # Half the median distance: the median itself made a kernel so broad that it was linear again on digits.
    turned = rng.standard_normal((q, count)).astype(np.float32) * np.float32(2 / width)
    phases = rng.uniform(0, 2 * np.pi, count).astype(np.float32)
    felt = np.cos(rows @ turned + phases) * np.float32(np.sqrt(2))
    felt -= felt.mean(axis=0)
    return np.concatenate([plain, felt], axis=1)


@dataclass
class Fitted:
    """A probe after training: rows (m, q) to scores a class (m, C), or numbers (m, 1)."""

    weights: np.ndarray
    offset: np.ndarray

    def scores(self, rows: np.ndarray) -> np.ndarray:
        return rows @ self.weights.astype(rows.dtype) + self.offset

    def predict(self, rows: np.ndarray, classes: bool) -> np.ndarray:
        """The likeliest class, int64 (m,), or the number, float64 (m,)."""
        scores = self.scores(rows)
        return scores.argmax(axis=1) if classes else scores[:, 0].astype(np.float64)


class Products:
    """Sums and products of rows in each fold: all that training a probe needs, for any target on these rows."""

    def __init__(self, rows: np.ndarray, folds: np.ndarray):
        self.rows, self.folds = rows, folds
        self.k = int(folds.max()) + 1 if len(folds) else 0
        n, q = rows.shape
        exact = n * q * q <= _CHEAP
        self.counts = np.bincount(folds, minlength=self.k).astype(np.float64)
        self.sums = np.zeros((self.k, q))
        self.grams = np.zeros((self.k, q, q))
        for fold in range(self.k):
            places = np.flatnonzero(folds == fold)
            for start in range(0, len(places), _BLOCK):
                block = rows[places[start : start + _BLOCK]]
                block = block.astype(np.float64) if exact else block
                self.grams[fold] += block.T @ block
                self.sums[fold] += block.sum(axis=0, dtype=np.float64)

    def crossed(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The target's sums (k, C), and products with the rows (k, q, C), in each fold."""
        across = np.zeros((self.k, self.rows.shape[1], columns.shape[1]))
        for fold in range(self.k):
            places = np.flatnonzero(self.folds == fold)
            for start in range(0, len(places), _BLOCK):
                here = places[start : start + _BLOCK]
                across[fold] += self.rows[here].T @ columns[here].astype(self.rows.dtype)
        return np.stack([columns[self.folds == fold].sum(axis=0) for fold in range(self.k)]), across


def fit_on(
    products: Products, target: Target, crossed: tuple[np.ndarray, np.ndarray], used: np.ndarray, penalties
) -> Iterator[Fitted]:
    """Trains on the folds `used` (bool, (k,)) with every penalty in turn."""
    n, sums, gram = products.counts[used].sum(), products.sums[used].sum(0), products.grams[used].sum(0)
    totals, across = crossed[0][used].sum(0), crossed[1][used].sum(0)
    centre = sums / n
    if target.is_classes:
        # A class that is missing here gets no score worth winning.
        means = across.T / np.maximum(totals, 1)[:, None]  # (C, q)
        inside = (gram - (means.T * totals) @ means) / max(n - (totals > 0).sum(), 1)
        right, shift = means.T, np.where(totals > 0, 0.0, -1e30)
    else:
        inside = gram / n - np.outer(centre, centre)
        right, shift = across / n - np.outer(centre, totals / n), totals / n
    level = np.trace(inside) / max(len(inside), 1) or 1.0
    for penalty in penalties:
        ridged = inside + np.eye(len(inside)) * (penalty * level)
        try:
            weights = linalg.cho_solve(linalg.cho_factor(ridged, check_finite=False), right, check_finite=False)
        except linalg.LinAlgError:
            weights = linalg.pinvh(ridged) @ right
        if target.is_classes:
            yield Fitted(weights, shift - 0.5 * (right * weights).sum(axis=0))
        else:
            yield Fitted(weights, shift - centre @ weights)


def cross_validated(
    products: Products, target: Target, penalty: float | None = None
) -> tuple[np.ndarray, list[Fitted], float]:
    """Predicts every item by a probe that was trained on the other folds.

    Each fold's penalty is the one that does best on the next fold when trained on those but the two: the items
    that are predicted take no part in the choice.

    Returns
    -------
    predictions (n,), the k probes, the middle one of their penalties
    """
    predictions = np.empty(len(target), np.int64 if target.is_classes else np.float64)
    crossed = products.crossed(target.columns())
    probes, chosen = [], []
    for fold in range(products.k):
        others = np.arange(products.k) != fold
        best = penalty if penalty is not None else _penalty_without(products, target, crossed, fold)
        probe = next(fit_on(products, target, crossed, others, (best,)))
        here = products.folds == fold
        predictions[here] = probe.predict(products.rows[here], target.is_classes)
        probes.append(probe)
        chosen.append(best)
    return predictions, probes, float(np.median(chosen)) if chosen else 0.0


def _penalty_without(products: Products, target: Target, crossed: tuple[np.ndarray, np.ndarray], fold: int) -> float:
    judge = (fold + 1) % products.k
    used = (np.arange(products.k) != fold) & (np.arange(products.k) != judge)
    here = products.folds == judge
    y, rows = target.y[here], products.rows[here]
    lost = []
    for probe in fit_on(products, target, crossed, used, _PENALTIES):
        found = probe.predict(rows, target.is_classes)
        if target.is_classes:
            wrong = np.bincount(y, found != y, minlength=len(target.names or ()))
            lost.append(float((wrong / np.maximum(np.bincount(y, minlength=len(wrong)), 1)).mean()))
        else:
            lost.append(float(((found - y) ** 2).mean()))
    return _PENALTIES[int(np.argmin(lost))]
