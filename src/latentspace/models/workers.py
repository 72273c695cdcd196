"""Work on blocks shared out to threads with one BLAS thread each; results come back in the order of the blocks.

A threaded product splits every block over all cores and waits for the slowest at each barrier: beside one busy process
it falls far behind one thread. Whole blocks drawn from a queue have no barrier, and a core that is busy elsewhere
simply draws fewer. Because results are handed back in order, a sum over them has the same bits whatever the number
of threads and whichever finished first.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from ..resources import usable_cores

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4  # blocks that quick workers may finish while a slow one holds up the order; bounds the memory

_lock = threading.Lock()
_inside = 0
_limit = None
_workers = 1


@contextmanager
def workers() -> Iterator[int]:
    """Gives the number of worker threads to use, with BLAS held to one thread as long as the context lasts.

    The number is what BLAS itself may use (OMP_NUM_THREADS and threadpoolctl's limits are honoured), at most the cores
    this process may run on. The BLAS setting belongs to the whole process, so contexts that overlap share one: the
    first to enter sets it and the last to leave puts it back.
    """
    global _inside, _limit, _workers
    with _lock:
        if _inside == 0:
            blas = ThreadpoolController().select(user_api="blas")
            allowed = max((library["num_threads"] for library in blas.info()), default=1)
            _workers = max(1, min(allowed, usable_cores()))
            _limit = blas.limit(limits=1)
            _limit.__enter__()
        _inside += 1
        threads = _workers
    try:
        yield threads
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                assert _limit is not None
                _limit.__exit__(None, None, None)
                _limit = None


def ordered(work: Callable[[T], R], tasks: Iterable[T], threads: int) -> Iterator[R]:
    """Yields `work(task)` for each task in order, worked on by that many threads.

    Tasks are drawn by the calling thread, so a generator that reads a file or a database stays in the thread that made
    it. An error in a task is raised when its turn comes: the first bad block is the one that is named.
    """
    if threads == 1:
        yield from map(work, tasks)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="latentspace")
    pending: deque[Future[R]] = deque()
    try:
        for task in tasks:
            pending.append(pool.submit(work, task))
            if len(pending) >= threads + _AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
