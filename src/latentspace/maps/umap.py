"""UMAP on a neighbour graph that is already there.

McInnes, Healy and Melville, "UMAP: uniform manifold approximation and projection for dimension reduction", 2018. The
fuzzy graph is theirs (their equations are named below); the layout moves every vertex from where the others were when
the epoch began (see `kernels`), so that a seed gives one map on any number of threads. It starts from the eigenvectors
of the graph, as theirs does: chance keeps less of the whole (Kobak and Linderman, "Initialization is critical for
preserving global data structure in both t-SNE and UMAP", 2021), and PCA parts worse what is curved (decision 0025).
"""

import numpy as np
from scipy import sparse

from ..optional import require
from ..progress import track
from ..search.graph import NeighbourGraph
from .fitted import Fitted
from .pca import check_graph, plainly
from .starting import spectral_start

_FEWEST = 5  # items; with fewer, neighbourhoods mean nothing and the PCA map is shown
_BISECTIONS = 64
_LARGE = 10_000  # items from which fewer epochs do


def fit_umap(
    z: np.ndarray,
    graph: NeighbourGraph,
    seed: int = 0,
    *,
    dims: int = 2,
    neighbours: int = 15,
    min_dist: float = 0.1,
    spread: float = 1.0,
    epochs: int | None = None,
    negatives: int = 5,
) -> Fitted:
    """Lays latents out so that the fuzzy graph of neighbours on the map is that in z.

    Parameters
    ----------
    z : float32 array of shape (n, dims)
        Says where parts of the graph that are not connected begin.
    graph : NeighbourGraph
        With at least `neighbours - 1` neighbours, the item itself being the first by the authors' count.
    seed : int, default=0
    dims : 2 or 3, default=2
        Of the map.
    neighbours : int, default=15
        Few show fine structure, many the whole.
    min_dist : float, default=0.1
        How near items may come on the map, in units of `spread`.
    spread : float, default=1.0
    epochs : int, optional
        By default 500, as the authors have it, and 300 from 10,000 items on, where they take 200.
    negatives : int, default=5
        Strangers that push for each neighbour that pulls.

    Raises
    ------
    ValueError
        If an option is out of range, or the graph is of another number of items.
    MissingExtraError
        If numba is not installed.
    """
    n = len(z)
    if neighbours < 2 or not 0 <= min_dist <= spread or (epochs is not None and epochs < 1) or negatives < 0:
        raise ValueError(
            f"neighbours={neighbours}, min_dist={min_dist}, spread={spread}, epochs={epochs}, negatives={negatives}: "
            "neighbours is at least 2, min_dist from 0 to spread, epochs at least 1, negatives at least 0."
        )
    check_graph(graph, n)
    if n < _FEWEST:
        return plainly(z, "umap", _FEWEST, dims)
    require("numba", "maps", "method='umap'")
    epochs = epochs or (500 if n < _LARGE else 300)
    a, b = curve(min_dist, spread)
    fuzzy = fuzzy_graph(graph.nearest(neighbours - 1))
    coordinates = _laid_out(fuzzy, spectral_start(z, fuzzy, seed, dims), a, b, epochs, negatives, seed)
    params = {
        "neighbours": min(neighbours, graph.k + 1), "min_dist": min_dist, "spread": spread, "epochs": epochs,
        "negatives": negatives, "seed": seed,
    }  # fmt: skip
    return Fitted(coordinates, "umap", params)


def curve(min_dist: float, spread: float) -> tuple[float, float]:
    """The a and b of 1 / (1 + a d^2b) nearest to 1 within min_dist and to exp(-(d - min_dist) / spread) beyond."""
    from scipy.optimize import curve_fit

    d = np.linspace(0, 3 * spread, 300)
    wanted = np.where(d < min_dist, 1.0, np.exp(-(d - min_dist) / spread))
    (a, b), _ = curve_fit(lambda x, a, b: 1 / (1 + a * x ** (2 * b)), d, wanted)
    return float(a), float(b)


def fuzzy_graph(graph: NeighbourGraph) -> sparse.csr_array:
    """The symmetric fuzzy graph, weights in (0, 1]: A + A' - A * A' (their section 3.1), as CSR (n, n)."""
    weights = memberships(graph.distances.astype(np.float64))
    n, k = weights.shape
    rows = np.repeat(np.arange(n), k)
    one_way = sparse.coo_array((weights.ravel(), (rows, graph.positions.ravel())), shape=(n, n)).tocsr()
    other_way = one_way.T.tocsr()
    both = (one_way + other_way - one_way.multiply(other_way)).tocsr()
    both.eliminate_zeros()
    both.sort_indices()
    return both


def memberships(distances: np.ndarray) -> np.ndarray:
    """exp(-(d - rho) / sigma) for distances (n, k), nearest first, self excluded.

    rho is the nearest distance above 0, and sigma such that the sum over the neighbours is log2(k + 1): their algorithm
    3, in which the item itself counts among the k + 1 and adds nothing to the sum.
    """
    n, k = distances.shape
    positive = np.where(distances > 0, distances, np.inf)
    rho = positive.min(axis=1, initial=np.inf)
    rho[~np.isfinite(rho)] = 0.0
    beyond = np.maximum(distances - rho[:, None], 0)
    wanted = np.log2(k + 1)
    low, high, sigma = np.zeros(n), np.full(n, np.inf), np.ones(n)
    for _ in range(_BISECTIONS):
        total = np.exp(-beyond / sigma[:, None]).sum(axis=1)
        over = total > wanted
        high, low = np.where(over, sigma, high), np.where(over, low, sigma)
        sigma = np.where(np.isfinite(high), (low + high) / 2, sigma * 2)
        np.clip(sigma, 1e-300, 1e300, out=sigma)
    floor = 1e-3 * np.where(rho > 0, distances.mean(axis=1), distances.mean() if distances.size else 0.0)
    sigma = np.maximum(sigma, floor)
    return np.where(beyond > 0, np.exp(-beyond / np.where(sigma > 0, sigma, 1.0)[:, None]), 1.0)


def _laid_out(
    fuzzy: sparse.csr_array, start: np.ndarray, a: float, b: float, epochs: int, negatives: int, seed: int
) -> np.ndarray:
    from .kernels import on_usable_cores, umap_epoch

    strongest = fuzzy.data.max(initial=0)
    kept = fuzzy.data >= strongest / epochs  # weaker ones would never have a turn
    begins = np.concatenate([[0], np.cumsum(np.add.reduceat(kept, fuzzy.indptr[:-1]) * (np.diff(fuzzy.indptr) > 0))])
    others, every = fuzzy.indices[kept].astype(np.int32), (strongest / fuzzy.data[kept]).astype(np.float32)
    due, deep = every.copy(), None if start.shape[1] == 2 else 1
    old, new = start, np.empty_like(start)
    with on_usable_cores():
        for epoch in track(range(epochs), "UMAP", epochs):
            alpha = np.float32(1 - epoch / epochs)
            umap_epoch(
                old, new, begins, others, every, due, epoch, np.float32(a), np.float32(b), alpha, negatives, seed, deep
            )
            old, new = new, old
    return old
