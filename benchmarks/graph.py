"""The neighbour graph of all items, ours beside scikit-learn, FAISS and PyNNDescent: seconds, memory, recall.

    python -m venv ENV && ENV/bin/pip install numpy psutil scikit-learn faiss-cpu pynndescent
    SEARCH_PYTHON=ENV/bin/python python -m benchmarks.graph [--set NAME ...] [--by NAME ...] [--again] [--draw]

Every graph is made in a fresh process on two threads. Figures are kept in .cache/benchmarks/graph, so that a run that
was stopped goes on where it was; `--draw` only writes the page.
"""

import argparse
import json
import os
import sys
from typing import Any

import numpy as np

from .graph_peers import timed
from .harness import ROOT, machine, publish, run, table

CACHE = ROOT / ".cache" / "benchmarks" / "graph"
SETS = {
    "fashion": "Fashion-MNIST, 70,000 x 784",
    "digits": "MNIST in 32 dims of a PCA, 70,000 x 32",
    "glove": "GloVe words at unit length, 398,000 x 50",
}
K = 15
JUDGED = 2_000
BY: dict[str, tuple[str, dict[str, Any]]] = {
    "latentspace": ("benchmarks.graph:ours", {}),
    "latentspace, recall=0.995": ("benchmarks.graph:ours", {"recall": 0.995}),
    "PyNNDescent, first call": ("benchmarks.graph_peers:pynndescent", {"warm": False, "neighbours": K}),
    "PyNNDescent, warm": ("benchmarks.graph_peers:pynndescent", {"warm": True, "neighbours": K}),
    "PyNNDescent, warm, 30 cut to 15": ("benchmarks.graph_peers:pynndescent", {"warm": True, "neighbours": 2 * K}),
    "FAISS HNSW": ("benchmarks.graph_peers:faiss_hnsw", {}),
    "FAISS flat (exact)": ("benchmarks.graph_peers:faiss_flat", {}),
    "latentspace, exact": ("benchmarks.graph:ours", {"recall": 1.0}),
    "scikit-learn (exact)": ("benchmarks.graph_peers:scikit_learn", {}),
}
LARGE = {("glove", "scikit-learn (exact)"), ("glove", "FAISS flat (exact)"), ("glove", "latentspace, exact")}
COLUMNS = ["graph by", "seconds", "core seconds", "times ours", "extra MB", "recall"]


def ours(z: str, k: int, out: str, recall: float = 0.98) -> dict[str, Any]:
    """The graph as `space.graph` computes it."""
    import faiss  # noqa: F401 - before the clock runs, as for the peers

    from latentspace.search.graph import neighbour_graph

    rows = np.load(z)
    said = []

    def work() -> tuple[np.ndarray, np.ndarray]:
        graph = neighbour_graph(rows, k, recall=recall)
        said.append(graph.recall)
        return graph.positions, graph.distances

    return {**timed(work, out), "said": said[0]}


def prepare(name: str) -> tuple[str, str]:
    """Writes a set's rows, and the true neighbours' distances of some of them; returns both files."""
    rows, truth = CACHE / f"{name}.npy", CACHE / f"{name}-truth.npz"
    if not rows.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        np.save(rows, _rows(name))
    if not truth.exists():
        z = np.load(rows).astype(np.float64)
        chosen = np.random.default_rng(1).choice(len(z), JUDGED, replace=False)
        squared = (z * z).sum(axis=1)
        worst = np.empty(JUDGED)
        for start in range(0, JUDGED, 100):
            some = chosen[start : start + 100]
            apart = squared - 2 * (z[some] @ z.T)
            apart[np.arange(len(some)), some] = np.inf
            near = np.argpartition(apart, K + 5, axis=1)[
                :, : K + 5
            ]  # put in order by differences, which lose no digits
            true = np.sqrt(((z[near] - z[some, None]) ** 2).sum(axis=2))
            worst[start : start + 100] = np.sort(true, axis=1)[:, K - 1]
        np.savez(truth, chosen=chosen, worst=worst)
    return str(rows), str(truth)


