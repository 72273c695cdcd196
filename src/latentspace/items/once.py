"""Reading a file once while it is found out what kind of items it holds, which several kinds have a look at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

_read: ContextVar[dict[tuple[str, str], Any] | None] = ContextVar("read", default=None)


@contextmanager
def reading_once() -> Iterator[None]:
    """What `once` functions give is remembered within, for each path, and forgotten at the end."""
    if _read.get() is not None:
        yield
        return
    token = _read.set({})
    try:
        yield
    finally:
        _read.reset(token)


def once(load: Callable[[str], Any]) -> Callable[[str], Any]:
    """Makes a function of a path remember its answer within `reading_once`; what it raises is not remembered."""

    @wraps(load)
    def loaded(path: str) -> Any:
        held = _read.get()
        if held is None:
            return load(path)
        key = (f"{load.__module__}.{load.__qualname__}", path)
        if key not in held:
            held[key] = load(path)
        return held[key]

    return loaded
