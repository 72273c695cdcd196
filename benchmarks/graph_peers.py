"""Neighbour graphs by other libraries, each a job in an environment of its own; see benchmarks/graph.py."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .harness import measure


def timed(work: Callable[[], tuple[np.ndarray, np.ndarray]], out: str) -> dict[str, float]:
    """Runs what makes a graph, keeps its distances, and returns seconds, processor seconds and memory."""
    began = time.process_time()
    (positions, distances), figures = measure(work)
    figures["core seconds"] = time.process_time() - began
    np.savez(out, positions=positions, distances=distances)
    return figures


def scikit_learn(z: str, k: int, out: str) -> dict[str, Any]:
    """Exact, by blocked products with a heap."""
    from sklearn.neighbors import NearestNeighbors

    rows = np.load(z)

    def work() -> tuple[np.ndarray, np.ndarray]:
        distances, positions = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(rows).kneighbors()
        return positions, distances

    return timed(work, out)


def faiss_flat(z: str, k: int, out: str) -> dict[str, Any]:
    """Exact, by FAISS's flat index."""
    import faiss

    rows = np.load(z)

    def work() -> tuple[np.ndarray, np.ndarray]:
        index = faiss.IndexFlatL2(rows.shape[1])
        index.add(rows)
        return _others(*index.search(rows, k + 1))

    return timed(work, out)


def faiss_hnsw(z: str, k: int, out: str) -> dict[str, Any]:
    """FAISS's HNSW: 16 links, 40 candidates in building, 3 k in searching."""
    import faiss

    rows = np.load(z)

    def work() -> tuple[np.ndarray, np.ndarray]:
        index = faiss.IndexHNSWFlat(rows.shape[1], 16)
        index.add(rows)
        index.hnsw.efSearch = 3 * k
        return _others(*index.search(rows, k + 1))

    return timed(work, out)


def pynndescent(z: str, k: int, out: str, warm: bool, neighbours: int) -> dict[str, Any]:
    """PyNNDescent; warm is after a first call on 5,000 other rows, which compiles."""
    from pynndescent import NNDescent

    rows = np.load(z)
    if warm:
        NNDescent(np.random.default_rng(0).normal(size=(5000, rows.shape[1])).astype(np.float32), random_state=0)

    def work() -> tuple[np.ndarray, np.ndarray]:
        positions, distances = NNDescent(rows, n_neighbors=neighbours + 1, random_state=0).neighbor_graph
        return _others(distances[:, : k + 1] ** 2, positions[:, : k + 1])

    return timed(work, out)


def _others(squared: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leaves each item out of its own neighbours, or the farthest where it is not among them."""
    itself = positions == np.arange(len(positions))[:, None]
    itself[~itself.any(axis=1), -1] = True
    itself &= np.cumsum(itself, axis=1) == 1
    shape = (len(positions), positions.shape[1] - 1)
    return positions[~itself].reshape(shape), np.sqrt(np.maximum(squared[~itself], 0)).reshape(shape)
