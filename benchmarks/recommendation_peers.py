"""What `recommendation` is measured against: alternating least squares of `implicit`, in an environment of its own.

Imports nothing of latentspace. `implicit` weighs a pair by the matrix' own value, where Hu et al. have 1 + alpha x.
"""

import time
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, load_npz


def implicit_als(
    splits: dict[str, dict[str, str]], folder: str, dims: int, alpha: float, ridge: float, rounds: int
) -> dict[str, float]:
    """Fits on each split, folds in who was kept aside, and writes the 100 best columns of each to `folder`."""
    figures = {}
    for seed, paths in splits.items():
        rows, x = _weighed(paths["seen"], alpha), _weighed(paths["train"], alpha)
        model = _made(dims, ridge, rounds, int(seed), threads=1)
        began = time.process_time()
        model.fit(x, show_progress=False)
        figures[f"implicit ALS {seed}"] = time.process_time() - began
        ranked, _ = model.recommend(np.arange(rows.shape[0]), rows, N=100, recalculate_user=True)
        np.save(f"{folder}/implicit ALS {seed}.npy", ranked.astype(np.int64))
    return figures


def implicit_large(train: str, dims: int, alpha: float, ridge: float, rounds: int) -> dict[str, Any]:
    """Seconds of the wall's clock to fit on `train`, all cores."""
    x = _weighed(train, alpha)
    model = _made(dims, ridge, rounds, 0, threads=0)
    began = time.perf_counter()
    model.fit(x, show_progress=False)
    return {"seconds": time.perf_counter() - began}


def _weighed(path: str, alpha: float) -> csr_matrix:
    x = csr_matrix(load_npz(path), dtype=np.float32)
    x.data = 1 + alpha * x.data
    return x


def _made(dims: int, ridge: float, rounds: int, seed: int, threads: int) -> Any:
    from implicit.als import AlternatingLeastSquares

    return AlternatingLeastSquares(
        factors=dims, regularization=ridge, iterations=rounds, random_state=seed, num_threads=threads, use_gpu=False
    )
