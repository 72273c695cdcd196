"""Where texts come from: folders and files, lists and Series of strings, and one column of a table."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import table_files, text_files
from .file_items import in_folder, of_paths
from .folders import Listing, check_ids, distinct, walk
from .frames import Rows, is_frame, names_of, rows_of
from .protocol import Gathered, Skipped

_LOOKED_AT = 200  # rows of a table that show which column is the text
_LONG = 30  # characters of a cell, on average, from which a column can be what a table is about
_MOST_OF = 2 / 3  # share of a table's characters that such a column then holds


@dataclass
class TextColumn:
    """A table, and which of its columns is taken for the texts.

    Attributes
    ----------
    rows : Rows
    column : str
    clear : bool
        Whether that column is so long, and the others so short, that the table can hardly be about anything else.
    """

    rows: Rows
    column: str
    clear: bool

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, positions: Sequence[int]) -> "TextColumn":
        return TextColumn(self.rows.select(positions), self.column, self.clear)


def gather(source: Any, ids: Any, *, lines: bool = False) -> Gathered | None:
    """Lists the texts of a source; None where there are none.

    Parameters
    ----------
    source : path, list, Series, array of str, frame, list of dicts or dict of columns
        A folder or a file of text, a table with a column of text, or the texts themselves.
    ids : list of str, or a column's name, or None
    lines : bool, default=False
        Every line of a text file is an item, instead of the whole of it.

    Returns
    -------
    Gathered
        `raw` is a list of str and of paths, or a `TextColumn`. What is no text in a list is among the skipped.
    """
    if isinstance(source, str | os.PathLike):
        return _of_path(os.fspath(source), ids, lines)
    if isinstance(source, Listing):
        return None if lines else _as_paths(in_folder(source, text_files.SUFFIXES, ids))
    series = _series(source)
    if series is not None:
        texts, index = series
        return _of_list(texts, index if ids is None else ids, f"{type(source).__name__} of {len(texts):,} values")
    if is_frame(source) or isinstance(source, Mapping) or _are_dicts(source):
        return _of_rows(rows_of(source), ids, f"a {type(source).__name__}")
    if not isinstance(source, list | tuple) or not source:
        return None
    if not lines and all(isinstance(one, str | os.PathLike) and text_files.is_text_file(one) for one in source):
        return _as_paths(of_paths(source, f"list of {len(source):,} paths", ids))
    return _of_list(list(source), ids, f"list of {len(source):,} texts")


def gather_new(source: Any, ids: Any, column: str | None, *, lines: bool = False) -> Gathered | None:
    """As `gather`, for a fitted modality: a string that names no file is a text, and a table's column is known."""
    if isinstance(source, str) and not _names_a_path(source):
        source = [source]
    gathered = gather(source, ids, lines=lines)
    if gathered is None or not isinstance(gathered.raw, TextColumn):
        return gathered
    return column_taken(gathered, column)


def column_taken(items: Gathered, column: str | None) -> Gathered:
    """Rows of a table to their texts; the other columns stay as metadata, and rows without a text become missing ones.

    Raises
    ------
    ValueError
        If there is no such column, or it holds no words.
    """
    raw = items.raw
    if not isinstance(raw, TextColumn):
        if column is not None:
            raise ValueError(f"column={column!r} is for tables, but {items.origin} is none. Leave it out.")
        return items
    name = raw.column if column is None else column
    if name not in raw.rows.columns:
        raise ValueError(f"column={name!r} is not in {items.origin}. Its columns: {', '.join(raw.rows.columns[:20])}.")
    if raw.rows.kind(name) not in ("words", "category", "empty", "other"):
        raise ValueError(f"column={name!r} of {items.origin} holds {raw.rows.kind(name)}s, no texts.")
    given = {key: values for key, values in items.metadata.items() if key not in raw.rows.columns}
    others = {key: raw.rows.cells(key).plain() for key in raw.rows.columns if key != name}
    notes = [f"texts are the column {name!r}", *items.notes]
    return Gathered(raw.rows.cells(name).values(), items.ids, others | given, items.origin, items.skipped, notes)


