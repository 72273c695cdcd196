"""Items for networks that stay on disk: read in blocks, shuffled over blocks and within a window, a window ahead.

A draw of single rows from a disk is a thousand seeks for a batch. Here an epoch draws an order of blocks (some hundred
consecutive rows each), fills a window with the next ones and draws rows from it without putting any back. A batch is so
made of rows from as many places as a window has blocks, a hundred or more; only where the file itself is sorted and a
window holds few of its blocks does that differ from drawing from all. The next window is read while this one is
trained on, so a disk as fast as the network costs no time.
"""

import math
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .parallel import Group
from .scaling import Scaling

WINDOW = 2**27  # bytes of float32 that rows are drawn from: 128 MB; there are two, one being read
_BLOCK = 2**20  # bytes of float32 of a block: 1 MB, at which a disk is about as fast as in one stream
HELD_OUT = 2**26  # bytes of float32 of items that are judged by, which stay in memory: 64 MB


class _Window(NamedTuple):
    positions: np.ndarray  # int64 (m,), of rows of all items
    x: Tensor  # float32 (m, ...)


class BlockItems:
    """Items as rows on disk, with what training asks of a tensor of items.

    Parameters
    ----------
    rows : array of shape (n, ...), memory-mapped, or what is read like one
        `rows[start:stop]` and `rows[positions]` give rows; see `latentspace.items.blocks.BlockRows`.
    units : Scaling
        Rows to the network's unit.
    window : int, default=WINDOW
        Bytes of float32 to draw from.
    """

    def __init__(self, rows: Any, units: Scaling, window: int = WINDOW):
        self._rows, self._units = rows, units
        self.shape = tuple(int(side) for side in rows.shape)
        self._bytes = 4 * math.prod(self.shape[1:])
        self._block = max(1, _BLOCK // self._bytes)
        self._window = max(1, window // (self._block * self._bytes))  # blocks
        self._allowed: np.ndarray | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: Any) -> Tensor:
        """Items at a slice, at a tensor of positions, or one at a position, as a float32 tensor."""
        if isinstance(chosen, int):
            return self[chosen : chosen + 1][0]
        if not isinstance(chosen, Tensor):
            return self._scaled(self._rows[chosen])
        place = chosen.cpu().numpy()
        order = np.argsort(place)  # a disk is read forwards
        x = self._scaled(self._rows[place[order]])
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return x[torch.from_numpy(back)]

    def subset(self, chosen: Tensor) -> Tensor:
        """The items at these positions, in memory."""
        return self[chosen]

    def looked_at(self, most: int, seed: int) -> np.ndarray:
        """Items to judge all by: all, or `most` of them drawn."""
        chosen = np.arange(len(self))
        if len(self) > most:
            chosen = np.random.RandomState(seed).choice(len(self), most, replace=False)
        return self[torch.from_numpy(np.sort(chosen))].numpy()

    def split(self, size: int) -> Iterator[Tensor]:
        """Yields all items in order, at most `size` together."""
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def new_empty(self, shape: tuple[int, ...]) -> Tensor:
        """A tensor as the items come in, with nothing in it yet."""
        return torch.empty(shape)

    def tensors(self) -> tuple[Tensor, ...]:
        """Rows that tell these items from others: up to 1,024, evenly spread."""
        places = np.unique(np.linspace(0, len(self) - 1, min(1024, len(self))).astype(np.int64))
        return torch.tensor(self.shape), self[torch.from_numpy(places)]

    def batches(
        self, rows: Tensor, count: int, size: int, generator: torch.Generator, group: Group
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields an epoch's batches, each as positions (size,) and items (size, ...), which the next one overwrites.

        Parameters
        ----------
        rows : int64 tensor
            The items to learn from.
        count, size : int
            Batches, and items in each.
        generator : torch.Generator
            Draws one number, from which the order follows.
        group : Group
            Those who train together: each draws from blocks of its own, `size` from all of them together.
        """
        seed = int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
        rng = np.random.default_rng(seed)
        order = rng.permutation(math.ceil(len(self) / self._block))
        mine = order[group.rank :: group.size] if len(order) >= group.size else order
        share = group.share(size)
        rng = np.random.default_rng((seed, group.rank))
        batch = torch.empty((share, *self.shape[1:]))
        rest = _Window(np.empty(0, np.int64), torch.empty((0, *self.shape[1:])))
        allowed = self._mask_of(rows)
        mine = mine if any(self._count(block, allowed) for block in mine) else order
        windows = self._windows(mine, allowed, count * share)
        done = 0
        while done < count:
            window = next(windows)
            if len(rest.positions):
                window = _Window(np.concatenate([rest.positions, window.positions]), torch.cat([rest.x, window.x]))
            drawn = rng.permutation(len(window.positions))
            whole = min(count - done, len(drawn) // share)
            for start in range(0, whole * share, share):
                chosen = torch.from_numpy(drawn[start : start + share])
                torch.index_select(window.x, 0, chosen, out=batch)
                yield torch.from_numpy(window.positions[drawn[start : start + share]]), batch
            done += whole
            left = drawn[whole * share :]
            rest = _Window(window.positions[left], window.x[torch.from_numpy(left)])
        windows.close()

    def _windows(self, blocks: np.ndarray, allowed: np.ndarray, needed: int) -> Generator[_Window]:
        """Yields windows of blocks in this order, over and over until there are so many rows, each read while the one
        before it is used."""
        groups = [blocks[start : start + self._window] for start in range(0, len(blocks), self._window)]
        turn = 0
        with ThreadPoolExecutor(1, thread_name_prefix="latentspace-blocks") as pool:
            ahead = pool.submit(self._read, groups[0], allowed)
            while needed > 0:
                window = ahead.result()
                needed -= len(window.positions)
                turn += 1
                if needed > 0:
                    ahead = pool.submit(self._read, groups[turn % len(groups)], allowed)
                yield window

    def _count(self, block: int, allowed: np.ndarray) -> int:
        return int(np.count_nonzero(allowed[block * self._block : (block + 1) * self._block]))

    def _read(self, blocks: np.ndarray, allowed: np.ndarray) -> _Window:
        parts, positions = [], []
        for block in np.sort(blocks).tolist():  # forwards; the rows are shuffled afterwards
            start, stop = block * self._block, min((block + 1) * self._block, len(self))
            own = np.flatnonzero(allowed[start:stop])
            part = np.asarray(self._rows[start:stop])
            parts.append(part if len(own) == len(part) else part[own])
            positions.append(own + start)
        return _Window(np.concatenate(positions), self._scaled(np.concatenate(parts)))

    def _scaled(self, features: Any) -> Tensor:
        return torch.from_numpy(self._units.forward(np.asarray(features)))

    def _mask_of(self, rows: Tensor) -> np.ndarray:
        """Where the items lie that may be learned from, bool (n,): a byte an item, kept for all epochs."""
        if self._allowed is None:
            self._allowed = np.zeros(len(self), bool)
            self._allowed[rows.cpu().numpy()] = True
        return self._allowed
