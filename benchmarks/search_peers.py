"""What `search` is measured against. Imports nothing of latentspace: jobs run in the peers' own environment.

A peer is a function of latents (n, dims), of unit length where the metric is the cosine, that builds an index and
gives its ways to search: pairs of a name and a function of (queries, k) that returns positions.
"""

import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .harness import measure

Search = Callable[[np.ndarray, int], np.ndarray]
THREADS = 2
K = 10
WANTED = (0.9, 0.95, 0.98, 0.99)


def recall(positions: np.ndarray, z: np.ndarray, queries: np.ndarray, worst: np.ndarray) -> float:
    """Share of the K that are as near as the K-th nearest: equals count whichever was found."""
    near = 0
    for found, query, limit in zip(positions, queries, worst, strict=True):
        there = np.unique(found[:K])
        there = there[(there >= 0) & (there < len(z))]
        distances = ((z[there].astype(np.float64) - query) ** 2).sum(axis=1)
        near += int((distances <= limit * (1 + 1e-5) + 1e-9).sum())
    return near / (len(queries) * K)


def times(search: Search, queries: np.ndarray, repeats: int = 5) -> dict[str, float]:
    """Queries a second: the best of some repeats by the clock, and by processor time, as if both cores were free."""
    wall, cpu, began = [], [], time.perf_counter()
    for _ in range(repeats):
        start, used = time.perf_counter(), time.process_time()
        search(queries, K)
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
        if time.perf_counter() - began > 20:
            break
    return {"qps": len(queries) / min(wall), "qps_cpu": THREADS * len(queries) / min(cpu)}


def single(search: Search, queries: np.ndarray) -> float:
    """Microseconds of one query alone, the median of 300 (or of as many as three seconds allow)."""
    seconds, began = [], time.perf_counter()
    for row in range(min(300, len(queries))):
        start = time.perf_counter()
        search(queries[row : row + 1], K)
        seconds.append(time.perf_counter() - start)
        if time.perf_counter() - began > 3:
            break
    return float(np.median(seconds) * 1e6)


def job(peer: str, z: str, queries: str, worst: str, metric: str) -> dict[str, Any]:
    """Builds one peer's index and searches it at every setting, from fast to right."""
    importlib.import_module(LIBRARIES[peer])  # before the clock runs
    few = 300 if peer in FEW else None
    rows, q, limits = np.load(z), np.load(queries)[:few], np.load(worst)[:few]
    return measured(lambda: PEERS[peer](rows), rows, q, limits) | {"metric": metric}


def measured(make: Callable[[], Any], z: np.ndarray, queries: np.ndarray, worst: np.ndarray) -> dict[str, Any]:
    """Figures of what `make` builds."""
    used = time.process_time()
    ways, build = measure(make)
    figures: dict[str, Any] = {
        "build": build["seconds"], "build_cpu": time.process_time() - used, "build_mb": build["extra_mb"],
        "raw_mb": z.nbytes / 2**20, "rows": [], "single": {},
    }  # fmt: skip
    for name, search in ways:
        search(queries[:100], K)
        row = {"setting": name, "recall": recall(search(queries, K), z, queries, worst)}
        row |= times(search, queries)
        figures["rows"].append(row)
        for target in WANTED:
            if row["recall"] >= target and str(target) not in figures["single"]:
                figures["single"][str(target)] = single(search, queries)
        if row["recall"] > 0.9965:
            break
    return figures


def _numpy(z: np.ndarray) -> Iterator[tuple[str, Search]]:
    squares = np.einsum("ij,ij->i", z, z) / 2

    def search(queries: np.ndarray, k: int) -> np.ndarray:
        found = np.empty((len(queries), k), np.int64)
        for start in range(0, len(queries), 64):
            keys = queries[start : start + 64] @ z.T - squares
            found[start : start + 64] = np.argpartition(keys, keys.shape[1] - k, axis=1)[:, -k:]
        return found

    yield "exact", search


def _flat(z: np.ndarray) -> Iterator[tuple[str, Search]]:
    import faiss

    index = faiss.IndexFlatL2(z.shape[1])
    index.add(z)
    return iter([("exact", lambda queries, k: index.search(queries, k)[1])])


def _faiss_hnsw(z: np.ndarray) -> Iterator[tuple[str, Search]]:
    import faiss

    index = faiss.IndexHNSWFlat(z.shape[1], 16)
    index.hnsw.efConstruction = 100
    index.add(z)

    def ways() -> Iterator[tuple[str, Search]]:
        for ef in _LADDER:
            index.hnsw.efSearch = ef
            yield f"ef {ef}", lambda queries, k: index.search(queries, k)[1]

    return ways()


_LADDER = (12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)


def _lists(n: int) -> int:
    """FAISS's own advice: a few times the root of n."""
    return int(2 ** round(np.log2(2 * n**0.5)))


