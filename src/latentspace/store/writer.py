"""Writing a .latent file: whole with `write`, or one change at a time, each all or nothing."""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import blobs, caches, items
from .build import add, drop_map, fill
from .build import put_map as insert_map
from .compact import pays, rewrite
from .connection import WAIT, amount, open_writer, plain_errors
from .contents import (
    Cache,
    Contents,
    check,
    check_arrays,
    check_caches,
    check_dict,
    check_features,
    check_ids,
    check_latents,
    check_manifest,
    check_maps,
    check_metadata,
    check_path,
    check_skipped,
    check_thumbnails,
    size_of,
)
from .layout import Layout, Rows
from .replace import refuse_existing, write_new
from .schema import Columns, check_items


class FileChangedError(RuntimeError):
    """Someone else changed the file since the version that the caller expected; nothing was written."""


def write(path: str | os.PathLike, contents: Contents, overwrite: bool = False, *, wait: float = WAIT) -> int:
    """Writes a whole space to a new .latent file; a crash leaves the old file or the new, never a part.

    Parameters
    ----------
    path : str or Path
        Written through if it is a symbolic link.
    contents : Contents
    overwrite : bool, default=False
        Whether to replace what is there. The new file's version follows the old one's.
    wait : float, default=30.0
        Seconds to wait for another process's writer.

    Returns
    -------
    int
        The version written.

    Raises
    ------
    FileExistsError
        If something is at the path and `overwrite` is False.
    TypeError, ValueError
        If the contents cannot be kept: NaN or infinity (the item is named), lengths that differ, an id twice.
    TimeoutError, OSError
        If another writer does not end, or the disk is full or read-only.
    """
    target = check_path(path)
    if not overwrite:
        refuse_existing(target)
    checked = check(contents)
    x = checked.features
    features = None if x is None else (Rows.make("features", x.dtype.name, x.shape[1:]), [x])
    with plain_errors(target, wait, lambda: f"about {amount(size_of(checked))}"):
        return write_new(target, lambda connection: fill(connection, checked, features), overwrite, wait)


@dataclass
class _Change:
    """One transaction of the one writer."""

    connection: sqlite3.Connection
    layout: Layout
    columns: Columns
    empty: bool = False  # set when there turned out to be nothing to write
    same: bool = False  # set when what is written leaves the contents, and so the version, as they are

    def put(self, manifest: Any, arrays: Any, maps: Any, skipped: Any) -> None:
        """Writes what accompanies the items, where given; checked before."""
        if manifest is not None:
            blobs.put_document(self.connection, self.layout, "manifest", manifest)
        if arrays is not None:
            blobs.put_arrays(self.connection, self.layout, "array/", arrays)
        for name, one in (maps or {}).items():
            if one is None:
                drop_map(self.connection, self.layout, name)
            else:
                insert_map(self.connection, self.layout, name, one["facts"], one["arrays"])
        if skipped is not None:
            blobs.put_document(self.connection, self.layout, "skipped", skipped)

    def forget(self, maps: bool) -> None:
        """Deletes what described the items before: other programs' "cache/" arrays, and the maps if asked."""
        for own in blobs.names_under(self.layout, "array/cache/"):
            blobs.drop_blob(self.connection, self.layout, f"array/cache/{own}")
        for name in list(self.layout.maps) if maps else []:
            drop_map(self.connection, self.layout, name)


@contextlib.contextmanager
def changing(path: str | os.PathLike, wait: float, expect: int | None, more: int = 0) -> Iterator[_Change]:
    """One change of an open file, committed at the end of the block; an error leaves the file as it was.

    `more` bytes are to be added. Beside them a journal of what is overwritten takes at most what the file has.
    """
    target = check_path(path)
    with plain_errors(target, wait, lambda: f"up to {amount(os.path.getsize(target) + more)}"):
        connection, rows = open_writer(target, wait)
        with contextlib.closing(connection):  # which rolls back all that was not committed
            layout = blobs.get_layout(connection)
            change = _Change(connection, layout, blobs.get_columns(connection, layout))
            check_items(rows, change.columns)
            if expect is not None and layout.version != expect:
                raise FileChangedError(
                    f"{os.path.basename(target)} is at version {layout.version}, not {expect}: another writer changed "
                    "it. Load it again and repeat the change."
                )
            before = change.columns.to_json()
            yield change
            if not change.empty:
                if change.columns.to_json() != before:
                    blobs.put_document(connection, layout, "columns", change.columns.to_json())
                layout.version += not change.same
                blobs.put_layout(connection, layout)
                connection.execute("COMMIT")


