"""Blocks of queries shared out to our own threads, in each of which FAISS uses one."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..models.workers import ordered, workers
from ..resources import usable_cores

_BLOCK = 128  # queries a thread takes at a time
_WORTH_THREADS = 64  # queries


class one_thread:
    """Holds FAISS to one OpenMP thread in the calling thread, and gives it its own number back afterwards.

    Whole blocks of queries are shared out to our own threads instead: OpenMP's wait for one another at every barrier,
    spin afterwards on cores that torch or numpy want, and are woken for a single query that they can't help with.
    """

    def __enter__(self) -> None:
        self._before = faiss().omp_get_max_threads()
        if self._before != 1:
            faiss().omp_set_num_threads(1)

    def __exit__(self, *_: Any) -> None:
        if self._before != 1:
            faiss().omp_set_num_threads(self._before)


def faiss() -> Any:
    """FAISS, imported when it is first needed; its own types know little of what Python adds to it."""
    import faiss

    return faiss


def gather(work: Callable[[slice], np.ndarray], n: int) -> np.ndarray:
    """Calls work(slice) on blocks of n rows and puts what it returns into one array, in order."""
    parts: dict[int, np.ndarray] = {}

    def one(block: slice) -> None:
        parts[block.start] = work(block)

    share_out(one, n)
    return np.concatenate([parts[start] for start in sorted(parts)])


def share_out(work: Callable[[slice], None], n: int) -> None:
    """Calls work(slice) on blocks of n rows, in threads where there are enough."""
    if n < _WORTH_THREADS:
        with one_thread():
            work(slice(0, n))
        return
    size = min(-(-n // usable_cores()), _BLOCK)
    blocks = [slice(start, min(start + size, n)) for start in range(0, n, size)]

    def one(block: slice) -> None:
        with one_thread():
            work(block)

    with workers() as count:
        for _ in ordered(one, blocks, count):
            pass