def _faiss_sq8(z: np.ndarray) -> Iterator[tuple[str, Search]]:
    import faiss

    index = faiss.index_factory(z.shape[1], f"IVF{_lists(len(z))},SQ8")
    index.train(z[: 64 * index.nlist])
    index.add(z)

    def ways() -> Iterator[tuple[str, Search]]:
        for probes in (2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512):
            index.nprobe = min(probes, index.nlist)
            yield f"nprobe {probes}", lambda queries, k: index.search(queries, k)[1]

    return ways()


def _faiss_fastscan(z: np.ndarray) -> Iterator[tuple[str, Search]]:
    """As FAISS's pages have it: codes of two dims, residuals, refined by the full vectors."""
    import faiss

    index = faiss.index_factory(z.shape[1], f"IVF{_lists(len(z))},PQ{z.shape[1] // 2}x4fsr,RFlat")
    inner = faiss.extract_index_ivf(index)
    index.train(z[: 64 * inner.nlist])
    index.add(z)

    def ways() -> Iterator[tuple[str, Search]]:
        for probes in (4, 8, 16, 32, 64, 128, 256, 512):
            for factor in (3, 6, 12, 24):
                inner.nprobe = min(probes, inner.nlist)
                index.k_factor = factor
                yield f"nprobe {probes}, refine {factor}", lambda queries, k: index.search(queries, k)[1]

    return ways()


def _hnswlib(z: np.ndarray) -> Iterator[tuple[str, Search]]:
    import hnswlib

    index = hnswlib.Index(space="l2", dim=z.shape[1])
    index.init_index(max_elements=len(z), M=16, ef_construction=100)
    index.set_num_threads(THREADS)
    index.add_items(z)

    def ways() -> Iterator[tuple[str, Search]]:
        for ef in _LADDER:
            index.set_ef(ef)
            yield f"ef {ef}", lambda queries, k: index.knn_query(queries, k, num_threads=min(THREADS, len(queries)))[0]

    return ways()


def _usearch(z: np.ndarray) -> Iterator[tuple[str, Search]]:
    from usearch.index import Index

    index = Index(ndim=z.shape[1], metric="l2sq", dtype="f32", connectivity=16, expansion_add=100)
    index.add(np.arange(len(z)), z, threads=THREADS)

    def ways() -> Iterator[tuple[str, Search]]:
        for ef in _LADDER:
            index.expansion_search = ef

            def search(queries: np.ndarray, k: int) -> np.ndarray:
                found = index.search(queries, k, threads=min(THREADS, len(queries)))
                return np.asarray(found.keys).reshape(len(queries), -1).astype(np.int64)

            yield f"ef {ef}", search

    return ways()


def _lancedb(z: np.ndarray) -> Iterator[tuple[str, Search]]:
    import tempfile

    import lancedb
    import pyarrow as pa

    folder = tempfile.mkdtemp()
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(z.ravel()), z.shape[1])
    table = lancedb.connect(folder).create_table("z", pa.table({"id": np.arange(len(z)), "vector": vectors}))
    sub = next(m for m in (z.shape[1] // 4, z.shape[1] // 2, z.shape[1]) if z.shape[1] % m == 0)
    table.create_index(metric="l2", num_partitions=_lists(len(z)) // 4, num_sub_vectors=sub, index_type="IVF_PQ")

    def ways() -> Iterator[tuple[str, Search]]:
        for probes in (4, 8, 16, 32, 64, 128):
            for factor in (3, 10):

                def search(queries: np.ndarray, k: int, probes: int = probes, factor: int = factor) -> np.ndarray:
                    # A batch in one call would be one query after the other in LanceDB too.
                    rows = []
                    for query in queries:
                        one = table.search(query).nprobes(probes).refine_factor(factor).limit(k).select(["id"])
                        rows.append(one.to_arrow()["id"].to_numpy())
                    return np.stack([np.pad(row, (0, k - len(row)), constant_values=-1) for row in rows])

                yield f"nprobes {probes}, refine {factor}", search

    return ways()


PEERS: dict[str, Callable[[np.ndarray], Any]] = {
    "numpy": _numpy,
    "FAISS flat": _flat,
    "FAISS HNSW": _faiss_hnsw,
    "FAISS IVF-SQ8": _faiss_sq8,
    "FAISS FastScan": _faiss_fastscan,
    "hnswlib": _hnswlib,
    "usearch": _usearch,
    "LanceDB": _lancedb,
}
LIBRARIES = {"numpy": "numpy", "hnswlib": "hnswlib", "usearch": "usearch", "LanceDB": "lancedb"} | {
    name: "faiss" for name in PEERS if name.startswith("FAISS")
}
FEW = {"numpy", "FAISS flat", "LanceDB"}  # slow enough that fewer queries tell
