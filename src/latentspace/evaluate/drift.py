"""Whether two sets of latents come from the same source, by two tests that shuffle which is which."""

from typing import NamedTuple

import numpy as np

from .intervals import Score, balanced_accuracy, share, variance_of
from .probes import Products, Target, as_rows, cross_validated, folds_of, waves


class Test(NamedTuple):
    """A statistic and its place among shufflings.

    Attributes
    ----------
    value : float
    p_value : float
        Share of the shufflings, and of what was seen, that are as large: small where the sets differ.
    """

    value: float
    p_value: float


def kernel_test(a: np.ndarray, b: np.ndarray, *, shuffles: int = 199, seed: int = 0) -> Test:
    """Unbiased squared MMD with a Gaussian kernel of the median distance (Gretton et al., 2012).

    Parameters
    ----------
    a, b : arrays of shape (n, dims) and (m, dims)
        2 rows or more each; the work grows with the square of n + m.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> kernel_test(rng.normal(size=(80, 2)), rng.normal(1.0, size=(80, 2))).p_value
    0.005
    """
    rng = np.random.default_rng(seed)
    rows = np.concatenate([a, b]).astype(np.float64)
    rows -= rows.mean(axis=0)
    squares = (rows**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares - 2 * (rows @ rows.T), 0)
    middle = np.median(distances[np.triu_indices(len(rows), 1)])
    k = np.exp(-distances / middle) if middle > 0 else np.ones_like(distances)
    np.fill_diagonal(k, 0)
    n, m = len(a), len(b)

    def statistic(first: np.ndarray) -> float:
        own = first @ k
        within, across = own @ first, own.sum() - own @ first
        other = k.sum() - within - 2 * across
        return within / (n * (n - 1)) + other / (m * (m - 1)) - 2 * across / (n * m)

    marks = np.r_[np.ones(n), np.zeros(m)]
    seen = statistic(marks)
    shuffled = [statistic(rng.permutation(marks)) for _ in range(shuffles)]
    return Test(float(seen), float((1 + np.sum(np.array(shuffled) >= seen)) / (1 + shuffles)))


class Told(NamedTuple):
    """How well a classifier tells two sets apart.

    Attributes
    ----------
    accuracy : Score
        Balanced; 0.5 where they are alike.
    p_value : float
        As for `Test`.
    items : int array
        The rows of the second set that are told most surely: what has changed.
    """

    accuracy: Score
    p_value: float
    items: np.ndarray


def classifier_test(a: np.ndarray, b: np.ndarray, *, shuffles: int = 99, seed: int = 0, shown: int = 8) -> Told:
    """A probe is trained to tell the sets apart, in five folds (Lopez-Paz and Oquab, 2017); 10 rows or more each."""
    target = Target(np.r_[np.zeros(len(a), np.int64), np.ones(len(b), np.int64)], ["before", "now"])
    rows = waves(as_rows(np.concatenate([a, b])), seed, 64)
    folds = folds_of(target, seed=seed)
    products = Products(rows, folds)
    predictions, probes, penalty = cross_validated(products, target)
    value, influence = balanced_accuracy((predictions == target.y).astype(np.float64), target.y, 2)
    rng, shuffled = np.random.default_rng([seed, 1]), np.empty(shuffles)
    for turn in range(shuffles):
        other = Target(rng.permutation(target.y), target.names)
        again, _, _ = cross_validated(products, other, penalty)
        shuffled[turn] = balanced_accuracy((again == other.y).astype(np.float64), other.y, 2)[0]
    margin = np.empty(len(rows))
    for fold, probe in enumerate(probes):
        here = folds == fold
        scores = probe.scores(rows[here])
        margin[here] = scores[:, 1] - scores[:, 0]
    return Told(
        share(value, variance_of(influence, 2), len(rows)), float((1 + (shuffled >= value).sum()) / (1 + shuffles)),
        np.argsort(-margin[len(a) :], kind="stable")[:shown],
    )  # fmt: skip
