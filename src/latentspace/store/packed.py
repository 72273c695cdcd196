"""Ids and metadata once more, packed: items are opened from these in a fraction of the time that SQL takes.

The rows of the SQL tables are what the file says; a pack holds for 16 chunks of them the very bytes that their check
sums run over, with those sums. A chunk whose sums have changed since is read from the tables, so a pack never disagrees
with them: whoever writes the file without knowing of packs leaves them behind, and no harm is done.
"""

import sqlite3
import struct
from typing import Any, NamedTuple

import numpy as np

from ..errors import CorruptFileError
from . import blobs
from .layout import Layout
from .schema import CHUNK

GROUP = 16  # chunks a pack: removing one item writes a megabyte anew, and the layout lists 61 packs of a million items
_WORTHWHILE = 4  # chunks; fewer are read from the tables as fast
_COLUMNS = 10_000  # of a hostile file, at most


class Piece(NamedTuple):
    """One chunk of items as bytes.

    Attributes
    ----------
    items : int
    crcs : tuple of int
        The chunk's check sums, as in `item_checks`: of positions and ids, then of each column.
    columns : list of bytes
        What each sum runs over: `canonical` of the positions and of the ids, then `canonical` of each column.
    """

    items: int
    crcs: tuple[int, ...]
    columns: list[Any]


def name_of(group: int) -> str:
    """Returns the name of a group's pack among the blobs."""
    return f"packed/{group}"


def read(connection: sqlite3.Connection, layout: Layout, group: int) -> dict[int, Piece]:
    """Returns a pack's chunks by number; none where there is no pack, or it is damaged."""
    if name_of(group) not in layout.blobs:
        return {}
    try:
        return read_whole(connection, layout, group)
    except CorruptFileError:  # the tables hold it all
        return {}


def read_whole(connection: sqlite3.Connection, layout: Layout, group: int) -> dict[int, Piece]:
    """Returns a listed pack's chunks by number; CorruptFileError where it is damaged."""
    data = memoryview(blobs.get_blob(connection, layout, name_of(group)))
    try:
        return _parse(data, group)
    except struct.error:
        raise CorruptFileError("a pack of items is damaged.") from None


def _parse(data: memoryview, group: int) -> dict[int, Piece]:
    """Reads the head: for each chunk its number, items and columns, then a sum and a length for each column."""
    (count,) = struct.unpack_from("<I", data)
    at, heads = 4, []
    for _ in range(min(count, GROUP)):
        chunk, number, columns = struct.unpack_from("<QII", data, at)
        if columns > _COLUMNS or not group * GROUP <= chunk < (group + 1) * GROUP or not 0 < number <= CHUNK:
            raise CorruptFileError("a pack of items is damaged.")
        sums = struct.unpack_from(f"<{2 * columns}I", data, at + 16)
        heads.append((chunk, number, sums[::2], sums[1::2]))
        at += 16 + 8 * columns
    found = {}
    for chunk, number, crcs, lengths in heads:
        pieces = []
        for length in lengths:
            pieces.append(data[at : at + length])
            at += length
        found[chunk] = Piece(number, crcs, pieces)
    if at != len(data):
        raise CorruptFileError("a pack of items is damaged.")
    return found


def _dump(pieces: dict[int, Piece]) -> bytes:
    head, body = [struct.pack("<I", len(pieces))], []
    for chunk, piece in sorted(pieces.items()):
        head.append(struct.pack("<QII", chunk, piece.items, len(piece.crcs)))
        for crc, data in zip(piece.crcs, piece.columns, strict=True):
            head.append(struct.pack("<II", crc, len(data)))
            body.append(bytes(data))
    return b"".join(head + body)


def update(connection: sqlite3.Connection, layout: Layout, changed: dict[int, Piece | None], removing: bool) -> None:
    """Takes changed chunks, None for one that is not packed, into their packs where that pays.

    After a removal always: what an item was called has to leave the file. Otherwise a chunk is left to the tables until
    enough of its group have changed.
    """
    groups: dict[int, dict[int, Piece | None]] = {}
    for chunk, piece in changed.items():
        groups.setdefault(chunk // GROUP, {})[chunk] = piece
    for group, pieces in groups.items():
        if not removing and len(pieces) < _WORTHWHILE:
            continue
        whole = read(connection, layout, group)
        if removing and not whole and len(pieces) < _WORTHWHILE:
            blobs.drop_blob(connection, layout, name_of(group))  # should it be there, and damaged
            continue
        for chunk, piece in pieces.items():
            whole.pop(chunk, None)
            if piece is not None:
                whole[chunk] = piece
        blobs.drop_blob(connection, layout, name_of(group))
        if whole:
            blobs.put_blob(connection, layout, name_of(group), _dump(whole), text=False)


def completed(start: int, end: int) -> range:
    """Returns the chunks of the group that items at positions from `start` to `end` - 1 complete, if they do."""
    size = GROUP * CHUNK
    if start // size == end // size or start % size == 0:
        return range(0)
    return range(start // size * GROUP, start // CHUNK)


def values_of(data: Any, items: int) -> list[Any]:
    """Returns the stored values that canonical bytes stand for: the inverse of `values.canonical`.

    Texts beside blobs are not taken (see `is_plain`): nothing says where the last text ends.
    """
    letters, body = bytes(data[:items]), data[items:]
    found: dict[int, list[Any]] = {}
    for letter in _LETTERS:
        count = letters.count(letter)
        if count:
            found[letter[0]], body = _unpacked(letter, body, count)
    if len(letters) != items or len(body) or sum(map(len, found.values())) != items:
        raise CorruptFileError("a pack of items is damaged.")
    if len(found) == 1:
        return next(iter(found.values()))
    following = {letter: iter(values) for letter, values in found.items()}
    return [next(following[letter]) for letter in letters]


_LETTERS = (b"N", b"I", b"R", b"T", b"B")  # in the order of their values


def is_plain(data: bytes, items: int) -> bool:
    """Returns whether `values_of` can read canonical bytes."""
    return not (b"T" in data[:items] and b"B" in data[:items])


def _unpacked(letter: bytes, body: Any, count: int) -> tuple[list[Any], Any]:
    """Returns `count` values of one letter, and the bytes behind them."""
    if letter == b"N":
        return [None] * count, body
    if letter == b"T":
        return str(body, "utf-8").split("\0"), b""
    if letter == b"B":
        found = []
        for _ in range(count):
            length = int.from_bytes(body[:4], "little")
            if len(body) < 4 + length:
                raise CorruptFileError("a pack of items is damaged.")
            found.append(bytes(body[4 : 4 + length]))
            body = body[4 + length :]
        return found, body
    if len(body) < 8 * count:
        raise CorruptFileError("a pack of items is damaged.")
    numbers = np.frombuffer(body[: 8 * count], "<i8" if letter == b"I" else "<f8")
    if letter == b"R" and not np.isfinite(numbers).all():
        raise CorruptFileError("a pack of items holds NaN or infinity.")
    return numbers.tolist(), body[8 * count :]


def positions_of(data: Any, items: int) -> np.ndarray:
    """Returns the positions that the first column begins with, int64 (items,)."""
    return np.frombuffer(data[items : 9 * items], "<i8").astype(np.int64)
