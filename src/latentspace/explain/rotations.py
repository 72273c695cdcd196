"""Rotations of a space whose axes read better, and what they cost."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .basis import Alignment, alignment
from .evidence import Column

_ROUNDS, _SETTLED = 500, 1e-8
_SAMPLE, _NEAR = 1_000, 10
_MOST = 20_000  # items that a rotation is learned from
_CHANCE = 5.0  # standard errors of the excess kurtosis, sqrt(24 / n); FastICA found up to 2.7 in 18 clouds of noise
_REAL = 0.8  # of the median of 3 starts' agreement, below which independent parts are not there to be found


class Rotation(NamedTuple):
    """New axes for the same space: `z' = (z - mean) @ matrix`, and back by `z' @ inverse + mean`.

    Attributes
    ----------
    name : "varimax" or "ica"
    mean : float64 array of shape (dims,)
    matrix, inverse : float64 arrays of shape (dims, dims)
    simplicity : tuple of two floats
        Before and after: of varimax, how far each dimension moves few features alone, 0 (all alike) to 1 (one); of ICA,
        the mean absolute excess kurtosis of the dimensions, 0 for Gaussian ones. Higher reads better.
    parted : tuple of two floats
        Before and after: over metadata columns, how much more of each the first dimension tells than the second; mean,
        0 to 1, higher reads better. NaN without columns.
    correlation : float
        Mean absolute correlation of two new dimensions: what one axis repeats of another. Of the old ones it may be 0.
    leading : tuple of two floats
        Share of the variance that the first half of the dimensions holds, before and after: what cutting the
        space short would keep.
    neighbours_kept : float
        Share of the 10 nearest that stay, on a sample: 1 for a pure rotation.
    stable : float
        0 to 1: how well other starts find the same axes; 1 where there is only one answer.
    """

    name: str
    mean: np.ndarray
    matrix: np.ndarray
    inverse: np.ndarray
    simplicity: tuple[float, float]
    parted: tuple[float, float]
    correlation: float
    leading: tuple[float, float]
    neighbours_kept: float
    stable: float

    def apply(self, z: np.ndarray) -> np.ndarray:
        """Latents (n, dims) on the new axes, float32."""
        return ((np.asarray(z, np.float64) - self.mean) @ self.matrix).astype(np.float32)

    def back(self, rotated: np.ndarray) -> np.ndarray:
        """What `apply` gave, back to latents of the space, float32."""
        return (np.asarray(rotated, np.float64) @ self.inverse + self.mean).astype(np.float32)

    def direction(self, d: int) -> np.ndarray:
        """New axis d as a direction of the space, float32 (dims,) of length 1: for `space.move` and `traverse`."""
        way = self.inverse[d]
        return (way / np.linalg.norm(way)).astype(np.float32)

    def worth(self) -> bool:
        """Whether it reads better: metadata, where there is any, is parted better; else features or shapes are."""
        before, after = self.parted if not np.isnan(self.parted[1]) else self.simplicity
        return self.stable >= _REAL and after > 1.1 * before + 0.01


def varimax(z: np.ndarray, effects: np.ndarray, columns: Sequence[Column] = (), seed: int = 0) -> Rotation | None:
    """Turns the axes so that each moves few features much and the others hardly (Kaiser, 1958).

    The rotation is orthogonal in the space's own unit: distances and neighbours stay. None below 2 dims with variance.

    Parameters
    ----------
    z : float array of shape (n, dims)
    effects : float array of shape (dims, p)
        What one standard deviation of each dimension does to each feature.
    columns : sequence of Column
        Of the same items, to say how well metadata are parted.
    seed : int
    """
    spread = z.std(axis=0, dtype=np.float64)
    if (spread > 1e-6 * spread.max(initial=0)).sum() < 2 or not effects.any():
        return None
    flat = effects.reshape(len(effects), -1)
    loadings = np.divide(flat, spread[:, None], out=np.zeros(flat.shape), where=spread[:, None] > 0)  # fmt: skip
    # The rotated axes are judged by what a standard deviation of each does, as the old ones are.
    matrix = _varimax(loadings.T)
    rotated = (z - z.mean(axis=0)) @ matrix
    after = (matrix.T @ loadings) * rotated.std(axis=0)[:, None]
    matrix = matrix[:, _ordered(rotated)] * _signs(after, rotated)
    simple = (_simplicity(effects.reshape(len(effects), -1)), _simplicity(after))
    return _judged("varimax", z, matrix, matrix.T, simple, columns, 1.0, seed)


def ica(z: np.ndarray, columns: Sequence[Column] = (), seed: int = 0) -> Rotation | None:
    """Turns and stretches the axes so that they are as independent as can be (Hyvarinen, FastICA, 1999).

    Distances change; `neighbours_kept` says by how much. None below 2 dims with variance or below 10 items a dimension,
    and where the parts are no less Gaussian than chance makes them.
    """
    from .basis import white

    y = white(z)
    if y.shape[1] < 2 or y.shape[1] < z.shape[1] or len(z) < 10 * z.shape[1]:
        return None
    rows = np.random.default_rng(seed).permutation(len(y))[:_MOST]
    turns = [_fast_ica(y[rows], seed + start) for start in range(3)]
    found = [turn for turn in turns if turn is not None]
    if len(found) < len(turns):
        return None
    turn = found[0]
    agree = [np.abs(turn.T @ other).max(axis=1).mean() for other in found[1:]]
    # y = centred @ whiten, and whiten is found again from the data, since `white` keeps to itself.
    centred = z.astype(np.float64) - z.mean(axis=0, dtype=np.float64)
    whiten = np.linalg.lstsq(centred, y, rcond=None)[0]
    matrix = whiten @ turn
    rotated = centred @ matrix
    inverse = np.linalg.inv(matrix)
    share = (inverse**2).sum(axis=1)  # rotated dimensions have variance 1: this is what each holds of the space's
    order = np.argsort(-share, kind="stable")
    sign = np.where((rotated**3).mean(axis=0)[order] < 0, -1.0, 1.0)
    matrix, inverse = matrix[:, order] * sign, inverse[order] * sign[:, None]
    simple = (_kurtosis(centred), _kurtosis(rotated))
    if simple[1] < _CHANCE * np.sqrt(24 / len(rows)):
        return None
    return _judged("ica", z, matrix, inverse, simple, columns, float(np.median(agree)), seed)


def _judged(
    name: str, z: np.ndarray, matrix: np.ndarray, inverse: np.ndarray, simple: tuple[float, float],
    columns: Sequence[Column], stable: float, seed: int,
) -> Rotation:  # fmt: skip
    rotated = (z - z.mean(axis=0, dtype=np.float64)) @ matrix
    parted = (_parted(alignment(z, columns, seed)), _parted(alignment(rotated, columns, seed)))
    held = (inverse**2).sum(axis=1) * rotated.var(axis=0)
    halves = (_half(z.var(axis=0, dtype=np.float64)), _half(held))
    return Rotation(
        name, z.mean(axis=0, dtype=np.float64), matrix, inverse, simple, parted, _mean_correlation(rotated), halves,
        _kept(z, rotated, seed), stable,
    )  # fmt: skip


def _varimax(loadings: np.ndarray) -> np.ndarray:
    """The rotation (dims, dims) of loadings (p, dims) that makes their squares' variances largest, by SVD steps."""
    dims = loadings.shape[1]
    turn, last = np.eye(dims), 0.0
    for _ in range(_ROUNDS):
        now = loadings @ turn
        u, s, v = np.linalg.svd(loadings.T @ (now**3 - now * (now**2).mean(axis=0)), full_matrices=False)
        turn = u @ v
        if s.sum() <= last * (1 + _SETTLED):
            break
        last = s.sum()
    return turn


