"""What the items of a space are usually like, to tell what it does not cover: measured on a sample of them."""

from typing import Any

import numpy as np

from ..features import Features
from .errors import reconstruction_errors

_SAMPLE = 2_000
_SHARE = 0.99  # of the items that count as usual


def usual_distance(index: Any, z: np.ndarray) -> float:
    """What 99% of the items' distances to their nearest other stay below; 0 for fewer than two items."""
    apart = usual_distances(index, z)
    return float(np.quantile(apart, _SHARE)) if len(apart) else 0.0


def usual_distances(index: Any, z: np.ndarray) -> np.ndarray:
    """How far up to 2,000 of the items are from their nearest other, float32; none for fewer than two items."""
    if len(z) < 2:
        return np.zeros(0, np.float32)
    rows = _sample(len(z))
    return index.search(z[rows], 1, metric="euclidean", exclude=rows[:, None]).scores[:, 0]


def usual_error(model: Any, z: np.ndarray, features: Features) -> float:
    """What 99% of the items' reconstruction errors stay below."""
    rows = _sample(len(z))
    return float(np.quantile(reconstruction_errors(model, z[rows], [features.rows(rows)]), _SHARE))


def _sample(n: int) -> np.ndarray:
    return np.sort(np.random.default_rng(0).choice(n, min(n, _SAMPLE), replace=False))
