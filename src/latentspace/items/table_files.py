"""Tables from files: CSV with its delimiter, encoding and dates found out, Parquet, JSON lines."""

import csv
import gzip
import io
import json
import os
import re
from dataclasses import dataclass, field
from typing import Any

from ..errors import CorruptFileError
from ..optional import require
from ..resources import refuse_if_too_large
from .folders import suffix
from .protocol import Skipped

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".pq", ".jsonl", ".ndjson")

_SNIFFED = 64 * 1024  # bytes that the delimiter is found in
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?(Z|[+-]\d\d:?\d\d)?")
_ZONE = re.compile(r"\d(Z|[+-]\d\d:?\d\d)$")
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
    if not text.strip():
        raise ValueError(f"{path} is empty: no line has anything in it. Pass a table with a header and rows.")
    if "\0" in text[:_SNIFFED]:
        raise CorruptFileError(f"{path} is not a table of text: it holds zero bytes. Pass a CSV, or its right suffix.")
    delimiter = "\t" if tab else _delimiter(text[:_SNIFFED])
    sample = text[:_SNIFFED]
    decimal = "," if delimiter == ";" and re.search(r"(^|;)-?\d+,\d+(;|$)", sample, re.M) else "."
    header = None if _is_all_numbers(sample.splitlines()[0], delimiter) else 0
    if delimiter not in ",\t":
        notes.append(f"delimiter {delimiter!r}")
    if header is None:
        notes.append("no header line: columns are numbered")
    options = {"sep": delimiter, "decimal": decimal, "header": header, "skipinitialspace": True}
    pandas = require("pandas", "tables", "a CSV file")
    skipped: list[Skipped] = []
    try:
        frame = pandas.read_csv(io.StringIO(text), low_memory=False, **options)
    except pandas.errors.ParserError:
        good, skipped = _lines_that_fit(text, delimiter, path)
        try:
            frame = pandas.read_csv(io.StringIO(good), low_memory=False, **options)
        except ValueError as error:
            raise CorruptFileError(f"{path} is not readable as CSV: {error}") from None
    if not isinstance(
        frame.index, pandas.RangeIndex
    ):  # every row has a delimiter at its end, or an unnamed first column
        frame = frame.reset_index()
    frame.columns = [str(name) for name in frame.columns]
    return Loaded(_with_moments(frame), skipped, notes)


def _text(path: str) -> tuple[str, list[str]]:
    size = os.path.getsize(path) * (10 if path.endswith(".gz") else 1)
    refuse_if_too_large(size * _BLOW_UP, f"the table {path}", "Write it as float32 rows with np.save, which is mapped.")
    try:
        with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as file:
            raw = file.read()
    except (gzip.BadGzipFile, EOFError) as error:
        raise CorruptFileError(f"{path} is damaged: {error}. Get the file again.") from None
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


def _delimiter(sample: str) -> str:
    """The delimiter that cuts the first lines into the same number of cells, the more cells the better."""
    lines = sample.splitlines()[:50]
    if len(sample) == _SNIFFED:
        lines = lines[:-1] or lines
    best, most = ",", 1
    for candidate in (",", "\t", ";", "|"):
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=candidate) if row]
        except csv.Error:
            continue
        usual = max(set(widths), key=widths.count) if widths else 1
        if usual > most and widths[0] == usual and widths.count(usual) >= 0.8 * len(widths):
            best, most = candidate, usual
    return best


def _is_all_numbers(line: str, delimiter: str) -> bool:
    try:
        cells = next(csv.reader([line], delimiter=delimiter))
        return all(float(cell.replace(",", ".")) is not None for cell in cells)
    except (ValueError, StopIteration, csv.Error):
        return False


def _lines_that_fit(text: str, delimiter: str, path: str) -> tuple[str, list[Skipped]]:
    """The lines with as many cells as the first, and the others by their number; only when the fast road failed."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    held = io.StringIO()
    writer = csv.writer(held, delimiter=delimiter)
    skipped: list[Skipped] = []
    width = 0
    try:
        for row in reader:
            width = width or len(row)
            if not row:
                continue
            if len(row) <= width:
                writer.writerow(row)
            else:
                skipped.append(
                    Skipped(f"line {reader.line_num}", f"{len(row)} cells, where the first line has {width}")
                )
    except csv.Error as error:
        raise CorruptFileError(f"{path} is not readable as CSV at line {reader.line_num}: {error}.") from None
    return held.getvalue(), skipped


def _with_moments(frame: Any) -> Any:
    """Turns columns whose every word is an ISO 8601 date into dates; text files have no types of their own."""
    pandas = require("pandas", "tables", "a CSV file")
    for name in frame.columns:
        column = frame[name]
        if str(column.dtype) not in ("object", "str"):
            continue
        words = column.dropna()
        if not len(words) or not isinstance(words.iloc[0], str) or not _MOMENT.fullmatch(words.iloc[0]):
            continue
        different = words.unique().tolist()
        if all(isinstance(word, str) and _MOMENT.fullmatch(word) for word in different):
            zoned = any(_ZONE.search(word) for word in different)
            try:
                frame[name] = pandas.to_datetime(column, format="ISO8601", utc=zoned)
            except (ValueError, OverflowError):
                continue
    return frame


# ---------------------------------------------------------------------- Parquet and JSON lines
def _load_parquet(path: str) -> Loaded:
    parquet = require("pyarrow.parquet", "tables", "a Parquet file")
    require("pandas", "tables", "a Parquet file")
    try:
        with parquet.ParquetFile(path) as file:
            facts = file.metadata
            size = sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
            refuse_if_too_large(max(size, 0) * 2, f"the table {path}", "Pass fewer rows or columns of it.")
            return Loaded(file.read().to_pandas())
    except MemoryError:
        raise
    except Exception as error:  # pyarrow and pandas fail in their own ways on damaged files; each is the file's fault
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
    return Loaded(_with_moments(pandas.DataFrame(rows)), skipped, notes)
