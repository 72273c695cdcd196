"""Arrays from files and other libraries: .npy mapped, .npz with sizes checked, IDX, torch, scipy; never a pickle."""

import math
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import CorruptFileError
from ..resources import refuse_if_too_large
from .folders import suffix
from .idx import is_idx, labels_beside, read_idx
from .once import once
from .sparse_rows import Sparse, of_archive

ITEMS = ("x", "data", "features", "images", "x_train")
LABELS = ("y", "labels", "label", "target", "targets", "y_train")

_LAST_CHARACTER = 0x10FFFF
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass
class Found:
    """An array, and the labels that came with it."""

    values: Any  # numpy array, memmap or Sparse
    labels: np.ndarray | None = None


def is_array_file(name: str) -> bool:
    """Whether a file's name says that it holds an array."""
    return suffix(name) in (".npy", ".npz") or is_idx(name)


@once
def load(path: str) -> Found:
    """Opens an array file; see the three readers."""
    if suffix(path) == ".npz":
        return _load_npz(path)
    if suffix(path) == ".npy":
        return Found(_load_npy(path))
    images = read_idx(path)
    if images.ndim == 1:
        raise ValueError(
            f"{path} holds {len(images):,} single numbers, the labels of something. Pass the file of images or "
            "features; labels that lie beside it are read with it."
        )
    beside = labels_beside(path)
    return Found(images, None if beside is None else _checked_labels(read_idx(beside), len(images), beside))


def _load_npy(path: str) -> np.ndarray:
    """A .npy file, memory-mapped."""
    with open(path, "rb") as file:
        dtype, shape = _header(file, path)
        n_bytes, there = dtype.itemsize * math.prod(shape), os.path.getsize(path) - file.tell()
    if n_bytes > there:
        raise CorruptFileError(
            f"{path} is cut off: its header promises {n_bytes:,} bytes of {shape}, {there:,} are there."
        )
    if n_bytes == 0:
        return np.empty(shape, dtype)
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _header(file: Any, name: str) -> tuple[np.dtype, tuple[int, ...]]:
    """Reads the dtype and shape that an array was written with, and refuses what could not be one."""
    try:
        version = np.lib.format.read_magic(file)
        shape, _, dtype = _HEADERS[version](file)
    except Exception as error:  # numpy parses a header as Python text; what its parser raises depends on the damage
        raise CorruptFileError(f"{name} is not a readable .npy array: {error}") from None
    if dtype.hasobject:
        raise ValueError(
            f"{name} holds Python objects, which are read by running what is in the file; that is refused. "
            "Save numbers: np.save(path, array.astype('float32'))."
        )
    if not all(isinstance(side, int) and side >= 0 for side in shape):
        raise CorruptFileError(f"{name} is damaged: its header gives the shape {shape}.")
    return dtype, shape


def _load_npz(path: str) -> Found:
    """The array of a .npz file: its only one, or the one that is called x or the like, with labels called y."""
    with opened_archive(path) as (archive, names):
        if {"format", "shape", "data"} <= set(names):
            return Found(of_archive(archive, lambda member: read_member(archive, member, f"{path}: {member}"), path))
        by_lower = {name.lower(): name for name in names}
        chosen = next((by_lower[name] for name in ITEMS if name in by_lower), None)
        labels = next((by_lower[name] for name in LABELS if name in by_lower), None)
        if chosen is None:
            rest = [name for name in names if name != labels]
            chosen = rest[0] if len(rest) == 1 else None
        if chosen is None:
            raise ValueError(_which(path, list(names)))
        values = read_member(archive, names[chosen], f"{path}: {chosen}")
        if labels is None:
            return Found(values)
        return Found(
            values, _checked_labels(read_member(archive, names[labels], f"{path}: {labels}"), len(values), path)
        )


