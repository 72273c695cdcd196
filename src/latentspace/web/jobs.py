"""Work that takes longer than a request: one at a time, in a thread of its own, asked after by number."""

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

_KEPT = 100  # finished jobs that can still be asked after


@dataclass
class Job:
    """One piece of work and where it stands: "waiting", "running", "done" or "failed"."""

    number: int
    what: str
    state: str = "waiting"
    message: str = ""
    began: float = field(default_factory=time.monotonic)

    def to_dict(self) -> dict[str, Any]:
        """What the page is told."""
        seconds = round(time.monotonic() - self.began, 1)
        return {"job": self.number, "what": self.what, "state": self.state, "message": self.message, "seconds": seconds}


class Jobs:
    """Runs jobs one after the other; the same work asked for twice is one job."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="latentspace-job")
        self._numbers = itertools.count(1)
        self._jobs: dict[int, Job] = {}
        self._lock = threading.Lock()

    def start(self, what: str, work: Callable[[], Any]) -> Job:
        """Queues `work`; one that is under way under the same name is given back instead."""
        with self._lock:
            for job in self._jobs.values():
                if job.what == what and job.state in ("waiting", "running"):
                    return job
            job = Job(next(self._numbers), what)
            self._jobs[job.number] = job
            for number in list(self._jobs)[:-_KEPT]:
                if self._jobs[number].state in ("done", "failed"):
                    del self._jobs[number]
        self._pool.submit(self._run, job, work)
        return job

    def get(self, number: int) -> Job | None:
        """Returns a job; None for one that there never was, or that is long done."""
        return self._jobs.get(number)

    @staticmethod
    def _run(job: Job, work: Callable[[], Any]) -> None:
        job.state, job.began = "running", time.monotonic()
        try:
            work()
        except Exception as error:
            job.message = str(error) or type(error).__name__
            job.state = "failed"
        else:
            job.state = "done"
