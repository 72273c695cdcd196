"""t-SNE on a neighbour graph that is already there: affinities from its distances; `descent` lays out.

Van der Maaten and Hinton, "Visualizing data using t-SNE", 2008. The start is the PCA map, scaled down, and the learning
rate n / exaggeration: both keep the layout of the whole truer and the same from run to run (Kobak and Berens, "The art
of using t-SNE for single-cell transcriptomics", 2019; Belkina et al., 2019).
"""

import importlib.util
from typing import Any

import numpy as np
from scipy import sparse

from ..errors import UnsupportedError
from ..progress import Progress
from ..resources import free_cores
from ..search.graph import NeighbourGraph
from .fitted import Fitted
from .pca import check_graph, fit_pca, plainly

_FEWEST = 5  # items; with fewer, neighbourhoods mean nothing and the PCA map is shown
_REPORT_EVERY = 25  # iterations
_BISECTIONS = 100
MOST_DEEP = 10_000  # items in three dimensions: 100 million pairs a step, about two minutes for a map


def neighbours_needed(n: int, perplexity: float = 30) -> int:
    """Neighbours of each item that t-SNE looks at: three times the perplexity, and no more than there are."""
    return max(0, min(n - 1, int(3 * perplexity)))


def fit_tsne(
    z: np.ndarray,
    graph: NeighbourGraph,
    seed: int = 0,
    *,
    dims: int = 2,
    perplexity: float = 30,
    early_exaggeration: float = 12,
    early_iterations: int = 250,
    iterations: int = 500,
    exaggeration: float = 1,
) -> Fitted:
    """Lays latents out so that neighbours in z are neighbours on the map.

    Parameters
    ----------
    z : float32 array of shape (n, dims)
        For the PCA start.
    graph : NeighbourGraph
        With `neighbours_needed(n, perplexity)` neighbours; fewer lower the perplexity to a third of what there is.
    seed : int, default=0
        Draws the jitter that parts duplicates at the start.
    dims : 2 or 3, default=2
        Of the map. In 3, which takes numba, every pair is looked at: at most 10,000 items.
    perplexity : float, default=30
        Effective number of neighbours. Small data lower it, to a third of n - 1; `params` holds what was used.
    early_exaggeration : float, default=12
        How much stronger attraction is at first, while groups form.
    early_iterations, iterations : int, default=250 and 500
        At most; each phase ends where the divergence no longer falls.
    exaggeration : float, default=1
        The same for the rest; 2 to 4 draws groups tighter, for large n.

    Raises
    ------
    ValueError
        If perplexity is not positive, or the graph is of another number of items.
    UnsupportedError
        If dims is 3 and there are more than 10,000 items.
    MissingExtraError
        If dims is 3 and numba is not installed.
    """
    n = len(z)
    if not perplexity > 0:
        raise ValueError(f"perplexity={perplexity} is out of range: it counts neighbours, so it is above 0.")
    check_graph(graph, n)
    if dims == 3 and n > MOST_DEEP:
        raise UnsupportedError(
            f"t-SNE in three dimensions looks at every pair of items, so it takes {MOST_DEEP:,} at most; these are "
            f"{n:,}. In three dimensions method='umap', 'pacmap' or 'pca' take more, and t-SNE does in two."
        )
    if n < _FEWEST:
        return plainly(z, "tsne", _FEWEST, dims)
    graph = graph.nearest(neighbours_needed(n, perplexity))
    perplexity = min(perplexity, graph.k / 3)
    phases = [(early_iterations, early_exaggeration, 0.5), (iterations, exaggeration, 0.8)]
    lay_out = _lay_out if importlib.util.find_spec("numba") else _lay_out_by_opentsne
    coordinates, found = lay_out(_distances(graph), graph.positions, perplexity, _start(z, seed, dims), phases)
    params = {
        "perplexity": float(perplexity),
        "early_exaggeration": early_exaggeration,
        "early_iterations": early_iterations,
        "iterations": iterations,
        "exaggeration": exaggeration,
        "seed": seed,
        **found,
    }
    return Fitted(coordinates, "tsne", params)


