"""Ids and metadata in SQL tables that any program can query, with check sums over chunks of 1,024 positions.

`SELECT id FROM items WHERE label = 'cat'` works in any SQLite tool. SQLite does not notice a flipped bit in a row, so
`item_checks` holds for each chunk how many items it has and one CRC-32 a column.
"""

import sqlite3
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import CorruptFileError
from . import packed
from .layout import Layout
from .schema import CHUNK, FIELDS, Columns, create_items, quoted, table_name
from .values import canonical, checksum, encode_column, encode_texts


def create_tables(connection: sqlite3.Connection, columns: Columns) -> None:
    """Creates the item tables of a new file."""
    for number, (_, group) in enumerate(columns.tables()):
        connection.execute(create_items(number, group))


def _add_column(connection: sqlite3.Connection, columns: Columns, name: str) -> None:
    column = columns.add(name)
    number, place = divmod(len(columns) - 1, FIELDS)
    table = table_name(number)
    if number and not place:
        connection.execute(create_items(number, [column]))
        connection.execute(f"INSERT INTO {table} (position) SELECT position FROM items")
    else:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {quoted(column.field)}")


def insert(
    connection: sqlite3.Connection,
    layout: Layout,
    columns: Columns,
    ids: list[str],
    metadata: Mapping[str, list],
) -> None:
    """Adds items after the last position. A new column is None for items before; a column not given, for these."""
    known = {column.name for column in columns.all}
    for name in metadata:
        if name not in known:
            _add_column(connection, columns, name)
    stored: list[list[Any]] = [encode_texts(ids)]
    for column in columns.all:
        values = metadata.get(column.name)
        stored.append(encode_column([None] * len(ids) if values is None else values, column))
    start, end = layout.next, layout.next + len(ids)
    before: tuple[list[int], list[list]] = ([], [[] for _ in stored])
    if ids and start % CHUNK:
        before = read_chunk(connection, columns, start // CHUNK)
    for number, (table, group) in enumerate(columns.tables()):
        first = 1 + number * FIELDS
        own = [*([stored[0]] if number == 0 else []), *stored[first : first + len(group)]]
        marks = ", ?" * len(own)
        connection.executemany(f"INSERT INTO {table} VALUES (?{marks})", zip(range(start, end), *own, strict=True))
    changed = {}
    for chunk in range(start // CHUNK, -(-end // CHUNK)):
        here = range(max(chunk * CHUNK, start), min((chunk + 1) * CHUNK, end))
        new = [column[here.start - start : here.stop - start] for column in stored]
        joined = new if chunk * CHUNK >= start else [a + b for a, b in zip(before[1], new, strict=True)]
        whole = [*(before[0] if chunk * CHUNK < start else []), *here]
        changed[chunk] = _put_checks(connection, chunk, whole, joined)
    layout.items += len(ids)
    layout.next = end
    for chunk in packed.completed(start, end):  # of items that came one by one, and are in no pack yet
        if chunk not in changed:
            changed[chunk] = _piece(chunk, *read_chunk(connection, columns, chunk))
    packed.update(connection, layout, changed, removing=False)


def _put_checks(
    connection: sqlite3.Connection, chunk: int, positions: Sequence[int], stored: list
) -> packed.Piece | None:
    """Writes a chunk's check sums; returns what they run over, for a pack."""
    if not positions:
        connection.execute("DELETE FROM item_checks WHERE chunk = ?", (chunk,))
        return None
    columns = _canonical(positions, stored)
    crcs = crcs_of(chunk, columns)
    row = (chunk, len(positions), struct.pack(f"<{len(crcs)}I", *crcs))
    connection.execute("INSERT OR REPLACE INTO item_checks VALUES (?, ?, ?)", row)
    return _piece_of(len(positions), crcs, columns)


def _piece(chunk: int, positions: Sequence[int], stored: list) -> packed.Piece | None:
    columns = _canonical(positions, stored)
    return _piece_of(len(positions), crcs_of(chunk, columns), columns) if positions else None


def _piece_of(items: int, crcs: tuple[int, ...], columns: list[bytes]) -> packed.Piece | None:
    plain = packed.is_plain(columns[0][9 * items :], items) and all(packed.is_plain(one, items) for one in columns[1:])
    return packed.Piece(items, crcs, columns) if plain else None


def _canonical(positions: Sequence[int], stored: Sequence) -> list[bytes]:
    """What the check sums of a chunk run over, ids first."""
    return [canonical(positions) + canonical(stored[0]), *(canonical(column) for column in stored[1:])]


def crcs_of(chunk: int, columns: Sequence[Any]) -> tuple[int, ...]:
    """Returns the check sums of a chunk's canonical bytes, ids first."""
    return tuple(checksum(f"items/{chunk}/{number}", data) for number, data in enumerate(columns))


def _crc(chunk: int, number: int, positions: Sequence[int], stored: Sequence) -> int:
    head = [canonical(positions)] if number == 0 else []
    return checksum(f"items/{chunk}/{number}", *head, canonical(stored))


class Checks:
    """The check sums of all chunks, or of one, and the comparison with what the tables hold."""

    def __init__(
        self, connection: sqlite3.Connection, columns: Columns, layout: Layout | None, chunk: int | None = None
    ):
        self.columns = columns
        where = "" if chunk is None else f"WHERE chunk = {chunk}"
        limit = 1 if layout is None else layout.next // CHUNK + 1
        rows = connection.execute(f"SELECT chunk, items, crcs FROM item_checks {where} LIMIT {limit}")
        self.of = {}
        for number, items, crcs in rows:
            if not isinstance(crcs, bytes) or len(crcs) % 4 or not 4 <= len(crcs) <= 4 + 4 * len(columns):
                raise CorruptFileError(f"the check sums of items in chunk {number} are damaged.")
            self.of[number] = (items, struct.unpack(f"<{len(crcs) // 4}I", crcs))

    def compare(self, chunk: int, number: int, positions: Sequence[int], stored: Sequence) -> None:
        """Raises CorruptFileError when column `number` (0: the ids) is not what was written."""
        items, crcs = self.of.get(chunk, (0, ()))
        what = "the ids" if number == 0 else f"metadata column {self.columns.all[number - 1].name!r}"
        where = f"items {chunk * CHUNK:,} to {(chunk + 1) * CHUNK - 1:,}"
        if items != len(positions):
            raise CorruptFileError(f"it holds {len(positions)} of {items} {where}.")
        if number >= len(crcs):  # a column that was added after this chunk
            if any(value is not None for value in stored):
                raise CorruptFileError(f"{what} of {where} has no check sum.")
        elif _crc(chunk, number, positions, stored) != crcs[number]:
            raise CorruptFileError(f"{what} of {where} does not match its check sum.")


def read_chunk(connection: sqlite3.Connection, columns: Columns, chunk: int) -> tuple[list[int], list[list]]:
    """Returns the positions of one chunk's items and their stored columns, ids first, all checked."""
    checks = Checks(connection, columns, None, chunk)
    where = f"WHERE position BETWEEN {chunk * CHUNK} AND {(chunk + 1) * CHUNK - 1}"
    positions: list[int] = []
    stored: list[list] = []
    for number, (table, group) in enumerate(columns.tables()):
        names = [*(["id"] if number == 0 else []), *(quoted(column.field) for column in group)]
        rows = connection.execute(
            f"SELECT {', '.join(['position', *names])} FROM {table} {where} ORDER BY position LIMIT {CHUNK}"
        ).fetchall()
        here, *own = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(len(names) + 1)]
        if number == 0:
            positions = here
        elif here != positions:
            raise CorruptFileError(f"its tables items and {table} hold different items.")
        stored.extend(own)
    for number, column in enumerate(stored):
        if positions or chunk in checks.of:
            checks.compare(chunk, number, positions, column)
    return positions, stored


def positions(connection: sqlite3.Connection, layout: Layout) -> np.ndarray:
    """Returns the positions of all items, int64 ascending, without looking at their ids."""
    rows = connection.execute("SELECT position FROM items ORDER BY position LIMIT ?", (layout.items + 1,)).fetchall()
    found = np.fromiter((position for (position,) in rows), np.int64, len(rows))
    if len(found) != layout.items or (len(found) and (found[0] < 0 or found[-1] >= layout.next)):
        raise CorruptFileError(f"it does not hold the {layout.items:,} items that it lists.")
    return found


def delete(connection: sqlite3.Connection, layout: Layout, columns: Columns, ids: Sequence[str]) -> int:
    """Deletes items by id, with their thumbnails; returns how many there were. Their rows in segments stay."""
    doomed: dict[int, object] = {}
    for stored in encode_texts(list(dict.fromkeys(ids))):
        row = connection.execute("SELECT position FROM items WHERE id = ?", (stored,)).fetchone()
        if row is not None:
            doomed[row[0]] = stored
    changed = {}
    for chunk in sorted({position // CHUNK for position in doomed}):
        positions, stored_columns = read_chunk(connection, columns, chunk)
        for position, one in zip(positions, stored_columns[0], strict=True):
            if position in doomed and doomed[position] != one:
                raise CorruptFileError("its index of ids does not agree with its items.")
        keep = [i for i, position in enumerate(positions) if position not in doomed]
        left = [[column[i] for i in keep] for column in stored_columns]
        changed[chunk] = _put_checks(connection, chunk, [positions[i] for i in keep], left)
    gone = [(position,) for position in doomed]
    connection.execute("PRAGMA secure_delete=ON")  # what a removed item was called does not stay in free pages
    for table, _ in columns.tables():
        connection.executemany(f"DELETE FROM {table} WHERE position = ?", gone)
    connection.executemany("DELETE FROM thumbnails WHERE position = ?", gone)
    packed.update(connection, layout, changed, removing=True)
    connection.execute("PRAGMA secure_delete=OFF")
    layout.items -= len(gone)
    return len(gone)


def first_known(connection: sqlite3.Connection, ids: Sequence[str]) -> str | None:
    """Returns the first of these ids that the file holds already, or None."""
    for one, stored in zip(ids, encode_texts(list(ids)), strict=True):
        if connection.execute("SELECT 1 FROM items WHERE id = ?", (stored,)).fetchone():
            return one
    return None