def why_no_text(value: Any) -> str | None:
    """Says what a value is, where it is no text that can be kept; None where it is one."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "is missing"
    if not isinstance(value, str):
        return f"is {type(value).__name__} {str(value)[:40]!r}, not a text"
    if not value:
        return "is empty"
    if "\0" in value:
        return f"is no text: character {value.index(chr(0)):,} is zero"
    try:
        value.encode()
    except UnicodeEncodeError as error:
        return f"is no text: character {error.start:,} is half of a surrogate pair"
    return None if value.strip() else "holds nothing but white space"


def read(value: Any) -> tuple[str, str | None, str | None]:
    """An item of `raw` as (text, what it was read as if not UTF-8, why it cannot be had)."""
    note = None
    if isinstance(value, os.PathLike):
        try:
            value, note = text_files.read(value)
        except ValueError as error:
            return "", None, str(error)
        except OSError as error:
            return "", None, f"cannot be read: {error.strerror}"
    reason = why_no_text(value)
    return ("", note, reason) if reason else (value, note, None)


def are_words(given: Any) -> bool:
    """Whether a file gave a list of strings."""
    return isinstance(given, list) and all(isinstance(word, str) for word in given)


# ---------------------------------------------------------------------- each kind of source
def _names_a_path(text: str) -> bool:
    try:
        return len(text) < 4096 and os.path.lexists(text)
    except ValueError:  # a zero byte
        return False


def _of_path(path: str, ids: Any, lines: bool) -> Gathered | None:
    if os.path.isdir(path):
        return None if lines else _as_paths(in_folder(walk(path), text_files.SUFFIXES, ids))
    if table_files.is_table_file(path):
        loaded = table_files.load(path)
        gathered = _of_rows(rows_of(loaded.frame), ids, path)
        if gathered is not None:
            gathered.skipped += loaded.skipped
            gathered.notes += loaded.notes
        return gathered
    if not text_files.is_text_file(path):
        return None
    if not lines:
        return _as_paths(of_paths([path], path, ids))
    text, note = text_files.read(path)
    gathered = _of_list(text.splitlines(), ids, path)
    if gathered is not None and note:
        gathered.notes.append(f"read as {note}")
    return gathered


def _as_paths(gathered: Gathered | None) -> Gathered | None:
    """Paths that were given as str become `Path`, which tells them from texts."""
    if gathered is None:
        return None
    gathered.raw = [Path(path) for path in gathered.raw]
    return gathered


def _of_list(values: list, ids: Sequence[str] | None, origin: str) -> Gathered | None:
    texts = sum(isinstance(value, str) for value in values)
    if 2 * texts <= len(values):
        return None
    names = [str(row) for row in range(len(values))] if ids is None else check_ids(ids, len(values), origin)
    wrong = {row: why_no_text(value) for row, value in enumerate(values) if not isinstance(value, str)}
    skipped = [Skipped(names[row], reason or "") for row, reason in wrong.items()]
    good = [row for row in range(len(values)) if row not in wrong]
    return Gathered([values[row] for row in good], [names[row] for row in good], {}, origin, skipped)


def _of_rows(found: tuple[Rows, list[str] | None] | None, ids: Any, origin: str) -> Gathered | None:
    if found is None:
        return None
    rows, index = found
    column = _longest(rows)
    if column is None:
        return None
    names = names_of(rows, index, ids, origin)
    # What a table is hardly about is only asked for its other columns by `column_taken`, once it is chosen.
    others = [name for name in rows.columns if name != column.column] if column.clear else []
    metadata = {name: rows.cells(name).plain() for name in others}
    return Gathered(column, names, metadata, origin)


def _longest(rows: Rows) -> TextColumn | None:
    """The column of words with the most characters, None without words."""
    head = rows.between(0, _LOOKED_AT)
    lengths = {name: [len(str(value)) for value in head.cells(name).values()] for name in rows.columns}
    sizes = {name: sum(each) for name, each in lengths.items()}
    words = [name for name in rows.columns if head.kind(name) in ("words", "category", "other")]
    words = [name for name in words if any(isinstance(value, str) for value in head.cells(name).values())]
    if not words:
        return None
    name = max(words, key=lambda name: sizes[name])
    long = sizes[name] >= _LONG * len(head) and sizes[name] >= _MOST_OF * sum(sizes.values())
    long = long and float(np.median(lengths[name])) >= _LONG / 2  # not for the sake of one giant cell
    return TextColumn(rows, name, long)


def _series(source: Any) -> tuple[list, list[str] | None] | None:
    """Values of a pandas or polars Series or of a one-dimensional array of strings, with a Series' own labels."""
    module = type(source).__module__.split(".")[0]
    if module == "numpy" and getattr(source, "ndim", 0) == 1 and source.dtype.kind in "UO":
        return source.tolist(), None
    if type(source).__name__ != "Series" or module not in ("pandas", "polars"):
        return None
    if module == "polars" or type(source.index).__name__ == "RangeIndex":
        return source.to_list(), None
    return source.to_list(), distinct([str(label) for label in source.index])


def _are_dicts(source: Any) -> bool:
    return isinstance(source, list | tuple) and len(source) > 0 and all(isinstance(row, Mapping) for row in source)
