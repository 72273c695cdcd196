"""What the items of a space are usually like, to tell what it does not cover: measured on a sample of them."""

from typing import Any

import numpy as np

from ..features import Features
from .errors import reconstruction_errors

_SAMPLE = 2_000
_SHARE = 0.99  # of the items that count as usual


def usual_distance(index: Any, z: np.ndarray) -> float:
    """What 99% of the items' distances to their nearest other stay below; 0 for fewer than two items."""
    if len(z) < 2:
        return 0.0
    rows = _sample(len(z))
    nearest = index.search(z[rows], 1, metric="euclidean", exclude=rows[:, None]).scores[:, 0]
    return float(np.quantile(nearest, _SHARE))


def usual_error(model: Any, z: np.ndarray, features: Features) -> float:
    """What 99% of the items' reconstruction errors stay below."""
    rows = _sample(len(z))
    return float(np.quantile(reconstruction_errors(model, z[rows], [features.rows(rows)]), _SHARE))


def _sample(n: int) -> np.ndarray:
    return np.sort(np.random.default_rng(0).choice(n, min(n, _SAMPLE), replace=False))
