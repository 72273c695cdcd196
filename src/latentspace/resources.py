"""What this machine has free: cores and memory. Heavy work asks here before it starts."""

import os
from pathlib import Path


def usable_cores() -> int:
    """Returns the cores this process may run on (its affinity, not the machine's total)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_cores() -> int:
    """Returns how many cores look idle now, at least 1.

    Work spread over a busy core waits for it at every barrier (two torch threads beside one busy process ran ten
    times slower than alone), so a thread count follows what is free, not what there is.
    """
    cores = usable_cores()
    busy = _runnable_elsewhere()
    return max(1, cores - busy) if busy is not None else cores


def _runnable_elsewhere() -> int | None:
    """Counts runnable tasks besides the caller, from Linux's /proc/loadavg; None where there is none."""
    try:
        running = int(Path("/proc/loadavg").read_text().split()[3].split("/")[0])
    except (OSError, IndexError, ValueError):
        return None
    return max(0, running - 1)


def available_memory() -> int:
    """Returns the bytes that can be taken without swapping; honours a cgroup limit where there is one."""
    free = _from_meminfo()
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        try:
            free = min(free, int(Path(limit).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):
            continue
    return max(free, 0)


def _from_meminfo() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 4 * 2**30


def refuse_if_too_large(needed: int, what: str, mend: str) -> None:
    """Raises MemoryError in one line when `needed` bytes are more than what is free.

    Parameters
    ----------
    needed : int
        Bytes the work is about to take.
    what : str
        The work, as the message's subject: "features of 50,000 images at 3 x 256 x 256".
    mend : str
        What the user can do about it, as a sentence.
    """
    free = available_memory()
    if needed > free:
        raise MemoryError(f"{what} would take {needed / 2**30:.1f} GiB; {free / 2**30:.1f} GiB are free. {mend}")
