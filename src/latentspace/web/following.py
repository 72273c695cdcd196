"""Following the files of the spaces that are served: what other processes add or remove is seen without a restart.

A space that has changed is opened anew beside the old one and takes its place in one step, under a new version. So no
answer mixes two states, and a page that still holds rows of the old one is told to load again.
"""

import os
import sys
import threading
from typing import Any

from .. import store
from ..errors import CorruptFileError, UnsupportedError
from ..space import load
from .opened import Opened

EVERY = 1.0  # seconds between looks; a look is one `stat` where nothing happened


class Follower:
    """Replaces spaces of a list by what their files hold now.

    Parameters
    ----------
    spaces : list of Opened
        The server's own; changed in place.
    every : float, default=1.0
        Seconds between looks.
    """

    def __init__(self, spaces: list[Opened], every: float = EVERY):
        self._spaces = spaces
        self._every = every
        self._ended = threading.Event()
        self._seen = [_signature(one) for one in spaces]
        self._thread: threading.Thread | None = None

    def look(self) -> list[int]:
        """Looks once and returns the numbers of the spaces that were replaced.

        A file that is gone, damaged or half written leaves its space as it was; it is looked at again once it changes.
        """
        changed = []
        for number, one in enumerate(self._spaces):
            seen = _signature(one)
            if seen is None or seen == self._seen[number]:
                continue
            self._seen[number] = seen
            try:
                if store.version(one.space.path or "") == one.space._version:
                    continue  # a map or an index that was kept in it: the items are the same
                self._spaces[number] = Opened(load(one.space.path or ""), one.name)
            except (OSError, ValueError, CorruptFileError, UnsupportedError) as error:
                print(f"{one.name} changed and cannot be opened ({error}); it is shown as it was.", file=sys.stderr)
            else:
                changed.append(number)
        return changed

    def start(self) -> None:
        """Looks from time to time in a thread, until `close`."""
        self._thread = threading.Thread(target=self._run, name="latentspace-follower", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            self.look()


def _signature(one: Opened) -> Any:
    """What differs after each change of a file; None where there is none."""
    if one.space.path is None:
        return None
    try:
        told = os.stat(one.space.path)
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size, told.st_ino
