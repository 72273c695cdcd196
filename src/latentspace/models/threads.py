"""How many threads a fit may use, and inference whose bits do not depend on it."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ..resources import free_cores

_SETTLE = 0.01  # seconds until OpenMP's own workers, which spin after work, no longer look busy


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Sets torch's threads for a while; whoever calls has the old number back afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def spare_threads(most: int) -> int:
    """Counts the cores that look idle, 1 to `most`: the middle of three looks, since a look sees one moment."""
    if most <= 1:
        return 1
    looks = []
    for _ in range(3):
        time.sleep(_SETTLE)
        looks.append(free_cores())
    return min(most, sorted(looks)[1])


def in_chunks(work: Callable[[Tensor], Tensor], x: Tensor, rows: int, threads: int) -> Tensor:
    """Applies `work` to x in chunks of exactly `rows` items, each on one thread, and joins the results.

    Kernels sum in another order for another batch size or thread count, so an item's last bits would depend on its
    company. Here every call has the same shape (the last chunk is filled up with zeros), and only whole chunks are
    shared out to worker threads: the result is the same in any process and for any number of them.

    Parameters
    ----------
    work : callable
        Maps a tensor (rows, ...) to a tensor (rows, ...); must not draw.
    x : tensor of shape (n, ...)
    rows : int
        Items a chunk.
    threads : int
        Chunks at work at once.
    """

    def one(begin: int) -> Tensor:
        chunk = x[begin : begin + rows]
        if len(chunk) == rows:
            return work(chunk)
        filled = x.new_zeros((rows, *x.shape[1:]))
        filled[: len(chunk)] = chunk
        return work(filled)[: len(chunk)]

    return torch.cat(in_threads(one, range(0, len(x), rows), threads))


def in_threads(work: Callable[[Any], Any], jobs: Sequence[Any], threads: int) -> list[Any]:
    """Applies `work` to every job, up to `threads` at once, each on one torch thread; results in the jobs' order."""
    threads = min(threads, len(jobs))
    with torch_threads(1):
        if threads <= 1:
            return [work(job) for job in jobs]
        # OpenMP's thread count belongs to each thread: the workers set their own.
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(work, jobs))
