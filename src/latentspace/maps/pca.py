"""The plainest map: the two axes along which latents vary most. New items and spots have exact answers."""

import numpy as np

from ..search.graph import NeighbourGraph
from .fitted import Fitted

_SMALL = 2048  # the eigenvectors of a matrix this size take about a second; larger ones are found by iteration


def fit_pca(z: np.ndarray, dims: int = 2) -> Fitted:
    """Projects latents on their first two principal axes, or as many as `dims` says.

    coordinates = (z - mean) @ axes.T

    An axis points to where its largest loading is positive, so that a map is not mirrored from run to run. With
    latents of 1 dimension the second coordinate is 0. `params` holds `variance_share`: the share of variance that each
    axis holds.
    """
    mean = z.mean(axis=0, dtype=np.float64) if len(z) else np.zeros(z.shape[1])
    axes = np.zeros((dims, z.shape[1]))
    found = min(dims, z.shape[1])
    if found:
        axes[:found] = _principal_axes(z, mean, found)
        largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
        axes *= np.where(largest < 0, -1.0, 1.0)
    coordinates = project(z, mean, axes)
    total = sum(float(((z[s : s + 16384] - mean) ** 2).sum()) for s in range(0, len(z), 16384))
    variances = (coordinates.astype(np.float64) ** 2).sum(axis=0)
    share = (variances / total).tolist() if total > 0 else [0.0] * dims
    return Fitted(coordinates, "pca", {"variance_share": share}, {"mean": mean, "axes": axes})


def plainly(z: np.ndarray, method: str, fewest: int, dims: int = 2) -> Fitted:
    """What another method shows of fewer items than it has a meaning for: their PCA map, with a note that says so."""
    return Fitted(fit_pca(z, dims).coordinates, method, {"note": f"fewer than {fewest} items: laid out by PCA"})


def check_graph(graph: NeighbourGraph, n: int) -> None:
    """Raises ValueError for a neighbour graph of another number of items."""
    if len(graph) != n:
        raise ValueError(f"the neighbour graph has {len(graph)} items, the latents have {n}; compute it from these.")


def project(z: np.ndarray, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Latents (m, dims) to coordinates (m, one an axis), in blocks."""
    coordinates = np.empty((len(z), len(axes)), np.float32)
    for start in range(0, len(z), 16384):
        # A product of two columns goes to a matrix-vector routine for one row and to another for many; einsum adds in
        # one order, so an item lands on the same spot alone and in a crowd.
        coordinates[start : start + 16384] = np.einsum("nd,kd->nk", z[start : start + 16384] - mean, axes)
    return coordinates


def unproject(xy: np.ndarray, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Coordinates (m, one an axis) to the latents (m, dims) on the map's own plane."""
    return (xy.astype(np.float64) @ axes + mean).astype(np.float32)


def _principal_axes(z: np.ndarray, mean: np.ndarray, found: int) -> np.ndarray:
    """The first axes, orthonormal float64 (found, dims)."""
    from scipy.linalg import eigh

    n, dims = z.shape
    if dims <= max(n, _SMALL) and dims <= _SMALL:
        covariance = np.zeros((dims, dims))
        for start in range(0, n, 16384):
            centred = z[start : start + 16384] - mean
            covariance += centred.T @ centred
        _, vectors = eigh(covariance, subset_by_index=(dims - found, dims - 1))
        return vectors.T[::-1]
    axes = _few_items(z, mean, found) if n <= _SMALL else _iterated(z, mean, found)
    q, r = np.linalg.qr(axes.T)
    return (q * np.where(np.diag(r) < 0, -1.0, 1.0)).T


def _few_items(z: np.ndarray, mean: np.ndarray, found: int) -> np.ndarray:
    """Axes by way of the (n, n) products of items, where dims is large and n is not."""
    from scipy.linalg import eigh

    axes = np.eye(found, z.shape[1])
    if len(z):
        centred = z - mean
        keep = min(found, len(z))
        _, vectors = eigh(centred @ centred.T, subset_by_index=(len(z) - keep, len(z) - 1))
        spans = vectors.T[::-1] @ centred
        lengths = np.linalg.norm(spans, axis=1)
        real = lengths > 1e-12 * max(float(np.abs(centred).max(initial=0)), 1e-300)
        axes[:keep][real] = spans[real] / lengths[real, None]
    return axes


def _iterated(z: np.ndarray, mean: np.ndarray, found: int) -> np.ndarray:
    from scipy.sparse.linalg import LinearOperator, svds

    n, dims = z.shape
    operator = LinearOperator(
        (n, dims),
        matvec=lambda v: z @ v.astype(np.float32) - mean @ v,
        rmatvec=lambda u: z.T @ u.astype(np.float32) - mean * u.sum(),
        dtype=np.float64,
    )
    start = np.random.default_rng(0).standard_normal(min(n, dims))
    _, _, axes = svds(operator, k=found, v0=start, maxiter=1000)
    return axes[::-1]
