"""Format 1 of the .latent file in SQL: its tables, its limits, and the check that a file holds just these."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import CorruptFileError

APPLICATION_ID = 0x4C41544E  # "LATN", in the header of every .latent file
FORMAT = 1  # user_version
PAGE_BYTES = 8192  # read 1,000,000 x 64 twice as fast as 4,096, and still makes small files small
SEGMENT_BYTES = 1 << 20  # rows of latents or features in one blob: what a small append rewrites at most
PART_BYTES = 16 << 20  # an array or a JSON document is cut into parts of this size
VALUE_BYTES = 64 << 20  # no single value, and no row of metadata, is longer
CHUNK = 1024  # items that share one row of check sums
FIELDS = 500  # metadata columns a table; SQLite allows 2,000, and a row with fewer is parsed faster
TABLES = 64  # so up to 32,000 metadata columns

ITEM_INDEX = "CREATE UNIQUE INDEX item_ids ON items (id)"

_FIXED = {
    ("table", "blobs"): (
        "CREATE TABLE blobs (name TEXT NOT NULL, part INTEGER NOT NULL, data BLOB NOT NULL, crc INTEGER NOT NULL, "
        "PRIMARY KEY (name, part))"
    ),
    ("index", "sqlite_autoindex_blobs_1"): None,
    ("table", "item_checks"): (
        "CREATE TABLE item_checks (chunk INTEGER PRIMARY KEY, items INTEGER NOT NULL, crcs BLOB NOT NULL)"
    ),
    ("table", "latents"): (
        "CREATE TABLE latents (segment INTEGER PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL)"
    ),
    ("table", "features"): (
        "CREATE TABLE features (segment INTEGER PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL)"
    ),
    ("table", "thumbnails"): (
        "CREATE TABLE thumbnails (position INTEGER PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL)"
    ),
    ("index", "item_ids"): ITEM_INDEX,
}
_INDEX_OF = {"sqlite_autoindex_blobs_1": "blobs", "item_ids": "items"}
CREATE = [sql for (kind, _), sql in _FIXED.items() if kind == "table" and sql is not None]


@dataclass
class Column:
    """One metadata column: its key, the SQL field that holds it, and what its INTEGER values mean."""

    name: str
    field: str
    booleans: bool | None = None  # True: INTEGER is a boolean; False: a number; None: it holds none yet


class Columns:
    """All metadata columns, in order: the first 500 are fields of the table `items`, the next of `items_2`, ..."""

    def __init__(self, columns: Iterable[Column] = ()):
        self.all = list(columns)
        self._taken = {"position", "id", "rowid", "oid", "_rowid_"} | {_folded(column.field) for column in self.all}

    def __len__(self) -> int:
        return len(self.all)

    def add(self, name: str) -> Column:
        """Adds a column for this key: under its own name in SQL where that is free and printable, else c1, c2, ..."""
        if len(self.all) >= FIELDS * TABLES:
            raise ValueError(f"metadata has more than {FIELDS * TABLES:,} columns, which is all a .latent file holds.")
        field, number = name, len(self.all) + 1
        if not 0 < len(name) <= 64 or not name.isprintable() or set(name) & set('"`[]'):
            field = f"c{number}"
        while _folded(field) in self._taken:
            field, number = f"c{number}", number + 1
        self._taken.add(_folded(field))
        self.all.append(Column(name, field))
        return self.all[-1]

    def tables(self) -> list[tuple[str, list[Column]]]:
        """Returns each item table's name with its columns; `items` is always there."""
        groups = [self.all[begin : begin + FIELDS] for begin in range(0, len(self.all), FIELDS)] or [[]]
        return [(table_name(number), group) for number, group in enumerate(groups)]

    def to_json(self) -> list[list[Any]]:
        """Returns [key, field, booleans] for each column."""
        return [[column.name, column.field, column.booleans] for column in self.all]

    @classmethod
    def from_json(cls, document: Any) -> "Columns":
        """Rebuilds what `to_json` gave; CorruptFileError for anything else."""
        if not isinstance(document, list) or len(document) > FIELDS * TABLES:
            raise CorruptFileError("its list of metadata columns is damaged.")
        for one in document:
            if not (isinstance(one, list) and len(one) == 3 and all(isinstance(text, str) for text in one[:2])):
                raise CorruptFileError("its list of metadata columns is damaged.")
            if not (one[2] is None or isinstance(one[2], bool)):
                raise CorruptFileError("its list of metadata columns is damaged.")
        columns = cls(Column(*one) for one in document)
        if len({column.name for column in columns.all}) != len(columns):
            raise CorruptFileError("its list of metadata columns names one twice.")
        return columns


def _folded(name: str) -> str:
    """Returns a field's name as SQLite compares it: without regard to ASCII case, so "Age" collides with "age"."""
    return name.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")  # bytes.lower is ASCII's


def table_name(number: int) -> str:
    """Returns the name of item table 0, 1, 2, ...: items, items_2, items_3."""
    return "items" if number == 0 else f"items_{number + 1}"


def quoted(name: str) -> str:
    """Returns a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def create_items(number: int, columns: list[Column]) -> str:
    """Returns the statement of item table `number`, as SQLite keeps it after columns were added too."""
    head = "position INTEGER PRIMARY KEY" + (", id NOT NULL" if number == 0 else "")
    return f"CREATE TABLE {table_name(number)} ({head}{''.join(f', {quoted(c.field)}' for c in columns)})"


def check_fixed(rows: list[tuple]) -> None:
    """Checks all that `sqlite_schema` holds besides the item tables; rows are (type, name, tbl_name, sql).

    Nothing of a hostile schema (a trigger, a view, a virtual table, a generated column) can pass: every statement must
    be the very text that this format writes.

    Raises
    ------
    CorruptFileError
        Naming the first object that does not belong, or is missing.
    """
    found = {}
    for kind, name, table, sql in rows:
        owner = _INDEX_OF.get(name, name)
        if (kind, name) not in _ALLOWED or table != owner or (kind, name) in found:
            raise CorruptFileError(f"its schema holds the {kind!s:.20} {name!r:.80}, which no .latent file has.")
        found[kind, name] = sql
    for (kind, name), sql in _FIXED.items():
        if (kind, name) not in found:
            raise CorruptFileError(f"its {kind} {name!r} is missing.")
        if found[kind, name] != sql:
            raise CorruptFileError(f"its {kind} {name!r} is not the one that format {FORMAT} defines.")


def check_items(rows: list[tuple], columns: Columns) -> None:
    """Checks the item tables against the list of columns; to be called after `check_fixed`."""
    found = {name: sql for kind, name, _, sql in rows if kind == "table"}
    tables = columns.tables()
    for number, (name, group) in enumerate(tables):
        if found.get(name) != create_items(number, group):
            raise CorruptFileError(f"its table {name!r} does not have the columns that the file lists.")
    for number in range(len(tables), TABLES):
        if table_name(number) in found:
            raise CorruptFileError(f"its table {table_name(number)!r} is not one that the file lists.")


_ALLOWED = set(_FIXED) | {("table", table_name(number)) for number in range(TABLES)}
