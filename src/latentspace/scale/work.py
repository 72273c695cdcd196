"""The folder that a long job keeps its finished pieces in, so that the same call after a crash goes on from there.

`_job.json` says what the job is; another job's folder is refused. Every file is written beside its place and moved
there once it is on disk: a piece is there whole or not at all.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_FACTS = "_job.json"  # names that begin so are left aside by what reads a folder of Parquet


class Work:
    """A job's folder.

    Parameters
    ----------
    folder : path
        Made where it is not there.
    described : mapping
        What the job depends on, JSON-able: the source's fingerprint, the model, its parameters.

    Raises
    ------
    ValueError
        If the folder is another job's; the message says what differs.
    """

    def __init__(self, folder: str | Path, described: Mapping[str, Any]):
        self.folder = Path(folder)
        wanted = json.loads(json.dumps(described))
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"work={str(self.folder)!r} is a file. Pass a folder, or a name that is not taken.")
        facts = self.folder / _FACTS
        if facts.exists():
            self._must_be(facts, wanted)
        elif self.folder.exists() and any(self.folder.iterdir()):
            raise ValueError(f"work={str(self.folder)!r} holds other files and no job. Pass a folder of its own.")
        else:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.put(_FACTS, lambda file: file.write(json.dumps(wanted, indent=1).encode()))

    def _must_be(self, facts: Path, wanted: Mapping[str, Any]) -> None:
        try:
            there = json.loads(facts.read_text())
            names = sorted({*there, *wanted})
        except (ValueError, TypeError) as error:
            raise ValueError(f"{facts} is damaged ({error}). Delete the folder, or pass another.") from None
        differ = [name for name in names if there.get(name) != wanted.get(name)]
        if differ:
            name = differ[0]
            raise ValueError(
                f"work={str(self.folder)!r} belongs to another job: its {name} is {there.get(name)!r}, this one's "
                f"{wanted.get(name)!r}. Pass what it was begun with, another folder, or delete it."
            )

    def path(self, name: str) -> Path:
        return self.folder / name

    def has(self, name: str) -> bool:
        return self.path(name).exists()

    def put(self, name: str, write: Callable[[BinaryIO], Any]) -> Path:
        """Writes a file, whole or not at all."""
        return put(self.path(name), write)

    def put_arrays(self, name: str, **arrays: Any) -> None:
        self.put(name, lambda file: np.savez(file, **arrays))

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        with np.load(self.path(name), allow_pickle=False) as held:
            return {key: held[key] for key in held.files}

    def drop(self, pattern: str) -> None:
        """Removes pieces that are no longer needed."""
        for path in self.folder.glob(pattern):
            path.unlink(missing_ok=True)


def put(path: Path, write: Callable[[BinaryIO], Any]) -> Path:
    """Writes a file beside its place, sees it on disk, and moves it there.

    Raises
    ------
    OSError
        If the disk is full, and nothing of it is left.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return path