@contextmanager
def opened_archive(path: str) -> Iterator[tuple[zipfile.ZipFile, dict[str, str]]]:
    """Opens a .npz file: the archive, and the arrays' names with their members. Damage is a CorruptFileError."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, {name.removesuffix(".npy"): name for name in archive.namelist() if name.endswith(".npy")}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise CorruptFileError(f"{path} is damaged: {error}. Write the file again.") from None


def _which(path: str, names: list[str]) -> str:
    if not names:
        return f"{path} holds no array. Write one: np.savez(path, x=array)."
    file, listed = os.path.basename(path), sorted(names)
    return (
        f"{path} holds {len(names)} arrays: {', '.join(listed[:12])}. Which one holds the items is not clear from "
        f"their names; call it 'x' (and its labels 'y'), or pass np.load({file!r})[{listed[0]!r}]."
    )


def member_header(archive: zipfile.ZipFile, member: str, name: str) -> tuple[np.dtype, tuple[int, ...]]:
    """The dtype and shape of one array of an archive, which agree with the size that the archive gives."""
    info = archive.getinfo(member)
    with archive.open(member) as file:
        dtype, shape = _header(file, name)
        n_bytes = dtype.itemsize * math.prod(shape)
        if file.tell() + n_bytes != info.file_size:
            raise CorruptFileError(
                f"{name} is damaged: its header promises {n_bytes:,} bytes of {shape}, the archive {info.file_size:,}."
            )
    return dtype, shape


def read_member(archive: zipfile.ZipFile, member: str, name: str) -> np.ndarray:
    """Reads one array of an archive, once its header agrees with the size that the archive gives."""
    dtype, shape = member_header(archive, member, name)
    n_bytes = dtype.itemsize * math.prod(shape)
    refuse_if_too_large(n_bytes, f"{name} of shape {shape}", "Save it with np.save: a .npy file is memory-mapped.")
    with archive.open(member) as file:
        values = np.lib.format.read_array(file, allow_pickle=False)
    if dtype.kind == "U" and n_bytes and _letters(values).max() > _LAST_CHARACTER:
        raise CorruptFileError(f"{name} is damaged: it holds numbers that no character has. Write the file again.")
    return values


def _letters(values: np.ndarray) -> np.ndarray:
    """The code points of an array of texts, which numpy takes for what they say they are."""
    return values.reshape(-1).view(np.dtype("u4").newbyteorder(values.dtype.byteorder))


def _checked_labels(labels: np.ndarray, n: int, where: str) -> np.ndarray:
    flat = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if flat.ndim != 1 or len(flat) != n:
        raise ValueError(
            f"the labels in {where} have shape {labels.shape}, but there are {n:,} items. Give one label an item, "
            "or take the labels away."
        )
    return flat


# ---------------------------------------------------------------------- in memory
def as_array(value: Any) -> Any | None:
    """Returns a numpy array or `Sparse` for what can be one without guessing, None for what is no array.

    Raises
    ------
    ValueError
        For a ragged list of numbers.
    """
    if isinstance(value, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(value), np.nan, value.data) if np.ma.is_masked(value) else value.data
    if isinstance(value, np.ndarray | Sparse):
        return value
    module = type(value).__module__.split(".")[0]
    if module == "scipy" and hasattr(value, "tocsr"):
        return Sparse(value if value.ndim == 2 else value.reshape(1, -1))
    if module == "torch" and hasattr(value, "detach"):
        tensor = value.detach().cpu()
        return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
    if isinstance(value, list | tuple):
        return _from_list(value)
    if hasattr(value, "__array__") and not hasattr(value, "columns") and hasattr(value, "shape"):
        return np.asarray(value)
    return None


def _from_list(value: Sequence) -> np.ndarray | None:
    first: Any = value
    while isinstance(first, list | tuple) and first:
        first = first[0]
    if not isinstance(first, int | float | np.generic | np.ndarray) and type(first).__module__ != "torch":
        return None
    if isinstance(first, np.str_ | np.bytes_ | np.object_):
        return None
    try:
        return np.asarray([as_array(item) if not np.isscalar(item) else item for item in value])
    except ValueError:
        lengths = [np.shape(item) if isinstance(item, np.ndarray) else len(item) for item in value if np.ndim(item)]
        odd = next((i for i, length in enumerate(lengths) if length != lengths[0]), 0)
        raise ValueError(
            f"a list of {len(value):,} items is ragged: item 0 has size {lengths[0]}, item {odd} has {lengths[odd]}. "
            "Items of an array have one shape; pad or cut them first."
        ) from None
