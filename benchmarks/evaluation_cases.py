"""Simulated data sets whose truth is known, to see how often an interval holds it."""

import numpy as np

from latentspace.evaluate.probes import Products, Target, cross_validated, folds_of
from latentspace.evaluate.tasks import _kept, _told

_NEW = 20_000  # items that stand for all there are
_DIMS = 8
_SETTINGS = {  # classes (0: numbers), how far apart they are or how much of a number is told, dims of z
    "classes": (3, 0.8, 5), "many classes": (10, 1.2, 5), "near 1": (10, 3.0, 6), "numbers": (0, 0.8, 3),
}  # fmt: skip


def case(kind: str, n: int, rng: np.random.Generator) -> dict[str, bool]:
    """One data set: whether the intervals of the features' score, of z's and of their ratio hold the truth."""
    classes, apart, dims = _SETTINGS[kind]
    centres = np.random.default_rng(1).standard_normal((max(classes, 1), _DIMS)) * apart
    x, y = _drawn(n, classes, centres, apart, rng)
    new_x, new_y = _drawn(_NEW, classes, centres, apart, rng)
    target = Target(y, list(range(classes)) if classes else None)
    folds = folds_of(target, seed=int(rng.integers(2**31)))
    told, truth = {}, {}
    for name, width in (("features", _DIMS), ("z", dims)):
        products = Products(x[:, :width], folds)
        told[name] = _told(products, target, width)
        _, probes, _ = cross_validated(products, target)
        truth[name] = float(
            np.mean([_score(probe.predict(new_x[:, :width], bool(classes)), new_y, classes) for probe in probes])
        )
    chance = 1 / classes if classes else 0.0
    kept, ratio = _kept(told, target), (truth["z"] - chance) / (truth["features"] - chance)
    return {
        "features": told["features"].linear.low <= truth["features"] <= told["features"].linear.high,
        "z": told["z"].linear.low <= truth["z"] <= told["z"].linear.high,
        "kept": bool(kept.low <= ratio <= kept.high),
    }  # fmt: skip


def _drawn(
    n: int, classes: int, centres: np.ndarray, apart: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    noise = rng.standard_normal((n, _DIMS))
    if classes:
        y = rng.permutation(np.arange(n) % classes)
        return (centres[y] + noise).astype(np.float32), y
    weights = apart * np.array([1, 0.8, 0.5, 0.3, 0.2, 0.1, 0, 0])
    return noise.astype(np.float32), noise @ weights + rng.standard_t(8, n)


def _score(predictions: np.ndarray, y: np.ndarray, classes: int) -> float:
    if not classes:
        return float(1 - ((predictions - y) ** 2).mean() / y.var())
    return float(np.mean([(predictions[y == c] == c).mean() for c in range(classes)]))
