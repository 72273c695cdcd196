"""Search by features through a space: what each plan finds, how fast, in how much memory, and which plan is taken.

The same items, a PCA of few or more dims; truth is exact search of the features. The queries are new items.
"""

import importlib
import json
import resource
import sys
import time
from typing import Any

import numpy as np

from .harness import machine, publish, run, table
from .search_data import prepare

QUERIES = 1000
K = 10
# Set, dims of the space; (rerank, frugal) of each row.
SPACES = (("fashion", 16), ("fashion", 64), ("sentences", 64))
WAYS = {
    "exact": None,
    "features' own axes": (False, False),
    "latents, ordered by features": (True, False),
    "auto": ("auto", False),
    "auto, frugal": ("auto", True),
}


def job(name: str, dims: int, way: str) -> dict[str, Any]:
    """One way to search one set's features, in a process of its own."""
    import latentspace as ls

    importlib.import_module("faiss")  # before the clock runs
    files = prepare(name)
    x, q = np.load(files["z"]), np.load(files["queries"])[:QUERIES]
    space = ls.fit(x, model="pca", dims=dims, density="gaussian")
    z = space.encode(q)
    index = _index(space, way)
    options = WAYS[way]
    began = time.process_time()
    report: dict[str, Any] = {}
    if options is not None:
        report = index.build(files["metric"], rerank=options[0], frugal=options[1])
    build = time.process_time() - began
    some = slice(0, 200 if options is None else QUERIES)
    index.search(q[:64], K, files["metric"], near=z[:64])
    began = time.process_time()
    found = index.search(q[some], K, files["metric"], near=z[some])
    spent = time.process_time() - began
    worst = np.load(files["worst"])[some]
    apart = ((x[found.positions] - q[some][:, None]).astype(np.float64) ** 2).sum(axis=2)
    return {
        "recall": float((apart <= worst[:, None] * (1 + 1e-5) + 1e-9).mean()), "told": report.get("recall", 1.0),
        "build": build, "qps": len(found.positions) / spent, "of": report.get("of", ""), "plan": report.get("plan", ""),
        "held": (report.get("bytes", 0) + (0 if options and options[1] else x.nbytes)) / 2**20,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def _index(space: Any, way: str) -> Any:
    from latentspace import by_features

    options = WAYS[way]
    return by_features.index_of(space, frugal=bool(options and options[1]))


def main() -> None:
    """Measures all and publishes."""
    parts, plans = [], []
    for name, dims in SPACES:
        rows = []
        for way in WAYS:
            found = run("benchmarks.search_features:job", threads=1, name=name, dims=dims, way=way)
            print(json.dumps({"set": name, "dims": dims, "way": way, **found}), file=sys.stderr, flush=True)
            rows.append(
                {
                    "candidates": way,
                    "from": found["of"],
                    "build s": found["build"],
                    "recall": found["recall"],
                    "recall told": found["told"],
                    "q/s": round(found["qps"]),
                    "held MB": round(found["held"]),
                }
            )
            if way == "auto":
                plans.append(f"`{name}` in {dims} dims: {found['plan']}.")
        facts = prepare(name)
        parts.append(
            f"`{name}`, {facts['n']:,} x {facts['dims']} features, PCA of {dims}:\n\n{table(rows, list(rows[0]))}"
        )
    text = (
        f"{machine('numpy', 'faiss-cpu')}. One thread, processor time. {QUERIES:,} queries held out, ten neighbours; a "
        "recall of 0.95 is aimed at, told by the index, and measured by exact search of the features. Queries come "
        "with their latents. Held: what the index has in memory, and the features where they are there too.\n\n"
        + "\n\n".join(parts)
        + "\n\n"
        + "\n".join(f"- {plan}" for plan in plans)
    )
    publish("Search by features", text)
