"""Rows in blocks: vectors in many .npy or Parquet files, or of a stream, as one array that stays on disk.

What is asked for is read, and nothing else: `rows[start:stop]`, `rows[positions]`. An object of these travels to other
processes as paths, not as numbers, unless it is an array in memory.
"""

import hashlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..progress import Progress
from .array_files import _load_npy
from .block_parts import checked, groups_of, of_array
from .folders import suffix


class BlockRows:
    """Rows of shape (n, ...) that lie in parts, seen as one array.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy dtype
        float32, unless every part is of one other type of numbers.
    origin : str
        Where they came from, in words.
    """

    def __init__(self, parts: Sequence[Any], origin: str, keep: Any = None):
        self._parts, self.origin, self._keep = list(parts), origin, keep
        self._starts = np.concatenate([[0], np.cumsum([part.n for part in parts])]).astype(np.int64)
        self.shape = (int(self._starts[-1]), *parts[0].row)
        kinds = {part.dtype for part in parts}
        self.dtype = kinds.pop() if len(kinds) == 1 else np.dtype(np.float32)
        self._open = -1

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_keep": None, "_open": -1}  # who has the folder of a stream keeps it

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Rows at a slice or at positions (m,), as an array of their own; one row at an int."""
        if isinstance(rows, int | np.integer):
            return self[int(rows) : int(rows) + 1][0]
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                return self._between(start, max(start, stop))
            rows = np.arange(start, stop, step)
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        rows = rows.astype(np.int64)
        if not len(rows):
            return np.empty((0, *self.shape[1:]), self.dtype)
        if (rows < 0).any() or (rows >= len(self)).any():
            raise IndexError(f"row {int(rows.max(initial=0)):,} is out of range: there are {len(self):,}.")
        order = np.argsort(rows, kind="stable")
        out = np.empty((len(rows), *self.shape[1:]), self.dtype)
        ends = np.flatnonzero(np.diff(rows[order]) != 1) + 1
        for run in np.split(order, ends):
            first = int(rows[run[0]])
            out[run] = self._between(first, first + len(run))
        return out

    def select(self, positions: Sequence[int]) -> "SelectedRows":
        """The rows at these positions, still on disk."""
        return SelectedRows(self, np.asarray(positions, dtype=np.int64))

    def _between(self, start: int, stop: int) -> np.ndarray:
        out = np.empty((stop - start, *self.shape[1:]), self.dtype)
        part = int(np.searchsorted(self._starts, start, side="right")) - 1
        done = 0
        while start + done < stop:
            held = self._parts[part]
            first = start + done - int(self._starts[part])
            m = min(held.n - first, stop - start - done)
            self._enter(part)
            target = out[done : done + m]
            if held.dtype == self.dtype:
                held.read(first, target)
            else:
                other = np.empty(target.shape, held.dtype)
                held.read(first, other)
                target[...] = other
            done += m
            part += 1
        return out

    def _enter(self, part: int) -> None:
        """Forgets what the part read before had unpacked."""
        before, self._open = self._open, part
        if before not in (-1, part) and hasattr(self._parts[before], "forget"):
            self._parts[before].forget()

    def fingerprint(self) -> str:
        """A hash of the parts' paths, sizes and times of change, or of some of an array's rows: to know them again."""
        said = repr([part.about() for part in self._parts])
        return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


class SelectedRows:
    """Some rows of `BlockRows`, by their positions."""

    def __init__(self, rows: BlockRows, positions: np.ndarray):
        self._rows, self._positions = rows, positions
        self.shape, self.dtype, self.ndim = (len(positions), *rows.shape[1:]), rows.dtype, rows.ndim

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        return self._rows[self._positions[rows]]

    def select(self, positions: Sequence[int]) -> "SelectedRows":
        """The rows at these positions, still on disk."""
        return SelectedRows(self._rows, self._positions[np.asarray(positions, dtype=np.int64)])


def blocks(source: Any, *, columns: Sequence[str] | str | None = None, spool: str | Path | None = None) -> BlockRows:
    """Sees vectors in blocks as one array that stays on disk, for `fit`, `encode` and `add`.

    Parameters
    ----------
    source : path, sequence of paths, array, or iterable of arrays
        A folder of .npy or of .parquet files, in the order of their names; one such file, or several; an array, mapped
        or not; or blocks of shape (m, p) that arrive one after another, which are written to disk once, because a fit
        reads them more than once.
    columns : str or sequence of str, optional
        Of Parquet: one column of lists of numbers, or columns of numbers. By default the only column of lists, or else
        every column of numbers.
    spool : path, optional
        A folder for what arrives in blocks. It stays there: the same stream, after a crash, is compared with it block
        by block and goes on behind it. By default a temporary folder that goes with the object.

    Returns
    -------
    BlockRows

    Raises
    ------
    FileNotFoundError
        If a path is not there.
    ValueError
        If there are no rows, or parts have rows of different shapes; the message says which.
    OSError
        If the disk has no room for the stream; what was written stays in `spool`.

    Examples
    --------
    >>> rows = blocks(np.full((2, 3), float(i)) for i in range(4))
    >>> rows.shape, rows[[5, 0]].tolist()
    ((8, 3), [[2.0, 2.0, 2.0], [0.0, 0.0, 0.0]])
    """
    if isinstance(source, BlockRows):
        return source
    if isinstance(source, str | os.PathLike):
        return _of_paths(_listed(os.fspath(source)), os.fspath(source), columns)
    if isinstance(source, np.ndarray):
        return BlockRows([of_array(checked(source, "the array"))], f"array of shape {source.shape}")
    if isinstance(source, Sequence) and source and all(isinstance(path, str | os.PathLike) for path in source):
        paths = [os.fspath(path) for path in source]
        return _of_paths(paths, f"{len(paths):,} files, {paths[0]} first", columns)
    if isinstance(source, Iterable) or callable(source):
        return _of_stream(source, spool)
    raise TypeError(
        f"blocks() got a {type(source).__name__}. Pass a folder or files of .npy or .parquet, an array, or an iterable "
        "of arrays of shape (m, p)."
    )


def _listed(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    names = sorted(name for name in os.listdir(path) if not name.startswith((".", "_")))
    found = [name for name in names if suffix(name) in (".npy", ".parquet")]
    if not found or len({suffix(name) for name in found}) > 1:
        what = "holds .npy and .parquet files both" if found else "holds no .npy and no .parquet files"
        raise ValueError(f"{path} {what}. Pass a folder of one of them, or the paths that you mean.")
    return [os.path.join(path, name) for name in found]


def _of_paths(paths: list[str], origin: str, columns: Sequence[str] | str | None) -> BlockRows:
    parts: list[Any] = []
    for path in paths:
        if not os.path.isfile(path):
            raise FileNotFoundError(f"there is no file {path!r}.")
        if suffix(path) == ".npy":
            x = _load_npy(path)
            parts.append(of_array(checked(x, path)))
        elif suffix(path) == ".parquet":
            parts.extend(groups_of(path, columns))
        else:
            raise ValueError(f"{path} is neither .npy nor .parquet, which blocks() reads.")
        if parts and parts[-1].row != parts[0].row:
            raise ValueError(f"{path} has rows of shape {parts[-1].row}, {paths[0]} of {parts[0].row}: one is needed.")
    parts = [part for part in parts if part.n]
    if not parts:
        raise ValueError(f"{origin} holds no rows. Pass files with at least one.")
    return BlockRows(parts, origin)


# ---------------------------------------------------------------------- streams
def _of_stream(source: Iterable[Any] | Callable[[], Iterable[Any]], spool: str | Path | None) -> BlockRows:
    keep: Any = None
    if spool is None:
        folder = Path(tempfile.mkdtemp(prefix="latentspace-blocks-"))
        keep = _Owner()
        weakref.finalize(keep, shutil.rmtree, folder, True)
    else:
        folder = Path(spool)
        folder.mkdir(parents=True, exist_ok=True)
    parts: list[Any] = []
    with Progress("Writing blocks to disk") as progress:
        for number, block in enumerate(_arrays(source() if callable(source) else source)):
            if parts and block.shape[1:] != parts[0].row:
                raise ValueError(f"block {number} has rows of shape {block.shape[1:]}, those before of {parts[0].row}.")
            path = folder / f"block-{number:06d}.npy"
            _write_once(path, block)
            parts.append(of_array(_load_npy(os.fspath(path))))
            progress.advance(len(block))
    if not parts:
        raise ValueError("the stream gave no rows. Pass blocks with at least one.")
    return BlockRows(parts, f"{len(parts):,} blocks of a stream", keep)


class _Owner:
    """Whose end is the end of a temporary folder."""


def _arrays(blocks: Iterable[Any]) -> Iterator[np.ndarray]:
    for number, given in enumerate(blocks):
        block = checked(np.asarray(given), f"block {number}")
        if len(block):
            yield np.ascontiguousarray(block, dtype=None if block.dtype in (np.uint8, np.float64) else np.float32)


def _write_once(path: Path, block: np.ndarray) -> None:
    """Writes a block, whole or not at all; one that is there already must be the same."""
    if path.exists():
        there = _load_npy(os.fspath(path))
        if there.shape != block.shape or there.dtype != block.dtype or not np.array_equal(there, block, equal_nan=True):
            raise ValueError(
                f"{path} holds another block than the stream gives now. Pass the same stream, or another spool=."
            )
        return
    free = shutil.disk_usage(path.parent).free
    if block.nbytes + 2**20 > free:
        raise OSError(
            f"{path.parent} has {free / 2**30:.1f} GiB free, the next block takes {block.nbytes / 2**30:.1f}. Pass a "
            "spool= on a larger disk; with the same one, the same call goes on here."
        )
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        np.save(file, block, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
