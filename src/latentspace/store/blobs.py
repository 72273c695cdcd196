"""JSON documents and arrays in the table `blobs`: cut into parts, each with its check sum, all listed in the layout."""

import sqlite3
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import CorruptFileError
from .contents import dump_json
from .layout import Layout, load_json
from .schema import PART_BYTES, VALUE_BYTES, Columns
from .values import checksum


def put_blob(connection: sqlite3.Connection, layout: Layout, name: str, data: bytes, text: bool) -> None:
    """Writes bytes, or ASCII text, under this name."""
    drop_blob(connection, layout, name)
    for part, begin in enumerate(range(0, len(data), PART_BYTES)):
        _insert(connection, name, part, data[begin : begin + PART_BYTES], text)
    layout.blobs[name] = len(data)


def _insert(connection: sqlite3.Connection, name: str, part: int, piece: bytes, text: bool) -> None:
    crc = checksum(_label(name, part), piece)
    stored = piece.decode("ascii") if text else piece  # JSON as TEXT, so that SQL's json functions take it
    connection.execute("INSERT INTO blobs VALUES (?, ?, ?, ?)", (name, part, stored, crc))


def _label(name: str, part: int) -> str:
    return f"blobs/{name}/{part}"


def drop_blob(connection: sqlite3.Connection, layout: Layout, name: str) -> None:
    """Deletes a blob, if it is there."""
    if layout.blobs.pop(name, None) is not None:
        connection.execute("DELETE FROM blobs WHERE name = ?", (name,))


def get_blob(connection: sqlite3.Connection, layout: Layout, name: str) -> bytes:
    """Returns a listed blob; CorruptFileError when a part is missing, misplaced or changed."""
    size = layout.blobs.get(name)
    if size is None:
        raise CorruptFileError(f"its {name!r} is missing.")
    pieces = []
    for part, begin in enumerate(range(0, size, PART_BYTES)):
        piece = _piece(connection, name, part)
        if len(piece) != min(PART_BYTES, size - begin):
            raise CorruptFileError(f"its {name!r} is not {size:,} bytes long.")
        pieces.append(piece)
    return b"".join(pieces)


def _piece(connection: sqlite3.Connection, name: str, part: int) -> bytes:
    row = connection.execute("SELECT data, crc FROM blobs WHERE name = ? AND part = ?", (name, part)).fetchone()
    if row is None or not isinstance(row[0], (bytes, str)):
        raise CorruptFileError(f"its {name!r} is missing.")
    piece = row[0].encode("utf-8") if isinstance(row[0], str) else row[0]
    if checksum(_label(name, part), piece) != row[1]:
        raise CorruptFileError(f"its {name!r} does not match its check sum.")
    return piece


def put_document(connection: sqlite3.Connection, layout: Layout, name: str, document: Any) -> None:
    """Writes a JSON document under this name."""
    put_blob(connection, layout, name, dump_json(document, name), text=True)


def get_document(connection: sqlite3.Connection, layout: Layout, name: str) -> Any:
    """Returns a JSON document."""
    return load_json(get_blob(connection, layout, name), name)


def put_layout(connection: sqlite3.Connection, layout: Layout) -> None:
    """Writes the layout, which lists all other blobs, so it comes last."""
    data = dump_json(layout.to_json(), "layout")
    if len(data) > VALUE_BYTES:
        raise ValueError(
            f"the file would hold {len(layout.blobs):,} arrays, more than it can list; pack them into fewer."
        )
    connection.execute("DELETE FROM blobs WHERE name = 'layout'")
    _insert(connection, "layout", 0, data, text=True)


def get_layout(connection: sqlite3.Connection) -> Layout:
    """Returns the layout, its numbers checked against the size of the file."""
    layout = Layout.from_json(load_json(_piece(connection, "layout", 0), "layout"))
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    file_bytes = pages * connection.execute("PRAGMA page_size").fetchone()[0]
    # Before anything is allocated by these numbers: latents lie raw in the file, and zlib packs 1,032 to 1 at best.
    if layout.next * layout.latents.row_bytes > file_bytes or sum(layout.blobs.values()) > file_bytes:
        raise CorruptFileError(f"it lists more than its {file_bytes:,} bytes can hold.")
    if layout.features is not None and layout.next * layout.features.row_bytes > 1100 * file_bytes:
        raise CorruptFileError(f"it lists more features than its {file_bytes:,} bytes can hold.")
    return layout


def get_columns(connection: sqlite3.Connection, layout: Layout) -> Columns:
    """Returns the metadata columns."""
    return Columns.from_json(get_document(connection, layout, "columns"))


def put_arrays(connection: sqlite3.Connection, layout: Layout, prefix: str, arrays: Mapping[str, Any]) -> None:
    """Writes arrays as safetensors under `prefix` + name; None instead of an array deletes that one."""
    from safetensors.numpy import save

    for name, array in arrays.items():
        if array is None:
            drop_blob(connection, layout, prefix + name)
            continue
        array = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
        put_blob(connection, layout, prefix + name, save({"array": array}), text=False)


def get_array(connection: sqlite3.Connection, layout: Layout, name: str) -> np.ndarray:
    """Returns an array, writable."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    data = get_blob(connection, layout, name)
    try:
        (array,) = load(data).values()
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CorruptFileError(f"its array {name!r} is no safetensors of one array ({error}).") from None
    return array if array.flags.writeable else array.copy()


def names_under(layout: Layout, prefix: str) -> list[str]:
    """Returns the names of blobs that begin with `prefix`, without it, in the order they were written."""
    return [name[len(prefix) :] for name in layout.blobs if name.startswith(prefix)]
