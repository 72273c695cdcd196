"""Whether dimensions mean something of their own, or whether any rotation of the space would fit as well.

Along an arbitrary direction of a space that knows of size and place, both show a little: a correlation alone is no
meaning. What sets a dimension apart is that a column lies along it and along no other. How far the dimensions do that
better than random rotations of the same latents do is measured here, as one test of the whole basis: under a random
rotation its p-value is uniform, so that one in twenty of them passes at 0.05, however many columns and dimensions.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .evidence import Column, holm

_TURNS = 400  # random rotations
_WORK = 3e9  # multiplications that they may cost: fewer of them in wide spaces, never below 40
_ROUNDING = 1e-10


class Alignment(NamedTuple):
    """How columns lie along the dimensions.

    Attributes
    ----------
    squares : float64 array of shape (dims, columns)
        Share of each column's rank variance that a dimension alone tells linearly, 0 to 1.
    chance : float64 array of shape (dims, columns)
        Share of random directions that tell as much of that column.
    p_value : float
        Of the whole basis: the share of random rotations whose dimensions part the columns as well as these do. NaN
        where there is nothing to turn: one dimension, or no column.
    column_p : float64 array of shape (columns,)
        The same of each column alone, corrected for all columns (Holm): a basis may part one of them and turn the rest.
    """

    squares: np.ndarray
    chance: np.ndarray
    p_value: float
    column_p: np.ndarray


def white(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latents (n, dims) in white coordinates y (n, m), and each dimension as a direction there, (dims, m).

    Directions have length 1; those of a dimension without variance are 0.
    """
    centred = z.astype(np.float64) - z.mean(axis=0, dtype=np.float64)
    values, vectors = np.linalg.eigh(centred.T @ centred / max(len(z), 1))
    kept = values > _ROUNDING * max(values.max(initial=0.0), 1e-300)
    roots = np.sqrt(values[kept])
    y = centred @ (vectors[:, kept] / roots)
    directions = vectors[:, kept] * roots
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    floor = np.sqrt(_ROUNDING) * lengths.max(initial=0.0)
    return y, np.divide(directions, lengths, out=np.zeros_like(directions), where=lengths > floor)


def alignment(z: np.ndarray, columns: Sequence[Column], seed: int = 0) -> Alignment:
    """Measures how columns lie along the dimensions of latents (n, dims), against random rotations of them."""
    dims = z.shape[1]
    unknown = np.full(len(columns), np.nan)
    if not columns or len(z) < 3:
        return Alignment(np.zeros((dims, len(columns))), np.ones((dims, len(columns))), np.nan, unknown)
    y, own = white(z)
    maps = [_map_of(y, column) for column in columns]
    squares = _squares(own, maps)
    m = y.shape[1]
    if m < 2:
        return Alignment(squares, np.ones_like(squares), np.nan, unknown)
    rng = np.random.default_rng(seed)
    parted, above, drawn = [], np.zeros_like(squares), 0
    for _ in range(_count(m)):
        turned = _squares(rotation(m, rng), maps)
        parted.append(_gaps(turned))
        above += (turned[None] >= squares[:, None]).sum(axis=1)
        drawn += m
    seen, by_chance = _gaps(squares), np.stack(parted)
    p = (1 + (by_chance.sum(axis=1) >= seen.sum()).sum()) / (1 + len(by_chance))
    each = (1 + (by_chance >= seen).sum(axis=0)) / (1 + len(by_chance))
    return Alignment(squares, (1 + above) / (1 + drawn), float(p), holm(each))


def concentration(effects: np.ndarray, groups: np.ndarray, seed: int = 0) -> tuple[np.ndarray, float]:
    """How far each dimension moves few columns of features alone, against random rotations.

    Parameters
    ----------
    effects : float array of shape (dims, p)
        What one standard deviation of each dimension does to each feature.
    groups : int array of shape (p,)
        The column that a feature belongs to.
    seed : int

    Returns
    -------
    shares : float64 array of shape (dims, groups)
        Of each dimension's squared effect, the share of each column; 0 for a dimension without any.
    p_value : float
        The share of random rotations that are as concentrated; NaN where there is nothing to turn.
    """
    shares = _shares(effects, groups)
    active = np.flatnonzero(shares.any(axis=1))
    if len(active) < 2 or shares.shape[1] < 2:
        return shares, np.nan
    rng = np.random.default_rng(seed)
    seen, m = (shares[active] ** 2).sum(), len(active)
    turns = max(40, int(min(_count(m), _WORK / (m * m * effects.shape[1]))))
    above = sum((_shares(rotation(m, rng) @ effects[active], groups) ** 2).sum() >= seen for _ in range(turns))
    return shares, float((1 + above) / (1 + turns))


def rotation(m: int, rng: np.random.Generator) -> np.ndarray:
    """A random rotation (m, m), uniform over all (Mezzadri, 2007)."""
    q, r = np.linalg.qr(rng.standard_normal((m, m)))
    return q * np.sign(np.diag(r))


def _count(m: int) -> int:
    return int(np.clip(_WORK / (10 * m**3), 40, _TURNS))


def _map_of(y: np.ndarray, column: Column) -> np.ndarray:
    """A matrix (k, m): the share of the column that direction u tells is |matrix u|^2."""
    from scipy.stats import rankdata

    own = y[column.there]
    n = len(own)
    if column.groups is None:
        ranks = rankdata(column.values)
        ranks = (ranks - ranks.mean()) / max(ranks.std(), 1e-300)
        return (ranks @ own / n)[None]
    counts = np.bincount(column.values, minlength=len(column.groups))
    sums = np.zeros((len(counts), own.shape[1]))
    np.add.at(sums, column.values, own)
    means = sums / counts[:, None] - own.mean(axis=0)
    return means * np.sqrt(counts / n)[:, None]


def _squares(directions: np.ndarray, maps: Sequence[np.ndarray]) -> np.ndarray:
    told = [((directions @ one.T) ** 2).sum(axis=1) for one in maps]
    return np.clip(np.stack(told, axis=1), 0, 1)


def _gaps(squares: np.ndarray) -> np.ndarray:
    """Over columns, how much more the first dimension tells of each than the second: the gap of Chen et al. (2018)."""
    first = np.sort(squares, axis=0)[::-1]
    return first[0] - first[1]


def _shares(effects: np.ndarray, groups: np.ndarray) -> np.ndarray:
    squares = np.zeros((len(effects), int(groups.max(initial=-1)) + 1))
    np.add.at(squares.T, groups, (effects.astype(np.float64) ** 2).T)
    total = squares.sum(axis=1, keepdims=True)
    return np.divide(squares, total, out=np.zeros_like(squares), where=total > 0)