def _check_accompanying(manifest: Any, arrays: Any, maps: Any, skipped: Any) -> list[list[str]] | None:
    if manifest is not None:
        check_manifest(manifest)
    for given, checker, what in ((arrays, check_arrays, "arrays"), (maps, check_maps, "maps")):
        if given is not None:
            check_dict(given, what)
            checker({name: one for name, one in given.items() if one is not None})  # None deletes
    return None if skipped is None else check_skipped(skipped)


def append(
    path: str | os.PathLike,
    ids: Sequence[str],
    metadata: Mapping[str, list],
    latents: np.ndarray,
    features: np.ndarray | None = None,
    thumbnails: Sequence[bytes] | None = None,
    *,
    manifest: dict | None = None,
    arrays: dict[str, Any] | None = None,
    maps: dict[str, Any] | None = None,
    skipped: Sequence[tuple[str, str]] | None = None,
    replace: bool = False,
    expect: int | None = None,
    wait: float = WAIT,
) -> int:
    """Adds items after the last, in one step; returns the file's new version.

    Maps stay: their rows are the first items. Caches stay: they know which items they describe.

    Parameters
    ----------
    path : str or Path
    ids : sequence of str, none of them in the file
    metadata : dict of column name to list
        A column that is new is None for the items before; one that is not given is None for these.
    latents : float32 array of shape (m, dims)
    features, thumbnails
        As in `Contents`; needed exactly if the file keeps them.
    manifest, arrays, maps, skipped
        What to put in place of the file's, in the same step, as `put` does.
    replace : bool, default=False
        Whether items of the file with these ids make way, in the same step; maps go then too, as with `remove`.
    expect : int, optional
        The version that the caller knows: refuse if the file is at another.
    wait : float, default=30.0
        Seconds to wait for another writer, and for readers at the commit.

    Raises
    ------
    ValueError, TypeError
        As `write`; for an id that the file holds already; for features or thumbnails that the file keeps and are not
        given, or the other way round.
    FileChangedError
        If the file is not at version `expect`.
    CorruptFileError, TimeoutError, OSError
        As `LatentFile`.
    """
    names = check_ids(ids)
    columns = check_metadata(metadata, names)
    pairs = _check_accompanying(manifest, arrays, maps, skipped)
    z = check_latents(latents, names)
    with changing(path, wait, expect, z.nbytes + getattr(features, "nbytes", 0)) as change:
        layout = change.layout
        z = check_latents(z, names, layout.latents.shape[0])
        x = _matching_features(layout, features, names)
        pictures = _matching_thumbnails(layout, thumbnails, names)
        known = items.first_known(change.connection, names)
        if known is not None and not replace:
            raise ValueError(
                f"id {known!r} is in {os.path.basename(path)} already; ids must be unique. "
                "Pass replace=True to put the new item in its place."
            )
        if known is not None:
            items.delete(change.connection, layout, change.columns, names)
        if names:
            change.forget(maps=known is not None)
            add(change.connection, layout, change.columns, names, columns, [z], None if x is None else [x], pictures)
        change.put(manifest, arrays, maps, pairs)
        change.empty = not names and manifest is None and not arrays and not maps and pairs is None
    return layout.version


def _matching_features(layout: Layout, features: Any, ids: list[str]) -> np.ndarray | None:
    if (features is None) != (layout.features is None):
        raise ValueError(
            "the file keeps features for its items, so new ones need them too: pass features."
            if features is None
            else "the file keeps no features, so it takes none: pass features=None."
        )
    if layout.features is None:
        return None
    x = check_features(features, ids, layout.features.shape)
    if x.dtype != layout.features.dtype:
        raise TypeError(f"features have dtype {x.dtype}; this file keeps {layout.features.dtype}.")
    return x


def _matching_thumbnails(layout: Layout, thumbnails: Any, ids: list[str]) -> list[bytes] | None:
    if (thumbnails is None) == layout.thumbnails:
        raise ValueError(
            "the file keeps thumbnails for its items, so new ones need them too: pass thumbnails."
            if layout.thumbnails
            else "the file keeps no thumbnails, so it takes none: pass thumbnails=None."
        )
    return None if thumbnails is None else check_thumbnails(thumbnails, ids)


