"""Reading a .latent file piece by piece: `LatentFile`, and whole with `read`."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import CorruptFileError
from ..resources import refuse_if_too_large
from . import blobs, caches, items, segments
from .connection import WAIT, open_reader, plain_errors
from .contents import Cache, Contents, check_path
from .later import Later
from .later import read as read_items
from .schema import check_items
from .values import checksum


class LatentFile:
    """One state of a .latent file, read piece by piece. Use as a context manager.

    What is read through one LatentFile belongs together, whatever writers do meanwhile. Until it is closed, a writer's
    commit waits for it (writers give up after 30 s), so open it, read, close it, and keep `version` to see later
    whether the file has changed. Opening executes nothing that the file holds, and changes nothing in it.

    Parameters
    ----------
    path : str or Path
    wait : float, default=30.0
        Seconds to wait while another process commits.

    Attributes
    ----------
    version : int
        Grows with every committed change.
    dims : int
        Dimensions of the latent space.
    feature_shape : tuple of int, or None
        Shape of one item's features; None where the file keeps none.
    feature_dtype : "float32", "uint8" or None
    has_thumbnails : bool
    map_names, array_names, cache_names : list of str

    Raises
    ------
    CorruptFileError
        If this is no .latent file, or is damaged; every method raises it too for the part that it reads.
    UnsupportedError
        If the file is of a newer format.
    FileNotFoundError, IsADirectoryError, PermissionError
        If there is no such file, or it cannot be read.
    TimeoutError
        If another process held the file for longer than `wait`.
    """

    def __init__(self, path: str | os.PathLike, *, wait: float = WAIT):
        target = check_path(path)
        with plain_errors(target, wait):
            self._attach(target, *open_reader(target, wait), wait)

    @classmethod
    def _of(cls, path: str, connection: sqlite3.Connection, rows: list[tuple], wait: float) -> "LatentFile":
        """Reads through a connection that is in a transaction already, such as the writer's; closes it at the end."""
        file = cls.__new__(cls)
        file._attach(path, connection, rows, wait)
        return file

    def _attach(self, path: str, connection: sqlite3.Connection, rows: list[tuple], wait: float) -> None:
        self._path, self._connection, self._wait = path, connection, wait
        self._live: np.ndarray | None = None
        self._anchor: caches.Anchor | None = None
        try:
            layout = self._layout = blobs.get_layout(connection)
            self._columns = blobs.get_columns(connection, layout)
            check_items(rows, self._columns)
        except BaseException:
            connection.close()
            raise
        self.version = layout.version
        self.dims = layout.latents.shape[0]
        self.feature_shape = None if layout.features is None else layout.features.shape
        self.feature_dtype = None if layout.features is None else layout.features.dtype
        self.has_thumbnails = layout.thumbnails
        self.map_names = layout.maps
        self.array_names = blobs.names_under(layout, "array/")
        self.cache_names = caches.names(layout)
        self.metadata_names = [column.name for column in self._columns.all]

    def __enter__(self) -> "LatentFile":
        return self

    def __exit__(self, *_exc) -> None:
        self.close()

    def close(self) -> None:
        """Ends reading; nothing can be read after. Closing twice does nothing."""
        self._connection.close()

    def __len__(self) -> int:
        return self._layout.items

    def manifest(self) -> dict[str, Any]:
        """Returns the manifest."""
        with plain_errors(self._path, self._wait):
            document = blobs.get_document(self._connection, self._layout, "manifest")
            if not isinstance(document, dict):
                raise CorruptFileError("its manifest is no JSON object.")
            return document

    def skipped(self) -> list[tuple[str, str]]:
        """Returns (id, reason) of the items that could not be read when the space was made."""
        with plain_errors(self._path, self._wait):
            document = blobs.get_document(self._connection, self._layout, "skipped")
            if not isinstance(document, list) or not all(_is_pair(one) for one in document):
                raise CorruptFileError("its list of skipped items is damaged.")
            return [(one, reason) for one, reason in document]

    def arrays(self, prefix: str = "") -> dict[str, np.ndarray]:
        """Returns the arrays whose names begin with `prefix` ("model/"), by their whole names; each is writable."""
        with plain_errors(self._path, self._wait):
            names = [name for name in self.array_names if name.startswith(prefix)]
            return {name: blobs.get_array(self._connection, self._layout, f"array/{name}") for name in names}

    def map(self, name: str) -> dict[str, Any]:
        """Returns a map as {"facts": dict, "arrays": dict}. ValueError for a name the file does not have."""
        if name not in self.map_names:
            raise ValueError(f"there is no map {name!r}; the file has {self.map_names or 'none'}.")
        with plain_errors(self._path, self._wait):
            facts = blobs.get_document(self._connection, self._layout, f"map/{name}/facts")
            if not isinstance(facts, dict):
                raise CorruptFileError(f"the facts of its map {name!r} are no JSON object.")
            prefix = f"map/{name}/array/"
            arrays = {
                own: blobs.get_array(self._connection, self._layout, prefix + own)
                for own in blobs.names_under(self._layout, prefix)
            }
            return {"facts": facts, "arrays": arrays}

    def anchor(self, known: caches.Anchor | None = None) -> caches.Anchor:
        """Returns where this state's items lie, for `cache` to compare with, also after the file has changed.

        `known` is what `Anchor.after` made of an earlier state's, if the changes since are known: it saves reading.
        """
        if self._anchor is None:
            with plain_errors(self._path, self._wait):
                self._anchor = caches.anchor_of(self._connection, self._layout, known)
        return self._anchor

    @property
    def removed(self) -> int:
        """Of how many removed items the latents and features are still in the file."""
        return self._layout.next - self._layout.items

    def cache_bytes(self, name: str) -> int:
        """Returns how much of the file a cache takes."""
        return sum(size for blob, size in self._layout.blobs.items() if blob.startswith(f"cache/{name}/"))

    def cache(self, name: str, anchor: caches.Anchor | None = None, arrays: bool = True) -> Cache | None:
        """Returns what was kept to save computing it again; None for what is absent, stale or damaged.

        Parameters
        ----------
        name : str
        anchor : Anchor, optional
            That of an earlier state, whose items the rows of the cache shall be: a cache made since, that knows of
            later items, then counts as absent. By default this state's.
        arrays : bool, default=True
            Whether to read the arrays too, or only what was noted of them.
        """
        try:
            with plain_errors(self._path, self._wait):
                return caches.get(self._connection, self._layout, anchor or self.anchor(), name, arrays)
        except CorruptFileError:  # all that is lost is the time to make it again
            return None

    def ids(self) -> list[str]:
        """Returns the ids in their order."""
        return self.items(())[0]

    def metadata(self, names: Iterable[str] | None = None) -> dict[str, list]:
        """Returns metadata columns, all or those named. ValueError for a name the file does not have."""
        return self.items(names)[1]

    def items(self, names: Iterable[str] | None = None) -> tuple[list[str], dict[str, list]]:
        """Returns ids and metadata in one pass, which is quicker than one after the other."""
        later = self.items_later(names)
        return later.ids(), later.metadata()

    def items_later(self, names: Iterable[str] | None = None) -> Later:
        """Returns ids and metadata as bytes, made Python values when asked for, also after this file is closed."""
        wanted = self.metadata_names if names is None else list(names)
        for name in wanted:
            if name not in self.metadata_names:
                raise ValueError(f"there is no metadata column {name!r}; the file has {self.metadata_names}.")
        with plain_errors(self._path, self._wait):
            later = read_items(self._connection, self._layout, self._columns, wanted, self._path)
        self._live = later.positions
        return later

    def latents(self) -> np.ndarray:
        """Returns all latents, float32 (n, dims), in the order of the ids."""
        return self._rows(self._layout.latents)

    def features(self, positions: Sequence[int] | np.ndarray | None = None) -> np.ndarray | None:
        """Returns features (n, ...), or (len(positions), ...) of the items at these places in the order of the ids.

        None where the file keeps none. IndexError for a place it does not have.
        """
        rows = self._layout.features
        if rows is None:
            return None
        if positions is None:
            return self._rows(rows)
        chosen = self._stored_positions(positions)
        with plain_errors(self._path, self._wait):
            return segments.read_at(self._connection, rows, self._layout.next, chosen)

    def thumbnail(self, position: int) -> bytes | None:
        """Returns one item's encoded picture; None where the file keeps none. IndexError past the last item."""
        if not self.has_thumbnails:
            return None
        stored = int(self._stored_positions([position])[0])
        with plain_errors(self._path, self._wait):
            query = "SELECT data, crc FROM thumbnails WHERE position = ?"
            return checked_thumbnail(stored, self._connection.execute(query, (stored,)).fetchone())

    def thumbnails(self) -> list[bytes] | None:
        """Returns every item's encoded picture; None where the file keeps none."""
        if not self.has_thumbnails:
            return None
        live = self._all_positions().tolist()
        with plain_errors(self._path, self._wait):
            query = "SELECT position, data, crc FROM thumbnails ORDER BY position LIMIT ?"
            found = self._connection.execute(query, (len(live) + 1,)).fetchall()
            if [row[0] for row in found] != live:
                raise CorruptFileError("its thumbnails are not those of its items.")
            return [checked_thumbnail(position, rest) for position, *rest in found]

    def contents(self, features: bool = True) -> Contents:
        """Returns everything; with `features=False` all but the features. Caches that are stale or damaged are not."""
        ids, metadata = self.items()
        return Contents(
            manifest=self.manifest(),
            arrays=self.arrays(),
            ids=ids,
            metadata=metadata,
            latents=self.latents(),
            features=self.features() if features else None,
            thumbnails=self.thumbnails(),
            maps={name: self.map(name) for name in self.map_names},
            skipped=self.skipped(),
            caches={name: cache for name in self.cache_names if (cache := self.cache(name)) is not None},
        )

    def _all_positions(self) -> np.ndarray:
        if self._live is None:
            self._live = np.arange(len(self)) if len(self) == self._layout.next else None
        if self._live is None:
            with plain_errors(self._path, self._wait):
                self._live = items.positions(self._connection, self._layout)
        return self._live

    def _stored_positions(self, places: Sequence[int] | np.ndarray) -> np.ndarray:
        wanted = np.asarray(places)
        if wanted.ndim != 1 or (wanted.size and wanted.dtype.kind not in "iu"):
            raise TypeError(f"positions must be a sequence of integers, not {places!r:.80}.")
        wanted = wanted.astype(np.int64)
        outside = wanted[(wanted < 0) | (wanted >= len(self))]
        if outside.size:
            raise IndexError(f"there is no item at position {outside[0]}; the file has {len(self):,} items.")
        return self._all_positions()[wanted]

    def _rows(self, rows) -> np.ndarray:
        what = f"{rows.table} of {self._layout.next:,} items"
        refuse_if_too_large(self._layout.next * rows.row_bytes, what, "Read fewer items at a time.")
        with plain_errors(self._path, self._wait):
            everything, sums = segments.read_all(self._connection, rows, self._layout.next)
        if rows.table == "latents":
            live = None if len(self) == self._layout.next else self._all_positions()
            self._anchor = caches.Anchor(self._layout.next, live, sums)
        return everything if len(self) == self._layout.next else everything[self._all_positions()]


def _is_pair(one: Any) -> bool:
    return isinstance(one, list) and len(one) == 2 and all(isinstance(part, str) for part in one)


def checked_thumbnail(position: int, row: Any) -> bytes:
    """Returns a picture from its row (data, crc); CorruptFileError where that is missing or does not match."""
    if row is None or not isinstance(row[0], bytes) or checksum(f"thumbnails/{position}", row[0]) != row[1]:
        raise CorruptFileError(f"the thumbnail at position {position} is missing or does not match its check sum.")
    return row[0]


def read(path: str | os.PathLike, features: bool = True, *, wait: float = WAIT) -> Contents:
    """Reads a whole .latent file, one state of it.

    Parameters
    ----------
    path : str or Path
    features : bool, default=True
        Whether to read the features, the largest part; `LatentFile.features` reads some of them.
    wait : float, default=30.0
        Seconds to wait while another process commits.

    Raises
    ------
    CorruptFileError, UnsupportedError, OSError
        As `LatentFile`.
    """
    with LatentFile(path, wait=wait) as file:
        return file.contents(features)


def version(path: str | os.PathLike, *, wait: float = WAIT) -> int:
    """Returns the file's version, which grows with every committed change."""
    with LatentFile(path, wait=wait) as file:
        return file.version
