"""Tables of text: delimiter, decimal mark, header and dates found from the text, and lines that do not fit named.

What a table's text leaves open is found from its first lines, and said in `notes` where it is not the usual. A line or
a cell that contradicts the others is never mended: its row is left out, and named with the reason.
"""

import csv
import io
import re
from collections import Counter
from typing import Any, NamedTuple

from ..errors import CorruptFileError
from ..optional import require
from .protocol import Skipped

MOST_COLUMNS = 50_000  # past any table; an array has no such bound
_SNIFFED = 64 * 1024  # characters that the layout is found in
_LINES = 50
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?(Z|[+-]\d\d:?\d\d)?")
_ZONE = re.compile(r"\d(?:Z|[+-]\d\d:?\d\d)$")
_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*|\s*[+-]?(inf|nan)\s*", re.I)
_WITH_COMMA = re.compile(r"[+-]?\d+,(\d+)")
_OPEN_QUOTES = 100  # lines with one that are looked for: each takes a pass over the file
_MOSTLY = 0.9  # share of a column's cells that spell numbers, from which the others are strangers in it
_MEANS_MISSING = {
    "?",
    "-",
    "--",
    ".",
    "..",
    "...",
    "*",
    "n.d.",
    "nd",
    "na",
    "none",
    "missing",
    "nil",
    "unknown",
    "#ref!",
}


class Layout(NamedTuple):
    """How a table is written.

    Attributes
    ----------
    delimiter : str
        Between cells; " " stands for any white space.
    decimal : str
        "." or ",".
    header : bool
        Whether the first line names columns.
    width : int
        Cells of the first line.
    """

    delimiter: str
    decimal: str
    header: bool
    width: int


def parse(text: str, path: str, tab: bool) -> tuple[Any, list[Skipped], list[str]]:
    """Reads the text of a table: a pandas frame, the rows that could not be read, and what was assumed.

    Raises
    ------
    ValueError
        If no line has anything in it.
    CorruptFileError
        If its lines are no table; the message says which is not.
    """
    if not text.strip():
        raise ValueError(f"{path} is empty: no line has anything in it. Pass a table with a header and rows.")
    lines = _first_lines(text)
    layout = layout_of(lines, "\t" if tab else None)
    refuse_columns(layout.width, path)
    notes = _said(layout)
    read = _reader(layout)
    pandas = require("pandas", "tables", "a CSV file")
    skipped: list[Skipped] = []
    longer = _longer_lines(lines, layout, path)
    cut = _is_cut(text, layout)
    try:
        frame = None if longer or cut or "\0" in text else read(text)
    except pandas.errors.ParserError:
        frame = None
    if frame is None:
        good, skipped = _lines_that_fit(text, layout, layout.width + longer, path, cut)
        try:
            frame = read(good)
        except ValueError as error:
            raise CorruptFileError(f"{path} is not readable as CSV: {error}") from None
    if not isinstance(frame.index, pandas.RangeIndex):  # the first column has cells but no name
        frame = frame.reset_index()
    frame.columns = [str(name) for name in frame.columns]
    notes += _repeated(lines[0]) if layout.header else []
    frame = _without_strangers(frame, layout, skipped, notes)
    return with_moments(frame), skipped, notes


# ---------------------------------------------------------------------- layout
def _first_lines(text: str) -> list[str]:
    second = text.find("\n", text.find("\n") + 1)  # of a very wide table, two lines are longer than the usual sample
    sample = text[: max(_SNIFFED, second)]
    lines = [line for line in sample.splitlines() if line.strip()]
    if len(sample) < len(text) and len(lines) > 2:
        lines = lines[:-1]  # the sample ends within it
    return lines[:_LINES]


def refuse_columns(count: int, path: str) -> None:
    """Raises ValueError for more columns than a table has: each is looked at by itself, which takes a millisecond."""
    if count > MOST_COLUMNS:
        raise ValueError(
            f"{path} has {count:,} columns; a table may have {MOST_COLUMNS:,}. Save the numbers as an array: np.save."
        )


def layout_of(lines: list[str], delimiter: str | None = None) -> Layout:
    """Finds how a table is written from its first lines.

    Examples
    --------
    >>> layout_of(["a;b", "1,5;2", "2,5;3"])
    Layout(delimiter=';', decimal=',', header=True, width=2)
    """
    delimiter = delimiter or _delimiter(lines)
    rows = _cut(lines, delimiter)
    cells = [cell for row in rows[1:] for cell in row]
    return Layout(delimiter, _decimal(cells), not _is_data(rows), len(rows[0]) if rows else 1)


def _cut(lines: list[str], delimiter: str) -> list[list[str]]:
    if delimiter == " ":
        return [line.split() for line in lines]
    return [row for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if row]


