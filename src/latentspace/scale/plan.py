"""What a job will take, said before it starts: bytes of memory and of disk, and how often the rows are read."""

import math
import shutil
from pathlib import Path
from typing import NamedTuple

from ..models.rows import chunk_rows
from ..models.workers import workers
from ..resources import refuse_if_too_large
from . import segments, statistics

_PROCESS = 200 * 2**20  # Python with numpy, SciPy and scikit-learn
_TORCH = 350 * 2**20  # and with torch
_INDEX = 26  # bytes an item while networks train: two orders, their mask, and who is held out


class Plan(NamedTuple):
    """What a job takes.

    Attributes
    ----------
    memory : int
        Bytes at its peak, Python and its libraries included; of each worker, where there are several.
    disk : int
        Bytes that it writes.
    passes : int
        How often all rows are read, encoding included; of a network, in one epoch.
    """

    memory: int
    disk: int
    passes: int

    def __str__(self) -> str:
        return (
            f"takes about {_size(self.memory)} of memory and {_size(self.disk)} of disk, and reads all rows "
            f"{self.passes} times"
        )


def of_pca(n: int, shape: tuple[int, ...], dims: int, resumes: bool) -> Plan:
    """The plan of a PCA in one pass and of encoding in another."""
    p = math.prod(shape)
    with workers() as threads:
        chunks = (threads + 5) * 2 * chunk_rows(p) * 4 * p  # as read, and less their mean
        products = (threads + 5) * 4 * p * p
    matrices = 5 * 8 * p * p  # sums, what is merged into them, and the solver's work
    encoding = _encoding(n, p, dims)
    count = len(statistics.groups(statistics.segments(n, p)))
    disk = 4 * n * dims + (8 * p * p * count if resumes else 0)
    return Plan(_PROCESS + max(chunks + products + matrices, encoding), disk, 2)


def of_network(n: int, shape: tuple[int, ...], dims: int, spooled: bool) -> Plan:
    """The plan of a network trained from disk, but for its weights, which are small beside that."""
    from ..models.block_items import HELD_OUT, WINDOW

    p = math.prod(shape)
    held = min(HELD_OUT, 4 * n * p // 10)
    windows = min(5 * WINDOW, 20 * n * p)  # one in use, one read and scaled, and what scaling it takes
    memory = _PROCESS + _TORCH + max(windows + 3 * held + 2**28, _encoding(n, p, dims)) + _INDEX * n
    return Plan(memory, 4 * n * dims + (4 * n * p if spooled else 0), 3)


def _encoding(n: int, p: int, dims: int) -> int:
    rows = segments.bounds(n, p)[0][1] if n else 0
    return 4 * rows * (4 * p + 2 * dims)


def check(plan: Plan, what: str, folder: Path | None) -> None:
    """Refuses what would not fit.

    Raises
    ------
    MemoryError, OSError
        In one line that says what it takes and what is free.
    """
    refuse_if_too_large(plan.memory, what, "Take fewer features, or a machine with more memory.")
    if folder is None:
        return
    there = folder
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    if plan.disk > free:
        raise OSError(
            f"{what} would write {_size(plan.disk)} to {folder}, where {_size(free)} are free. Pass a folder on a "
            "larger disk."
        )


def _size(count: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.3g} {unit}"
