"""A whole new file in place of an old one, or of none: written beside it, made durable, then renamed over it.

Killed at any moment, the path leads to the old file or the new. What a killed run leaves beside it,
`.latent-...part`, is locked for as long as its writer lives, so the next write knows what it may sweep away.
"""

import contextlib
import os
import secrets
import sqlite3
import zlib
from collections.abc import Callable, Iterator

from ..errors import CorruptFileError, UnsupportedError
from .blobs import get_layout, put_layout
from .connection import create, open_writer
from .layout import Layout

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be deleted anyway
    fcntl = None  # type: ignore[assignment]

_BESIDE = ("-journal", "-wal", "-shm")
# What keeps a file from being replaced; any other error says that it is no .latent file worth keeping.
_IN_THE_WAY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_FULL")


def refuse_existing(target: str) -> None:
    """Raises FileExistsError when something is at this path."""
    if os.path.lexists(target):
        raise _exists(target)


def _exists(target: str) -> FileExistsError:
    return FileExistsError(f"{target} exists already. Pass overwrite=True to replace it, or choose another name.")


def write_new(target: str, fill: Callable[[sqlite3.Connection], Layout], overwrite: bool, wait: float) -> int:
    """Writes what `fill` puts into an empty file, then moves it to `target`; returns the new file's version.

    The version follows that of the file it replaces. Another process's writer is waited for, so that no change is cut
    in half; what it changed is replaced too.
    """
    with _beside(target) as temporary, contextlib.closing(create(temporary)) as connection:
        layout = fill(connection)
        put_layout(connection, layout)
        connection.execute("COMMIT")
        _sync(temporary)  # the bulk of it, before anyone is kept waiting
        with _holding(target, wait) as (version, release):
            layout.version = version + 1
            put_layout(connection, layout)
            connection.close()
            _sync(temporary)
            _move(temporary, target, overwrite, release)
    return layout.version


@contextlib.contextmanager
def moved(target: str, overwrite: bool, wait: float) -> Iterator[tuple[str, int]]:
    """Gives the path of a file to be made, and the version of the one it replaces; then moves it to `target`."""
    with _beside(target) as temporary, _holding(target, wait) as (version, release):
        yield temporary, version
        _sync(temporary)
        _move(temporary, target, overwrite, release)


def write_over(target: str, fill: Callable[[sqlite3.Connection], Layout], held: sqlite3.Connection) -> None:
    """Writes what `fill` puts into an empty file, version and all, over the file that `held` keeps other writers from.

    `held` must not have changed anything: its journal would be lost before the file is replaced.
    """
    with _beside(target) as temporary:
        with contextlib.closing(create(temporary)) as connection:
            put_layout(connection, fill(connection))
            connection.execute("COMMIT")
        _sync(temporary)
        _move(temporary, target, True, held.close)


@contextlib.contextmanager
def _beside(target: str) -> Iterator[str]:
    """Gives the path of a file yet to be made, in a locked folder of its own beside the target; deletes it after.

    The lock is on the folder, not the file: closing a descriptor of the file, once it is renamed to the target, would
    drop the locks that readers in other threads hold on it by then.
    """
    parent, name = os.path.split(target)
    prefix = f".latent-{zlib.crc32(os.fsencode(name)):08x}-"
    _sweep(parent, prefix)
    folder, lock = _locked_folder(os.path.join(parent, prefix), name)
    temporary = os.path.join(folder, "new")
    try:
        yield temporary
    finally:
        _delete(folder)
        if lock is not None:
            os.close(lock)


def _locked_folder(prefix: str, name: str) -> tuple[str, int | None]:
    while True:
        folder = f"{prefix}{secrets.token_hex(4)}.part"
        try:
            os.mkdir(folder)
        except FileNotFoundError:
            raise FileNotFoundError(f"there is no folder {os.path.dirname(prefix)} to write {name} in.") from None
        except PermissionError:
            raise PermissionError(
                f"the folder {os.path.dirname(prefix)} cannot be written; {name} goes in it."
            ) from None
        if fcntl is None:
            return folder, None
        try:
            lock = os.open(folder, os.O_RDONLY)
            with contextlib.suppress(OSError):  # a network file system without locks on folders: nor are they swept
                fcntl.flock(lock, fcntl.LOCK_EX)
            if os.path.isdir(folder):
                return folder, lock
            os.close(lock)
        except FileNotFoundError:
            continue  # another writer swept it away before it was locked


def _sweep(parent: str, prefix: str) -> None:
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and entry.name.endswith(".part"):
                _delete_if_abandoned(entry.path)


def _delete_if_abandoned(folder: str) -> None:
    if fcntl is None:
        _delete(folder)
        return
    with contextlib.suppress(OSError):
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _delete(folder)
        finally:
            os.close(lock)


def _delete(folder: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(folder, "new"))
    with contextlib.suppress(OSError):
        os.rmdir(folder)


@contextlib.contextmanager
def _holding(target: str, wait: float) -> Iterator[tuple[int, Callable[[], None]]]:
    """Keeps other writers out of the file that is about to be replaced; gives its version and what lets go of it."""
    version, release = 0, lambda: None
    if os.path.lexists(target):
        try:
            connection, _ = open_writer(target, wait)
            release = connection.close
            version = get_layout(connection).version
        except (CorruptFileError, UnsupportedError, UnicodeDecodeError):
            pass  # nobody's state is lost by replacing it
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "").startswith(_IN_THE_WAY):
                raise
    try:
        yield version, release
    finally:
        release()


def _move(temporary: str, target: str, overwrite: bool, release: Callable[[], None]) -> None:
    """Renames a finished file to its target, durably; without `overwrite` never over another."""
    with contextlib.suppress(OSError):
        os.chmod(temporary, os.stat(target).st_mode & 0o777)
    if os.name == "nt":
        release()  # an open file cannot be replaced there
    if overwrite or not os.path.lexists(target):
        # A journal left by a file that is gone or broken would be rolled back into the new one.
        for suffix in _BESIDE:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(target + suffix)
    if overwrite:
        os.replace(temporary, target)
    else:
        try:
            os.link(temporary, target)  # unlike a rename, never takes the place of a file that came meanwhile
        except FileExistsError:
            raise _exists(target) from None
        except OSError:  # a file system without links
            refuse_existing(target)
            os.rename(temporary, target)
    _sync(os.path.dirname(target))


def _sync(path: str) -> None:
    """Waits until a file's bytes, or a folder's names, are on the disk."""
    folder = os.path.isdir(path)
    # Windows opens no folders, and some network file systems do not sync them: then the rename is durable a bit later.
    with contextlib.suppress(OSError) if folder else contextlib.nullcontext():
        descriptor = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
