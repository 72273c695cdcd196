"""Opening the file: as a hardened reader, or as the one writer; and what SQLite's errors mean to a user.

Nobody here opens the file but through SQLite: POSIX locks die when *any* descriptor of the file is closed in the
process, so a harmless peek at the header could take the lock from a reader or writer in another thread.
"""

import contextlib
import errno
import os
import shutil
import sqlite3
import stat
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from .. import __version__
from ..errors import CorruptFileError, UnsupportedError
from .schema import APPLICATION_ID, CREATE, FORMAT, ITEM_INDEX, PAGE_BYTES, TABLES, VALUE_BYTES, check_fixed

WAIT = 30.0  # seconds a reader or writer waits for another process's writer
_CACHE_KIB = 256 << 10  # a change up to this size reaches the file only at its commit; larger ones spill earlier
_MEND = "Restore it from a copy, or make it anew."
_FULL = (errno.ENOSPC, errno.EDQUOT)
_ROOM = 64 << 10  # bytes: with less, what failed to open or to grow a file was the disk
_SMALLEST = 512  # bytes of SQLite's smallest page; it takes a shorter file for an empty database

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: VALUE_BYTES + (1 << 20),
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1 << 20,
    sqlite3.SQLITE_LIMIT_COLUMN: 1000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 20,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 2,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}

# What a file that is no database looks like, by its first bytes.
_MAGIC = [
    (b"SQLite format 3\0", "a damaged SQLite database"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"RIFF", "a WebP picture or WAV sound"),
    (b"PK\x03\x04", "a zip archive (.npz, .docx, ...)"),
    (b"\x1f\x8b", "a gzip file"),
    (b"%PDF", "a PDF document"),
    (b"\x93NUMPY", "a .npy array"),
    (b"PAR1", "a Parquet table"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x80", "a Python pickle (never loaded here)"),
    (b"\0\0\0\0\0\0\0\0", "all zeros"),
]


def connect(path: str, mode: str, wait: float) -> sqlite3.Connection:
    """Connects with every guard that SQLite offers; touches nothing of the file yet."""
    uri = Path(path).as_uri() + f"?mode={mode}"  # as_uri escapes ?, #, % and undecodable bytes
    connection = sqlite3.connect(uri, uri=True, timeout=wait, isolation_level=None)
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, False)
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_VIEW, False)
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    connection.execute("PRAGMA mmap_size=0")  # a mapped file that another process truncates kills the reader
    connection.execute("PRAGMA temp_store=MEMORY")
    if mode == "ro":
        connection.execute("PRAGMA query_only=ON")
    return connection


@contextlib.contextmanager
def plain_errors(path: str, wait: float = WAIT, needs: Callable[[], str] | None = None) -> Iterator[None]:
    """Turns SQLite's errors, and a CorruptFileError that does not name the file yet, into one clear error.

    `needs` says how much room what is done within takes: "about 3 MB".
    """
    name = os.path.basename(path)
    try:
        yield
    except CorruptFileError as error:
        if str(error).startswith(name):
            raise
        raise CorruptFileError(f"{name} is damaged: {error} {_MEND}") from None
    except sqlite3.ProgrammingError as error:
        if "closed" in str(error):
            raise ValueError(f"{name} is closed: what is read has to be read before. Open it again.") from None
        raise
    except sqlite3.Error as error:
        raise _meaning(error, path, name, wait, needs) from None
    except OSError as error:
        if error.errno in _FULL:
            raise _full(path, needs) from None
        if error.errno == errno.EROFS:
            raise PermissionError(f"{name} cannot be written: {os.path.dirname(path)} is read-only.") from None
        raise
    except (OverflowError, UnicodeDecodeError, zlib.error) as error:
        raise CorruptFileError(f"{name} is damaged: {error}. {_MEND}") from None


def _full(path: str, needs: Callable[[], str] | None = None) -> OSError:
    folder = os.path.dirname(path) or "."
    there = f"there is no room for {os.path.basename(path)}"
    if needs is not None:
        there = f"{os.path.basename(path)} needs {needs()} there"
    with contextlib.suppress(OSError):
        there += f", and {amount(shutil.disk_usage(folder).free)} are free"
    words = f"the disk of {folder} is full: {there}. What was there is as it was; make room, or write elsewhere."
    return OSError(errno.ENOSPC, words)