def _delimiter(lines: list[str]) -> str:
    """What cuts the lines into the same number of cells: most of them numbers, and then the more cells the better.

    Numbers come first because "5,1;3,5" has two delimiters, and only one of them leaves numbers.
    """
    best, most = ",", (0.0, 1)
    for candidate in (",", "\t", ";", "|"):
        try:
            rows = _cut(lines, candidate)
        except csv.Error:
            continue
        widths = [len(row) for row in rows]
        usual = max(set(widths), key=widths.count) if widths else 1
        # A header may have a cell less, over row names; a delimiter that cuts it not at all is in words alone.
        if 1 < widths[0] <= usual and widths.count(usual) >= 0.8 * len(widths):
            score = (round(_share_of_numbers(rows), 2), usual)
            if score > most:
                best, most = candidate, score
    if most[1] == 1:
        rows = _cut(lines, " ")
        equal = len({len(row) for row in rows}) == 1
        if len(rows) > 1 and equal and len(rows[0]) > 1 and _share_of_numbers(rows) > 0.5:
            return " "
    return best


def _share_of_numbers(rows: list[list[str]]) -> float:
    cells = [cell for row in rows[1:] or rows for cell in row]
    return sum(_NUMBER.fullmatch(cell) is not None for cell in cells) / max(1, len(cells))


def _decimal(cells: list[str]) -> str:
    """A comma where numbers have one and none has a point; groups of three digits may be thousands."""
    found = [match for cell in cells if (match := _WITH_COMMA.fullmatch(cell.strip()))]
    pointed = any(re.fullmatch(r"[+-]?\d+\.\d+", cell.strip()) for cell in cells)
    return "," if not pointed and any(len(match[1]) != 3 for match in found) else "."


def _is_data(rows: list[list[str]]) -> bool:
    """Whether the first line is a row: numbers alone, or numbers where the others have them and words seen again."""
    first, body = rows[0], rows[1:]
    numbers = [_NUMBER.fullmatch(cell) is not None for cell in first]
    if all(numbers):
        return True
    if not any(numbers) or not body:
        return False
    for place, is_number in enumerate(numbers):
        below = [row[place].strip() for row in body if place < len(row)]
        if is_number and not all(_NUMBER.fullmatch(cell) or not cell for cell in below):
            return False
        if not is_number and first[place].strip() not in below:
            return False
    return True


def _said(layout: Layout) -> list[str]:
    notes = []
    if layout.delimiter not in ",\t":
        notes.append("delimiter: white space" if layout.delimiter == " " else f"delimiter {layout.delimiter!r}")
    if layout.decimal == "," and layout.delimiter != ";":
        notes.append("decimal comma")
    if not layout.header:
        notes.append("no header line: columns are numbered")
    return notes


def _reader(layout: Layout) -> Any:
    """Returns what reads a text of this layout into a frame."""
    pandas = require("pandas", "tables", "a CSV file")
    options = {"decimal": layout.decimal, "header": 0 if layout.header else None, "skipinitialspace": True}
    separator = r"\s+" if layout.delimiter == " " else layout.delimiter
    if layout.decimal == layout.delimiter:  # cells with commas in quotes: pandas reads them as words
        options["decimal"] = "."

    def read(text: str) -> Any:
        return pandas.read_csv(io.StringIO(text), low_memory=False, sep=separator, **options)

    return read


def _repeated(header: str) -> list[str]:
    names = [name.strip().strip('"') for name in re.split(r"[,;\t|]", header)]
    twice = sorted((name, times) for name, times in Counter(names).items() if name and times > 1)
    return [f"column {name!r} comes {times} times: the later ones are numbered" for name, times in twice]


# ---------------------------------------------------------------------- lines
def _longer_lines(lines: list[str], layout: Layout, path: str) -> int:
    """By how many cells the lines are longer than the header: 0, or 1 that is empty or names the row.

    Raises
    ------
    CorruptFileError
        If nearly all lines hold more: which cell belongs to which column is then a guess.
    """
    rows = _cut(lines, layout.delimiter)[1:]
    widths = [len(row) for row in rows]
    usual = max(set(widths), key=widths.count) if widths else layout.width
    more = usual - layout.width
    if more <= 0 or widths.count(usual) < 0.8 * len(widths):
        return 0
    fitting = [row for row in rows if len(row) == usual]
    if more == 1 and not any(row[-1].strip() for row in fitting):
        return 1  # a delimiter ends every line
    if more == 1 and len({row[0] for row in fitting}) == len(fitting):
        return 0  # row names, which pandas takes as such
    raise CorruptFileError(
        f"{path} has {layout.width} columns by its first line, but its lines hold {usual} cells. "
        "Numbers with decimal commas need another delimiter: write it with ';' between cells, or with points."
    )


def _is_cut(text: str, layout: Layout) -> bool:
    """Whether the last line ends before its last cell, as of a file that was not written to its end."""
    if text.endswith(("\n", "\r")) or layout.delimiter == " ":
        return False
    last = text[text.rfind("\n") + 1 :]
    return '"' not in last and last.count(layout.delimiter) + 1 < layout.width and "\n" in text


