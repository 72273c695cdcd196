"""PCA beside scikit-learn's: tall, wide, from a file, beside a busy process, and far from the origin.

`python -m benchmarks.pca` runs all, some 25 minutes on two cores; `--quick` runs each job twice, and IncrementalPCA
only on a tenth of its rows. Every figure of lost variance is against the optimum, from a covariance in float64.
"""

import argparse
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .harness import ROOT, alternate, machine, measure, publish, run, table

SETS = {
    # name: rows, features, axes wanted, exponent of the fall of the standard deviations
    "tall": (200_000, 512, 32, 0.5),
    "wide": (20_000, 4096, 64, 0.7),
    "file": (1_000_000, 512, 32, 0.5),
}
OFFSETS = (0, 100, 1000, 10_000)  # standard deviations from the origin
CACHE = ROOT / ".cache" / "benchmarks"
BUSY = {
    "loop": "while True: pass",
    "products": "import numpy as np\na = np.ones((1000, 1000))\nwhile True: a @ a",  # on all cores, as numpy does
}
PEERS = {
    "latentspace": "latentspace PCA",
    "sklearn": "scikit-learn PCA (default)",
    "randomized": "scikit-learn PCA (randomized)",
    "incremental": "scikit-learn IncrementalPCA",
    "bare": "bare block covariance and eigh",
}


def data(name: str) -> Path:
    """Writes a set once: a power-law spectrum, turned at random, with means a few standard deviations from zero."""
    n, p, _, fall = SETS[name]
    path = CACHE / f"pca-{name}.npy"
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    deviations = (np.arange(1, p + 1) ** -fall).astype(np.float32)
    turn = np.linalg.qr(rng.standard_normal((p, p)))[0].astype(np.float32)
    mean = rng.normal(size=p).astype(np.float32)
    part = path.with_suffix(".part")
    x = np.lib.format.open_memmap(part, "w+", np.float32, (n, p))
    for start in range(0, n, 10_000):
        stop = min(start + 10_000, n)
        x[start:stop] = (rng.standard_normal((stop - start, p), dtype=np.float32) * deviations) @ turn + mean
    x.flush()
    part.rename(path)
    return path


def truth(name: str) -> tuple[np.ndarray, float, float]:
    """Covariance in float64, the total variance, and what the best axes hold; computed once, by no one's PCA."""
    path = CACHE / f"pca-{name}-truth.npz"
    if not path.exists():
        x, dims = np.load(data(name), mmap_mode="r"), SETS[name][2]
        mean = np.mean([x[s : s + 10_000].mean(axis=0, dtype=np.float64) for s in range(0, len(x), 10_000)], axis=0)
        covariance = np.zeros((x.shape[1],) * 2)
        for start in range(0, len(x), 10_000):
            part = x[start : start + 10_000] - mean
            covariance += part.T @ part
        covariance /= len(x) - 1
        best = np.linalg.eigvalsh(covariance)[-dims:].sum()
        np.savez(path, covariance=covariance, total=covariance.trace(), best=best)
    kept = np.load(path)
    return kept["covariance"], float(kept["total"]), float(kept["best"])


def lost(axes: np.ndarray, covariance: np.ndarray, total: float, best: float) -> float:
    """Share of the variance that these axes miss and the best ones hold."""
    q = np.linalg.qr(axes.astype(np.float64).T)[0]
    return float((best - np.einsum("ij,ij->", covariance @ q, q)) / total)


@contextlib.contextmanager
def company(busy: str | None) -> Iterator[None]:
    """Keeps another program computing as long as the context lasts, in a session of its own."""
    other = subprocess.Popen([sys.executable, "-c", BUSY[busy]], start_new_session=True) if busy else None
    try:
        yield
    finally:
        if other is not None:
            other.kill()
            other.wait()


def job(name: str, peer: str, busy: str | None = None, rows: int | None = None) -> dict[str, Any]:
    """Fits one peer on one set: seconds, extra MB, and lost variance where all rows were fitted."""
    from_file, dims = name == "file", SETS[name][2]
    x = np.load(data(name), mmap_mode="r" if from_file else None)[:rows]
    fit = fitter(peer, dims)
    fit(x[: 4 * dims])  # imports and first calls are not what is measured
    with company(busy):
        time.sleep(1.0 if busy else 0.0)
        axes, figures = measure(lambda: fit(x))
    if rows is not None:
        return {"seconds": figures["seconds"] * SETS[name][0] / rows, "extra_mb": figures["extra_mb"], "lost": "-"}
    return {**figures, "lost": lost(axes, *truth(name))}


def fitter(peer: str, dims: int) -> Callable[[np.ndarray], np.ndarray]:
    """A peer as a function from rows to axes."""
    if peer == "latentspace":
        from latentspace import PCA

        return lambda x: PCA(dims, random_state=0).fit(x).axes_
    if peer == "bare":
        return partial(bare, dims=dims)
    from sklearn import decomposition

    if peer == "incremental":
        return lambda x: decomposition.IncrementalPCA(dims).fit(x).components_
    solver = "auto" if peer == "sklearn" else "randomized"
    return lambda x: decomposition.PCA(dims, svd_solver=solver, random_state=0).fit(x).components_


