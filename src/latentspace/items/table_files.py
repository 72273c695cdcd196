"""Tables from files: CSV with its delimiter, encoding and dates found out, Parquet, JSON lines."""

import gzip
import json
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import CorruptFileError
from ..optional import require
from ..resources import refuse_if_too_large
from . import csv_files
from .folders import suffix
from .once import once
from .protocol import Skipped

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".pq", ".jsonl", ".ndjson")

_LOOKED_AT = 64 * 1024  # characters in which a file that is no text shows itself
_FEW_ZEROS = 0.01  # share of zero bytes that are damage in a text; more are another kind of file
_PIECE = 2**26  # bytes unpacked at a time
_MOST_PACKED = 200  # times that gzip makes a table smaller; measured 3 to 40, and 1,000 for one byte over and over
_CELL = 8  # bytes in memory
_BLOW_UP = 4  # bytes in memory for one in a CSV; measured 2 to 5


@dataclass
class Loaded:
    """A frame from a file, what could not be read of it, and what was assumed."""

    frame: Any
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def is_table_file(name: str) -> bool:
    """Whether a file's name says that it holds a table."""
    return suffix(name) in SUFFIXES


def load(path: str) -> Loaded:
    """Reads a table file into a pandas frame.

    Raises
    ------
    CorruptFileError
        If it is not what its name says.
    ValueError
        If it is empty.
    MemoryError
        If it would not fit in the memory that is free.
    """
    held = _loaded(path)
    return Loaded(held.frame, list(held.skipped), list(held.notes))  # whoever asked may add to them


@once
def _loaded(path: str) -> Loaded:
    ending = suffix(path)
    if os.path.getsize(path) == 0:
        raise ValueError(f"{path} is empty: 0 bytes. Pass a table with a header and rows.")
    if ending in (".parquet", ".pq"):
        return _load_parquet(path)
    if ending in (".jsonl", ".ndjson"):
        return _load_json_lines(path)
    return _load_csv(path, tab=ending.startswith(".tsv"))


# ---------------------------------------------------------------------- CSV
def _load_csv(path: str, tab: bool) -> Loaded:
    text, notes = _text(path)
    head = text[:_LOOKED_AT]
    if head.count("\0") > _FEW_ZEROS * len(head):
        raise CorruptFileError(f"{path} is not a table of text: it holds zero bytes. Pass a CSV, or its right suffix.")
    frame, skipped, more = csv_files.parse(text, path, tab)
    return Loaded(frame, skipped, notes + more)


def _text(path: str) -> tuple[str, list[str]]:
    raw = _raw(path)
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return raw.decode("utf-16"), ["read as UTF-16"]
        except UnicodeDecodeError as error:
            raise CorruptFileError(f"{path} begins like UTF-16 but is not: {error}.") from None
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        byte = raw[error.start : error.start + 1]
        return raw.decode("latin-1"), [f"read as Latin-1: byte {error.start:,} is {byte!r}, which is not UTF-8"]


def _raw(path: str) -> bytes:
    """The bytes of a text; what is packed is unpacked a piece at a time, for a few bytes can stand for any number."""

    def room_for(size: int) -> None:
        mend = "Write it as float32 rows with np.save, which is mapped."
        refuse_if_too_large(size * _BLOW_UP, f"the table {path}", mend)

    packed = os.path.getsize(path)
    room_for(packed * (10 if path.endswith(".gz") else 1))
    if not path.endswith(".gz"):
        return Path(path).read_bytes()
    pieces, size = [], 0
    try:
        with gzip.open(path) as file:
            while piece := file.read(_PIECE):
                pieces.append(piece)
                size += len(piece)
                room_for(size)
                _refuse_a_bomb(path, packed, size, "gunzip it and pass what comes of it")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorruptFileError(f"{path} is damaged: {error}. Get the file again.") from None
    return b"".join(pieces)


def _refuse_a_bomb(path: str, packed: int, size: int, mend: str) -> None:
    if size > max(_PIECE, packed * _MOST_PACKED):
        raise CorruptFileError(
            f"{path} is no table: its {packed:,} bytes stand for over {_MOST_PACKED} times as many. "
            f"If it is one, {mend}."
        )


# ---------------------------------------------------------------------- Parquet and JSON lines
def _load_parquet(path: str) -> Loaded:
    parquet = require("pyarrow.parquet", "tables", "a Parquet file")
    require("pandas", "tables", "a Parquet file")
    # pyarrow and pandas fail in their own ways on damaged files; each is the file's fault
    try:
        file = parquet.ParquetFile(path)
    except Exception as error:
        raise CorruptFileError(f"{path} is not a readable Parquet file: {error}") from None
    with file:
        facts = file.metadata
        csv_files.refuse_columns(facts.num_columns, path)
        written = sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
        size = max(written, facts.num_rows * facts.num_columns * _CELL)  # equal cells take no room in the file
        _refuse_a_bomb(path, os.path.getsize(path), size, "pass it as a frame")
        refuse_if_too_large(size * 2, f"the table {path}", "Pass fewer rows or columns of it.")
        try:
            table = file.read()
            table.validate(full=True)  # or else a cell that is no text fails wherever it is first looked at
            return Loaded(table.to_pandas())
        except MemoryError:
            raise
        except Exception as error:
            raise CorruptFileError(f"{path} is not a readable Parquet file: {error}") from None


def _load_json_lines(path: str) -> Loaded:
    pandas = require("pandas", "tables", "a JSON lines file")
    text, notes = _text(path)
    rows: list[dict] = []
    skipped: list[Skipped] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            skipped.append(Skipped(f"line {number}", f"not JSON: {error}"))
            continue
        if isinstance(row, dict):
            rows.append(row)
        else:
            skipped.append(Skipped(f"line {number}", f"holds {type(row).__name__}, where an object belongs"))
    if not rows:
        raise ValueError(f"{path} holds no JSON object ({skipped[0].reason if skipped else 'no lines'}).")
    return Loaded(csv_files.with_moments(pandas.DataFrame(rows)), skipped, notes)
