"""A space to export, with metadata that is awkward."""

import numpy as np
import pytest

import latentspace as ls


@pytest.fixture(scope="module")
def space():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 12)) + 0.3 * rng.normal(size=(400, 12))
    metadata = {
        "label": [["cat", "dog", 'ünïcode\t| "quoted"\n'][row % 3] for row in range(400)],
        "price": [None if row % 7 == 0 else row / 3 for row in range(400)],
        "count": list(range(400)),
        "fresh": [bool(row % 2) for row in range(400)],
        "mixed": [row if row % 2 else str(row) for row in range(400)],
        "id": ["its own"] * 400,
        "z": [1.5] * 400,
        "empty": [None] * 400,
    }
    ids = [f"item {row}; '{row}'" for row in range(400)]
    return ls.fit(x.astype(np.float32), dims=6, ids=ids, metadata=metadata, density="gaussian")


@pytest.fixture(scope="module")
def queries(space):
    return space.latents[::40] + np.random.default_rng(1).normal(size=(10, 6)).astype(np.float32) / 10


@pytest.fixture(scope="module")
def nearest(space, queries):
    """The ten nearest of each query by an exact search here, for each metric."""
    return {
        metric: [list(space.search(vector=query, k=10, metric=metric, recall=1).ids) for query in queries]
        for metric in ("cosine", "euclidean", "dot")
    }