def _fast_ica(y: np.ndarray, seed: int) -> np.ndarray | None:
    """A rotation (m, m) of white coordinates whose columns are as far from Gaussian as can be; None if none settles."""
    import warnings

    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what did not settle is told by how starts agree
        try:
            found = FastICA(whiten=False, random_state=seed, max_iter=400, tol=1e-4).fit(y)
        except (ValueError, np.linalg.LinAlgError):
            return None
    u, _, v = np.linalg.svd(found.components_)
    return (u @ v).T


def _ordered(rotated: np.ndarray) -> np.ndarray:
    return np.argsort(-rotated.var(axis=0), kind="stable")


def _signs(effects: np.ndarray, rotated: np.ndarray) -> np.ndarray:
    """Signs, in the order of `_ordered`, that make each axis's largest effect a rise."""
    order = _ordered(rotated)
    largest = np.take_along_axis(effects[order], np.abs(effects[order]).argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.where(largest < 0, -1.0, 1.0)


def _simplicity(effects: np.ndarray) -> float:
    """Mean over dimensions of how concentrated the squared effects are: 0 on all features alike, 1 on one."""
    squares = effects.astype(np.float64) ** 2
    total = squares.sum(axis=1)
    squares, p = squares[total > 0] / total[total > 0][:, None], effects.shape[1]
    return float(((squares**2).sum(axis=1) - 1 / p).mean() / (1 - 1 / p)) if p > 1 and len(squares) else 1.0


def _kurtosis(z: np.ndarray) -> float:
    centred = z - z.mean(axis=0)
    variance = np.maximum((centred**2).mean(axis=0), 1e-300)
    return float(np.abs((centred**4).mean(axis=0) / variance**2 - 3).mean())


def _parted(aligned: Alignment) -> float:
    if not aligned.squares.size:
        return np.nan
    first = np.sort(aligned.squares, axis=0)[::-1]
    return float((first[0] - first[1]).mean()) if len(first) > 1 else np.nan


def _mean_correlation(z: np.ndarray) -> float:
    there = z[:, z.std(axis=0) > 1e-9 * max(z.std(axis=0).max(initial=0), 1e-300)]
    if there.shape[1] < 2:
        return 0.0
    r = np.corrcoef(there, rowvar=False)
    return float(np.abs(r[np.triu_indices(len(r), 1)]).mean())


def _half(variances: np.ndarray) -> float:
    total = variances.sum()
    return float(variances[: -(-len(variances) // 2)].sum() / total) if total > 0 else 1.0


def _kept(z: np.ndarray, rotated: np.ndarray, seed: int) -> float:
    from scipy.spatial.distance import cdist

    rows = np.random.default_rng(seed).permutation(len(z))[:_SAMPLE]
    k = min(_NEAR, len(rows) - 1)
    if k < 1:
        return 1.0
    near = []
    for points in (z[rows].astype(np.float64), rotated[rows]):
        apart = cdist(points, points)
        np.fill_diagonal(apart, np.inf)
        near.append(np.argpartition(apart, k - 1, axis=1)[:, :k])
    return float((near[0][:, :, None] == near[1][:, None, :]).any(axis=2).mean())