def remove(
    path: str | os.PathLike,
    ids: Iterable[str],
    *,
    manifest: dict | None = None,
    arrays: dict[str, Any] | None = None,
    maps: dict[str, Any] | None = None,
    compact: bool | None = None,
    expect: int | None = None,
    wait: float = WAIT,
) -> int:
    """Removes items by id, in one step; returns how many of the ids were there. The order of the others stays.

    All maps are deleted, since their rows are no longer the items: pass `maps` with those that are to stay. Caches
    stay: they know which items they describe. The version grows by one if anything was removed or put.

    Parameters
    ----------
    path : str or Path
    ids : iterable of str
        Ids that the file does not hold are passed over.
    manifest, arrays, maps
        What to put in place of the file's, in the same step, as `put` does.
    compact : bool, optional
        Whether to rewrite the file without the latents and features of removed items. By default when they are more
        than half of it; True does it now (nothing of a removed item is left), False never.
    expect, wait
        As `append`.

    Raises
    ------
    FileChangedError, CorruptFileError, TimeoutError, OSError
        As `append`.
    """
    names = check_ids(list(dict.fromkeys(ids)))
    _check_accompanying(manifest, arrays, maps, None)
    with changing(path, wait, expect) as change:
        count = items.delete(change.connection, change.layout, change.columns, names)
        if count:
            change.forget(maps=True)
        change.put(manifest, arrays, maps, None)
        change.empty = not count and manifest is None and not arrays and not maps
        layout = change.layout
    if compact or (compact is None and count and pays(layout)):
        # The removal is committed: a disk too full for a second copy is no reason to call it failed.
        with contextlib.nullcontext() if compact else contextlib.suppress(OSError):
            rewrite(path, wait)
    return count


def put_map(
    path: str | os.PathLike,
    name: str,
    facts: dict[str, Any],
    arrays: dict[str, np.ndarray],
    *,
    expect: int | None = None,
    wait: float = WAIT,
) -> int:
    """Writes a map of the present items, in place of the one with that name; returns the file's new version.

    Raises
    ------
    TypeError, ValueError
        If the facts are no JSON, the arrays no arrays, or the name has a "/".
    FileChangedError, CorruptFileError, TimeoutError, OSError
        As `append`.
    """
    return put(path, maps={name: {"facts": facts, "arrays": arrays}}, expect=expect, wait=wait)


def put(
    path: str | os.PathLike,
    manifest: dict[str, Any] | None = None,
    arrays: dict[str, Any] | None = None,
    *,
    maps: dict[str, Any] | None = None,
    skipped: Sequence[tuple[str, str]] | None = None,
    expect: int | None = None,
    wait: float = WAIT,
) -> int:
    """Writes what accompanies the items, in one step; returns the file's new version.

    Parameters
    ----------
    path : str or Path
    manifest : dict, optional
        In place of the file's.
    arrays : dict of name to array or None, optional
        In place of those with the same names; None deletes one; all others stay. What can be computed again from the
        latents is not for here: see `put_cache`.
    maps : dict of name to {"facts", "arrays"} or None, optional
        In place of those with the same names; None deletes one.
    skipped : list of (id, reason), optional
        In place of the file's.
    expect, wait
        As `append`.

    Raises
    ------
    TypeError, ValueError, FileChangedError, CorruptFileError, TimeoutError, OSError
        As `append`.
    """
    pairs = _check_accompanying(manifest, arrays, maps, skipped)
    with changing(path, wait, expect) as change:
        change.put(manifest, arrays, maps, pairs)
        change.empty = manifest is None and not arrays and not maps and pairs is None
    return change.layout.version


def put_cache(
    path: str | os.PathLike, name: str, cache: Cache | None, *, expect: int | None = None, wait: float = WAIT
) -> None:
    """Keeps what was computed from the latents, in place of the cache with that name; None deletes that one.

    A cache outlives additions and removals, and may be lost in a rewrite. The version stays, for the contents are the
    same.

    Parameters
    ----------
    path : str or Path
    name : str
        Printable, without "/".
    cache : Cache or None
        Its rows are those of the items that are there now.
    expect, wait
        As `append`; pass the version of the latents that the cache was computed from.

    Raises
    ------
    TypeError, ValueError, FileChangedError, CorruptFileError, TimeoutError, OSError
        As `append`.
    """
    with changing(path, wait, expect) as change:
        layout = change.layout
        check_caches({} if cache is None else {name: cache}, layout.items)
        change.empty = cache is None and name not in caches.names(layout)
        if not change.empty:
            anchor = caches.anchor_of(change.connection, layout)
            caches.put(change.connection, layout, anchor, name, cache)
        change.same = True
