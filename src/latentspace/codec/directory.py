"""What a block says of its items before their bytes: names, shapes, lengths and metadata, packed."""

import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import CorruptFileError
from .varints import read_varints, write_varints

MAX_VALUES = 2**28  # of one item: 16,384 x 16,384 pixels
_MAX_NDIM = 4
_UNPACKED = 2**25  # bytes: 32 an item of the largest block
_COUNTED, _ALIKE, _RANDOM, _TOLD = 1, 2, 4, 8  # names are whole numbers in a row; one shape; lengths; metadata


@dataclass
class Directory:
    """The items of one block.

    Attributes
    ----------
    names : list of str
    shapes : list of tuple of int
        What the coder needs to decode each.
    lengths : list of int, or None
        Bytes of each item's own string; None where they share one.
    metadata : dict of column name to list
        Aligned with `names`: str, int, float, bool or None.
    """

    names: list[str]
    shapes: list[tuple[int, ...]]
    lengths: list[int] | None
    metadata: dict[str, list]

    def values(self) -> int:
        """How many numbers all the items have."""
        return sum(math.prod(shape) for shape in self.shapes)


def pack(directory: Directory) -> bytes:
    """As bytes."""
    names, shapes, lengths, metadata = directory.names, directory.shapes, directory.lengths, directory.metadata
    first = int(names[0]) if names and names[0].isdecimal() and names[0].isascii() and len(names[0]) < 16 else None
    counted = first is not None and all(name == str(first + place) for place, name in enumerate(names))
    alike = len(set(shapes)) == 1
    flags = _COUNTED * counted | _ALIKE * alike | _RANDOM * (lengths is not None) | _TOLD * bool(metadata)
    out = bytearray([flags])
    out += write_varints([len(names)])
    out += write_varints([first or 0]) if counted else _words(list(names))
    for shape in shapes[:1] if alike else shapes:
        out += write_varints([len(shape), *shape])
    if lengths is not None:
        out += write_varints(lengths)
    if metadata:
        out += _words(metadata)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(bytes(out)) + packer.flush()


def _words(value: Any) -> bytes:
    # ASCII: names with undecodable bytes (surrogateescape) survive as escapes.
    data = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()
    return write_varints([len(data)]) + data


def unpack(data: bytes, items: int) -> Directory:
    """What `pack` was given, checked.

    Raises
    ------
    CorruptFileError
        If it is anything that `pack` would not have given, or of another count than `items`.
    """
    plain = _inflated(data)
    if not plain:
        raise CorruptFileError("a block's directory is empty.")
    flags = plain[0]
    (n,), at = read_varints(plain, 1, 1)
    if n != items or flags > 15 or (flags & _ALIKE and not n):
        raise CorruptFileError(f"a block's directory is of {n:,} items, its frame of {items:,}.")
    if flags & _COUNTED:
        (first,), at = read_varints(plain, 1, at)
        names = [str(first + place) for place in range(n)]
    else:
        names, at = _read_words(plain, at)
    if not isinstance(names, list) or len(names) != n or not all(isinstance(name, str) for name in names):
        raise CorruptFileError(f"a block has no {n:,} names.")
    shapes: list[tuple[int, ...]] = []
    for _ in range(1 if flags & _ALIKE else n):
        shape, at = _read_shape(plain, at)
        shapes.append(shape)
    lengths: list[int] | None = None
    if flags & _RANDOM:
        lengths, at = read_varints(plain, n, at)
    metadata: Any = {}
    if flags & _TOLD:
        metadata, at = _read_words(plain, at)
        _check_metadata(metadata, n)
    if at != len(plain):
        raise CorruptFileError(f"a block's directory has {len(plain) - at:,} bytes too many.")
    return Directory(names, shapes * n if flags & _ALIKE else shapes, lengths, metadata)


def _inflated(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(-15)
    try:
        plain = unpacker.decompress(data, _UNPACKED)
    except zlib.error as error:
        raise CorruptFileError(f"a block's directory cannot be unpacked ({error}).") from None
    if not unpacker.eof or unpacker.unused_data:
        raise CorruptFileError(f"a block's directory is not whole, or would take over {_UNPACKED:,} bytes.")
    return plain


def _read_shape(plain: bytes, at: int) -> tuple[tuple[int, ...], int]:
    (ndim,), at = read_varints(plain, 1, at)
    if ndim > _MAX_NDIM:
        raise CorruptFileError(f"an item has {ndim} dimensions, where {_MAX_NDIM} are the most.")
    sides, at = read_varints(plain, ndim, at)
    if math.prod(sides) > MAX_VALUES:
        raise CorruptFileError(f"an item has a shape of {tuple(sides)}, more than {MAX_VALUES:,} values.")
    return tuple(sides), at


def _read_words(plain: bytes, at: int) -> tuple[Any, int]:
    (length,), at = read_varints(plain, 1, at)
    if at + length > len(plain):
        raise CorruptFileError("a block's directory ends within its words.")
    try:
        return json.loads(plain[at : at + length]), at + length
    except (ValueError, RecursionError) as error:
        raise CorruptFileError(f"a block's directory has words that cannot be read ({error}).") from None


def _check_metadata(metadata: Mapping[str, Sequence] | Any, n: int) -> None:
    if not isinstance(metadata, dict) or not all(
        isinstance(column, list)
        and len(column) == n
        and all(value is None or isinstance(value, str | int | float) for value in column)
        for column in metadata.values()
    ):
        raise CorruptFileError(f"a block's metadata are no columns of {n:,} values.")
