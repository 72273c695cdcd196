"""Sparse rows for networks: written out a batch at a time, in the network's unit, where all of them would not fit."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array, issparse
from torch import Tensor

from ..resources import refuse_if_too_large
from .block_items import BlockItems
from .scaling import Scaling

WRITTEN_OUT = 2**26  # values of sparse rows that are written out at once and kept, which is faster: 256 MB
_AT_ONCE = 2**24  # values of one block


class SparseItems:
    """Items as sparse rows, with what training asks of a tensor of items: to choose some, which come as a dense one.

    Parameters
    ----------
    rows : csr_array of shape (n, p)
    units : Scaling
        Rows to the network's unit.

    Raises
    ------
    ValueError
        If the unit is counts or weights and a value is none.
    """

    def __init__(self, rows: csr_array, units: Scaling):
        units.refuse(rows)
        self._rows, self._units = rows, units
        self.shape = rows.shape

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, chosen: Any) -> Tensor:
        """Items at a slice, at a tensor of positions, or one at a position, as a float32 tensor."""
        if isinstance(chosen, int):
            return self[chosen : chosen + 1][0]
        place = chosen.cpu().numpy() if isinstance(chosen, Tensor) else chosen
        return torch.from_numpy(self._units.forward(self._rows[place].toarray()))

    def subset(self, chosen: Tensor) -> "SparseItems":
        """The items at these positions, still sparse."""
        return SparseItems(self._rows[chosen.cpu().numpy()], self._units)

    def looked_at(self, most: int, seed: int) -> np.ndarray:
        """Items to judge all by: all, or `most` of them drawn."""
        chosen = np.arange(len(self))
        if len(self) > most:
            chosen = np.sort(np.random.RandomState(seed).permutation(chosen)[:most])
        return self[torch.from_numpy(chosen)].numpy()

    def split(self, size: int) -> Iterator[Tensor]:
        """Yields all items in order, at most `size` together and no more than are quickly forgotten."""
        size = min(size, max(1, _AT_ONCE // self.shape[1]))
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def write(self, chosen: Tensor, batch: Tensor) -> None:
        """Writes the items at these positions into a tensor of their shape."""
        batch.copy_(self[chosen])

    def new_empty(self, shape: tuple[int, ...]) -> Tensor:
        """A tensor as the items come in, with nothing in it yet."""
        return torch.empty(shape)

    def tensors(self) -> tuple[Tensor, ...]:
        """What the rows consist of, to tell them from others."""
        return tuple(torch.from_numpy(np.asarray(part)) for part in (self._rows.data, self._rows.indices))


Items = Tensor | SparseItems | BlockItems


def some_of(x: Items, chosen: Tensor, values: int = _AT_ONCE) -> Tensor:
    """The items at these positions; of rows that are sparse or on disk as many as hold so many values, from the first
    on."""
    if isinstance(x, Tensor):
        return x[chosen]
    values = min(values, _AT_ONCE) if isinstance(x, BlockItems) else values  # each row of a disk is a read of its own
    return x[chosen[: max(1, values // math.prod(x.shape[1:]))]]


def subset_of(x: Items, chosen: Tensor) -> Items:
    """The items at these positions, as they are."""
    return x[chosen] if isinstance(x, Tensor) else x.subset(chosen)


def admitted(X: Any, in_batches: bool) -> Any:
    """Features that a fit may keep in memory: dense, or sparse where they are to be written out in batches.

    Raises
    ------
    MemoryError
        If they would not fit.
    """
    size = f"{X.shape[0]:,} items of shape {X.shape[1:]} in {X.dtype}"
    if issparse(X) and (not in_batches or math.prod(X.shape) <= WRITTEN_OUT):
        refuse_if_too_large(X.dtype.itemsize * math.prod(X.shape), size, "Pass fewer items or features.")
        X = X.toarray()
    if not issparse(X):
        refuse_if_too_large(4 * X.size, size, "Pass fewer items.")
    return X
