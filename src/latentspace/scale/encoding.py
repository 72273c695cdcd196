"""Encoding as a pipeline: segments of items in, a file of latents for each out; one that is there is not made again."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..models import adapter
from ..progress import Progress
from .engines import Engine, Job
from .segments import Encoded, Form, name_of, write

_BLOCK = 8192  # rows that a model is given at once


class OfRows:
    """Encodes rows on disk by a fitted model and writes each segment where it is made.

    Parameters
    ----------
    model : fitted estimator
    rows : array of shape (n, ...), or what is read like one
    folder : Path
        Where segments go; on a cluster, the same folder on every machine.
    form : "npy" or "parquet"
    skip : bool
        Leave out rows with NaN or infinity, instead of raising for the first.
    """

    def __init__(self, model: Any, rows: Any, folder: Path, form: Form, skip: bool):
        self._model, self._rows, self._folder, self._form, self._skip = model, rows, folder, form, skip

    def read(self, task: tuple[int, int, int]) -> np.ndarray:
        _, start, stop = task
        return np.asarray(self._rows[start:stop])

    def compute(self, task: tuple[int, int, int], read: np.ndarray) -> tuple[int, int]:
        number, start, stop = task
        ids = np.arange(start, stop)
        skipped: list[tuple[str, str]] = []
        flat = read.reshape(len(read), -1)
        with np.errstate(all="ignore"):
            whole = flat.dtype.kind != "f" or bool(np.isfinite(flat.sum(dtype=flat.dtype)))
        if not whole and not (good := np.isfinite(flat).all(axis=1)).all():
            if not self._skip:
                row = int(np.flatnonzero(~good)[0])
                raise ValueError(
                    f"Row {start + row:,} holds NaN or infinity, which has no latent. Mend it, or pass on_error='skip'."
                )
            skipped = [(str(row), "NaN or infinite values") for row in ids[~good].tolist()]
            read, ids = read[good], ids[good]
        z = self._encoded(read)
        write(self._folder, number, Encoded(ids, z, skipped), self._form)
        return len(ids), len(skipped)

    def _encoded(self, x: np.ndarray) -> np.ndarray:
        if not getattr(self._model, "takes_images", False):
            x = x.reshape(len(x), -1)
        if getattr(self._model, "family", None) == "pca":  # reads in chunks by itself
            return self._model.transform(x) if len(x) else np.empty((0, self._model.dims_), np.float32)
        parts = [np.asarray(self._model.transform(x[s : s + _BLOCK]), np.float32) for s in range(0, len(x), _BLOCK)]
        return np.concatenate(parts) if parts else np.empty((0, adapter.dims_of(self._model)), np.float32)


class OfItems:
    """Encodes items of any kind by a function, and writes each segment where it is made.

    Parameters
    ----------
    work : callable(piece) -> Encoded
        Reads and encodes a piece of the items; on a cluster it travels to the workers.
    pieces : callable(start, stop) -> piece
    """

    def __init__(self, work: Callable[[Any], Encoded], pieces: Callable[[int, int], Any], folder: Path, form: Form):
        self._work, self._pieces, self._folder, self._form = work, pieces, folder, form

    def read(self, task: tuple[int, int, int]) -> Any:
        return self._pieces(task[1], task[2])

    def compute(self, task: tuple[int, int, int], read: Any) -> tuple[int, int]:
        encoded = self._work(read)
        write(self._folder, task[0], encoded, self._form)
        return len(encoded.z), len(encoded.skipped)


def run(job: Job, bounds: Sequence[tuple[int, int]], folder: Path, form: Form, engine: Engine) -> None:
    """Makes the segments that are not there yet."""
    tasks = [
        (number, start, stop)
        for number, (start, stop) in enumerate(bounds)
        if not (folder / name_of(number, form)).exists()
    ]
    with Progress("Encoding", bounds[-1][1] if bounds else 0) as progress:
        progress.done = progress.total - sum(stop - start for _, start, stop in tasks) if progress.total else 0
        for count, skipped in engine.map(job, tasks):
            progress.advance(count + skipped)
