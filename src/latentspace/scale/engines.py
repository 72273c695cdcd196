"""Who does the work: this machine, or a Ray cluster. Both give the same results, to the bit for PCA and encoding."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from ..models.covariance import Moments
from . import statistics

ENGINES = ("local", "ray")


class Job(Protocol):
    """Work on one task, in two steps, so that the next task's items are read while this one's are computed."""

    def read(self, task: Any) -> Any: ...

    def compute(self, task: Any, read: Any) -> Any: ...


class Engine(Protocol):
    """What a job asks of an engine."""

    def moments(
        self, rows: Any, groups: Sequence[Sequence[tuple[int, int]]], dtype: type, skip: bool
    ) -> Iterator[Moments]:
        """Yields the sum over each group of segments, in order."""

    def map(self, job: Job, tasks: Sequence[Any]) -> Iterator[Any]:
        """Yields what a job gives for each task, in order."""

    def train(self, model: Any, rows: Any, y: Any, checkpoint: Path | None, callback: Any, on_error: str) -> Any:
        """Trains a neural model on rows that stay on disk, and returns it."""


class Local:
    """This machine, this process."""

    name = "local"

    def moments(
        self, rows: Any, groups: Sequence[Sequence[tuple[int, int]]], dtype: type, skip: bool
    ) -> Iterator[Moments]:
        for bounds in groups:
            yield statistics.sum_of(rows, bounds, dtype, skip)

    def map(self, job: Job, tasks: Sequence[Any]) -> Iterator[Any]:
        with ThreadPoolExecutor(1, thread_name_prefix="latentspace-read") as pool:
            ahead = pool.submit(job.read, tasks[0]) if tasks else None
            for place, task in enumerate(tasks):
                assert ahead is not None
                read = ahead.result()
                if place + 1 < len(tasks):
                    ahead = pool.submit(job.read, tasks[place + 1])
                yield job.compute(task, read)

    def train(self, model: Any, rows: Any, y: Any, checkpoint: Path | None, callback: Any, on_error: str) -> Any:
        return model.fit_from(rows, y, checkpoint=checkpoint, callback=callback, on_error=on_error)


def engine_of(engine: Any, workers: int | None = None) -> Any:
    """An engine by its name, or itself.

    Raises
    ------
    ValueError
        If the name is not known.
    MissingExtraError
        If it is "ray" and Ray is not installed.
    """
    if not isinstance(engine, str | None):
        return engine
    if engine in (None, "local"):
        if workers is not None:
            raise ValueError(f"workers={workers} is for engine='ray'; on one machine OMP_NUM_THREADS says how many.")
        return Local()
    if engine == "ray":
        from .cluster import Ray

        return Ray(workers)
    raise ValueError(f"engine={engine!r} is not known. Known engines: {', '.join(map(repr, ENGINES))}.")