def refuse_full_disk(path: str, needed: int) -> None:
    """Raises OSError where a file of so many bytes cannot be written, before any work is done."""
    if shutil.disk_usage(os.path.dirname(path) or ".").free < needed:
        raise _full(path, lambda: amount(needed))


def amount(size: int) -> str:
    """Bytes as a person reads them: "12 kB", "3.4 MB"."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{-(-size // 1000):,} kB"


def _is_full(path: str) -> bool:
    with contextlib.suppress(OSError):
        return shutil.disk_usage(os.path.dirname(path) or ".").free < _ROOM
    return False


def _meaning(error: sqlite3.Error, path: str, name: str, wait: float, needs: Callable[[], str] | None) -> Exception:
    code = getattr(error, "sqlite_errorname", "")  # "SQLITE_BUSY_RECOVERY"; absent when Python itself raised
    kind = code.removeprefix("SQLITE_").split("_")[0]
    if kind in ("BUSY", "LOCKED"):
        return TimeoutError(
            f"{name} is in use: another process, or an open LatentFile, held it for more than {wait:g} s. "
            "Try again when it is done."
        )
    if code == "SQLITE_READONLY_DBMOVED":
        return FileNotFoundError(f"{name} was moved or deleted while it was being written; nothing was changed.")
    if kind == "FULL" or (kind in ("CANTOPEN", "IOERR") and os.path.exists(path) and _is_full(path)):
        return _full(path, needs)
    if kind in ("READONLY", "PERM", "AUTH") or (kind == "CANTOPEN" and os.path.exists(path)):
        return PermissionError(f"{name} cannot be written, or not in this folder ({error}). Copy it elsewhere first.")
    if kind == "CANTOPEN":
        return FileNotFoundError(f"there is no file {path}.")
    if kind == "IOERR" and code != "SQLITE_IOERR_SHORT_READ":
        return OSError(f"{name} could not be read or written: {error} ({code}).")
    if kind == "NOTADB":
        return CorruptFileError(f"{name} is not a .latent file: it {_looks_like(path)}.")
    if kind == "TOOBIG":
        return ValueError(
            f"{name}: a value, or the metadata of one item together, is longer than {VALUE_BYTES >> 20} MiB, "
            "which is the most that a .latent file holds."
        )
    return CorruptFileError(f"{name} is damaged or cut short: {error}. {_MEND}")


def _looks_like(path: str) -> str:
    # Only for a file that SQLite refuses: then no connection can hold a lock that closing this would drop.
    with open(path, "rb") as file:
        head = file.read(64)
    for magic, what in _MAGIC:
        if head.startswith(magic):
            return f"looks like {what}"
    if head and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return f"looks like text, and begins {head[:24].decode('ascii')!r}"
    return f"begins with the bytes {head[:8].hex(' ')}"


def check_regular(path: str) -> os.stat_result:
    """Returns the file's stat; raises for what is missing, a folder, a device or empty."""
    name = os.path.basename(path)
    try:
        found = os.stat(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {path}.") from None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(f"{name} is a folder, not a .latent file.")
    if not stat.S_ISREG(found.st_mode):
        raise CorruptFileError(f"{name} is not a .latent file: it is no regular file.")
    if found.st_size == 0:
        raise CorruptFileError(f"{name} is not a .latent file: it is empty (0 bytes).")
    if found.st_size < _SMALLEST:
        raise CorruptFileError(f"{name} is not a .latent file: it has {found.st_size} bytes, and {_looks_like(path)}.")
    return found


def check_header(connection: sqlite3.Connection, path: str) -> list[tuple]:
    """Checks that this is a .latent file of a format known here, with its tables and nothing else.

    Returns the rows of `sqlite_schema`. Raises CorruptFileError, or UnsupportedError for a newer format.
    """
    name = os.path.basename(path)
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        raise CorruptFileError(
            f"{name} is not a .latent file: it is an SQLite database of another program "
            f"(application_id {application & 0xFFFFFFFF:#010x}, expected {APPLICATION_ID:#010x})."
        )
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > FORMAT:
        raise UnsupportedError(
            f"{name} is of format {found}; latentspace {__version__} reads format {FORMAT}. "
            "Get a newer one: pip install --upgrade latentspace"
        )
    if found < 1:
        raise CorruptFileError(f"it says it is of format {found}, which never was.")
    if connection.execute("PRAGMA encoding").fetchone()[0] != "UTF-8":
        raise CorruptFileError("its texts are not UTF-8.")
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        raise CorruptFileError(
            f"{name} was switched to write-ahead logging by another program, and so needs files beside it. "
            "Mend it with any SQLite tool: PRAGMA journal_mode=DELETE"
        )
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema LIMIT ?", (TABLES + 20,)).fetchall()
    check_fixed(rows)
    return rows


def open_reader(path: str, wait: float) -> tuple[sqlite3.Connection, list[tuple]]:
    """Opens a read transaction, and so one unchanging state, on a checked file; returns it with its schema's rows."""
    check_regular(path)
    try:
        return _open_reader(path, wait)
    except sqlite3.OperationalError as error:
        # A killed writer left its journal: only one who may write can roll it back.
        if getattr(error, "sqlite_errorname", "") != "SQLITE_READONLY_ROLLBACK":
            raise
    _roll_back(path, wait)
    return _open_reader(path, wait)


def _open_reader(path: str, wait: float) -> tuple[sqlite3.Connection, list[tuple]]:
    connection = connect(path, "ro", wait)
    try:
        connection.execute("BEGIN")
        return connection, check_header(connection, path)
    except BaseException:
        connection.close()
        raise


def _roll_back(path: str, wait: float) -> None:
    connection = connect(path, "rw", wait)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            raise PermissionError(
                f"{os.path.basename(path)} has to be rolled back, since its last writer was killed, and that takes the "
                "right to write here. Open it once with that right, or copy it, together with "
                f"{os.path.basename(path)}-journal, to where you have it."
            ) from None
        raise
    finally:
        connection.close()


def open_writer(path: str, wait: float) -> tuple[sqlite3.Connection, list[tuple]]:
    """Becomes the one writer of a checked file, waiting for another to end; readers go on until the commit.

    A whole-file `write` may replace the file while this waits, so the lock is worth something only if the path still
    leads to the file that was locked. Every attempt connects anew: SQLite's own waiting would stay with the old file,
    and could take the new file's journal for its own.
    """
    deadline = time.monotonic() + wait
    pause = 0.002
    while True:
        before = check_regular(path)
        connection = connect(path, "rw", 0)
        try:
            connection.execute("PRAGMA synchronous=FULL")  # some builds default to less, which power cuts can tear
            connection.execute("BEGIN IMMEDIATE")
            after = os.stat(path)
            if (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino):
                rows = check_header(connection, path)
                connection.execute(f"PRAGMA busy_timeout={int(wait * 1000)}")  # for the commit, which waits for readers
                connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
                connection.execute("PRAGMA secure_delete=OFF")  # some builds would zero a dropped cache, and log it
                return connection, rows
        except sqlite3.OperationalError as error:
            connection.close()
            busy = getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
            if not busy or time.monotonic() >= deadline:
                raise
        except BaseException:
            connection.close()
            raise
        connection.close()
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def create(path: str) -> sqlite3.Connection:
    """Lays the tables in a new file that nobody else knows of: it has neither journal nor locks."""
    uri = Path(path).as_uri() + "?mode=rwc&nolock=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    for pragma in (
        f"page_size={PAGE_BYTES}",
        "journal_mode=OFF",
        "synchronous=OFF",
        f"cache_size=-{_CACHE_KIB}",
        "temp_store=MEMORY",
        f"application_id={APPLICATION_ID}",
        f"user_version={FORMAT}",
        "encoding='UTF-8'",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LIMITS[sqlite3.SQLITE_LIMIT_LENGTH])
    connection.execute("BEGIN")
    for sql in CREATE:
        connection.execute(sql)
    return connection


def index_items(connection: sqlite3.Connection) -> None:
    """Adds the index over ids: after the items, since sorting once is faster than keeping sorted."""
    connection.execute(ITEM_INDEX)
