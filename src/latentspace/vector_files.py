"""Vectors that a user has already, from .npy, .npz, .csv, .parquet and .jsonl files, by ids where a file has them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .items import array_files, table_files
from .items.folders import suffix
from .items.once import reading_once

_NAMES = ("vectors", "vector", "embeddings", "embedding", "latents", "x")


def read_vectors(path: str | Path) -> np.ndarray | dict[str, np.ndarray]:
    """Reads vectors beside items, as `vectors=` takes them.

    Parameters
    ----------
    path : path
        An array (n, p) in .npy or .npz (there with `ids`, if any), or a table: columns of numbers, or a column of
        lists of numbers, and the items' ids in a column `id`, if any. "FILE:COLUMN" names that column.

    Returns
    -------
    float32 array (n, p), or dict of id to vector
        A dict where the file has ids.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds no vectors, or several that could be meant; the message lists them.
    """
    name, column = str(path), None
    if not Path(name).exists() and ":" in name:
        name, _, column = name.rpartition(":")
    if not Path(name).is_file():
        raise FileNotFoundError(f"there is no file of vectors {name!r}. Pass a .npy, .npz, .csv or .parquet file.")
    if table_files.is_table_file(name):
        with reading_once():
            return _of_table(name, column)
    if suffix(name) == ".npz":
        return _of_archive(name, column)
    if suffix(name) == ".npy":
        return np.asarray(array_files.load(name).values)
    raise ValueError(f"{name} is no file of vectors. Pass a .npy, .npz, .csv, .parquet or .jsonl file.")


def _of_archive(path: str, member: str | None) -> Any:
    with array_files.opened_archive(path) as (archive, names):
        heads = {name: array_files.member_header(archive, names[name], f"{path}: {name}") for name in names}
        rows = [name for name, (dtype, shape) in heads.items() if len(shape) == 2 and dtype.kind in "iuf"]
        known = [name for name in _NAMES if name in rows]
        chosen = member or (known[0] if known else rows[0] if len(rows) == 1 else None)
        if chosen not in rows:
            raise ValueError(_which(path, "arrays (n, p)", rows, member))
        held = {
            name: array_files.read_member(archive, names[name], f"{path}: {name}")
            for name in (chosen, "ids")
            if name in names
        }
        return _by_id(np.atleast_1d(held["ids"]).tolist() if "ids" in held else None, held[chosen], path)


def _of_table(path: str, column: str | None) -> Any:
    loaded = table_files.load(path)
    if loaded.skipped:
        lost = loaded.skipped[0]
        raise ValueError(f"{path}: {lost.id} cannot be read ({lost.reason}), so the vectors would be out of step.")
    frame = loaded.frame
    ids = frame["id"].astype(str).tolist() if "id" in frame.columns else None
    lists = [str(name) for name in frame.columns if len(frame) and isinstance(frame[name].iloc[0], list | np.ndarray)]
    numbers = [name for name in frame.columns if frame[name].dtype.kind in "iuf" and name != "id"]
    if column is None and not lists and len(numbers) > 0:
        return _by_id(ids, frame[numbers].to_numpy(dtype=np.float32), path)
    known = [name for name in _NAMES if name in lists]
    chosen = column or (known[0] if known else lists[0] if len(lists) == 1 else None)
    if chosen not in lists:
        raise ValueError(_which(path, "columns of lists of numbers", lists, column))
    rows = frame[chosen].tolist()
    lengths = {len(row) if isinstance(row, list | np.ndarray) else None for row in rows}
    if len(lengths) > 1:
        raise ValueError(f"{path}: the vectors in {chosen!r} have several lengths: {sorted(map(str, lengths))[:5]}.")
    return _by_id(ids, np.asarray(rows, dtype=np.float32), path)


def _by_id(ids: list[Any] | None, rows: np.ndarray, path: str) -> np.ndarray | dict[str, np.ndarray]:
    if ids is None:
        return rows
    if len(ids) != len(rows):
        raise ValueError(f"{path} has {len(ids):,} ids for {len(rows):,} vectors. Give one id a vector.")
    named: Mapping[str, np.ndarray] = dict(zip(map(str, ids), rows, strict=True))
    if len(named) != len(ids):
        raise ValueError(f"{path} has an id that comes twice. Give each vector an id of its own.")
    return dict(named)


def _which(path: str, what: str, there: list[str], asked: str | None) -> str:
    has = f"it has: {', '.join(there[:12])}" if there else "it has none"
    if asked is not None:
        return f"{path} has no {what} called {asked!r}; {has}."
    if not there:
        return f"{path} has no {what}. Pass vectors of shape (n, p), a row for each item."
    return f"{path} has several {what}: {', '.join(there[:12])}. Say which: {path}:{there[0]}"
