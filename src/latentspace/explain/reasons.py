"""Why an item is where it is, and why it is near another: which dimensions make up the distance."""

from typing import Literal, NamedTuple

import numpy as np

_PAIRS = 4_000


class Place(NamedTuple):
    """Where an item lies along one dimension.

    Attributes
    ----------
    dimension : int
    value : float
    deviations : float
        Standard deviations from the mean.
    below : float
        Share of the items that have less.
    share : float
        Of the item's squared distance from the mean, what this dimension makes up.
    """

    dimension: int
    value: float
    deviations: float
    below: float
    share: float


class Step(NamedTuple):
    """What one dimension adds to how far two items are apart.

    Attributes
    ----------
    dimension : int
    here, there : float
        Their values.
    part : float
        Euclidean: the squared difference; the parts add up to the squared distance. Cosine: the product of both unit
        vectors' values; the parts add up to the similarity.
    usual : float
        The mean of that over pairs of items: less than usual is what makes two near.
    """

    dimension: int
    here: float
    there: float
    part: float
    usual: float


class Apart(NamedTuple):
    """How far two items are apart.

    Attributes
    ----------
    measure : float
        Euclidean distance, or cosine similarity.
    nearer_than : float
        Share of random pairs that are farther apart.
    rank : int
        1 where there is the nearest of all others.
    steps : list of Step
        Those that make them nearer than usual first.
    """

    measure: float
    nearer_than: float
    rank: int
    steps: list[Step]


def placed(z: np.ndarray, row: int | None, own: np.ndarray) -> list[Place]:
    """Where a latent (dims,) lies along each dimension of latents (n, dims), what makes it special first."""
    mean, spread = z.mean(axis=0, dtype=np.float64), z.std(axis=0, dtype=np.float64)
    off = own - mean
    deviations = np.divide(off, spread, out=np.zeros(len(off)), where=spread > 0)
    squares = off**2
    shares = squares / squares.sum() if squares.sum() > 0 else np.zeros(len(off))
    others = np.ones(len(z), bool)
    if row is not None:
        others[row] = False
    below = (z[others] < own).mean(axis=0) if others.any() else np.zeros(len(off))
    order = np.argsort(-np.abs(deviations), kind="stable")
    return [Place(int(d), float(own[d]), float(deviations[d]), float(below[d]), float(shares[d])) for d in order]


def apart(
    z: np.ndarray, a: np.ndarray, b: np.ndarray, metric: Literal["euclidean", "cosine"] = "euclidean", seed: int = 0
) -> Apart:
    """Decomposes how far latents a and b (dims,) are apart into dimensions, beside random pairs of z (n, dims)."""
    rng = np.random.default_rng(seed)
    one, two = rng.integers(0, len(z), (2, _PAIRS))
    two = np.where(one == two, (two + 1) % max(len(z), 1), two)
    parts = _parts(a, b, metric)
    pairs = _parts(z[one], z[two], metric)
    usual = pairs.mean(axis=0)
    total, totals = parts.sum(), pairs.sum(axis=1)
    every = _parts(a, z, metric).sum(axis=1)
    slack = 1e-9 * max(abs(total), 1e-300)
    if metric == "euclidean":
        order = np.argsort(parts - usual, kind="stable")
        nearer, rank = (totals > total).mean(), 1 + int((every < total - slack).sum()) - _itself(z, a, total, slack)
        measure = float(np.sqrt(total))
    else:
        order = np.argsort(usual - parts, kind="stable")
        nearer, rank = (totals < total).mean(), 1 + int((every > total + slack).sum()) - _itself(z, a, 1 - total, slack)
        measure = float(total)
    steps = [Step(int(d), float(a[d]), float(b[d]), float(parts[d]), float(usual[d])) for d in order]
    return Apart(measure, float(nearer), max(rank, 1), steps)


def _itself(z: np.ndarray, a: np.ndarray, distance: float, slack: float) -> int:
    """1 where the item itself is among the items, and is counted as nearer than the other."""
    return int(distance > slack and bool((z == a).all(axis=1).any()))


def _parts(a: np.ndarray, b: np.ndarray, metric: str) -> np.ndarray:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if metric == "euclidean":
        return (a - b) ** 2
    return _unit(a) * _unit(b)


def _unit(z: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(z, axis=-1, keepdims=True)
    return np.divide(z, length, out=np.zeros_like(z), where=length > 0)
