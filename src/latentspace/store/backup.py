"""A copy of a file that is in use: one state of it, whatever writers do meanwhile."""

import contextlib
import os
import sqlite3

from ..errors import CorruptFileError
from ..progress import Progress
from . import blobs
from .connection import WAIT, amount, plain_errors, refuse_full_disk
from .contents import check_path
from .reader import LatentFile
from .replace import moved, refuse_existing

_PAGES = 2048  # copied between two looks at the clock: 16 MiB


def backup(path: str | os.PathLike, target: str | os.PathLike, overwrite: bool = False, *, wait: float = WAIT) -> int:
    """Copies a file that others may be writing: what was committed when it began, page by page, caches too.

    Readers and writers of the file go on; a commit waits until the copy is made. Copying the file by other means while
    it is in use could copy half of a commit.

    Parameters
    ----------
    path, target : str or Path
    overwrite : bool, default=False
        Whether to replace what is at the target.
    wait : float, default=30.0
        Seconds to wait while another process commits.

    Returns
    -------
    int
        The copy's version: that of the file, unless it replaces one of a later version.

    Raises
    ------
    FileExistsError
        If something is at the target and `overwrite` is False, or it is the file itself.
    OSError
        If the disk cannot take as many bytes as the file has; nothing is at the target then that was not before.
    CorruptFileError, UnsupportedError, TimeoutError
        As `LatentFile`.
    """
    source, there = check_path(path), check_path(target)
    if os.path.exists(there) and os.path.samefile(source, there):
        raise FileExistsError(f"{there} is the file itself; give the copy another name.")
    if not overwrite:
        refuse_existing(there)
    with LatentFile(source, wait=wait) as file:  # its transaction holds one state for as long as it is open
        size = os.path.getsize(source)
        with plain_errors(there, wait, lambda: amount(size)):
            refuse_full_disk(there, size)
            with moved(there, overwrite, wait) as (temporary, version):
                _copy(file._connection, temporary, os.path.basename(source))
                return _follow(temporary, file.version, version)


def _follow(temporary: str, own: int, replaced: int) -> int:
    """Makes the version greater than that of a file that is replaced: who has that open has to see that it changed."""
    if replaced < own:
        return own
    with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("BEGIN")
        layout = blobs.get_layout(connection)
        layout.version = replaced + 1
        blobs.put_layout(connection, layout)
        connection.execute("COMMIT")
    return layout.version


def _copy(connection: sqlite3.Connection, temporary: str, name: str) -> None:
    with contextlib.closing(sqlite3.connect(temporary)) as new, Progress(f"Copying {name}") as progress:
        new.execute("PRAGMA synchronous=OFF")  # synced once, when it is whole

        def told(_status: int, left: int, total: int) -> None:
            progress.total = total
            progress.advance(total - left - progress.done)

        connection.backup(new, pages=_PAGES, progress=told)
        if new.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise CorruptFileError(f"{name} could not be copied whole: its structure is damaged. Run a check on it.")
