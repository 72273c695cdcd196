"""The same work on a Ray cluster: segments' moments as a tree of tasks, averaged gradients, a map of tasks.

Ray moves what travels between its own processes by its own means; nothing of that is ever read from a file. A task
whose worker or machine is lost is done again, there or elsewhere, and nothing else is; what only that machine held is
made again from what it was made of. Paths must mean the same on every machine: a shared folder, or a mounted bucket.
"""

import itertools
import os
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import TrainingWarning
from ..models.covariance import Moments
from ..optional import require
from . import statistics
from .engines import Job

_AHEAD = 2  # tasks under way for each core: one at work, one ready
_RETRIES = 20  # times that a task is done again after its worker was lost
_RESTARTS = 20  # times that training goes on after a worker was lost


class Ray:
    """A Ray cluster: the one that this process is connected to, that RAY_ADDRESS names, or one of this machine's cores.

    Parameters
    ----------
    workers : int or None
        Processes that train together; None takes one for each core of the cluster.
    """

    name = "ray"

    def __init__(self, workers: int | None = None):
        if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
            raise ValueError(f"workers={workers!r} must be an integer of at least 1, or None for every core.")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
        self._ray: Any = require("ray", "ray", "engine='ray'")
        if not self._ray.is_initialized():
            self._ray.init(log_to_driver=False, include_dashboard=False, configure_logging=False)
        self.cores = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        self.workers = workers or self.cores
        if self.workers > self.cores:
            raise ValueError(f"workers={workers} is more than the cluster's {self.cores} cores, so they would wait.")

    # ------------------------------------------------------------------ PCA
    def moments(
        self, rows: Any, groups: Sequence[Sequence[tuple[int, int]]], dtype: type, skip: bool
    ) -> Iterator[Moments]:
        ray = self._ray
        one = ray.remote(num_cpus=1, max_retries=_RETRIES)(_segment)
        both = ray.remote(num_cpus=0, max_retries=_RETRIES)(statistics.merged)
        held = ray.put(rows)
        waiting: deque[Any] = deque()
        pending: list[Any] = []
        for bounds in groups:
            tree: list[tuple[int, Any]] = []
            for segment in bounds:
                while len(pending) >= _AHEAD * self.cores:
                    _, pending = ray.wait(pending, num_returns=1)
                ref = one.remote(held, segment, dtype, skip)
                pending.append(ref)
                level = 0
                while tree and tree[-1][0] == level:
                    ref, level = both.remote(tree.pop()[1], ref), level + 1
                tree.append((level, ref))
            root = tree[-1][1]
            for _, ref in reversed(tree[:-1]):
                root = both.remote(ref, root)
            waiting.append(root)
            while waiting and len(waiting) > _AHEAD * self.cores:
                yield self._get(waiting.popleft())
        while waiting:
            yield self._get(waiting.popleft())

    # ------------------------------------------------------------------ encoding
    def map(self, job: Job, tasks: Sequence[Any]) -> Iterator[Any]:
        ray = self._ray
        work = ray.remote(num_cpus=1, max_retries=_RETRIES)(_whole)
        held = ray.put(job)
        under_way: deque[Any] = deque()
        left = iter(tasks)
        for task in itertools.islice(left, _AHEAD * self.cores):
            under_way.append(work.remote(held, task))
        while under_way:
            yield self._get(under_way.popleft())
            for task in itertools.islice(left, 1):
                under_way.append(work.remote(held, task))

    def _get(self, ref: Any) -> Any:
        """What a task gave; its own error, not Ray's around it, where it raised."""
        try:
            return self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as error:
            raise (error.cause if isinstance(error.cause, Exception) else error) from None

    # ------------------------------------------------------------------ training
    def train(self, model: Any, rows: Any, y: Any, checkpoint: Path | None, callback: Any, on_error: str) -> Any:
        """Trains on every worker's share of each batch; where one is lost, all go on from the last whole epoch.

        Raises
        ------
        RuntimeError
            If workers are lost again and again.
        """
        ray = self._ray
        if callback is not None:
            raise ValueError("callback= is for engine='local': with Ray, training runs in other processes.")
        if model.random_state is None or not isinstance(model.random_state, int):
            raise ValueError(f"random_state={model.random_state!r}: workers that train together need an int.")
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )  # beside this process: where that ends, so does the job
        keeper = ray.remote(num_cpus=0, scheduling_strategy=here)(_Keeper).remote(
            checkpoint.read_bytes() if checkpoint is not None and checkpoint.exists() else None
        )
        arguments = ray.put((type(model), model.get_params(deep=False), rows, y, on_error))
        for restart in range(_RESTARTS + 1):
            workers = [ray.remote(num_cpus=1, max_restarts=0)(_Trainer).remote() for _ in range(self.workers)]
            try:
                address = ray.get(workers[0].address.remote())
                running = [
                    worker.train.remote(arguments, rank, self.workers, address, keeper)
                    for rank, worker in enumerate(workers)
                ]
                state = self._watched(running, keeper, checkpoint)
            except (ray.exceptions.RayActorError, ConnectionError) as error:
                if restart == _RESTARTS:
                    raise RuntimeError(f"Training lost workers {_RESTARTS + 1} times, lastly: {error}") from None
                _warn_of_loss(restart + 1)
                continue
            finally:
                for worker in workers:
                    ray.kill(worker)
            if checkpoint is not None:
                checkpoint.unlink(missing_ok=True)
            return type(model).from_state(*state)
        raise AssertionError  # the loop returns or raises

    def _watched(self, running: list[Any], keeper: Any, checkpoint: Path | None) -> Any:
        """Waits for all; the first that is lost ends the waiting, since the others wait for it in vain."""
        ray, kept = self._ray, 0
        waiting = list(running)
        while waiting:
            done, waiting = ray.wait(waiting, num_returns=1, timeout=2.0)
            for ref in done:
                try:
                    ray.get(ref)
                except ray.exceptions.RayTaskError as error:
                    if isinstance(error.cause, _Lost):
                        raise ConnectionError(str(error.cause)) from None
                    raise (error.cause if isinstance(error.cause, Exception) else error) from None
            number, state = ray.get(keeper.since.remote(kept)) if checkpoint is not None else (kept, None)
            if state is not None and checkpoint is not None:
                from .work import put

                put(checkpoint, lambda file, state=state: file.write(state))  # type: ignore[misc]
                kept = number
        return ray.get(running[0])


