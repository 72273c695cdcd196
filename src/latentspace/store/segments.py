"""Arrays with one row for each item, latents and features, in segments of bounded size.

The row of position i is row i % rows_per_segment of segment i // rows_per_segment. A removed item's row stays where it
is (its position is in no table of items any more) until the file is compacted, so nothing else has to move.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from ..errors import CorruptFileError
from .layout import Rows, whole
from .values import checksum

_LEVEL = 1  # zlib: on digits 0.23 of the size at twice level 6's speed, which reaches 0.21


def extend(connection: sqlite3.Connection, rows: Rows, start: int, blocks: Iterable[np.ndarray]) -> None:
    """Writes blocks of rows from position `start` on; only a partly filled last segment is written again."""
    number, filled = divmod(start, rows.per_segment)
    pending = [read_segment(connection, rows, number, start)] if filled else []
    for block in blocks:
        offset = 0
        while offset < len(block):
            take = min(rows.per_segment - filled, len(block) - offset)
            pending.append(block[offset : offset + take])
            filled, offset = filled + take, offset + take
            if filled == rows.per_segment:
                _write(connection, rows, number, pending)
                number, filled, pending = number + 1, 0, []
    if filled:
        _write(connection, rows, number, pending)


def _write(connection: sqlite3.Connection, rows: Rows, number: int, pieces: list[np.ndarray]) -> None:
    whole = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    raw = np.ascontiguousarray(whole, dtype=_stored_type(rows)).data.cast("B")
    data = zlib.compress(raw, _LEVEL) if _packs(rows) else raw
    if len(data) >= len(raw):
        data = raw  # noise does not pack; a segment of full length is read as it is
    crc = checksum(_label(rows, number), data)
    connection.execute(f"INSERT OR REPLACE INTO {rows.table} VALUES (?, ?, ?)", (number, data, crc))


def _packs(rows: Rows) -> bool:
    return rows.dtype == "uint8"  # a float's low bits are noise: level 1 saves a tenth at a fiftieth of the speed


def _stored_type(rows: Rows) -> np.dtype:
    return np.dtype("<f4" if rows.dtype == "float32" else "u1")


def _label(rows: Rows, number: int) -> str:
    return f"{rows.table}/{number}"


def read_segment(connection: sqlite3.Connection, rows: Rows, number: int, end: int) -> np.ndarray:
    """Returns one segment of an array with `end` rows in all."""
    row = connection.execute(f"SELECT data, crc FROM {rows.table} WHERE segment = ?", (number,)).fetchone()
    if row is None:
        raise CorruptFileError(f"segment {number} of its {rows.table} is missing.")
    return _checked(rows, number, end, *row)


def _checked(rows: Rows, number: int, end: int, data: object, crc: object) -> np.ndarray:
    count = min(rows.per_segment, end - number * rows.per_segment)
    size = count * rows.row_bytes
    where = f"segment {number} of its {rows.table}"
    if not isinstance(data, bytes) or checksum(_label(rows, number), data) != crc:
        raise CorruptFileError(f"{where} does not match its check sum.")
    if len(data) != size and _packs(rows):
        inflate = zlib.decompressobj()
        data = inflate.decompress(data, size + 1)  # stops a bomb at the first byte too many
        if not inflate.eof or inflate.unused_data:
            raise CorruptFileError(f"{where} does not unpack to {size:,} bytes.")
    if len(data) != size:
        raise CorruptFileError(f"{where} is not {size:,} bytes long.")
    array = np.frombuffer(data, _stored_type(rows)).reshape(count, *rows.shape)
    if rows.dtype == "float32" and not np.isfinite(array).all():
        raise CorruptFileError(f"{where} holds NaN or infinity.")
    return array


def read_all(connection: sqlite3.Connection, rows: Rows, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns all rows, those of removed items too, as one new array (end, ...), and the segments' check sums."""
    out = np.empty((end, *rows.shape), rows.dtype)
    segments = -(-end // rows.per_segment)
    crcs: list[int] = []
    found = connection.execute(f"SELECT segment, data, crc FROM {rows.table} ORDER BY segment LIMIT ?", (segments,))
    for number, data, crc in found:  # in one thread: two took half as long again on a busy machine, none less
        if number != len(crcs):
            break
        out[number * rows.per_segment : (number + 1) * rows.per_segment] = _checked(rows, number, end, data, crc)
        crcs.append(crc)
    if len(crcs) != segments:
        raise CorruptFileError(f"segment {len(crcs)} of its {rows.table} is missing.")
    return out, np.array(crcs, np.uint32)


def sums(connection: sqlite3.Connection, rows: Rows, first: int, end: int) -> np.ndarray:
    """Returns the check sums of the segments from `first` on, uint32, without checking their data against them."""
    last = -(-end // rows.per_segment)
    query = f"SELECT crc FROM {rows.table} WHERE segment >= ? AND segment < ? ORDER BY segment LIMIT ?"
    found = [crc for (crc,) in connection.execute(query, (first, last, max(last - first, 0)))]
    if len(found) != max(last - first, 0) or not all(whole(crc, 0, 2**32 - 1) for crc in found):
        raise CorruptFileError(f"the check sums of its {rows.table} are damaged.")
    return np.array(found, np.uint32)


def read_at(connection: sqlite3.Connection, rows: Rows, end: int, positions: np.ndarray) -> np.ndarray:
    """Returns the rows at these positions, in this order; every segment is read once."""
    out = np.empty((len(positions), *rows.shape), rows.dtype)
    segments = positions // rows.per_segment
    for number in np.unique(segments):
        here = segments == number
        segment = read_segment(connection, rows, int(number), end)
        out[here] = segment[positions[here] - number * rows.per_segment]
    return out


def blocks_at(connection: sqlite3.Connection, rows: Rows, end: int, positions: np.ndarray) -> Iterator[np.ndarray]:
    """Yields the rows at ascending positions, about a segment at a time."""
    for begin in range(0, len(positions), rows.per_segment):
        yield read_at(connection, rows, end, positions[begin : begin + rows.per_segment])
