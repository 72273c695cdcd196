"""What lies in a folder: every file below it, in one order on every machine, and what could not be entered or read."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .protocol import Skipped

_LITTER = {"__macosx", "thumbs.db", "desktop.ini"}


@dataclass
class Listing:
    """Files below a folder.

    Attributes
    ----------
    root : str
        The folder, as given.
    names : list of str
        Paths relative to `root` with forward slashes, sorted; they serve as ids.
    paths : list of str
        The same files, to be opened.
    others : dict of str to str
        Names that are no regular file, with what they are: a broken link, a pipe, a folder with a file's suffix.
    closed : list of Skipped
        Folders that could not be entered.
    """

    root: str
    names: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    others: dict[str, str] = field(default_factory=dict)
    closed: list[Skipped] = field(default_factory=list)

    def of(self, suffixes: Sequence[str]) -> tuple[list[str], list[str], list[Skipped]]:
        """Returns names and paths with one of these suffixes, and what has such a suffix but is no file."""
        wanted = [(name, path) for name, path in zip(self.names, self.paths, strict=True) if suffix(name) in suffixes]
        bad = [Skipped(name, reason) for name, reason in sorted(self.others.items()) if suffix(name) in suffixes]
        return [name for name, _ in wanted], [path for _, path in wanted], bad


def suffix(name: str) -> str:
    """Returns a name's last suffix in lower case, ".gz" together with the one before it."""
    last = _last_suffix(name := name.lower())  # splitext does the same in three times the time, and folders are large
    return _last_suffix(name[:-3]) + last if last == ".gz" else last


def _last_suffix(name: str) -> str:
    name = name[max(name.rfind("/"), name.rfind(os.sep)) + 1 :].lstrip(".")
    return name[dot:] if (dot := name.rfind(".")) >= 0 else ""


def readable(name: str) -> str:
    """Returns a file's name as text that any encoder takes; bytes that are not UTF-8 become escapes."""
    try:
        name.encode()
        return name
    except UnicodeEncodeError:
        return os.fsencode(name).decode("utf-8", "backslashreplace")


def walk(folder: str | os.PathLike) -> Listing:
    """Lists a folder and everything below it.

    Hidden names and an operating system's litter are passed over. A link to a folder is followed once the real folders
    are done, and no folder is entered twice, so a loop of links ends and a file keeps its own path as its name.
    """
    listing = Listing(os.fspath(folder))
    found: list[tuple[str, str]] = []
    entered: set[tuple[int, int]] = set()
    real: list[tuple[str, str]] = [("", listing.root)]
    linked: list[tuple[str, str]] = []
    while real or linked:
        name, path = real.pop() if real else linked.pop(0)
        try:
            facts = os.stat(path)
            if (facts.st_dev, facts.st_ino) in entered and os.name != "nt":
                continue
            entered.add((facts.st_dev, facts.st_ino))
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        except OSError as error:
            listing.closed.append(Skipped(readable(name) + "/", f"folder cannot be read: {error.strerror}"))
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in _LITTER:
                continue
            inner = f"{name}/{entry.name}" if name else entry.name
            if _is_folder(entry):
                (linked if entry.is_symlink() else real).append((inner, entry.path))
                if suffix(entry.name):
                    listing.others[readable(inner)] = "a folder, not a file"
            elif entry.is_file(follow_symlinks=False) or (trouble := not_a_file(entry)) is None:
                found.append((readable(inner), entry.path))
            else:
                listing.others[readable(inner)] = trouble
    # A folder that is called x.png and holds files is a folder; an empty one was meant to be a file.
    holding = {name.rsplit("/", depth)[0] for name, _ in found for depth in range(1, name.count("/") + 1)}
    listing.others = {name: what for name, what in listing.others.items() if name not in holding}
    found.sort()
    listing.names = [name for name, _ in found]
    listing.paths = [path for _, path in found]
    return listing


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def not_a_file(path: str | os.PathLike) -> str | None:
    """Returns what is at a path when it is no regular file, None when it is one."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return "a broken link" if os.path.islink(path) else "no such file"
    except OSError as error:
        return f"cannot be reached: {error.strerror}"
    if stat.S_ISREG(mode):
        return None
    if stat.S_ISDIR(mode):
        return "a folder, not a file"
    return "a pipe, socket or device, not a file"


def identifiers(paths: Sequence[str | os.PathLike]) -> list[str]:
    """Returns ids for listed files: their names, or their paths below the folder they share where names repeat."""
    names = [readable(os.path.basename(os.fspath(path))) for path in paths]
    if len(set(names)) == len(names):
        return names
    whole = [os.path.abspath(path) for path in paths]
    shared = os.path.commonpath([os.path.dirname(path) for path in whole]) if len(whole) > 1 else ""
    return distinct([readable(Path(os.path.relpath(path, shared or None)).as_posix()) for path in whole])


def distinct(names: Sequence[str]) -> list[str]:
    """Returns the names with "#2", "#3" behind those that came before."""
    seen: dict[str, int] = {}
    out = []
    taken = set(names)
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        one = name
        while seen[name] > 1 and (one := f"{name}#{seen[name]}") in taken:
            seen[name] += 1
        taken.add(one)
        out.append(one)
    return out


def check_ids(ids: Sequence[str], n: int, origin: str) -> list[str]:
    """Returns the user's ids as strings, checked against the items.

    Raises
    ------
    ValueError
        If their number is not `n`, or one is empty or repeated.
    """
    given = [readable(str(id_)) for id_ in ids]
    if len(given) != n:
        raise ValueError(f"ids= has {len(given):,} names, but {origin} holds {n:,} items. Give one name an item.")
    if len(set(given)) != n:
        seen: set[str] = set()
        twice = next(id_ for id_ in given if id_ in seen or seen.add(id_))  # type: ignore[func-returns-value]
        raise ValueError(
            f"ids= names {twice!r} more than once. Names must be unique: {n:,} items, {len(set(given)):,} names."
        )
    if "" in given:
        raise ValueError(f"ids= holds an empty name at position {given.index('')}. Give every item a name.")
    return given
