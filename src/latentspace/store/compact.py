"""Rewriting a file without the latents and features of removed items: the same contents, the same version."""

import os
import sqlite3

from . import connection as connecting
from . import segments
from .build import fill
from .connection import WAIT, amount, open_writer, plain_errors
from .contents import check_path
from .layout import Layout
from .reader import LatentFile
from .replace import write_over

_WORTHWHILE = 256  # removed items that are not worth a rewrite, however few are left


def pays(layout: Layout) -> bool:
    """Returns whether removed items take up more than those that are left, so that rewriting costs little an item."""
    return layout.next - layout.items > max(layout.items, _WORTHWHILE)


def rewrite(path: str | os.PathLike, wait: float = WAIT, *, always: bool = False) -> None:
    """Rewrites a file without what removed items left in it, if they did; the contents and the version stay.

    A file of an older format is rewritten in the present one, and with `always` every file is.

    The new file is made beside the old one and moved over it: readers of the old one go on undisturbed, and as much
    room again is needed for as long.

    Raises
    ------
    CorruptFileError, TimeoutError, OSError
        As `append`.
    """
    target = check_path(path)
    with plain_errors(target, wait, lambda: f"up to {amount(os.path.getsize(target))}"):
        connection, rows = open_writer(target, wait)
        with LatentFile._of(target, connection, rows, wait) as old:
            unused = connection.execute("PRAGMA freelist_count").fetchone()[0]
            older = connection.execute("PRAGMA user_version").fetchone()[0] < connecting.FORMAT
            if old._layout.items < old._layout.next or unused or older or always:
                write_over(target, lambda new: _copy(old, new), connection)


def _copy(old: LatentFile, new: sqlite3.Connection) -> Layout:
    features = None
    if old._layout.features is not None:
        positions = old._stored_positions(range(len(old)))
        blocks = segments.blocks_at(old._connection, old._layout.features, old._layout.next, positions)
        features = (old._layout.features, blocks)
    layout = fill(new, old.contents(features=False), features)
    layout.version = old.version
    return layout
