"""Canonical correlation analysis: the directions along which two sides of pairs go together."""

from typing import Any, Literal

import numpy as np
from sklearn.utils import check_random_state

from .base import PairedModel, mean_reciprocal_rank
from .sides import Side, principal

_USUAL = 64  # dimensions, or as many as there are
_SHRINKAGES = (0.001, 0.01, 0.03, 0.1, 0.3, 0.6, 0.9)
_HELD = 0.2  # of the pairs, to choose the shrinkage on
_MOST_HELD = 1000  # pairs


class CCA(PairedModel):
    """Linear maps of two sides into one space in which partners lie as close as linear maps can bring them.

        u = A'(x - mean x)     v = B'(y - mean y)     corr(u_i, v_i) = rho_i     z = rho * u or rho * v

    The canonical correlations rho fall; u is uncorrelated with itself and with every other v. Scaling by rho lets what
    the sides agree on count for more (Gong et al., 2014). Covariances are shrunk towards a multiple of the identity,
    C = (1 - s) C + s * mean variance * I (Vinod's canonical ridge, 1976), without which sides of more features than
    pairs always agree. The solution is exact.

    Parameters
    ----------
    dims : int or "auto", default="auto"
        Dimensions, up to the smaller side's rank. "auto" is 64, or as many as there are.
    split : int or None, default=None
        How many features the first side has; `latentspace.fit(kind="pairs")` sets it.
    shrinkage : float or "auto", default="auto"
        s, from 0 (plain CCA) to 1. "auto" takes the one under which held-out partners, a fifth of them, rank highest
        among each other.
    random_state : int, RandomState or None, default=None
        Draws the held-out pairs.

    Attributes
    ----------
    correlations_ : float64 array of shape (dims,)
        rho; with shrinkage they are below the correlations of the fitted rows.
    shrinkage_ : float
    left_, right_ : float64 arrays of shape (split, dims) and (p - split, dims)
        A and B, scaled by rho.
    left_mean_, right_mean_ : float64 arrays
    dims_, n_features_in_ : int

    References
    ----------
    Hotelling, "Relations between two sets of variates", 1936. Gong, Ke, Isard and Lazebnik, "A multi-view embedding
    space for modeling internet images, tags, and their semantics", 2014.
    """

    family = "cca"

    def __init__(
        self,
        dims: int | Literal["auto"] = "auto",
        *,
        split: int | None = None,
        shrinkage: float | Literal["auto"] = "auto",
        random_state: Any = None,
    ):
        self.dims = dims
        self.split = split
        self.shrinkage = shrinkage
        self.random_state = random_state

    def _learn(self, left: np.ndarray, right: np.ndarray) -> None:
        sides = principal(left), principal(right)
        most = min(len(side.spread) for side in sides)
        dims = min(_USUAL, most) if self.dims == "auto" else self.dims
        if type(dims) is not int or not 1 <= dims <= most:
            raise ValueError(f"dims={self.dims!r} must be a whole number from 1 to {most}, the smaller side's rank.")
        if self.shrinkage != "auto" and not (isinstance(self.shrinkage, int | float) and 0 <= self.shrinkage <= 1):
            raise ValueError(f"shrinkage={self.shrinkage!r} must be from 0 to 1, or 'auto'.")
        self.shrinkage_ = self._chosen(left, right, dims) if self.shrinkage == "auto" else float(self.shrinkage)
        between = sides[0].along(left).T @ sides[1].along(right) / len(left)
        self.left_, self.right_, self.correlations_ = _solve(sides, between, dims, self.shrinkage_)
        self.left_mean_, self.right_mean_ = sides[0].mean, sides[1].mean
        self.dims_ = dims

    def _encode(self, x: np.ndarray, side: int) -> np.ndarray:
        mean, encoder = (self.right_mean_, self.right_) if side else (self.left_mean_, self.left_)
        return (x - mean) @ encoder

    def _chosen(self, left: np.ndarray, right: np.ndarray, dims: int) -> float:
        order = check_random_state(self.random_state).permutation(len(left))
        held = order[: min(max(2, int(_HELD * len(left))), _MOST_HELD)]
        rest = np.setdiff1d(order, held)
        sides = principal(left[rest]), principal(right[rest])
        between = sides[0].along(left[rest]).T @ sides[1].along(right[rest]) / len(rest)
        scores = []
        for shrinkage in _SHRINKAGES:
            a, b, _ = _solve(sides, between, dims, shrinkage)
            scores.append(mean_reciprocal_rank((left[held] - sides[0].mean) @ a, (right[held] - sides[1].mean) @ b))
        return _SHRINKAGES[int(np.argmax(scores))]


def _solve(
    sides: tuple[Side, Side], between: np.ndarray, dims: int, shrinkage: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A and B scaled by rho, and rho; `between` is the correlation of the sides' own coordinates (k, l)."""
    # Along its principal axes a side's shrunk covariance is diagonal, so that whitening it is a division.
    root = [np.sqrt((1 - shrinkage) * s.spread**2 + shrinkage * (s.spread**2).mean()) for s in sides]
    ratio = [side.spread / r for side, r in zip(sides, root, strict=True)]
    u, rho, vt = np.linalg.svd(ratio[0][:, None] * between * ratio[1], full_matrices=False)
    rho = rho[:dims]
    found = zip(sides, root, (u[:, : len(rho)], vt[: len(rho)].T), strict=True)
    a, b = (_filled((side.axes / r) @ (turn * rho), dims) for side, r, turn in found)
    return a, b, np.pad(rho, (0, dims - len(rho)))


def _filled(encoder: np.ndarray, dims: int) -> np.ndarray:
    return np.pad(encoder, ((0, 0), (0, dims - encoder.shape[1])))
