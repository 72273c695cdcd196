"""Work that takes longer than a request: one at a time, in a thread of its own, asked after by number."""

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

_KEPT = 100  # finished jobs that can still be asked after
STATES = ("waiting", "running", "done", "failed", "stopped")


class Stopped(Exception):
    """Somebody asked for this work to end before it was done."""


@dataclass
class Job:
    """One piece of work and where it stands: "waiting", "running", "done", "failed" or "stopped".

    Attributes
    ----------
    share : float or None
        How much of the present step is done, 0 to 1; None where that is not known.
    eta : float or None
        Seconds that the present step is likely to take yet.
    message : str
        What is being done; at the end what went wrong, or nothing.
    """

    number: int
    what: str
    state: str = "waiting"
    message: str = ""
    share: float | None = None
    eta: float | None = None
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "failed", "stopped")

    def tell(self, message: str, share: float | None = None, eta: float | None = None) -> None:
        """Says what is being done, and how far it is."""
        self.message, self.share, self.eta = message, share, eta

    def to_dict(self) -> dict[str, Any]:
        """What the page is told."""
        seconds = round((self.ended or time.monotonic()) - self.began, 1)
        told = {name: getattr(self, name) for name in ("what", "state", "message", "share", "eta")}
        return {"job": self.number, **told, "seconds": seconds}


class Jobs:
    """Runs jobs one after the other; the same work asked for twice is one job."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="latentspace-job")
        self._numbers = itertools.count(1)
        self._jobs: dict[int, Job] = {}
        self._lock = threading.Lock()

    def start(self, what: str, work: Callable[[Job], Any]) -> Job:
        """Queues `work`, which is given its job; one that is under way under the same name is given back instead."""
        with self._lock:
            for job in self._jobs.values():
                if job.what == what and not job.is_over:
                    return job
            job = Job(next(self._numbers), what)
            self._jobs[job.number] = job
            for number in list(self._jobs)[:-_KEPT]:
                if self._jobs[number].is_over:
                    del self._jobs[number]
        self._pool.submit(self._run, job, work)
        return job

    def get(self, number: int) -> Job | None:
        """Returns a job; None for one that there never was, or that is long done."""
        return self._jobs.get(number)

    def all(self) -> list[Job]:
        """Every job that can be asked after, the newest first."""
        with self._lock:
            return list(self._jobs.values())[::-1]

    def close(self) -> None:
        """Stops what is under way and takes nothing more."""
        for job in self.all():
            job.stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    @staticmethod
    def _run(job: Job, work: Callable[[Job], Any]) -> None:
        job.state, job.began = "running", time.monotonic()
        message, state = "", "done"
        try:
            if job.stopping.is_set():
                raise Stopped
            work(job)
        except Stopped:
            state = "stopped"
        except Exception as error:
            message, state = str(error) or type(error).__name__, "failed"
        job.tell(message, 1.0 if state == "done" else None)
        job.ended, job.state = time.monotonic(), state  # the state last: who sees it sees the message too
