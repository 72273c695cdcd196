"""Reading all of a `.latent` file against all that says what it should be: `verify`.

What `read` passes over is looked at here too: pages that nobody refers to, rows that the layout does not list, caches,
packs of items, and the tables under fresh packs.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ..errors import CorruptFileError
from ..progress import Progress
from . import blobs, caches, packed, segments
from .connection import WAIT, plain_errors
from .items import crcs_of, read_chunk
from .layout import Rows
from .reader import LatentFile, checked_thumbnail
from .schema import CHUNK
from .values import decode_column, decode_texts

Mend = Literal["drop", "rewrite"]
_SHOWN = 20  # findings a part: a torn disk makes thousands, and the first tell as much


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong in a file.

    Attributes
    ----------
    part : str
        "database", "items", "latents", "features", "thumbnails", "arrays", "documents", "maps", "caches", "packs".
    problem : str
        A sentence.
    mend : "drop", "rewrite" or None
        What mends it without touching what is good: leaving out what can be computed again, or writing the file anew
        from what its check sums vouch for. None: something of the user's is damaged.
    name : str
        What would be dropped: a blob by its name, several by "cache/NAME/", or those rows of a table that no item has.
    """

    part: str
    problem: str
    mend: Mend | None = None
    name: str = ""


@dataclass
class Verified:
    """What was read, and what was wrong with it.

    Attributes
    ----------
    version : int
        Of the file, when it was read.
    counts : dict of str to int
        How many of each part were read: "items", "segments of latents", "thumbnails", "arrays", "maps", "caches", ...
    findings : list of Finding
    """

    version: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing was wrong."""
        return not self.findings


def verify(path: str | os.PathLike, *, wait: float = WAIT) -> Verified:
    """Reads every byte that a check sum vouches for, in one state of the file; changes nothing.

    Memory holds one segment, one array or 1,024 items at a time.

    Raises
    ------
    CorruptFileError
        If this is no .latent file, or what it says of itself cannot be read, without which nothing can.
    UnsupportedError, TimeoutError, OSError
        As `LatentFile`.
    """
    with LatentFile(path, wait=wait) as file:
        return _Look(file).all()


class _Look:
    """One file being gone through, part by part; a damaged part does not keep the others from being read."""

    def __init__(self, file: LatentFile):
        self.file, self.connection, self.layout = file, file._connection, file._layout
        self.found = Verified(file.version)
        self.live = np.zeros(0, np.int64)  # the positions that have an item, as far as they can be read

    def all(self) -> Verified:
        rows = [self.layout.latents, *([self.layout.features] if self.layout.features else [])]
        chunks = range(-(-self.layout.next // CHUNK))
        steps = len(self.layout.blobs) + len(chunks) + sum(-(-self.layout.next // one.per_segment) for one in rows)
        with Progress(f"Checking {os.path.basename(self.file._path)}", steps) as progress:
            with self.noting("database", "rewrite"):
                self.database()
            self.items(chunks, progress)
            for one in rows:
                self.rows(one, progress)
            with self.noting("thumbnails"):
                self.thumbnails()
            for name in self.layout.blobs:
                self.blob(name)
                progress.advance()
            self.documents()
            with self.noting("database", "rewrite"):
                self.unlisted()
        return self.found

    @contextlib.contextmanager
    def noting(self, part: str, mend: Mend | None = None, name: str = "") -> Iterator[None]:
        """Notes what goes wrong within as a finding of this part."""
        try:
            with plain_errors(self.file._path, self.file._wait):
                yield
        except CorruptFileError as error:
            self.note(part, str(error), mend, name)

    def note(self, part: str, problem: str, mend: Mend | None = None, name: str = "") -> None:
        head = f"{os.path.basename(self.file._path)} is damaged: "
        problem = problem.removeprefix(head).removesuffix(" Restore it from a copy, or make it anew.")
        here = [one.problem for one in self.found.findings if one.part == part]
        if len(here) < _SHOWN and problem not in here:
            self.found.findings.append(Finding(part, problem, mend, name))

    def count(self, what: str, by: int = 1) -> None:
        self.found.counts[what] = self.found.counts.get(what, 0) + by

    # ------------------------------------------------------------------ parts
    def database(self) -> None:
        """SQLite's own structure: pages, order of keys, the index over ids."""
        for (word,) in self.connection.execute(f"PRAGMA integrity_check({_SHOWN})"):
            if word != "ok":
                self.note("database", f"{' '.join(str(word).split())[:300]}.", "rewrite")

    def items(self, chunks: Iterable[int], progress: Progress) -> None:
        """The rows of the tables, also where a fresh pack would be read in their place."""
        columns, live, packs = self.file._columns, [], _Packs(self)
        for chunk in chunks:
            good = packs.holds(chunk)
            with self.noting("items", "rewrite" if good else None):
                positions, stored = read_chunk(self.connection, columns, chunk)
                decode_texts(stored[0], "an id")
                for column, values in zip(columns.all, stored[1:], strict=True):
                    decode_column(values, column)
                live.append(np.array(positions, np.int64))
                self.count("items", len(positions))
            progress.advance()
        self.live = np.concatenate([self.live, *live])
        outside = self.connection.execute
        with self.noting("items"):
            query = "SELECT count(*) FROM items WHERE position < 0 OR position >= ?"
            (beyond,) = outside(query, (self.layout.next,)).fetchone()
            if beyond or (len(self.live) != self.layout.items and not self.has("items")):
                raise CorruptFileError(
                    f"it holds {len(self.live) + beyond:,} items where it lists {self.layout.items:,}."
                )
            twice = outside("SELECT count(*) - count(DISTINCT id) FROM items NOT INDEXED").fetchone()[0]
            if twice:
                raise CorruptFileError(f"it holds {twice:,} ids twice.")

    def has(self, part: str) -> bool:
        return any(one.part == part for one in self.found.findings)

    def rows(self, rows: Rows, progress: Progress) -> None:
        """Latents or features, segment by segment, those of removed items too."""
        segment_count = -(-self.layout.next // rows.per_segment)
        for number in range(segment_count):
            with self.noting(rows.table):
                segments.read_segment(self.connection, rows, number, self.layout.next)
                self.count(f"segments of {rows.table}")
            progress.advance()

    def thumbnails(self) -> None:
        if not self.layout.thumbnails:
            return
        there = []
        query = "SELECT position, data, crc FROM thumbnails WHERE position >= 0 AND position < ? ORDER BY position"
        for position, *rest in self.connection.execute(query, (self.layout.next,)):
            there.append(position)
            with self.noting("thumbnails"):
                checked_thumbnail(position, rest)
                self.count("thumbnails")
        missing = np.setdiff1d(self.live, np.array(there, np.int64))
        if len(missing) and not self.has("items"):
            self.note("thumbnails", f"{len(missing):,} items have none, the one at position {missing[0]} first.")

    def blob(self, name: str) -> None:
        """One array, document or cache: its parts and, of an array, that it is one."""
        kind, _, rest = name.partition("/")
        part = {"array": "arrays", "map": "maps", "cache": "caches", "packed": "packs"}.get(kind, "documents")
        if part == "packs":
            return  # gone through beside the items that they repeat
        mend: Mend | None = "drop" if part == "caches" or name.startswith("array/cache/") else None
        with self.noting(part, mend, f"cache/{rest.partition('/')[0]}/" if part == "caches" else name):
            if part == "arrays" or "/array/" in name or (part == "caches" and name.endswith("/positions")):
                blobs.get_array(self.connection, self.layout, name)
                self.count("arrays")
            else:
                blobs.get_document(self.connection, self.layout, name)
                self.count("documents")

    def documents(self) -> None:
        """What the documents hold, and that maps and caches are of the items that are there."""
        for look in (self.file.manifest, self.file.skipped):
            with self.noting("documents"):
                look()
        for name in self.layout.maps:
            with self.noting("maps"):
                self.file.map(name)
                self.count("maps")
        listed = {own.split("/", 1)[0] for own in blobs.names_under(self.layout, "map/")}
        for name in sorted(listed - set(self.layout.maps)):
            self.note("maps", f"its map {name!r} is not in the list of maps.", "drop", f"map/{name}/")
        damaged = {one.name for one in self.found.findings if one.part == "caches"}
        for name in caches.names(self.layout) if not self.has("latents") else []:  # of which others, nobody could say
            prefix = f"cache/{name}/"
            if prefix in damaged:
                continue
            with self.noting("caches", "drop", prefix):
                if caches.get(self.connection, self.layout, self.file.anchor(), name) is None:
                    raise CorruptFileError(f"its cache {name!r} is of other latents than those that are there.")
                self.count("caches")

    def unlisted(self) -> None:
        """Rows that no list names: nobody reads them, and they would stay in the file for ever."""
        names = {name for (name,) in self.connection.execute("SELECT DISTINCT name FROM blobs")}
        for name in sorted(names - set(self.layout.blobs) - {"layout"}):
            self.note("documents", f"it holds a blob {name[:80]!r} that it does not list.", "drop", name)
        for rows in (self.layout.latents, self.layout.features):
            if rows is not None:
                segment_count = -(-self.layout.next // rows.per_segment)
                query = f"SELECT count(*) FROM {rows.table} WHERE segment < 0 OR segment >= ?"
                (extra,) = self.connection.execute(query, (segment_count,)).fetchone()
                if extra:
                    self.note(rows.table, f"it holds {extra:,} segments of {rows.table} too many.", "drop", rows.table)
        (pictures,) = self.connection.execute("SELECT count(*) FROM thumbnails").fetchone()
        expected = self.layout.items if self.layout.thumbnails else 0
        if pictures > expected and not self.has("items"):
            self.note("thumbnails", f"it holds {pictures - expected:,} thumbnails of no item.", "drop", "thumbnails")


class _Packs:
    """The packs beside the tables of items: which are sound, and for which chunks they hold what the tables should."""

    def __init__(self, look: _Look):
        self.look = look
        self.sums: dict[int, tuple[int, bytes]] = {}
        with look.noting("items"):
            rows = look.connection.execute("SELECT chunk, items, crcs FROM item_checks")
            self.sums = {chunk: (items, crcs) for chunk, items, crcs in rows}
        self.group = -1
        self.pieces: dict[int, packed.Piece] = {}

    def holds(self, chunk: int) -> bool:
        """Whether a pack has this chunk's items as they were written, so that a damaged table loses nothing."""
        group = chunk // packed.GROUP
        if group != self.group:
            self.group, self.pieces = group, self._read(group)
        piece = self.pieces.get(chunk)
        if piece is None or self.sums.get(chunk) != (piece.items, np.array(piece.crcs, "<u4").tobytes()):
            return False
        return crcs_of(chunk, piece.columns) == piece.crcs

    def _read(self, group: int) -> dict[int, packed.Piece]:
        name = packed.name_of(group)
        if name not in self.look.layout.blobs:
            return {}
        with self.look.noting("packs", "drop", name):
            pieces = packed.read_whole(self.look.connection, self.look.layout, group)
            self.look.count("packs")
            return pieces
        return {}
