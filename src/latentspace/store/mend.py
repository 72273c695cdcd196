"""Mending what `verify` found where nothing of the user's is touched: what can be made again goes, the rest is kept."""

import os
import sqlite3

from ..errors import CorruptFileError
from . import blobs
from .compact import rewrite
from .connection import WAIT
from .layout import Layout
from .verify import Finding, Verified, verify
from .writer import changing


def mend(path: str | os.PathLike, found: Verified | None = None, *, wait: float = WAIT) -> list[str]:
    """Drops damaged or stale caches, packs and what nothing refers to; rewrites a torn file.

    Nothing that a check sum does not vouch for is copied: where something of the user's is damaged the file is not
    written anew, and stays as it is but for what was dropped. The contents and the version stay.

    Parameters
    ----------
    path : str or Path
    found : Verified, optional
        What `verify` said of the file; asked by default.
    wait : float, default=30.0
        Seconds to wait for another process's writer.

    Returns
    -------
    list of str
        What was done, a sentence each.

    Raises
    ------
    FileChangedError
        If the file was changed since it was verified.
    CorruptFileError, TimeoutError, OSError
        As `append`; the file is then as it was.
    """
    found = verify(path, wait=wait) if found is None else found
    drops = [one for one in found.findings if one.mend == "drop"]
    anew = any(one.mend == "rewrite" for one in found.findings)
    done = []
    if drops:
        try:
            done += _drop(path, drops, found.version, wait)
        except CorruptFileError:
            if not anew:  # else what cannot be deleted from a torn structure is left out of the new one
                raise
    if anew and all(one.mend for one in found.findings):
        rewrite(path, wait, always=True)
        done.append("The file was written anew from what its check sums vouch for.")
    return done


def _drop(path: str | os.PathLike, findings: list[Finding], version: int, wait: float) -> list[str]:
    done = []
    with changing(path, wait, version) as change:
        change.same = True
        for name, part in dict.fromkeys((one.name, one.part) for one in findings):
            if name in ("latents", "features", "thumbnails"):
                _drop_rows(change.connection, change.layout, name)
            else:
                own = [name + rest for rest in blobs.names_under(change.layout, name)] if name.endswith("/") else [name]
                for blob in own:
                    change.layout.blobs.pop(blob, None)
                    change.connection.execute("DELETE FROM blobs WHERE name = ?", (blob,))
            fate = "it is made again when it is needed." if part in ("caches", "packs") else "nothing referred to it."
            done.append(f"{name.rstrip('/')[:80]} was left out; {fate}")
    return done


def _drop_rows(connection: sqlite3.Connection, layout: Layout, table: str) -> None:
    """Deletes the rows of a table that no item has."""
    rows = {"latents": layout.latents, "features": layout.features}.get(table)
    if rows is not None:
        segments = -(-layout.next // rows.per_segment)
        connection.execute(f"DELETE FROM {table} WHERE segment < 0 OR segment >= ?", (segments,))
    elif layout.thumbnails:
        connection.execute("DELETE FROM thumbnails WHERE position NOT IN (SELECT position FROM items)")
    else:
        connection.execute("DELETE FROM thumbnails")
