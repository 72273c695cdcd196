"""What people will meet next, on real ratings: ours beside `implicit`, item neighbours and what is popular.

    python -m venv ENV && ENV/bin/pip install implicit==0.7.3
    IMPLICIT_PYTHON=ENV/bin/python python -m benchmarks.recommendation [--quick] [--data movielens-small]

MovieLens 100k and the small set of 2016 (`latentspace.datasets`, under their own terms); that somebody rated a film is
what counts. Strong generalisation, as in Liang et al., 2018: models are fitted on all people but 150, who are folded in
with 80% of their films and asked for the others. Without IMPLICIT_PYTHON the table says that it is missing. All on one
thread, in processor time, for other work may run beside it. What was measured is kept, so that a run can be stopped and
gone on with; `--anew` measures again.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from typing import Any

import numpy as np
from scipy.sparse import csr_array, load_npz, save_npz

from .harness import ROOT, machine, publish, run, table

CACHE = ROOT / ".cache" / "benchmarks"
DATA = {"movielens": "MovieLens 100k", "movielens-small": "MovieLens small, 2016"}
HELD_OUT = 150
ALS: dict[str, Any] = {"dims": 64, "alpha": 1.0, "ridge": 20.0}
ROUNDS = 20  # of implicit's; ours begins nearer to the end and takes 10
MODELS = ("popular", "item neighbours", "EASE", "LatentFactors", "mult-vae")
PEER = "implicit ALS"
LARGE = (20_000, 5_000, 2_000_000)  # users, items, interactions


def split(data: str, seed: int) -> dict[str, str]:
    """Writes the fitted people's rows, and what is seen and hidden of the others; returns the files."""
    from latentspace import datasets
    from latentspace.models.factors.ranking import hide

    paths = {part: CACHE / f"{data}-{part}-{seed}.npz" for part in ("train", "seen", "hidden")}
    if not all(path.exists() for path in paths.values()):
        CACHE.mkdir(parents=True, exist_ok=True)
        frame = datasets.load(data).x
        users, items = (np.unique(frame[name], return_inverse=True)[1] for name in ("user", "item"))
        x = csr_array((np.ones(len(frame), np.float32), (users, items)))
        rng = np.random.default_rng(seed)
        people = rng.permutation(x.shape[0])
        seen, hidden = hide(x[people[:HELD_OUT]], 0.2, rng)
        for part, rows in (("train", x[people[HELD_OUT:]]), ("seen", seen), ("hidden", hidden)):
            save_npz(paths[part], rows)
    return {part: str(path) for part, path in paths.items()}


def job(data: str, models: list[str], seeds: list[int], folder: str) -> dict[str, Any]:
    """Fits some of MODELS on each split, in turn, and writes the 100 best columns of each person to `folder`."""
    from latentspace.models.factors.ranking import best

    seconds = {}
    for seed in seeds:
        paths = split(data, seed)
        x, rows = (csr_array(load_npz(paths[part])) for part in ("train", "seen"))
        for model in models:
            made = _made(model, seed)
            fitted, asked = (x.toarray(), rows.toarray()) if model == "mult-vae" else (x, rows)
            began = time.process_time()
            made.fit(fitted)
            seconds[f"{model} {seed}"] = time.process_time() - began
            folded = hasattr(made, "transform")
            scores = made.inverse_transform(made.transform(asked)) if folded else made.scores(asked)
            np.save(f"{folder}/{model} {seed}.npy", best(scores, rows, 100))
    return seconds


def _made(model: str, seed: int) -> Any:
    from latentspace.models import make
    from latentspace.models.factors.baselines import ItemNeighbours, Popular
    from latentspace.models.factors.ease import EASE
    from latentspace.models.factors.latent_factors import LatentFactors

    if model == "mult-vae":
        return make("mult-vae", random_state=seed, threads=1)
    if model == "LatentFactors":
        return LatentFactors(**ALS, random_state=seed)
    return {"popular": Popular, "item neighbours": ItemNeighbours, "EASE": EASE}[model]()


def large(out: str) -> dict[str, Any]:
    """Writes made-up interactions of a power law, for times alone."""
    rng = np.random.default_rng(0)
    n, p, many = LARGE
    users, items = ((rng.random(many) ** 2 * size).astype(int) for size in (n, p))
    x = csr_array((np.ones(many, np.float32), (users, items)), (n, p))
    x.sum_duplicates()
    x.data[:] = 1
    save_npz(out, x)
    return {"interactions": int(x.nnz)}


def large_fit(train: str) -> dict[str, Any]:
    """Seconds of the wall's clock to fit ours on `train`."""
    from latentspace.models.factors.latent_factors import LatentFactors

    x = csr_array(load_npz(train))
    began = time.perf_counter()
    LatentFactors(**ALS, random_state=0).fit(x)
    return {"seconds": time.perf_counter() - began}


def measured(data: str, models: list[str], seeds: list[int], anew: bool) -> dict[tuple[str, int], dict[str, Any]]:
    """Each model on each split: processor seconds of fitting, Recall@20 and NDCG@100; higher is better."""
    figures = {}
    for model in models:
        kept = {seed: CACHE / f"recommendation-{data}-{model.replace(' ', '-')}-{seed}.json" for seed in seeds}
        wanted = [seed for seed in seeds if anew or not kept[seed].exists()]
        # The slow one by itself for each split, so that what was measured is kept when a run is stopped.
        for together in [[seed] for seed in wanted] if model == "mult-vae" else [wanted] if wanted else []:
            for seed, found in _found(data, model, together).items():
                kept[seed].write_text(json.dumps(found))
                print(f"  {data} {model} {seed}: {found}", flush=True)
        figures |= {(model, seed): json.loads(path.read_text()) for seed, path in kept.items()}
    return figures


