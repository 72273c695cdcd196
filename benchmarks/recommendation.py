"""What people will meet next, on real ratings: ours beside `implicit`, item neighbours and what is popular.

    python -m venv ENV && ENV/bin/pip install implicit==0.7.3
    IMPLICIT_PYTHON=ENV/bin/python python -m benchmarks.recommendation [--quick]

MovieLens 100k (`latentspace.datasets`, under its own terms); that somebody rated a film is what counts. Strong
generalisation, as in Liang et al., 2018: models are fitted on all people but 150, who are folded in with 80% of their
films and asked for the others. Without IMPLICIT_PYTHON the table says that it is missing. All on one thread.
"""

import argparse
import os
import time
from typing import Any

import numpy as np
from scipy.sparse import csr_array, load_npz, save_npz

from .harness import ROOT, machine, publish, run, table

CACHE = ROOT / ".cache" / "benchmarks"
HELD_OUT = 150
ALS: dict[str, Any] = {"dims": 64, "alpha": 1.0, "ridge": 20.0}
NEIGHBOURS = 100
MODELS = ("popular", "item neighbours", "EASE", "LatentFactors", "mult-vae")


def split(seed: int) -> dict[str, str]:
    """Writes the fitted people's rows, and what is seen and hidden of the others; returns the files."""
    from latentspace import datasets
    from latentspace.models.factors.ranking import hide

    paths = {part: CACHE / f"movielens-{part}-{seed}.npz" for part in ("train", "seen", "hidden")}
    if not all(path.exists() for path in paths.values()):
        CACHE.mkdir(parents=True, exist_ok=True)
        frame = datasets.load("movielens").x
        users, items = (np.unique(frame[name], return_inverse=True)[1] for name in ("user", "item"))
        x = csr_array((np.ones(len(frame), np.float32), (users, items)))
        rng = np.random.default_rng(seed)
        people = rng.permutation(x.shape[0])
        seen, hidden = hide(x[people[:HELD_OUT]], 0.2, rng)
        for part, rows in (("train", x[people[HELD_OUT:]]), ("seen", seen), ("hidden", hidden)):
            save_npz(paths[part], rows)
    return {part: str(path) for part, path in paths.items()}


def job(model: str, train: str, seen: str, out: str, seed: int) -> dict[str, Any]:
    """Fits one of MODELS on `train` and writes the 100 best columns of each row of `seen` to `out`."""
    from latentspace.models.factors.ranking import best

    x, rows = (csr_array(load_npz(path)) for path in (train, seen))
    began = time.perf_counter()
    scores = {
        "popular": _popular,
        "item neighbours": _neighbours,
        "EASE": _ease,
        "LatentFactors": _factors,
        "mult-vae": _mult_vae,
    }[model](x, rows, seed)
    seconds = time.perf_counter() - began
    np.save(out, best(scores, rows, 100))
    return {"seconds": seconds}


def _popular(x: csr_array, rows: csr_array, _: int) -> np.ndarray:
    return np.tile(np.asarray(x.sum(axis=0), dtype=float), (rows.shape[0], 1))


def _neighbours(x: csr_array, rows: csr_array, _: int) -> np.ndarray:
    """The cosines of an item with the nearest ones that were seen, summed."""
    gram = (x.T @ x).toarray()
    length = np.sqrt(np.diag(gram))
    cosine = gram / np.maximum(np.outer(length, length), 1)
    np.fill_diagonal(cosine, 0)
    least = np.partition(cosine, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS, None]
    return rows @ np.where(cosine >= least, cosine, 0).T


def _ease(x: csr_array, rows: csr_array, _: int) -> np.ndarray:
    from latentspace.models.factors.ease import EASE

    return EASE().fit(x).scores(rows)


def _factors(x: csr_array, rows: csr_array, seed: int) -> np.ndarray:
    from latentspace.models.factors.latent_factors import LatentFactors

    model = LatentFactors(**ALS, random_state=seed).fit(x)
    return model.inverse_transform(model.transform(rows))


def _mult_vae(x: csr_array, rows: csr_array, seed: int) -> np.ndarray:
    from latentspace.models import make

    model = make("mult-vae", random_state=seed, threads=1).fit(x.toarray())
    return model.inverse_transform(model.transform(rows.toarray()))


def measured(model: str, seed: int) -> dict[str, Any]:
    """One model on one split: seconds of fitting and folding in, Recall@20 and NDCG@100; higher is better."""
    from latentspace.models.factors.ranking import ndcg_at_k, recall_at_k

    paths = split(seed)
    out = str(CACHE / "movielens-ranked.npy")
    given = {"train": paths["train"], "seen": paths["seen"], "out": out, "seed": seed}
    if model == "implicit ALS":
        peer = os.environ["IMPLICIT_PYTHON"]
        figures = run("benchmarks.recommendation_peers:implicit_als", threads=1, python=peer, **given, **ALS)
    else:
        figures = run("benchmarks.recommendation:job", threads=1, model=model, **given)
    ranked, hidden = np.load(out), csr_array(load_npz(paths["hidden"]))
    recall, gain = recall_at_k(ranked, hidden, 20), ndcg_at_k(ranked, hidden, 100)
    return {"Recall@20": float(np.nanmean(recall)), "NDCG@100": float(np.nanmean(gain)), **figures}


def main() -> None:
    """Measures every model on three splits and writes docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one split")
    seeds = range(1 if parser.parse_args().quick else 3)
    peer = ["implicit ALS"] if "IMPLICIT_PYTHON" in os.environ else []
    rows = []
    for model in (*MODELS, *peer):
        figures = [measured(model, seed) for seed in seeds]
        rows.append({"model": model} | {name: float(np.mean([f[name] for f in figures])) for name in figures[0]})
        rows[-1]["least to most NDCG"] = f"{min(f['NDCG@100'] for f in figures):.3f} to " + (
            f"{max(f['NDCG@100'] for f in figures):.3f}"
        )
    missing = "" if peer else " `implicit` was not measured: IMPLICIT_PYTHON is not set."
    said = (
        f"{machine('numpy', 'scipy', 'torch')}. MovieLens 100k, {HELD_OUT} people held out with a fifth of their films "
        f"hidden; means over {len(seeds)} splits, higher is better but for seconds. Both ALS: {ALS['dims']} dims, "
        f"alpha {ALS['alpha']:g}, ridge {ALS['ridge']:g}, 20 rounds.{missing}"
    )
    publish("Recommendation", f"{said}\n\n{table(rows, [*rows[0]])}")


if __name__ == "__main__":
    main()
