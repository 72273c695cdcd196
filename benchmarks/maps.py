"""Maps of real pictures, ours beside openTSNE, umap-learn, PaCMAP and scikit-learn's PCA: time, memory, honesty.

    python -m benchmarks.maps [--set NAME ...] [--n 20000 70000] [--by NAME ...] [--again] [--draw]

From 50 principal components to coordinates, in a fresh process each on two threads, neighbours included. "first" pays
for what a library compiles when it is first used in a process; "warm" has mapped 5,000 items before. Ours keep what
was compiled on disk, and are timed as a user has them from the second process on. Figures are kept in
.cache/benchmarks/maps, so that a run that was stopped goes on where it was.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .harness import ROOT, machine, measure, publish, run, table

CACHE = ROOT / ".cache" / "benchmarks" / "maps"
SETS = ("fashion-mnist", "mnist")
SIZES = (20_000, 70_000)
COMPONENTS = 50
K = 15
THREADS = 2
_FEW = 5000  # items of the map that warms up: umap-learn searches fewer than 4,096 exactly, and would compile later
_SEEN = 4_000  # items whose honesty is measured, against all others


def ours(method: str) -> Callable[[np.ndarray], np.ndarray]:
    """A map as `space.map` fits it."""
    from latentspace.maps.fit import fit_map

    return lambda z: fit_map(z, method).coordinates


def opentsne() -> Callable[[np.ndarray], np.ndarray]:
    """Its defaults: 90 neighbours by annoy, 250 and 500 iterations."""
    from openTSNE import TSNE

    return lambda z: np.asarray(TSNE(n_jobs=THREADS, random_state=0).fit(z))


def umap() -> Callable[[np.ndarray], np.ndarray]:
    """Its defaults, without a seed: with one it takes one thread."""
    from umap import UMAP

    return lambda z: UMAP(n_jobs=THREADS).fit_transform(z)


def pacmap() -> Callable[[np.ndarray], np.ndarray]:
    """Its defaults; it would take 100 components itself where there are more."""
    from pacmap import PaCMAP

    return lambda z: PaCMAP(random_state=0).fit_transform(z)


def pca() -> Callable[[np.ndarray], np.ndarray]:
    """scikit-learn's."""
    from sklearn.decomposition import PCA

    return lambda z: PCA(2).fit_transform(z)


MAKERS: dict[str, Callable[[], Callable[[np.ndarray], np.ndarray]]] = {
    "latentspace tsne": lambda: ours("tsne"),
    "openTSNE": opentsne,
    "latentspace umap": lambda: ours("umap"),
    "umap-learn, warm": umap,
    "umap-learn, first": umap,
    "latentspace pacmap": lambda: ours("pacmap"),
    "PaCMAP, warm": pacmap,
    "PaCMAP, first": pacmap,
    "latentspace pca": lambda: ours("pca"),
    "scikit-learn PCA": pca,
}


def job(by: str, z: str, n: int) -> dict[str, Any]:
    """Draws one map and measures it."""
    import warnings

    warnings.simplefilter("ignore")
    rows = np.load(z)[:n]
    draw = MAKERS[by]()
    if "first" not in by:
        draw(rows[:_FEW])
    began = time.process_time()
    xy, figures = measure(lambda: draw(rows))
    figures["core seconds"] = time.process_time() - began
    return figures | honest(rows, np.asarray(xy, np.float32))


def honest(z: np.ndarray, xy: np.ndarray) -> dict[str, float]:
    """Trustworthiness, continuity and neighbours kept at 15, on a sample of items against all."""
    from latentspace.maps.honesty import honesty

    found = honesty(z, xy, k=K)
    return {
        "trustworthiness": found.trustworthiness,
        "continuity": found.continuity,
        "neighbours kept": found.neighbours_kept,
    }


def prepare(name: str) -> str:
    """Writes a set's principal components in a random order unless they are there."""
    path = CACHE / f"{name}.npy"
    if not path.exists():
        from latentspace import PCA, datasets

        CACHE.mkdir(parents=True, exist_ok=True)
        pictures = np.asarray(datasets.load(name).x)
        z = PCA(dims=COMPONENTS).fit_transform(pictures.reshape(len(pictures), -1).astype(np.float32))
        np.save(path, z[np.random.default_rng(0).permutation(len(z))])
    return str(path)


def figures(name: str, n: int, by: str, again: bool) -> dict[str, Any]:
    """What was measured of one map, or is now."""
    path = CACHE / f"{name}-{n}-{by.replace(' ', '-').replace(',', '')}.json"
    if path.exists() and not again:
        return json.loads(path.read_text())
    os.environ["OMP_WAIT_POLICY"] = "passive"  # or threads that wait for a busy core would count as work
    found = run("benchmarks.maps:job", threads=THREADS, by=by, z=prepare(name), n=n)
    path.write_text(json.dumps(found))
    print(f"  {name} {n} {by}: {found}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Measures what is asked for and not there yet; writes docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", nargs="*", default=list(SETS))
    parser.add_argument("--n", nargs="*", type=int, default=list(SIZES))
    parser.add_argument("--by", nargs="*", default=list(MAKERS))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    asked = parser.parse_args([] if sys.argv[0].endswith("benchmarks/__main__.py") else None)
    if not asked.draw:
        for n in asked.n:
            for name in asked.set:
                for by in asked.by:
                    figures(name, n, by, asked.again)
    parts = []
    for n in SIZES:
        for name in SETS:
            rows = []
            for by in MAKERS:
                path = Path(CACHE / f"{name}-{n}-{by.replace(' ', '-').replace(',', '')}.json")
                if path.exists():
                    found = json.loads(path.read_text())
                    rows.append({"by": by, "MB": round(found.pop("extra_mb"))} | found)
            if rows:
                columns = ["by", "seconds", "core seconds", "MB", "trustworthiness", "continuity", "neighbours kept"]
                for row in rows:
                    row |= {key: f"{row[key]:.4f}" for key in columns[4:]}
                parts.append(f"`{name}`, {n:,} items:\n\n" + table(rows, columns))
    said = (
        f"{machine('numpy', 'numba', 'openTSNE', 'umap-learn', 'pacmap')}. From {COMPONENTS} principal components to a "
        "map of two dimensions, defaults, two threads, a fresh process each. Core seconds are of processor time on "
        "both cores together, for other work ran beside it; seconds are by the clock. Trustworthiness, continuity and "
        f"neighbours kept of each item's {K} nearest, on {_SEEN:,} items against all. MB: peak above the components."
    )
    publish("Maps", said + "\n\n" + "\n\n".join(parts))


if __name__ == "__main__":
    main()