def _distances(graph: NeighbourGraph) -> np.ndarray:
    """Euclidean distances (n, k) of the graph, float64, in units of their median."""
    distances = graph.distances.astype(np.float64)
    if graph.metric == "cosine":
        # The Gaussian is over squared Euclidean distances, and 1 - cosine is half of one between unit vectors.
        distances = np.sqrt(np.maximum(2 * distances, 0))
    scale = np.median(distances)
    return distances / scale if scale > 0 else distances


def _start(z: np.ndarray, seed: int, dims: int) -> np.ndarray:
    """PCA coordinates with a standard deviation of 1e-4, and a hundredth of that as jitter: float64 (n, dims)."""
    start = fit_pca(z, dims).coordinates.astype(np.float64)
    spread = start[:, 0].std()
    start = start / spread * 1e-4 if spread > 0 else start * 0
    return start + np.random.default_rng(seed).normal(scale=1e-6 if spread > 0 else 1e-4, size=start.shape)


def affinities(distances: np.ndarray, positions: np.ndarray, perplexity: float) -> sparse.csr_array:
    """The symmetric affinities of all pairs of neighbours, which sum to 1: CSR (n, n)."""
    from .tsne_kernels import bandwidths

    n, k = positions.shape
    weights = bandwidths(distances**2, float(perplexity), _BISECTIONS)
    begins = np.arange(0, n * k + 1, k)
    one_way = sparse.csr_array((weights.ravel(), positions.ravel(), begins), shape=(n, n))
    both = (one_way + one_way.T.tocsr()).tocsr()
    both.data /= 2 * n
    both.sort_indices()
    return both


def _lay_out(
    distances: np.ndarray, positions: np.ndarray, perplexity: float, start: np.ndarray, phases: list[Any]
) -> tuple[np.ndarray, dict[str, Any]]:
    """Runs (iterations, exaggeration, momentum) phases; returns float32 (n, dims), the divergence and what it took."""
    from .descent import LEAST_RATE, SETTLED, Descent
    from .descent_pairs import FEW, PairsDescent
    from .kernels import on_usable_cores

    descent: Descent | PairsDescent
    with on_usable_cores(), Progress("t-SNE", sum(iterations for iterations, _, _ in phases)) as progress:
        p = affinities(distances, positions, perplexity)
        paired = len(start) <= FEW or start.shape[1] == 3
        descent = PairsDescent(p, start, SETTLED, LEAST_RATE) if paired else Descent(p, start)
        took = [descent.run(steps, more, momentum, progress) for steps, more, momentum in phases]
        return descent.centred(), {"kl": descent.divergence(), "took": took}


def _lay_out_by_opentsne(
    distances: np.ndarray, positions: np.ndarray, perplexity: float, start: np.ndarray, phases: list[Any]
) -> tuple[np.ndarray, dict[str, Any]]:
    """The same by openTSNE, where there is no numba: the map is as true, and takes several times as long."""
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    if start.shape[1] != 2:
        from ..optional import require

        require("numba", "maps", "method='tsne' in three dimensions")
    threads = free_cores()
    knn = PrecomputedNeighbors(positions, distances)
    found = PerplexityBasedNN(knn_index=knn, perplexity=perplexity, n_jobs=threads)
    with Progress("t-SNE", sum(iterations for iterations, _, _ in phases)) as progress:

        def report(_iteration, error, _embedding) -> None:
            progress.advance(_REPORT_EVERY, f"KL {error:.3f}")

        embedding = TSNEEmbedding(start, found, n_jobs=threads, callbacks=report, callbacks_every_iters=_REPORT_EVERY)
        for iterations, exaggeration, momentum in phases:
            embedding.optimize(iterations, exaggeration=exaggeration, momentum=momentum, inplace=True)
    return np.asarray(embedding, dtype=np.float32), {"kl": float(embedding.kl_divergence)}
