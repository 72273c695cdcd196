"""Search on real vectors, ours beside numpy, FAISS, hnswlib, usearch and LanceDB: build, memory, recall, queries/s.

    python -m venv ENV && ENV/bin/pip install numpy psutil faiss-cpu hnswlib usearch lancedb
    SEARCH_PYTHON=ENV/bin/python python -m benchmarks.search [--set NAME ...] [--by NAME ...] [--draw]

Each index is built and searched in a fresh process on two threads; its figures are kept in .cache/benchmarks/search, so
that a run that was stopped goes on where it was. `--again` measures anew; `--draw` only writes the page.
"""

import argparse
import importlib
import json
import os
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .harness import ROOT, machine, publish, run, table
from .search_data import CACHE, QUERIES, SETS, K, prepare
from .search_peers import PEERS, THREADS, Search, measured

PICTURES = ROOT / "docs" / "pictures"
ASKED = (0.9, 0.95, 0.98, 0.99, 0.995)
OURS = ("latentspace", "latentspace exact", "latentspace frugal", "latentspace by latents")
LATENTS = 64  # dims of a PCA that candidates are found by; the pictures only
TARGETS = (0.95, 0.99)
SLOW = {("million", "LanceDB")}  # an hour of building


def job(by: str, z: str, queries: str, worst: str, metric: str) -> dict[str, Any]:
    """Builds one of ours and searches it at every recall, from fast to right."""
    from latentspace import PCA
    from latentspace.search.approximate import Approximate
    from latentspace.search.exact import ExactIndex

    importlib.import_module("faiss")  # before the clock runs, as for the peers
    frugal = by == "latentspace frugal"
    rows, q, limits = np.load(z, mmap_mode="r" if frugal else None), np.load(queries), np.load(worst)
    held: dict[str, float] = {}

    def make() -> Iterator[tuple[str, Search]]:
        if by == "latentspace exact":
            exact = ExactIndex(rows)
            return iter([("exact", lambda some, k: exact.search(some, k, metric).positions)])
        model = PCA(dims=LATENTS).fit(rows) if by == "latentspace by latents" else None
        latents = None if model is None else model.transform(rows)
        index = Approximate.build(rows, metric, latents=latents, frugal=frugal)
        held["held_mb"] = index.report["bytes"] / 2**20

        def way(asked: float) -> Search:
            def search(some: np.ndarray, k: int) -> np.ndarray:
                some_latents = None if model is None else model.transform(some)
                return index.search(some, k, recall=asked, latents=some_latents).positions

            return search

        return ((f"recall {asked}", way(asked)) for asked in ASKED if index.plan(K, recall=asked) is not None)

    few = 300 if by == "latentspace exact" else None
    return measured(make, rows, q[:few], limits[:few]) | held


def figures(name: str, by: str, again: bool = False) -> dict[str, Any] | None:
    """What was measured of one index on one set, or is now; None where its library is not installed."""
    path = CACHE / f"figures-{name}-{by.replace(' ', '-')}.json"
    if path.exists() and not again:
        return json.loads(path.read_text())
    os.environ["OMP_WAIT_POLICY"] = "passive"  # or threads that wait for a busy core would count as work
    files = {part: prepare(name)[part] for part in ("z", "queries", "worst", "metric")}
    if by in PEERS:
        if "SEARCH_PYTHON" not in os.environ:
            return None
        found = run(
            "benchmarks.search_peers:job", threads=THREADS, python=os.environ["SEARCH_PYTHON"], peer=by, **files
        )
    else:
        found = run("benchmarks.search:job", threads=THREADS, by=by, **files)
    path.write_text(json.dumps(found))
    print(f"  {name}, {by}: built in {found['build']:.1f} s; {found['rows']}", file=sys.stderr, flush=True)
    return found


def at(found: dict[str, Any], target: float) -> dict[str, float] | None:
    """The fastest row that reaches a recall."""
    rows = [row for row in found["rows"] if row["recall"] >= target]
    return max(rows, key=lambda row: row["qps_cpu"]) if rows else None


def _cores_had(found: dict[str, Any]) -> float:
    """Cores that a run got of those it asked for, a median over its settings: other work took the rest."""
    return statistics.median(THREADS * row["qps"] / row["qps_cpu"] for row in found["rows"])


def summary(name: str, kept: dict[str, dict[str, Any]]) -> str:
    """One set's table."""
    rows = []
    for by, found in kept.items():
        row: dict[str, Any] = {"by": by, "build s": found["build_cpu"] / THREADS}
        row["build MB"] = round(found["build_mb"])
        row["index MB"] = round(found["held_mb"]) if "held_mb" in found else ""
        row["cores had"] = round(_cores_had(found), 1)
        for target in TARGETS:
            best = at(found, target)
            row[f"q/s at {target}"] = round(best["qps_cpu"]) if best else "not reached"
            row[f"one query at {target}, µs"] = round(found["single"][str(target)]) if best else ""
        rows.append(row)
    facts = prepare(name)
    raw = facts["n"] * facts["dims"] * 4 / 2**20
    return f"`{name}`, {facts['n']:,} x {facts['dims']} ({raw:,.0f} MB), {facts['metric']}:\n\n" + table(
        rows, [*rows[0]]
    )


def draw(kept: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Draws recall against queries per second, one panel a set."""
    from .search_plot import panels

    PICTURES.mkdir(parents=True, exist_ok=True)
    panels(kept).save(PICTURES / "search.png", optimize=True)


def main() -> None:
    """Measures what is asked for and not there yet; writes docs/benchmarks.md and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", nargs="*", default=list(SETS))
    parser.add_argument("--by", nargs="*", default=[*OURS, *PEERS])
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    asked = parser.parse_args([] if sys.argv[0].endswith("benchmarks/__main__.py") else None)
    if not asked.draw:
        for name in asked.set:
            for by in asked.by:
                if (name, by) not in SLOW and (by != OURS[3] or name == "fashion"):
                    figures(name, by, asked.again)
    kept = {
        name: {
            by: json.loads(path.read_text())
            for by in (*OURS, *PEERS)
            if (path := Path(CACHE / f"figures-{name}-{by.replace(' ', '-')}.json")).exists()
        }
        for name in SETS
    }
    kept = {name: each for name, each in kept.items() if OURS[0] in each and len(each) > 1}
    draw(kept)
    said = (
        f"{machine('numpy', 'faiss-cpu')}. {QUERIES:,} queries held out, ten neighbours each, two threads; settings "
        "from fast to right, and the fastest that reached a recall of the true ten. Queries a second and seconds of "
        "building are of processor time on both cores, for other work ran beside it: `cores had` is how many of the "
        "two a run got. Where rows differ in that, neither processor time nor the clock compares them well, and least "
        "one query alone, which is by the clock, a median. Build MB: peak memory above the vectors. Index MB, ours: "
        f"what is held beside them, or for the frugal one instead of them. By latents: candidates from {LATENTS} dims "
        "of a PCA, ordered by the pixels, queries encoded on the way.\n\n"
        "![Recall against queries a second](pictures/search.png)"
    )
    publish("Search", said + "\n\n" + "\n\n".join(summary(name, each) for name, each in kept.items()))


if __name__ == "__main__":
    main()
