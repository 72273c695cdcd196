"""What goes where: a space's items, arrays and maps into the tables of an open file."""

import sqlite3
from collections.abc import Iterable, Mapping

import numpy as np

from . import blobs, caches, items, segments
from .connection import index_items
from .contents import Contents
from .layout import Layout, Rows
from .schema import Columns
from .values import checksum


def fill(
    connection: sqlite3.Connection, contents: Contents, features: tuple[Rows, Iterable[np.ndarray]] | None
) -> Layout:
    """Puts checked contents into a file that `create` has made; features come in blocks instead of in `contents`."""
    z = contents.latents
    rows, blocks = (None, None) if features is None else features
    layout = Layout(
        version=1,
        items=0,
        next=0,
        latents=Rows.make("latents", "float32", z.shape[1:]),
        features=rows,
        thumbnails=contents.thumbnails is not None,
        blobs={},
        maps=[],
    )
    columns = Columns()
    for name in contents.metadata:
        columns.add(name)
    items.create_tables(connection, columns)
    add(connection, layout, columns, contents.ids, contents.metadata, [z], blocks, contents.thumbnails)
    index_items(connection)
    blobs.put_document(connection, layout, "columns", columns.to_json())
    blobs.put_document(connection, layout, "manifest", contents.manifest)
    blobs.put_document(connection, layout, "skipped", contents.skipped)
    blobs.put_arrays(connection, layout, "array/", contents.arrays)
    for name, one in contents.maps.items():
        put_map(connection, layout, name, one["facts"], one["arrays"])
    if contents.caches:
        anchor = caches.anchor_of(connection, layout)
        for name, cache in contents.caches.items():
            caches.put(connection, layout, anchor, name, cache)
    return layout


def add(
    connection: sqlite3.Connection,
    layout: Layout,
    columns: Columns,
    ids: list[str],
    metadata: Mapping[str, list],
    latents: Iterable[np.ndarray],
    features: Iterable[np.ndarray] | None,
    thumbnails: Iterable[bytes] | None,
) -> None:
    """Adds checked items after the last: rows, thumbnails, ids and metadata."""
    start = layout.next
    segments.extend(connection, layout.latents, start, latents)
    if layout.features is not None and features is not None:
        segments.extend(connection, layout.features, start, features)
    if thumbnails is not None:
        connection.executemany(
            "INSERT INTO thumbnails VALUES (?, ?, ?)",
            (
                (position, one, checksum(f"thumbnails/{position}", one))
                for position, one in enumerate(thumbnails, start)
            ),
        )
    items.insert(connection, layout, columns, ids, metadata)


def put_map(connection: sqlite3.Connection, layout: Layout, name: str, facts: dict, arrays: Mapping) -> None:
    """Writes a checked map in place of the one with that name."""
    drop_map(connection, layout, name)
    blobs.put_document(connection, layout, f"map/{name}/facts", facts)
    blobs.put_arrays(connection, layout, f"map/{name}/array/", arrays)
    layout.maps.append(name)


def drop_map(connection: sqlite3.Connection, layout: Layout, name: str) -> None:
    """Deletes a map, if it is there."""
    for own in blobs.names_under(layout, f"map/{name}/"):
        blobs.drop_blob(connection, layout, f"map/{name}/{own}")
    if name in layout.maps:
        layout.maps.remove(name)
