"""Where rows in blocks lie: a part is some rows of one file, or of an array, read where they are asked for.

A part has `n` rows of shape `row` and of `dtype`; `read(start, out)` fills `out` with rows from `start` on; `about()`
says what tells it from other parts.
"""

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..optional import require

_LARGEST_GROUP = 2**30  # bytes of one row group of Parquet, which is read in one piece


class NpyPart:
    """Rows of one .npy file, or of a memory-mapped one, read with plain reads: a map's pages would count as memory."""

    def __init__(self, path: str, n: int, dtype: np.dtype, row: tuple[int, ...], offset: int):
        self.path, self.n, self.dtype, self.row, self._offset = path, n, dtype, row, offset
        self._width = dtype.itemsize * int(np.prod(row, dtype=np.int64))

    def read(self, start: int, out: np.ndarray) -> None:
        """Fills `out` (m, *row) with the rows from `start` on."""
        view = memoryview(out.reshape(-1).view(np.uint8).data)
        with open(self.path, "rb", buffering=0) as file:
            file.seek(self._offset + start * self._width)
            done = 0
            while done < len(view):
                got = file.readinto(view[done:])
                if not got:
                    raise ValueError(f"{self.path} ends before its row {start + len(out):,}: it was cut off meanwhile.")
                done += got

    def about(self) -> tuple:
        held = os.stat(self.path)
        return os.path.abspath(self.path), held.st_size, held.st_mtime_ns


class ParquetPart:
    """One row group of a Parquet file: its columns of numbers, or its column of lists of numbers."""

    def __init__(self, path: str, group: int, n: int, columns: list[str], listed: bool, p: int):
        self.path, self.n, self.dtype, self.row = path, n, np.dtype(np.float32), (p,)
        self._group, self._columns, self._listed = group, columns, listed
        self._held: np.ndarray | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_held": None}

    def forget(self) -> None:
        self._held = None

    def read(self, start: int, out: np.ndarray) -> None:
        if self._held is None:
            self._held = self._whole()
        out[...] = self._held[start : start + len(out)]

    def _whole(self) -> np.ndarray:
        from pyarrow import parquet

        with parquet.ParquetFile(self.path) as file:
            table = file.read_row_group(self._group, columns=self._columns)
        if not self._listed:
            x = np.empty((self.n, len(self._columns)), np.float32)
            for place, name in enumerate(self._columns):  # a missing cell is NaN, and its row a bad item
                x[:, place] = table.column(name).to_numpy(zero_copy_only=False)
            return x
        column = table.column(0).combine_chunks()
        lengths = column.value_lengths().fill_null(-1).to_numpy(zero_copy_only=False)
        there = lengths == self.row[0]
        if not (there | (lengths < 0)).all():
            odd = int(np.flatnonzero(~there & (lengths >= 0))[0])
            raise ValueError(
                f"{self.path}: row {odd:,} of row group {self._group} of column {self._columns[0]!r} has "
                f"{lengths[odd]:,} numbers, the first row has {self.row[0]:,}. Vectors have one length."
            )
        x = np.full((self.n, self.row[0]), np.nan, np.float32)
        values = column.flatten().to_numpy(zero_copy_only=False)
        x[there] = values.reshape(-1, self.row[0])
        return x

    def about(self) -> tuple:
        held = os.stat(self.path)
        return os.path.abspath(self.path), held.st_size, held.st_mtime_ns, self._group, tuple(self._columns)


class ArrayPart:
    """Rows of an array in memory."""

    def __init__(self, x: np.ndarray):
        self.x, self.n, self.dtype, self.row = x, len(x), x.dtype, tuple(x.shape[1:])

    def read(self, start: int, out: np.ndarray) -> None:
        out[...] = self.x[start : start + len(out)]

    def about(self) -> tuple:
        some = np.ascontiguousarray(self.x[:: max(1, len(self.x) // 1024)])
        return self.x.shape, str(self.x.dtype), hashlib.blake2b(some.view(np.uint8).data, digest_size=16).hexdigest()


def of_array(x: np.ndarray) -> Any:
    if type(x) is np.memmap and x.flags.c_contiguous and x.mode == "r" and x.filename is not None:
        base: Any = x
        while isinstance(base.base, np.memmap):
            base = base.base
        offset = x.offset + (x.ctypes.data - base.ctypes.data)
        return NpyPart(os.fspath(x.filename), len(x), x.dtype, tuple(x.shape[1:]), int(offset))
    return ArrayPart(x)


def checked(x: np.ndarray, where: str) -> np.ndarray:
    if x.ndim < 2 or 0 in x.shape[1:] or x.dtype.kind not in "fiub":
        raise ValueError(f"{where} has shape {x.shape} and dtype {x.dtype}; blocks are numbers of shape (m, p).")
    return x


def groups_of(path: str, columns: Sequence[str] | str | None) -> list[ParquetPart]:
    require("pyarrow", "tables", "reading Parquet")
    import pyarrow
    from pyarrow import parquet

    types = pyarrow.types
    try:
        with parquet.ParquetFile(path) as file:
            schema, facts = file.schema_arrow, file.metadata
            names = [columns] if isinstance(columns, str) else None if columns is None else list(columns)
            for name in names or []:
                if name not in schema.names:
                    raise ValueError(f"{path} has no column {name!r}. Its columns: {', '.join(schema.names[:12])}.")
            lists = [f.name for f in schema if _is_list(types, f.type) and (names is None or f.name in names)]
            numbers = [
                f.name
                for f in schema
                if (types.is_floating(f.type) or types.is_integer(f.type) or types.is_boolean(f.type))
                and (f.name in names if names is not None else f.name != "id")
            ]
            if len(lists) > 1 or not (lists or numbers):
                there = ", ".join(map(repr, lists[:12])) or "none"
                raise ValueError(f"{path} has these columns of vectors: {there}. Say which: columns='NAME'.")
            chosen = lists or (names if names is not None else numbers)
            if not lists and set(chosen) - set(numbers):
                raise ValueError(f"{path}: column {min(set(chosen) - set(numbers))!r} holds no numbers.")
            p = len(chosen)
            if lists:
                kind = schema.field(lists[0]).type
                first = next(iter(file.iter_batches(batch_size=1, columns=lists)), None)
                p = kind.list_size if types.is_fixed_size_list(kind) else len(first[0][0]) if first else 1
            sizes = [facts.row_group(group).num_rows for group in range(facts.num_row_groups)]
    except (OSError, pyarrow.ArrowException) as error:
        raise ValueError(f"{path} is not a readable Parquet file: {error}") from None
    if sizes and 4 * p * max(sizes) > _LARGEST_GROUP:
        raise ValueError(
            f"{path} has a row group of {max(sizes):,} rows, {4 * p * max(sizes) / 2**30:.1f} GiB unpacked, and one is "
            f"read in one piece. Write it in groups of at most {_LARGEST_GROUP // (4 * p):,} rows (row_group_size=)."
        )
    return [ParquetPart(path, group, n, chosen, bool(lists), p) for group, n in enumerate(sizes)]


def _is_list(types: Any, kind: Any) -> bool:
    return (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)) and (
        types.is_floating(kind.value_type) or types.is_integer(kind.value_type)
    )
