"""t-SNE on a neighbour graph that is already there: affinities from its distances, openTSNE for the optimisation.

Van der Maaten and Hinton, "Visualizing data using t-SNE", 2008. The start is the PCA map, scaled down, and the learning
rate n / exaggeration: both keep the layout of the whole truer and the same from run to run (Kobak and Berens, "The art
of using t-SNE for single-cell transcriptomics", 2019; Belkina et al., 2019).
"""

import numpy as np

from ..progress import Progress
from ..resources import free_cores
from ..search.graph import NeighbourGraph
from .fitted import Fitted
from .pca import check_graph, fit_pca, plainly

_FEWEST = 5  # items; with fewer, neighbourhoods mean nothing and the PCA map is shown
_REPORT_EVERY = 25  # iterations


def neighbours_needed(n: int, perplexity: float = 30) -> int:
    """Neighbours of each item that t-SNE looks at: three times the perplexity, and no more than there are."""
    return max(0, min(n - 1, int(3 * perplexity)))


def fit_tsne(
    z: np.ndarray,
    graph: NeighbourGraph,
    seed: int = 0,
    *,
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
    perplexity : float, default=30
        Effective number of neighbours. Small data lower it, to a third of n - 1; `params` holds what was used.
    early_exaggeration : float, default=12
        How much stronger attraction is at first, while groups form.
    early_iterations, iterations : int, default=250 and 500
    exaggeration : float, default=1
        The same for the rest; 2 to 4 draws groups tighter, for large n.

    Raises
    ------
    ValueError
        If perplexity is not positive, or the graph is of another number of items.
    """
    n = len(z)
    if not perplexity > 0:
        raise ValueError(f"perplexity={perplexity} is out of range: it counts neighbours, so it is above 0.")
    check_graph(graph, n)
    if n < _FEWEST:
        return plainly(z, "tsne", _FEWEST)
    graph = graph.nearest(neighbours_needed(n, perplexity))
    perplexity = min(perplexity, graph.k / 3)
    coordinates, kl = _optimise(
        _affinities(graph, perplexity),
        _start(z, seed),
        [(early_iterations, early_exaggeration, 0.5), (iterations, exaggeration, 0.8)],
    )
    params = {
        "perplexity": float(perplexity),
        "early_exaggeration": early_exaggeration,
        "early_iterations": early_iterations,
        "iterations": iterations,
        "exaggeration": exaggeration,
        "seed": seed,
        "kl": kl,
    }
    return Fitted(coordinates, "tsne", params)


def _affinities(graph: NeighbourGraph, perplexity: float):
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    distances = graph.distances.astype(np.float64)
    if graph.metric == "cosine":
        # The Gaussian is over squared Euclidean distances, and 1 - cosine is half of one between unit vectors.
        distances = np.sqrt(np.maximum(2 * distances, 0))
    scale = np.median(distances)
    if scale > 0:
        distances = distances / scale  # the perplexity search starts at a bandwidth of 1 whatever the unit
    knn = PrecomputedNeighbors(graph.positions, distances)
    return PerplexityBasedNN(knn_index=knn, perplexity=perplexity, n_jobs=free_cores())


def _start(z: np.ndarray, seed: int) -> np.ndarray:
    """PCA coordinates with a standard deviation of 1e-4, and a hundredth of that as jitter: float64 (n, 2)."""
    start = fit_pca(z).coordinates.astype(np.float64)
    spread = start[:, 0].std()
    start = start / spread * 1e-4 if spread > 0 else start * 0
    return start + np.random.default_rng(seed).normal(scale=1e-6 if spread > 0 else 1e-4, size=start.shape)


def _optimise(affinities, start: np.ndarray, phases) -> tuple[np.ndarray, float]:
    """Runs (iterations, exaggeration, momentum) phases; returns float32 (n, 2) and the divergence in nats."""
    from openTSNE import TSNEEmbedding

    with Progress("t-SNE", sum(iterations for iterations, _, _ in phases)) as progress:

        def report(_iteration, error, _embedding) -> None:
            progress.advance(_REPORT_EVERY, f"KL {error:.3f}")

        embedding = TSNEEmbedding(
            start, affinities, n_jobs=free_cores(), callbacks=report, callbacks_every_iters=_REPORT_EVERY
        )
        for iterations, exaggeration, momentum in phases:
            embedding.optimize(iterations, exaggeration=exaggeration, momentum=momentum, inplace=True)
    return np.asarray(embedding, dtype=np.float32), float(embedding.kl_divergence)