def _rows(name: str) -> np.ndarray:
    from latentspace import PCA, datasets

    if name == "glove":
        from .search_data import prepare as prepare_vectors

        return np.load(prepare_vectors("glove")["z"])
    x = np.asarray(datasets.load("fashion-mnist" if name == "fashion" else "mnist").x)
    x = x.reshape(len(x), -1).astype(np.float32)
    return x if name == "fashion" else PCA(dims=32).fit_transform(x)


def recall_of(graph: str, z: str, truth: str) -> float:
    """Share of neighbours that are as near as the 15th true one, over 2,000 items, by distances computed here."""
    rows = np.load(z, mmap_mode="r")
    with np.load(truth) as held, np.load(graph) as made:
        chosen, worst, positions = held["chosen"], held["worst"], made["positions"]
    near = [
        np.linalg.norm(rows[positions[row]].astype(np.float64) - rows[row].astype(np.float64), axis=1)
        <= limit * 1.000001
        for row, limit in zip(chosen, worst, strict=True)
    ]
    return float(np.mean(near))


def figures(name: str, by: str, again: bool = False) -> dict[str, Any] | None:
    """One graph's figures, measured now or kept; None where it cannot be made here."""
    kept = CACHE / f"{name}-{by.replace(' ', '-')}.json"
    if kept.exists() and not again:
        return json.loads(kept.read_text())
    job, given = BY[by]
    peer = os.environ.get("SEARCH_PYTHON")
    if "peers" in job and peer is None:
        return None
    z, truth = prepare(name)
    out = str(CACHE / "made.npz")
    python = sys.executable if "peers" not in job else str(peer)
    row = run(job, threads=2, python=python, z=z, k=K, out=out, **given)
    row["recall"] = recall_of(out, z, truth)
    kept.write_text(json.dumps(row))
    print(f"{name}, {by}: {row}", file=sys.stderr, flush=True)
    return row


def draw() -> None:
    """Writes docs/benchmarks.md from the figures that are kept."""
    parts = [
        f"{machine('numpy', 'faiss-cpu')}; pynndescent 0.7.0, scikit-learn 1.9.1. The {K} nearest others "
        "of every item, two threads, each in a fresh process; recall on 2,000 items against float64. Other work ran "
        "beside it: core seconds, which it touches less, are the fairer column, and `times ours` is of them. "
        "Ours counts the sample on which recall is measured. `python -m benchmarks.graph`."
    ]
    for name, title in SETS.items():
        kept = {by: CACHE / f"{name}-{by.replace(' ', '-')}.json" for by in BY}
        rows = [{"graph by": by, **json.loads(path.read_text())} for by, path in kept.items() if path.exists()]
        base = next((row["core seconds"] for row in rows if row["graph by"] == "latentspace"), None)
        for row in rows:
            row["times ours"] = row["core seconds"] / base if base else ""
            row["extra MB"] = row.pop("extra_mb")
        if rows:
            parts.append(f"{title}:\n\n{table(rows, COLUMNS)}")
    publish("Graph", "\n\n".join(parts))


def main() -> None:
    """Measures what is not kept yet, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--by", nargs="+", choices=list(BY), default=list(BY))
    parser.add_argument("--again", action="store_true", help="measure anew")
    parser.add_argument("--draw", action="store_true", help="only write the page")
    parser.add_argument("--prepare", action="store_true", help="only fetch the sets and find their true neighbours")
    asked = parser.parse_args()
    if asked.prepare:
        print(*map(prepare, asked.set), sep="\n")
        return
    for name in [] if asked.draw else asked.set:
        for by in asked.by:
            if (name, by) not in LARGE:
                figures(name, by, asked.again)
    draw()


if __name__ == "__main__":
    main()
