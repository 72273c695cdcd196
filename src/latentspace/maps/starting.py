"""Where UMAP begins: Laplacian eigenmaps of the neighbour graph, part by part.

Belkin and Niyogi, "Laplacian eigenmaps for dimensionality reduction and data representation", 2003, on the symmetric
normalised Laplacian, as UMAP's authors start. A graph in several parts tells nothing of where they lie to each other:
each is laid out by itself and set where PCA has its middle, in an area that goes with its items.
"""

import numpy as np
from scipy import sparse
from scipy.linalg import eigh
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackNoConvergence, eigsh
from threadpoolctl import threadpool_limits

from .pca import fit_pca

_EXTENT = 30.0  # of the start, on each axis: at 10 (the authors') dense places stay folded (decision 0025)
_SIDE = 0.5  # of a part's own extent, so that few parts begin one in another
_FEWEST = 12  # items of a part that are laid out by their graph
_DENSE = 500  # items up to which all eigenvectors are found: Lanczos may miss one of two that have the same value
_TOLERANCE = 1e-6
_RESTARTS = 200  # of the Lanczos iteration, after which PCA serves as well
_JITTER = 1e-4  # parts items that begin at one spot


def spectral_start(z: np.ndarray, fuzzy: sparse.csr_array, seed: int, dims: int) -> np.ndarray:
    """Coordinates float32 (n, dims) for latents z (n, d) and the symmetric weights of their graph (n, n)."""
    count, parts = connected_components(fuzzy, directed=False)
    flat = _boxed(fit_pca(z, dims).coordinates.astype(np.float64))
    start = flat if count > 1 else _laid_by_graph(fuzzy, flat)
    for part in np.flatnonzero(np.bincount(parts) >= _FEWEST) if count > 1 else ():
        rows = np.flatnonzero(parts == part)
        own = _laid_by_graph(fuzzy[rows][:, rows], flat[rows])
        start[rows] = flat[rows].mean(axis=0) + own * _SIDE * (len(rows) / len(z)) ** (1 / dims)
    scale = _JITTER if start.any() else 1.0
    return np.ascontiguousarray(start + np.random.default_rng(seed).normal(scale=scale, size=start.shape), np.float32)


def _laid_by_graph(fuzzy: sparse.csr_array, otherwise: np.ndarray) -> np.ndarray:
    """The eigenvectors next to the largest of D^-1/2 W D^-1/2 of one connected part, boxed."""
    n, dims = otherwise.shape
    if n < _FEWEST:
        return _boxed(otherwise)
    root = np.sqrt(np.asarray(fuzzy.sum(axis=1)).ravel())
    scaled = fuzzy.multiply(1 / root[:, None]).multiply(1 / root[None, :]).tocsr()
    begin = np.random.default_rng(0).normal(
        size=n
    )  # not the first eigenvector, which is known: Lanczos would end at once
    try:
        with threadpool_limits(1):  # sums in one order, so that any number of threads gives the same map
            values, vectors = (
                eigh(scaled.toarray())
                if n <= _DENSE
                else eigsh(scaled, dims + 1, which="LA", tol=_TOLERANCE, v0=begin, maxiter=_RESTARTS)
            )
    except ArpackNoConvergence:
        return _boxed(otherwise)
    return _boxed(vectors[:, np.argsort(-values)[1 : dims + 1]])


def _boxed(coordinates: np.ndarray) -> np.ndarray:
    """Centred, each axis stretched to the start's extent; a flat axis stays flat."""
    low, high = coordinates.min(axis=0, initial=np.inf), coordinates.max(axis=0, initial=-np.inf)
    span = np.where(high > low, high - low, 1.0)
    return (coordinates - (low + high) / 2) * (_EXTENT / span)
