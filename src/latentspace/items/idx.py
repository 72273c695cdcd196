"""IDX files, the form MNIST came in: a header of sizes, then numbers, big-endian; plain or gzipped."""

import gzip
import math
import os
import re
import struct
import zlib
from typing import IO, cast

import numpy as np

from ..errors import CorruptFileError
from ..resources import refuse_if_too_large

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_DEFLATE_AT_BEST = 1032  # deflate cannot make anything smaller by more than this
_NAME = re.compile(r"(idx\d?-u?byte|idx\d?|-ubyte)(\.gz)?$")


def is_idx(name: str) -> bool:
    """Whether a file's name says IDX: "train-images-idx3-ubyte", "x.idx", either with ".gz"."""
    return _NAME.search(os.path.basename(name).lower()) is not None


def read_idx(path: str | os.PathLike) -> np.ndarray:
    """Reads an IDX file.

    Parameters
    ----------
    path : path
        Plain (memory-mapped) or gzipped (decompressed into memory).

    Returns
    -------
    array
        Of the shape and type in its header, in this machine's byte order where it was decompressed.

    Raises
    ------
    CorruptFileError
        If the header is none, or promises another number of bytes than there are. Sizes are compared before
        anything is allocated.
    MemoryError
        If a gzipped file would not fit in the memory that is free.
    """
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        on_disk = file.seek(0, os.SEEK_END)
        file.seek(0)
        if not zipped:
            dtype, shape, begin = _header(file, path)
            _check_size(path, begin + dtype.itemsize * math.prod(shape), on_disk)
            if math.prod(shape) == 0:
                return np.empty(shape, dtype)
            return np.memmap(path, dtype=dtype, mode="r", offset=begin, shape=shape)
        try:
            with gzip.open(file, "rb") as unzipped:
                return _unzipped(cast(IO[bytes], unzipped), path, on_disk)
        except (OSError, EOFError, zlib.error) as error:
            raise CorruptFileError(f"{path} is damaged: {error}. Get the file again.") from None


def _unzipped(file: IO[bytes], path: str | os.PathLike, on_disk: int) -> np.ndarray:
    dtype, shape, _ = _header(file, path)
    n_bytes = dtype.itemsize * math.prod(shape)
    if n_bytes > on_disk * _DEFLATE_AT_BEST:
        raise CorruptFileError(
            f"{path} is damaged: its header promises {n_bytes:,} bytes of shape {shape}, more than {on_disk:,} gzipped "
            "bytes can hold. Get the file again."
        )
    refuse_if_too_large(n_bytes, f"{path} of shape {shape}", "Gunzip it: a plain IDX file is memory-mapped.")
    data = bytearray()
    while len(data) < n_bytes and (chunk := file.read(min(1 << 20, n_bytes - len(data)))):
        data += chunk
    _check_size(path, n_bytes, len(data) + len(file.read(1)))
    values = np.frombuffer(data, dtype).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def _header(file: IO[bytes], path: str | os.PathLike) -> tuple[np.dtype, tuple[int, ...], int]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or not 1 <= magic[3] <= 8:
        raise CorruptFileError(f"{path} is not an IDX file: it begins {magic!r}, where 0, 0, a type and 1 to 8 belong.")
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise CorruptFileError(f"{path} is cut off in its header. Get the file again.")
    return np.dtype(_TYPES[magic[2]]), struct.unpack(f">{magic[3]}I", sizes), 4 + len(sizes)


def _check_size(path: str | os.PathLike, promised: int, there: int) -> None:
    if promised != there:
        how = "cut off" if there < promised else "longer than it says"
        raise CorruptFileError(f"{path} is {how}: its header promises {promised:,} bytes, {there:,} are there.")


def labels_beside(path: str | os.PathLike) -> str | None:
    """Returns the path of the labels that belong to a file of images, where they lie beside it; None otherwise."""
    folder, name = os.path.split(os.fspath(path))
    if "images" not in name.lower():
        return None
    stem = re.sub("idx3", "idx1", re.sub("images", "labels", name, flags=re.I), flags=re.I)
    plain = stem.removesuffix(".gz")
    for candidate in (stem, plain, plain + ".gz"):
        if os.path.isfile(os.path.join(folder, candidate)):
            return os.path.join(folder, candidate)
    return None
