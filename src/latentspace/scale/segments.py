"""Latents in segments: one file for so many rows, .npy or Parquet, each there whole or not at all.

Rows that could not be read have no latents. In .npy segments those that have are numbered by `rows-00012.npy` beside
`z-00012.npy`, where some are missing; a Parquet segment has each row's id.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from ..optional import require
from .work import put

Form = Literal["npy", "parquet"]

_AT_ONCE = 2**27  # bytes of float32 features that make a segment's latents: 128 MB


class Encoded(NamedTuple):
    """What became of a segment's items."""

    ids: Sequence[str] | np.ndarray  # names, or int64 rows
    z: np.ndarray  # float32 (m, dims)
    skipped: list[tuple[str, str]]  # id and reason


def bounds(n: int, p: int) -> list[tuple[int, int]]:
    """Where segments of n items of p features begin and end."""
    size = max(1, min(_AT_ONCE // (4 * p), 2**20))
    return [(start, min(start + size, n)) for start in range(0, n, size)]


def name_of(number: int, form: Form) -> str:
    return f"z-{number:06d}.{'npy' if form == 'npy' else 'parquet'}"


def write(folder: Path, number: int, encoded: Encoded, form: Form) -> None:
    """Writes one segment; what others wait for, the segment itself, comes last."""
    if encoded.skipped:
        lines = "".join(f"{id_}\t{reason}\n" for id_, reason in encoded.skipped)
        put(folder / f"_skipped-{number:06d}.tsv", lambda file: file.write(lines.encode()))
    if form == "npy":
        rows = np.asarray(encoded.ids)
        if encoded.skipped:
            put(folder / f"rows-{number:06d}.npy", lambda file: np.save(file, rows.astype(np.int64)))
        put(folder / name_of(number, form), lambda file: np.save(file, np.ascontiguousarray(encoded.z)))
        return
    put(folder / name_of(number, form), lambda file: _write_parquet(file, encoded))


def _write_parquet(file: Any, encoded: Encoded) -> None:
    require("pyarrow", "tables", "writing Parquet")
    import pyarrow as pa
    from pyarrow import parquet

    z = np.ascontiguousarray(encoded.z, dtype=np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(z.reshape(-1)), z.shape[1])
    ids = pa.array(encoded.ids if isinstance(encoded.ids, np.ndarray) else list(encoded.ids))
    # Floats of a latent hardly repeat: a dictionary or a strong code would cost time and save nothing.
    parquet.write_table(pa.table({"id": ids, "z": column}), file, compression="none", use_dictionary=["id"])


class Latents:
    """Latents that lie in a folder's segments of .npy: `z[start:stop]`, `len(z)`, or one by one with `segments`."""

    def __init__(self, folder: Path, count: int):
        self._files = [np.load(folder / name_of(number, "npy"), mmap_mode="r") for number in range(count)]
        self._starts = np.concatenate([[0], np.cumsum([len(part) for part in self._files])]).astype(np.int64)
        self.shape = (int(self._starts[-1]), self._files[0].shape[1])
        self.dtype = np.dtype(np.float32)
        self.ndim = 2

    def __len__(self) -> int:
        return self.shape[0]

    def segments(self) -> Iterator[np.ndarray]:
        """Yields all latents in order, a mapped file at a time."""
        yield from self._files

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, step = rows.indices(len(self))
        out = np.empty((max(0, stop - start), self.shape[1]), np.float32)
        for part, first in zip(self._files, self._starts[:-1].tolist(), strict=True):
            low, high = max(start, first), min(stop, first + len(part))
            if low < high:
                out[low - start : high - start] = part[low - first : high - first]
        return out[::step]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype)


def skipped_in(folder: Path) -> list[tuple[str, str]]:
    """Who was left out, with the reason, over all segments."""
    lines = [line for path in sorted(folder.glob("_skipped-*.tsv")) for line in path.read_text().splitlines()]
    return [(line.partition("\t")[0], line.partition("\t")[2]) for line in lines]