def _segment(rows: Any, bounds: tuple[int, int], dtype: type, skip: bool) -> Moments:
    return statistics.sum_of(rows, [bounds], dtype, skip, threads=1)


def _whole(job: Any, task: Any) -> Any:
    return job.compute(task, job.read(task))


def _warn_of_loss(times: int) -> None:
    import warnings

    warnings.warn(
        f"A worker was lost while training (time {times}); all go on from the last epoch that was whole.",
        TrainingWarning,
        stacklevel=4,
    )


class _Lost(ConnectionError):
    """Another worker did not answer."""


class _Keeper:
    """Holds the last checkpoint where no worker's end can take it away."""

    def __init__(self, state: bytes | None):
        self._state, self._number = state, 0

    def keep(self, state: bytes) -> None:
        self._state, self._number = state, self._number + 1

    def last(self) -> bytes | None:
        return self._state

    def since(self, number: int) -> tuple[int, bytes | None]:
        """The last one's number, and itself if it is later than `number`."""
        return self._number, self._state if self._number > number else None


class _Trainer:
    """One of those who train together."""

    def address(self) -> str:
        import socket

        import ray

        host = ray.util.get_node_ip_address()
        with socket.socket() as taken:
            taken.bind((host, 0))
            return f"tcp://{host}:{taken.getsockname()[1]}"

    def train(self, arguments: tuple, rank: int, size: int, address: str, keeper: Any) -> Any:
        import ray
        import torch

        from ..models import parallel

        make, parameters, rows, y, on_error = arguments
        torch.set_num_threads(1)
        model = make(**parameters | {"threads": 1})
        with tempfile.TemporaryDirectory(prefix="latentspace-training-") as folder:
            path = Path(folder) / "checkpoint"
            state = ray.get(keeper.last.remote())
            if state is not None:
                path.write_bytes(state)
            told = _Told(path, keeper) if rank == 0 else None
            with parallel.joined(rank, size, address):
                try:
                    model.fit_from(rows, y, checkpoint=path, callback=told, on_error=on_error)
                except RuntimeError as error:
                    if "gloo" in str(error).lower() or "connection" in str(error).lower():
                        raise _Lost(f"worker {rank} lost another: {str(error).splitlines()[0]}") from None
                    raise
        return model.get_state() if rank == 0 else None


class _Told:
    """A callback that brings the checkpoint, which is of the epoch before, to the keeper."""

    def __init__(self, path: Path, keeper: Any):
        self._path, self._keeper, self._seen = path, keeper, 0.0

    def __call__(self, row: dict[str, Any]) -> None:
        if self._path.exists() and (written := os.stat(self._path).st_mtime_ns) != self._seen:
            self._seen = written
            self._keeper.keep.remote(self._path.read_bytes())
