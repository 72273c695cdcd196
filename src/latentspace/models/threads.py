"""How many threads a fit may use, and inference whose bits do not depend on it."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_WORTH_SHARING = 3e8  # operations a step, some milliseconds of a core: below it two threads were no faster than one


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Sets torch's threads for a while; whoever calls has the old number back afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads_worth(parameters: Iterable[Tensor], shape: Sequence[int], batch: int) -> int:
    """Counts the threads that a step of training is worth: all that torch may use, or one for a small step.

    The number follows from the work alone, never from how busy the cores look: another number of threads rounds a
    product otherwise, and the same seed is to give the same model on the same machine.

    Parameters
    ----------
    parameters : iterable of tensors
        The network's.
    shape : sequence of int
        An item's, (p,), (c, t) or (c, h, w); a convolution's weights are used at about a quarter of its places, since
        layers halve them.
    batch : int
        Items a step.
    """
    places = max(1.0, math.prod(shape[1:]) / 4)
    multiplied = sum(value.numel() * (places if value.dim() > 2 else 1) for value in parameters)
    return torch.get_num_threads() if 6 * batch * multiplied > _WORTH_SHARING else 1


def in_chunks(work: Callable[[Tensor], Tensor], x: Tensor, rows: int, threads: int) -> Tensor:
    """Applies `work` to x in chunks of exactly `rows` items, each on one thread, and joins the results.

    Kernels sum in another order for another batch size or thread count, so an item's last bits would depend on its
    company. Here every call has the same shape (the last chunk is filled up with zeros) and begins where torch aligns
    its own memory (some kernels round otherwise elsewhere), and only whole chunks are shared out to worker threads: the
    result is the same in any process and for any number of them.

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
