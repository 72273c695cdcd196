"""What `recommendation` is measured against: alternating least squares of `implicit`, in an environment of its own.

Imports nothing of latentspace. `implicit` weighs a pair by the matrix' own value, where Hu et al. have 1 + alpha x.
"""

import time
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, load_npz


def implicit_als(train: str, seen: str, out: str, dims: int, alpha: float, ridge: float, seed: int) -> dict[str, Any]:
    """Fits on `train`, folds in `seen`, and writes the 100 best columns of each row, without those seen, to `out`."""
    from implicit.als import AlternatingLeastSquares

    x, rows = (csr_matrix(load_npz(path), dtype=np.float32) for path in (train, seen))
    x.data = 1 + alpha * x.data
    rows.data = 1 + alpha * rows.data
    model = AlternatingLeastSquares(
        factors=dims, regularization=ridge, iterations=20, random_state=seed, num_threads=1, use_gpu=False
    )
    began = time.perf_counter()
    model.fit(x, show_progress=False)
    seconds = time.perf_counter() - began
    ranked, _ = model.recommend(np.arange(rows.shape[0]), rows, N=100, recalculate_user=True)
    np.save(out, ranked.astype(np.int64))
    return {"seconds": seconds}