def _found(data: str, model: str, seeds: list[int]) -> dict[int, dict[str, Any]]:
    from latentspace.models.factors.ranking import ndcg_at_k, recall_at_k

    splits = {seed: split(data, seed) for seed in seeds}
    with tempfile.TemporaryDirectory() as folder:
        if model == PEER:
            job, given = "recommendation_peers:implicit_als", {"splits": splits, "rounds": ROUNDS, **ALS}
            python = os.environ["IMPLICIT_PYTHON"]
        else:
            job, given, python = "recommendation:job", {"data": data, "models": [model], "seeds": seeds}, sys.executable
        seconds = run(f"benchmarks.{job}", threads=1, python=python, folder=folder, **given)
        found = {}
        for seed in seeds:
            ranked, hidden = np.load(f"{folder}/{model} {seed}.npy"), csr_array(load_npz(splits[seed]["hidden"]))
            recall, gain = recall_at_k(ranked, hidden, 20), ndcg_at_k(ranked, hidden, 100)
            found[seed] = {
                "Recall@20": float(np.nanmean(recall)), "NDCG@100": float(np.nanmean(gain)),
                "seconds": seconds[f"{model} {seed}"],
            }  # fmt: skip
    return found


def main() -> None:
    """Measures every model on five splits of each set and writes docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one split, nothing written")
    parser.add_argument("--data", choices=list(DATA), help="only this set, nothing written")
    parser.add_argument("--models", nargs="*", help="only these models, nothing written")
    parser.add_argument("--write", action="store_true", help="write what --models gave all the same")
    parser.add_argument("--anew", action="store_true", help="measure again what was measured before")
    asked = parser.parse_args()
    seeds = list(range(1 if asked.quick else 5))
    peer = [PEER] if "IMPLICIT_PYTHON" in os.environ else []
    models = asked.models or [*MODELS, *peer]
    parts = []
    for data in [asked.data] if asked.data else DATA:
        figures = measured(data, models, seeds, asked.anew)
        rows = [_row(model, [figures[model, seed] for seed in seeds]) for model in models]
        parts.append(f"{DATA[data]}:\n\n{table(rows, [*rows[0]])}")
        if {"LatentFactors", PEER} <= set(models):
            parts.append(_beside([(figures["LatentFactors", s], figures[PEER, s]) for s in seeds]))
    if asked.quick or asked.data or (asked.models and not asked.write):
        print("\n\n".join(parts))
        return
    if peer and not asked.models:
        parts.append(_large())
    missing = "" if peer else " `implicit` was not measured: IMPLICIT_PYTHON is not set."
    missing += "".join(f" {model} was not measured in this run." for model in MODELS if model not in models)
    said = (
        f"{machine('numpy', 'scipy', 'torch')}. {HELD_OUT} people held out with a fifth of their films hidden; means "
        f"over {len(seeds)} splits, higher is better; processor seconds to fit, one thread. Both ALS: {ALS['dims']} "
        f"dims, alpha {ALS['alpha']:g}, ridge {ALS['ridge']:g}; `implicit` (0.7.3) takes {ROUNDS} rounds from random "
        f"factors, ours 10 from singular vectors.{missing}"
    )
    publish("Recommendation", "\n\n".join([said, *parts]))


def _row(model: str, figures: list[dict[str, Any]]) -> dict[str, Any]:
    gains = [f["NDCG@100"] for f in figures]
    row: dict[str, Any] = {"model": model}
    row |= {name: f"{np.mean([f[name] for f in figures]):.4f}" for name in ("Recall@20", "NDCG@100")}
    return row | {
        "least to most NDCG": f"{min(gains):.3f} to {max(gains):.3f}",
        "seconds": float(np.median([f["seconds"] for f in figures])),
    }


def _beside(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> str:
    said = []
    for name in ("Recall@20", "NDCG@100"):
        ratios = [100 * (ours[name] / theirs[name] - 1) for ours, theirs in pairs]
        mean = 100 * (np.mean([ours[name] for ours, _ in pairs]) / np.mean([theirs[name] for _, theirs in pairs]) - 1)
        said.append(f"{name} {mean:+.2f}% ({min(ratios):+.1f} to {max(ratios):+.1f} by split)")
    return f"LatentFactors beside `implicit`: {', '.join(said)}."


def _large() -> str:
    """Times on many made-up interactions, all cores, in turn."""
    path = str(CACHE / "interactions-large.npz")
    size = large(path)["interactions"]
    times: dict[str, list[float]] = {"LatentFactors": [], PEER: []}
    for _ in range(3):
        times["LatentFactors"].append(run("benchmarks.recommendation:large_fit", train=path)["seconds"])
        given = {"train": path, "rounds": ROUNDS, **ALS}
        os.environ["OPENBLAS_NUM_THREADS"] = "1"  # implicit has threads of its own, and asks for this
        peer = run("benchmarks.recommendation_peers:implicit_large", python=os.environ["IMPLICIT_PYTHON"], **given)
        del os.environ["OPENBLAS_NUM_THREADS"]
        times[PEER].append(peer["seconds"])
    said = ", ".join(f"{name} {np.median(t):.1f} s ({min(t):.1f} to {max(t):.1f})" for name, t in times.items())
    return (
        f"{size:,} made-up interactions of {LARGE[0]:,} users with {LARGE[1]:,} items, all cores, medians of 3: {said}."
    )


if __name__ == "__main__":
    main()
