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


def gather(work: Callable[[slice], tuple[np.ndarray, ...]], n: int) -> tuple[np.ndarray, ...]:
    """Calls work(slice) on blocks of n rows, in threads where there are enough, and joins what it returns, in order.

    Parameters
    ----------
    work : function of a slice
        Gives arrays with a row for each of the slice's. FAISS has one thread in it.
    n : int
    """
    if n < _WORTH_THREADS:
        with one_thread():
            return work(slice(0, n))
    size = min(-(-n // usable_cores()), _BLOCK)
    blocks = [slice(start, min(start + size, n)) for start in range(0, n, size)]

    def one(block: slice) -> tuple[np.ndarray, ...]:
        with one_thread():
            return work(block)

    with workers() as count:
        parts = list(ordered(one, blocks, count))
    return tuple(np.concatenate(each) for each in zip(*parts, strict=True))