def _lines_that_fit(text: str, layout: Layout, width: int, path: str, cut: bool) -> tuple[str, list[Skipped]]:
    """The lines with no more cells than there are columns, and the others by their number; where the fast road failed.

    `width` is one more than the columns where each line ends with a delimiter, which is taken off.
    """
    if layout.delimiter == " ":
        raise CorruptFileError(f"{path} is not readable as a table: its lines hold different numbers of cells.")
    text, open_quotes = _without_open_quotes(text.replace("\0", "\ufffd"), layout, width)
    reader = csv.reader(io.StringIO(text), delimiter=layout.delimiter, skipinitialspace=True)
    held = io.StringIO()
    writer = csv.writer(held, delimiter=layout.delimiter)
    skipped = open_quotes
    previous: list[str] | None = None
    try:
        for row in reader:
            if not row:
                continue
            reason = _why_not(row, layout.width, width)
            if previous is not None:
                writer.writerow(previous)
            previous = None if reason else row[: layout.width]
            if reason:
                skipped.append(Skipped(f"line {reader.line_num}", reason))
    except csv.Error as error:
        raise CorruptFileError(f"{path} is not readable as CSV at line {reader.line_num}: {error}.") from None
    if previous is not None:
        if cut:
            reason = f"{len(previous)} cells, where the first line has {layout.width}: the file seems to be cut"
            skipped.append(Skipped(f"line {reader.line_num}", reason))
        else:
            writer.writerow(previous)
    return held.getvalue(), skipped


def _without_open_quotes(text: str, layout: Layout, width: int) -> tuple[str, list[Skipped]]:
    """The text with lines blank in which a quote opens that nothing closes, for it would swallow what follows."""
    skipped: list[Skipped] = []
    lines = io.StringIO(text).readlines()
    while len(skipped) < _OPEN_QUOTES and (line := _first_open_quote(lines, layout, width)):
        skipped.append(Skipped(f"line {line}", "a quote opens in it that nothing closes"))
        lines[line - 1] = "\n"
    return "".join(lines), skipped


def _first_open_quote(lines: list[str], layout: Layout, width: int) -> int:
    """The first line of a row that goes on to the end, or over lines to cells that do not fit; 0 without one."""
    reader = csv.reader(lines, delimiter=layout.delimiter, skipinitialspace=True)
    first = 1
    try:
        for row in reader:
            last = reader.line_num
            if (last > first or last == len(lines)) and (
                (last > first and len(row) > width) or _is_malformed(lines[first - 1 : last], layout, last == first)
            ):
                return first
            first = last + 1
    except csv.Error:  # named where the lines are read
        pass
    return 0


def _is_malformed(record: list[str], layout: Layout, only_open: bool) -> bool:
    try:
        list(csv.reader(record, delimiter=layout.delimiter, skipinitialspace=True, strict=True))
    except csv.Error as error:
        return not only_open or "end of data" in str(error)
    return False


def _why_not(row: list[str], columns: int, width: int) -> str | None:
    if len(row) > width or (len(row) > columns and row[-1].strip()):
        return f"{len(row)} cells, where the first line has {columns}"
    return "holds zero bytes" if any("\ufffd" in cell for cell in row) else None


# ---------------------------------------------------------------------- cells
def _without_strangers(frame: Any, layout: Layout, skipped: list[Skipped], notes: list[str]) -> Any:
    """Reads columns of words that are nearly all numbers as numbers; rows with another word there are left out.

    So are columns that are nearly all dates. Words that stand for a missing cell, "?" or "-", make it one. One such
    word must not turn a column of numbers into one of categories.
    """
    pandas = require("pandas", "tables", "a CSV file")
    bad: dict[int, str] = {}
    for name in frame.columns:
        if str(frame[name].dtype) not in ("object", "str"):
            continue
        words = frame[name].dropna().astype(str).str.strip()
        plain = words.str.replace(",", ".", regex=False) if layout.decimal == "," else words
        values, kind = pandas.to_numeric(plain, errors="coerce"), "numbers"
        if values.isna().mean() > 1 - _MOSTLY and words.iloc[:_LINES].str.fullmatch(_MOMENT.pattern).any():
            values, kind = _moments(words), "dates"
        strange = words[values.isna() & ~words.str.lower().isin({"nan", "nat"})]
        absent = strange.str.lower().isin(_MEANS_MISSING)
        if not len(words) or len(strange) > (1 - _MOSTLY) * len(words):
            continue
        frame[name] = values.reindex(frame.index)
        if absent.any():
            seen = ", ".join(repr(word) for word in sorted(set(strange[absent]))[:3])
            notes.append(f"column {name!r}: {int(absent.sum()):,} cells of {seen} read as missing")
        for row, word in strange[~absent].items():
            repeats = word == name
            reason = "repeats the header" if repeats else f"holds {word[:60]!r}, where the others hold {kind}"
            bad.setdefault(row, f"column {name!r} {reason}")
    skipped += [Skipped(str(row), reason) for row, reason in sorted(bad.items())]
    return frame.drop(index=list(bad)) if bad else frame


def _moments(words: Any) -> Any:
    """Words to dates, NaT for those that are none."""
    pandas = require("pandas", "tables", "a CSV file")
    spelled = words.where(words.str.fullmatch(_MOMENT.pattern))
    zoned = bool(spelled.str.contains(_ZONE.pattern).any())
    return pandas.to_datetime(spelled, format="ISO8601", errors="coerce", utc=zoned)


def with_moments(frame: Any) -> Any:
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
