"""Sparse rows fitted without a dense copy, beside scikit-learn's models that take sparse rows.

    python -m benchmarks.sparse [--quick]

Rows of counts, 20,000 x 50,000 with about two million values: a dense copy in float32 takes 3,815 MB. Each fit is in a
process of its own; memory is what it adds at its peak to the process that holds the matrix. "whole fit" is
`latentspace.fit`: reading, model, latents, reconstruction and a density.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .harness import alternate, machine, measure, publish, run, table

ROWS, COLUMNS, VALUES, DIMS = 20_000, 50_000, 2_000_000, 32


def counts(n: int = ROWS, p: int = COLUMNS, values: int = VALUES, groups: int = 40) -> Any:
    """Counts of items of so many groups, each with columns of its own, and columns that fall off as words do."""
    from scipy.sparse import coo_array

    rng = np.random.default_rng(0)
    row = rng.integers(0, n, values)
    near = (rng.random(values) ** 3 * p / groups).astype(np.int64) * groups + row % groups
    far = (rng.random(values) ** 4 * p).astype(np.int64)
    column = np.where(rng.random(values) < 0.5, near, far) % p
    return coo_array((np.ones(values, np.float32), (row, column)), shape=(n, p)).tocsr()


def job(model: str) -> dict[str, Any]:
    """Fits one model and returns its time, memory, and the variance that its latents keep."""
    x = counts()
    mean = np.asarray(x.mean(axis=0)).ravel()
    squares = float((x.data.astype(np.float64) ** 2).sum())
    about_mean = squares - x.shape[0] * float(mean @ mean)
    kept, figures = measure(lambda: _sklearn(x, model) if model.startswith("sklearn") else _ours(x, model))
    if model == "sklearn-lsa":
        kept = kept - (squares - about_mean)  # of the squares about 0, those of the mean tell items not apart
    return {"kept": kept if kept <= 1 else kept / about_mean, **figures}


def _ours(x: Any, model: str) -> float:
    """Share of the variance."""
    import latentspace as ls

    options = {"epochs": 1} if model == "vae" else {}
    space = ls.fit(x, model, dims=DIMS, density="gaussian", seed=0, **options)
    return float(space.facts["reconstruction"]["variance_kept"])


def _sklearn(x: Any, model: str) -> float:
    """Squares that the latents keep: about the mean for PCA, about 0 for TruncatedSVD."""
    from sklearn.decomposition import PCA, TruncatedSVD

    if model == "sklearn-pca":
        fitted = PCA(DIMS, svd_solver="arpack", random_state=0).fit(x)
        z = fitted.transform(x)
    else:
        z = TruncatedSVD(DIMS, algorithm="arpack", random_state=0).fit_transform(x)
    return float((z.astype(np.float64) ** 2).sum())


def main() -> None:
    """Fits every model and writes docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="PCA alone, once")
    quick = parser.parse_args().quick
    names = {
        "latentspace PCA, whole fit": "pca", "scikit-learn PCA (arpack)": "sklearn-pca",
        "latentspace LSA, whole fit": "lsa", "scikit-learn TruncatedSVD (arpack)": "sklearn-lsa",
    }  # fmt: skip
    chosen = dict(list(names.items())[:2]) if quick else names
    jobs: dict[str, Callable[[], dict[str, Any]]] = {
        name: partial(run, "benchmarks.sparse:job", model=model, threads=2) for name, model in chosen.items()
    }
    figures = alternate(jobs, runs=1 if quick else 3)
    if not quick:
        figures["latentspace VAE, one epoch, once"] = run("benchmarks.sparse:job", model="vae", threads=2)
    rows = [{"fit": name, **of} for name, of in figures.items()]
    said = (
        f"{ROWS:,} x {COLUMNS:,} counts, {counts().nnz:,} of them above 0, to {DIMS} dimensions; a dense copy takes "
        f"{4 * ROWS * COLUMNS // 2**20:,} MB. Medians of alternated runs, 2 threads. Variance kept is about the mean; "
        "latentspace measures it on 1,342 of the rows."
    )
    columns = ["fit", "seconds", "seconds_min", "seconds_max", "extra_mb", "kept"]
    publish("Sparse rows", f"{machine('scipy', 'scikit-learn')}. {said}\n\n{table(rows, columns)}")


if __name__ == "__main__":
    main()
