"""How often choose finds the rank that was planted, beside rules that look at eigenvalues."""

import sys
import warnings

import numpy as np

from .harness import publish

RANKS = (1, 2, 3, 6, 9, 13)
NOISE = (0.1, 0.5, 1.0, 2.0)
SHAPES = ((500, 30), (300, 20))
SEEDS = 2


def planted(rank: int, noise: float, shape: tuple[int, int], unlike: bool, seed: int) -> tuple[np.ndarray, int]:
    """Items of a known rank in noise, float32 (n, p); and how many of its directions show in half of them.

    A direction of variance `l` beside noise of variance `s` shows in n items of p features where l > s sqrt(p / n):
    below it, no look at the covariance can tell it from noise (Baik, Ben Arous and Peche, 2005).
    """
    n, p = shape
    rng = np.random.default_rng([rank, n, p, unlike, seed, int(10 * noise)])
    ways = rng.standard_normal((rank, p))
    if unlike:
        ways *= np.geomspace(1, 0.25, rank)[:, None]
    x = rng.standard_normal((n, rank)) @ ways + noise * rng.standard_normal((n, p))
    strengths = np.linalg.svd(ways, compute_uv=False) ** 2
    return x.astype(np.float32), int((strengths > noise**2 * np.sqrt(p / (n / 2))).sum())


def _choose(x: np.ndarray) -> int:
    import latentspace as ls

    return ls.choose(x, models=["pca"]).dims


def _auto(x: np.ndarray) -> int:
    from latentspace.models.pca import PCA

    return PCA(dims="auto").fit(x).dims_


def _mle(x: np.ndarray) -> int:
    from sklearn.decomposition import PCA

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return PCA("mle", svd_solver="full").fit(x).n_components_


RULES = {"choose (half of the items)": _choose, 'dims="auto" (parallel analysis)': _auto, "scikit-learn's MLE": _mle}


def grid() -> list[dict]:
    """One row a case: what was planted, how much of it shows in half of the items, and what each rule says."""
    rows = []
    for shape in SHAPES:
        for unlike in (False, True):
            for noise in NOISE:
                for rank in RANKS:
                    for seed in range(SEEDS):
                        x, shows = planted(rank, noise, shape, unlike, seed)
                        told = {name: abs(rule(x) - rank) <= 1 for name, rule in RULES.items()}
                        rows.append({"shape": shape, "unlike": unlike, "noise": noise, "shows": shows == rank, **told})
                print(shape, unlike, noise, told, file=sys.stderr, flush=True)
    return rows


def main() -> None:
    rows = grid()
    names = list(RULES)
    lines = [
        f"Planted ranks {', '.join(map(str, RANKS))}, {SEEDS} seeds each, in noise of some deviation beside directions "
        "of deviation 1 (alike) or 1 down to 0.25 (unlike), in items by features: how often each rule is within 1 of "
        "the rank; more is better. `choose` trains on half of the items and measures on the others; the rules of "
        "eigenvalues have all of them.\n",
        f"| items, directions | noise | cases | {' | '.join(names)} |",
        "| --- | ---: | ---: |" + " ---: |" * len(names),
    ]
    for shape in SHAPES:
        for unlike in (False, True):
            for noise in NOISE:
                some = [r for r in rows if (r["shape"], r["unlike"], r["noise"]) == (shape, unlike, noise)]
                counts = " | ".join(str(sum(r[name] for r in some)) for name in names)
                where = f"{shape[0]} x {shape[1]}, {'unlike' if unlike else 'alike'}"
                lines.append(f"| {where} | {noise:g} | {len(some)} | {counts} |")
    for words, some in (
        ("all", rows),
        ("all planted directions show in half of the items", [r for r in rows if r["shows"]]),
    ):
        counts = " | ".join(f"{sum(r[name] for r in some)}" for name in names)
        lines.append(f"| {words} | | {len(some)} | {counts} |")
    lines.append(
        "\nWhat shows: a direction of variance l beside noise of variance s in n items of p features where l > s "
        "sqrt(p / n), below which no look at the covariance can tell it from noise (Baik, Ben Arous and Peche, 2005)."
    )
    publish("Planted dimensions", "\n".join(lines))


if __name__ == "__main__":
    main()
