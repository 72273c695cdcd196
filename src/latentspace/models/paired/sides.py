"""One side of pairs, seen along its principal axes."""

from typing import NamedTuple

import numpy as np

_NULL = 1e-6  # of the largest spread: what rounding has left


class Side(NamedTuple):
    """Mean (p,), principal axes as columns (p, k) and the standard deviation along each (k,), falling."""

    mean: np.ndarray
    axes: np.ndarray
    spread: np.ndarray

    def along(self, x: np.ndarray) -> np.ndarray:
        """Rows (n, p) to coordinates (n, k), each of standard deviation 1 on the rows that it was learned from."""
        return (x - self.mean) @ (self.axes / self.spread)


def principal(x: np.ndarray, most: int | None = None) -> Side:
    """The principal axes of rows (n, p): all that are not rounding, or the `most` widest.

    Raises
    ------
    ValueError
        If the rows are all alike.
    """
    mean = x.mean(axis=0)
    centred = x - mean
    wide = x.shape[0] < x.shape[1]
    squares, vectors = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    values = np.sqrt(np.maximum(squares[::-1], 0))
    keep = int((values > _NULL * values[0]).sum()) if values[0] > 0 else 0
    if keep == 0:
        raise ValueError("one side of the pairs is constant: all its rows are alike. Pass items that differ.")
    keep = min(keep, most or keep)
    values, vectors = values[:keep], vectors[:, ::-1][:, :keep]
    axes = centred.T @ vectors / values if wide else vectors
    return Side(mean, axes, values / np.sqrt(len(x)))