def bare(x: np.ndarray, dims: int) -> np.ndarray:
    """The least that an exact one-pass fit can do: shift, multiply, add, decompose."""
    shift = x[:: max(1, len(x) // 256)].mean(axis=0)
    covariance, total = np.zeros((x.shape[1],) * 2), np.zeros(x.shape[1])
    for start in range(0, len(x), 4096):
        part = x[start : start + 4096] - shift
        covariance += part.T @ part
        total += part.sum(axis=0)
    covariance = covariance / len(x) - np.outer(total / len(x), total / len(x))
    return np.linalg.eigh(covariance)[1][:, ::-1][:, :dims].T


def far_job(peer: str, offset: float) -> dict[str, Any]:
    """Lost variance on 50,000 x 128 float32 with every mean `offset` standard deviations from zero."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((128, 128)) * np.arange(1, 129)[:, None] ** -0.5
    x = rng.standard_normal((50_000, 128)) @ mixing
    x = (x + offset * x.std(axis=0)).astype(np.float32)
    covariance = np.cov(x, rowvar=False, dtype=np.float64)
    best = float(np.linalg.eigvalsh(covariance)[-16:].sum())
    return {"lost": lost(fitter(peer, 16)(x), covariance, float(covariance.trace()), best)}


def compare(name: str, peers: list[str], runs: int, threads: int | None = None, **arguments: Any) -> str:
    """One table: peers alternated on one set."""
    data(name), truth(name)
    jobs = {
        peer: partial(run, "benchmarks.pca:job", threads=threads, name=name, peer=peer, **arguments) for peer in peers
    }
    return draw(alternate(jobs, runs))


def draw(figures: dict[str, dict[str, Any]]) -> str:
    """A table of figures with each peer's time as a multiple of ours."""
    ours = figures["latentspace"]["seconds"]
    rows = [
        {
            "fit": PEERS[peer], "seconds": row["seconds"],
            "min to max": f"{row['seconds_min']:.2f} to {row['seconds_max']:.2f}",
            "times ours": row["seconds"] / ours, "extra MB": row["extra_mb"], "variance lost": row["lost"],
        }
        for peer, row in figures.items()
    ]  # fmt: skip
    return table(rows, ["fit", "seconds", "min to max", "times ours", "extra MB", "variance lost"])


def from_file(runs: int, quick: bool) -> str:
    """The out-of-core table; IncrementalPCA takes minutes, so it runs once."""
    data("file"), truth("file")
    one = partial(run, "benchmarks.pca:job", name="file")
    figures = alternate({peer: partial(one, peer=peer) for peer in ("latentspace", "bare")}, runs)
    figures |= alternate({"incremental": partial(one, peer="incremental", rows=100_000 if quick else None)}, 1)
    note = "IncrementalPCA was timed on 100,000 rows, times ten; its memory is of that tenth." if quick else ""
    return f"{draw(figures)}\n\n{note}".rstrip()


def far() -> str:
    """The table of offsets."""
    rows = []
    for offset in OFFSETS:
        row: dict[str, Any] = {"mean, in standard deviations": offset}
        for peer in ("latentspace", "sklearn", "randomized"):
            row[PEERS[peer]] = run("benchmarks.pca:far_job", peer=peer, offset=offset)["lost"]
        rows.append(row)
    return table(rows, list(rows[0]))


def main(arguments: list[str] | None = None) -> None:
    """Runs every table and publishes them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two runs a job; IncrementalPCA on a tenth of its rows")
    quick = parser.parse_args(arguments or []).quick
    runs = 2 if quick else 5
    tall = ["latentspace", "sklearn", "randomized", "bare"]
    wide = ["latentspace", "sklearn"]
    text = f"""{machine("numpy", "scipy", "scikit-learn")}. Medians of {runs} alternated runs, each in a fresh process;
a figure below zero is rounding. Float32 data with a power-law spectrum; `python -m benchmarks.pca`.

200,000 x 512 to 32, one thread:

{compare("tall", tall, runs, threads=1)}

The same, all threads:

{compare("tall", tall, runs)}

The same, beside a program that loops on one core:

{compare("tall", ["latentspace", "sklearn", "bare"], runs, busy="loop")}

The same, beside a program that multiplies matrices on all cores:

{compare("tall", ["latentspace", "sklearn", "bare"], runs, busy="products")}

20,000 x 4,096 to 64, all threads:

{compare("wide", wide, runs)}

20,000 x 4,096 to 64, one thread:

{compare("wide", wide, runs, threads=1)}

1,000,000 x 512 to 32 from a file of 2 GB, memory-mapped:

{from_file(runs, quick)}

Variance lost where means are far from zero, 50,000 x 128 to 16:

{far()}"""
    publish("PCA", text)


if __name__ == "__main__":
    main(sys.argv[1:])
