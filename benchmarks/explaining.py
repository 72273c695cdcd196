"""How often explain names a dimension where there is nothing to name, and how often where there is.

Every case draws its data, its rotation and explain's own rotations from seeds of their own.
"""

import sys
from collections.abc import Callable

import numpy as np

from latentspace.explain.basis import alignment, concentration, rotation
from latentspace.explain.evidence import columns_of, evidence
from latentspace.explain.naming import by_features, by_metadata

from .harness import publish

CASES = 400
_SHAPES = [(60, 2, 2), (60, 8, 8), (60, 12, 6), (100, 3, 2), (200, 4, 3), (200, 16, 8), (500, 5, 10), (1_000, 2, 4)]
_PLANTED = [(60, 3, 3), (60, 8, 8), (200, 4, 1), (200, 8, 2), (500, 2, 2), (500, 16, 5)]

Drawn = tuple[np.ndarray, dict[str, list]]  # latents and metadata


def _numbers(own: np.ndarray, columns: int, rng: np.random.Generator) -> dict[str, list]:
    """Causes as columns, and mixtures of them where more are asked for than there are."""
    more = own @ rng.standard_normal((own.shape[1], max(columns - own.shape[1], 0)))
    return {f"c{at}": each.tolist() for at, each in enumerate(np.hstack([own, more])[:, :columns].T)}


def _turned(n: int, dims: int, columns: int, rng: np.random.Generator) -> Drawn:
    own = rng.standard_normal((n, dims))
    return own @ rotation(dims, rng), _numbers(own, columns, rng)


def _principal(n: int, dims: int, columns: int, rng: np.random.Generator) -> Drawn:
    z, known = _turned(n, dims, columns, rng)
    centred = z - z.mean(axis=0)
    return centred @ np.linalg.svd(centred, full_matrices=False)[2].T, known


def _unlike(n: int, dims: int, columns: int, rng: np.random.Generator) -> Drawn:
    own = rng.standard_normal((n, dims)) @ rotation(dims, rng) * np.geomspace(1, 0.1, dims)
    return own @ rotation(dims, rng), _numbers(own, columns, rng)


def _scaled(n: int, dims: int, columns: int, rng: np.random.Generator) -> Drawn:
    z, known = _turned(n, dims, columns, rng)
    return z * np.geomspace(1, 0.1, dims), known


def _correlated(n: int, dims: int, columns: int, rng: np.random.Generator) -> Drawn:
    own = rng.standard_normal((n, dims)) + rng.standard_normal((n, 1))
    return own @ rotation(dims, rng), _numbers(own, columns, rng)


def _noisy(n: int, dims: int, columns: int, rng: np.random.Generator) -> Drawn:
    own = rng.standard_normal((n, dims))
    return own @ rotation(dims, rng), _numbers(own + 0.5 * rng.standard_normal(own.shape), columns, rng)


def _heavy(n: int, dims: int, columns: int, rng: np.random.Generator) -> Drawn:
    own = rng.standard_t(3, (n, dims))
    return own @ rotation(dims, rng), _numbers(own, columns, rng)


def _categories(n: int, dims: int, columns: int, rng: np.random.Generator) -> Drawn:
    z, known = _turned(n, dims, columns, rng)
    return z, {name: np.digitize(values, [-0.7, 0.7]).astype(str).tolist() for name, values in known.items()}


_KINDS: dict[str, Callable[..., Drawn]] = {
    "turned": _turned, "turned, columns with noise": _noisy, "turned, columns of 3 groups": _categories,
    "turned, columns correlated": _correlated, "turned, heavy tails": _heavy, "turned, unlike variances": _unlike,
    "turned, then scaled apart": _scaled, "principal axes of equal variances": _principal,
}  # fmt: skip


def named(z: np.ndarray, known: dict[str, list], seed: int) -> int:
    """Dimensions of latents that metadata name."""
    columns = columns_of(known, np.arange(len(z)))
    aligned = alignment(z, columns, seed)
    told = evidence(z, columns)
    return sum(by_metadata(d, told[d], list(known), aligned) is not None for d in range(z.shape[1]))


def by_chance(kind: str, shape: tuple[int, int, int], cases: int = CASES) -> float:
    """Share of cases in which any dimension of a random rotation is named."""
    own = list(_KINDS).index(kind)
    rngs = [np.random.default_rng([*shape, own, case]) for case in range(cases)]
    return sum(named(*_KINDS[kind](*shape, rng), int(rng.integers(2**31))) > 0 for rng in rngs) / cases


def by_chance_from_features(shape: tuple[int, int, int], cases: int = CASES) -> float:
    """The same of the columns of a table, by what principal axes of isotropic rows move: (rows, dims, columns)."""
    n, dims, p = shape
    count = 0
    for case in range(cases):
        rng = np.random.default_rng([n, dims, p, 99, case])
        x = rng.standard_normal((n, p))
        _, s, axes = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
        effects = axes[:dims] * s[:dims, None] / np.sqrt(n)
        shares, p_value = concentration(effects, np.arange(p), int(rng.integers(2**31)))
        columns = [str(at) for at in range(p)]
        count += any(by_features(shares[d], effects[d], columns, p_value) is not None for d in range(dims))
    return count / cases


def planted(shape: tuple[int, int, int], cases: int = 100) -> float:
    """Share of planted columns, seen with noise of half their deviation, that name their dimension."""
    n, dims, columns = shape
    found = 0
    for case in range(cases):
        rng = np.random.default_rng([*shape, 77, case])
        own = rng.standard_normal((n, dims))
        known = _numbers(own + 0.5 * rng.standard_normal(own.shape), columns, rng)
        found += named(own * np.geomspace(1, 0.2, dims), known, int(rng.integers(2**31)))
    return found / (cases * columns)


def main() -> None:
    lines = [
        f"Share of {CASES} random rotations in which any dimension gets a name from metadata: none should, "
        "and 5% is the level that explain claims. (Items, dimensions, columns; of a true 5%, one cell in 40 shows "
        "7.3%.)\n",
        "| | " + " | ".join(f"{n:,}, {d}, {c}" for n, d, c in _SHAPES) + " | all |",
        "| --- |" + " ---: |" * (len(_SHAPES) + 1),
    ]
    for kind in _KINDS:
        shares = []
        for shape in _SHAPES:
            shares.append(by_chance(kind, shape))
            print(kind, shape, shares[-1], file=sys.stderr, flush=True)
        lines.append(f"| {kind} | " + " | ".join(f"{100 * one:.1f}%" for one in [*shares, np.mean(shares)]) + " |")
    tables = [(60, 3, 6), (200, 4, 4), (500, 8, 20), (100, 10, 10)]
    told = ", ".join(f"{100 * by_chance_from_features(one):.1f}% ({one[0]}, {one[1]}, {one[2]})" for one in tables)
    lines.append(
        f"\nBy the columns of a table that principal axes of noise move (rows, dimensions, columns): {told}.\n"
    )
    found = ", ".join(f"{100 * planted(one):.0f}% ({one[0]}, {one[1]}, {one[2]})" for one in _PLANTED)
    lines.append(f"Planted axes, seen with noise of half their deviation, that are named (higher is better): {found}.")
    publish("Names by chance", "\n".join(lines))


if __name__ == "__main__":
    main()
