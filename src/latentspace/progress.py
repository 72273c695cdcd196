"""Progress with an estimated time to the end, on stderr, when work takes over a second and that is a terminal.

Where it is a file or a pipe, a line is written every ten seconds, and only for who asked to be told (`aloud`).
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from .visible import visible

T = TypeVar("T")

_QUIET_FOR = 1.0  # seconds: shorter work shows nothing
_EVERY = 0.1  # seconds between redraws
_EVERY_LINE = 10.0  # seconds between lines where there is nothing to redraw


Hears = Callable[[str, float | None, float | None], object]  # a label, the share that is done, the seconds left

_said: ContextVar[bool] = ContextVar("said", default=False)
_hears: ContextVar[Hears | None] = ContextVar("hears", default=None)


def say(words: Callable[[], str]) -> None:
    """Writes a line about the work that begins, on stderr: within `aloud`. Elsewhere the words are not even made."""
    if _said.get():
        print(visible(words()), file=sys.stderr, flush=True)


@contextmanager
def aloud() -> Iterator[None]:
    """What the work has to `say` is written within; a command line's user wants to know, a program's caller may not."""
    token = _said.set(True)
    try:
        yield
    finally:
        _said.reset(token)


@contextmanager
def heard(hears: Hears) -> Iterator[None]:
    """Gives progress that is made within to a function, ten times a second at most, terminal or not."""
    token = _hears.set(hears)
    try:
        yield
    finally:
        _hears.reset(token)


class Progress:
    """Counts steps towards a total and draws one line. Use as a context manager, or through `track`."""

    def __init__(self, label: str, total: int | None = None):
        self.label = label
        self.total = total
        self.done = 0
        self.note = ""
        self._began = time.monotonic()
        self._drawn = 0.0
        self._visible = False

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_exc) -> None:
        if self._visible:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def advance(self, steps: int = 1, note: str | None = None) -> None:
        """Counts `steps` more as done; `note` replaces the words at the end of the line."""
        self.done += steps
        if note is not None:
            self.note = note
        now = time.monotonic()
        hears = _hears.get()
        if hears is not None and now - self._drawn >= _EVERY:
            self._drawn = now
            share = min(self.done / self.total, 1.0) if self.total else None
            hears(self.label, share, (now - self._began) * (1 - share) / share if share else None)
        elif now - self._began >= _QUIET_FOR and now - self._drawn >= _EVERY and sys.stderr.isatty():
            self._drawn = now
            self._visible = True
            sys.stderr.write("\r\x1b[K" + self._line(now - self._began))
            sys.stderr.flush()
        elif _said.get() and now - max(self._drawn, self._began) >= _EVERY_LINE and not sys.stderr.isatty():
            self._drawn = now
            print(self._line(now - self._began).rstrip(), file=sys.stderr, flush=True)

    def _line(self, elapsed: float) -> str:
        if not self.total:
            return f"{self.label}: {self.done:,} in {elapsed:.0f} s {self.note}"
        share = min(self.done / self.total, 1.0)
        left = elapsed / share - elapsed if share > 0 else float("inf")
        return f"{self.label}: {self.done:,} of {self.total:,} ({share:.0%}), {left:.0f} s left {self.note}"


def track(steps: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yields from `steps`, drawing progress; `total` is taken from `len(steps)` when it has one."""
    if total is None and isinstance(steps, Sized):
        total = len(steps)
    with Progress(label, total) as progress:
        for step in steps:
            yield step
            progress.advance()
