"""Reading ids and metadata: from packs where these are fresh, else from the tables; into Python values only when asked.

A list of a million ids takes longer to make than their bytes take to read, and a search needs ten of them.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import CorruptFileError
from . import packed
from .connection import plain_errors
from .items import Checks
from .layout import Layout
from .schema import CHUNK, FIELDS, Column, Columns, quoted
from .values import decode_column, decode_texts


class Later:
    """Ids and metadata as they lie in the file, of one state of it; made Python values when asked for.

    Attributes
    ----------
    positions : int64 array of shape (items,)
        Where the items lie, ascending.
    """

    def __init__(self, path: str, wanted: dict[int, Column | None]):
        self._path = path
        self._wanted = wanted  # number -> its column; None for number 0, the ids
        self._parts: dict[int, list[tuple[int, Any]]] = {number: [] for number in wanted}
        self.positions = np.zeros(0, np.int64)

    def take(self, number: int, items: int, data: Any) -> None:
        """Takes one chunk of one column: values, or canonical bytes; in order."""
        self._parts[number].append((items, data))

    def ids(self) -> list[str]:
        """Returns the ids in their order. CorruptFileError if one is no text, or is there twice."""
        with plain_errors(self._path):
            ids = decode_texts(self._values(0), "an id")
            if len(set(ids)) != len(ids):
                raise CorruptFileError("it holds an id twice.")
            return ids

    def ids_at(self, places: Sequence[int]) -> list[str]:
        """Returns the ids at places in the order of the items, without looking at the others."""
        ends = np.cumsum([items for items, _ in self._parts[0]])
        chunks: dict[int, list[str]] = {}
        found = []
        with plain_errors(self._path):
            for place, part in zip(places, np.searchsorted(ends, places, side="right").tolist(), strict=True):
                if part not in chunks:
                    chunks[part] = decode_texts(self._part(0, part), "an id")
                found.append(chunks[part][place - int(ends[part])])  # counted from the chunk's end
        return found

    def metadata(self) -> dict[str, list]:
        """Returns the metadata columns that were asked for."""
        with plain_errors(self._path):
            return {
                column.name: decode_column(self._values(number), column)
                for number, column in self._wanted.items()
                if column is not None
            }

    def _values(self, number: int) -> list[Any]:
        values: list[Any] = []
        for part in range(len(self._parts[number])):
            values.extend(self._part(number, part))
        return values

    def _part(self, number: int, part: int) -> list[Any]:
        items, data = self._parts[number][part]
        if isinstance(data, tuple):
            return list(data)
        return packed.values_of(data[9 * items :] if number == 0 else data, items)


def read(
    connection: sqlite3.Connection, layout: Layout, columns: Columns, names: Sequence[str] | None = None, path: str = ""
) -> Later:
    """Reads ids and metadata (all columns, or those named), from packs where they are fresh, else from the tables."""
    checks = Checks(connection, columns, layout)
    wanted: dict[int, Column | None] = {0: None}
    wanted |= {n: column for n, column in enumerate(columns.all, 1) if names is None or column.name in set(names)}
    later = Later(path, wanted)
    positions: list[Any] = [np.zeros(0, np.int64)]
    pack: dict[int, packed.Piece] = {}
    for chunk in range(-(-layout.next // CHUNK)):
        if chunk % packed.GROUP == 0:
            pack = packed.read(connection, layout, chunk // packed.GROUP)
        piece = pack.get(chunk)
        if piece is not None and checks.of.get(chunk) == (piece.items, piece.crcs):
            positions.append(packed.positions_of(piece.columns[0], piece.items))
            for number in wanted:
                there = number < len(piece.columns)  # else the column was added after this chunk
                later.take(number, piece.items, piece.columns[number] if there else (None,) * piece.items)
        else:
            positions.append(_read_rows(connection, columns, checks, later, chunk, wanted))
    later.positions = np.concatenate(positions)
    outside = connection.execute("SELECT 1 FROM items WHERE position < 0 OR position >= ? LIMIT 1", (layout.next,))
    if len(later.positions) != layout.items or outside.fetchone() is not None:
        raise CorruptFileError(f"it holds {len(later.positions):,} items where it lists {layout.items:,}.")
    return later


def _read_rows(
    connection: sqlite3.Connection, columns: Columns, checks: Checks, later: Later, chunk: int, wanted: Any
) -> np.ndarray:
    """Reads one chunk of the tables, checked, and returns its positions."""
    positions: tuple = ()
    for number, (table, group) in enumerate(columns.tables()):
        chosen = [i for i in range(number * FIELDS + 1, number * FIELDS + 1 + len(group)) if i in wanted]
        if number and not chosen:
            continue
        fields = [*(["id"] if number == 0 else []), *(quoted(columns.all[i - 1].field) for i in chosen)]
        rows = connection.execute(
            f"SELECT {', '.join(['position', *fields])} FROM {table} WHERE position BETWEEN ? AND ? "
            f"ORDER BY position LIMIT {CHUNK}",
            (chunk * CHUNK, (chunk + 1) * CHUNK - 1),
        ).fetchall()
        here, *own = zip(*rows, strict=True) if rows else ((), *[()] * len(fields))
        if number == 0:
            positions = here
        elif here != positions:
            raise CorruptFileError(f"its tables items and {table} hold different items.")
        for index, column in zip([*([0] if number == 0 else []), *chosen], own, strict=True):
            if here:
                checks.compare(chunk, index, here, column)
                later.take(index, len(here), column)
    return np.array(positions, np.int64)
