"""Ids and metadata between Python and SQLite: every value comes back as what it was, and stays legible to plain SQL.

SQLite has NULL, 64-bit INTEGER, REAL, TEXT and BLOB. None, int, float and str map onto the first four. What these
cannot hold is a BLOB that begins with a letter: `b` and a byte 0 or 1, a boolean in a column of numbers; `i` and
decimal digits, an integer past 64 bits (or a number in a column of booleans); `t` and UTF-8 with surrogates allowed, a
text that UTF-8 cannot hold (a file name with undecodable bytes) or with a NUL inside, where SQL's functions would stop.
"""

import math
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import CorruptFileError
from .schema import Column

_INT_MIN, _INT_MAX = -(1 << 63), (1 << 63) - 1
_MAX_DIGITS = 4000  # of a stored integer: Python itself refuses to parse more than 4,300
_LETTERS = {type(None): "N", int: "I", float: "R", str: "T", bytes: "B"}


def check_column(name: str, values: Sequence[Any], ids: Sequence[str]) -> list[Any]:
    """Returns a metadata column as plain Python values; numpy scalars become what they hold.

    Raises
    ------
    TypeError
        For a value of another type than str, int, float, bool or None.
    ValueError
        For NaN or infinity, a length other than that of the ids, or a value that is too long.
    """
    if not isinstance(name, str):
        raise TypeError(f"metadata has the key {name!r}; column names are strings. Pass {str(name)!r}.")
    if len(values) != len(ids):
        raise ValueError(f"metadata column {name!r} has {len(values)} values for {len(ids)} ids; expected one each.")
    column = list(values)
    if set(map(type, column)) - {str, int, bool, float, type(None)}:
        column = [_plain(name, value, one) for value, one in zip(column, ids, strict=True)]
    if float in set(map(type, column)):
        for value, one in zip(column, ids, strict=True):
            if type(value) is float and not math.isfinite(value):
                raise ValueError(
                    f"metadata column {name!r} holds {value} for item {one!r}; a .latent file holds finite numbers. "
                    "Use None for a missing value."
                )
    return column


def _plain(name: str, value: Any, one: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    for kind in (bool, str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if value is None:
        return None
    raise TypeError(
        f"metadata column {name!r} holds a {type(value).__name__} for item {one!r}; "
        "values are str, int, float, bool or None. Pass a date as its ISO text."
    )


def encode_texts(texts: list[str]) -> list[str | bytes]:
    """Returns texts as SQLite keeps them: themselves, or tagged bytes where they are no legal UTF-8 or hold a NUL."""
    joined = "\0".join(texts)
    try:
        joined.encode("utf-8")
    except UnicodeEncodeError:
        return [_encode_text(text) for text in texts]
    if joined.count("\0") > max(len(texts) - 1, 0):
        return [_encode_text(text) for text in texts]
    return list(texts)


def _encode_text(text: str) -> str | bytes:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return b"t" + text.encode("utf-8", "surrogatepass")
    return b"t" + text.encode("utf-8") if "\0" in text else text


def encode_column(values: list[Any], column: Column) -> list[Any]:
    """Returns a column's values as SQLite keeps them; settles whether its INTEGERs are booleans, if that is open."""
    kinds = set(map(type, values))
    if column.booleans is None and kinds & {bool, int}:
        column.booleans = int not in kinds
    tagged = (bool in kinds and not column.booleans) or (int in kinds and column.booleans)
    if kinds <= {str, type(None)}:
        texts = encode_texts([value for value in values if value is not None])
        if len(texts) == len(values):
            return texts
        following = iter(texts)
        return [None if value is None else next(following) for value in values]
    if tagged or kinds & {str, int}:
        return [_encode(value, bool(column.booleans)) for value in values]
    return [int(value) if value is True or value is False else value for value in values]


def _encode(value: Any, booleans: bool) -> Any:
    if isinstance(value, bool):
        return int(value) if booleans else b"b\1" if value else b"b\0"
    if isinstance(value, int):
        if not booleans and _INT_MIN <= value <= _INT_MAX:
            return value
        if abs(value) >= 10**_MAX_DIGITS:
            raise ValueError(f"metadata holds an integer of more than {_MAX_DIGITS:,} digits; keep it as text.")
        return b"i%d" % value
    return _encode_text(value) if isinstance(value, str) else value


def decode_texts(stored: list[Any], what: str) -> list[str]:
    """Reverses `encode_texts`."""
    if set(map(type, stored)) <= {str}:
        return stored
    if not all(type(one) is str or (type(one) is bytes and one[:1] == b"t") for one in stored):
        raise CorruptFileError(f"{what} is not a text.")
    return [one if type(one) is str else _decode(one, what) for one in stored]


def decode_column(stored: list[Any], column: Column) -> list[Any]:
    """Reverses `encode_column`."""
    kinds = set(map(type, stored))
    if int in kinds and column.booleans:
        if not {value for value in set(stored) if type(value) is int} <= {0, 1}:
            raise CorruptFileError(f"metadata column {column.name!r} holds a number where booleans are.")
        if kinds == {int}:
            stored = list(map(bool, stored))
        else:
            stored = [bool(value) if type(value) is int else value for value in stored]
    if bytes in kinds:
        what = f"a value of metadata column {column.name!r}"
        stored = [_decode(value, what) if type(value) is bytes else value for value in stored]
    return stored


def _decode(stored: bytes, what: str) -> Any:
    letter, rest = stored[:1], stored[1:]
    try:
        if letter == b"t":
            return rest.decode("utf-8", "surrogatepass")
        if letter == b"b" and rest in (b"\0", b"\1"):
            return rest == b"\1"
        if letter == b"i" and len(rest) <= _MAX_DIGITS + 1:
            return int(rest.decode("ascii"))
    except ValueError:  # UnicodeDecodeError is one
        pass
    raise CorruptFileError(f"{what} is damaged.")


def checksum(label: str, *parts: Any) -> int:
    """Returns the CRC-32 (zlib's) of the label's bytes followed by the parts.

    The label is the datum's place in the file, so that a blob moved to another place fails its check too.
    """
    crc = zlib.crc32(label.encode("utf-8"))
    for part in parts:
        crc = zlib.crc32(part, crc)
    return crc


def canonical(stored: Sequence[Any]) -> bytes:
    """Returns stored values as the bytes that their check sum runs over (docs/format.md).

    One letter a value (N I R T B), then all integers and all reals in 8 bytes each, little-endian, then the texts
    joined by NUL, then each blob after its length in 4 bytes.
    """
    kinds = set(map(type, stored))
    if len(kinds) == 1:  # nearly every column; a million rows are felt here
        letters = _LETTERS[kinds.pop()] * len(stored)
        return letters.encode("ascii") + _packed(letters[0], stored)
    of: dict[str, list] = {letter: [] for letter in _LETTERS.values()}
    letters = "".join(map(_LETTERS.__getitem__, map(type, stored)))
    for letter, value in zip(letters, stored, strict=True):
        of[letter].append(value)
    return letters.encode("ascii") + b"".join(_packed(letter, values) for letter, values in of.items() if values)


def _packed(letter: str, values: Sequence[Any]) -> bytes:
    if letter == "I":
        return struct.pack(f"<{len(values)}q", *values)
    if letter == "R":
        return struct.pack(f"<{len(values)}d", *values)
    if letter == "T":
        return "\0".join(values).encode("utf-8")
    if letter == "B":
        return b"".join(struct.pack("<I", len(value)) + value for value in values)
    return b""
