"""Text files: which names are theirs, and their characters, whatever encoding they were written in."""

import codecs
import os

from .folders import suffix

SUFFIXES = (".txt", ".text", ".md", ".markdown", ".rst", ".org", ".adoc")

_MARKS = {  # the longer of two that begin alike comes first
    codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32", codecs.BOM_UTF8: "UTF-8",
    codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16",
}  # fmt: skip
_LOOKED_AT = 4096  # bytes in which UTF-16 without its mark, or a file of no text, shows itself
_MOST_ZEROS = 0.3  # share of zero bytes on one side of each pair, from which they are the high bytes of UTF-16
_CONTROLS = frozenset([*range(9), 11, *range(14, 27), *range(28, 32), 127])  # what no text file holds
_MOST_BYTES = 2**28  # of one file: no text that a person wrote, and words by the ten millions


def is_text_file(name: str | os.PathLike) -> bool:
    """Whether a file's name says that it holds text."""
    path = os.fspath(name)
    return isinstance(path, str) and "\n" not in path and suffix(path) in SUFFIXES


def read(path: str | os.PathLike) -> tuple[str, str | None]:
    """Reads a file as text; also says which encoding was taken, where it is not UTF-8.

    Raises
    ------
    ValueError
        If it holds no text; the message says what it holds.
    OSError
        If it cannot be read.
    """
    size = os.path.getsize(path)
    if size > _MOST_BYTES:
        raise ValueError(f"holds {size:,} bytes; a text has at most {_MOST_BYTES:,}")
    with open(path, "rb") as file:
        return decoded(file.read())


def decoded(raw: bytes) -> tuple[str, str | None]:
    """Bytes to text: by their mark, as UTF-8, as UTF-16 without a mark, or as Latin-1.

    Returns
    -------
    (text, None where it is UTF-8, otherwise what it was read as and why)

    Raises
    ------
    ValueError
        If they are no text.

    Examples
    --------
    >>> decoded("né".encode("latin-1"))
    ('né', "Latin-1: byte 1 is b'\\\\xe9', which is not UTF-8")
    """
    for mark, encoding in _MARKS.items():
        if raw.startswith(mark):
            try:
                return raw.decode(
                    "utf-8-sig" if encoding == "UTF-8" else encoding
                ), None if encoding == "UTF-8" else encoding
            except UnicodeDecodeError as error:
                raise ValueError(f"begins like {encoding} but is not: {error.reason} at byte {error.start:,}") from None
    if b"\0" in raw[:_LOOKED_AT]:
        return _without_mark(raw)
    controls = sum(raw[:_LOOKED_AT].count(byte) for byte in _CONTROLS)
    if controls > 0.02 * min(len(raw), _LOOKED_AT):
        raise ValueError(
            f"is binary: {controls:,} of its first {min(len(raw), _LOOKED_AT):,} bytes are control characters"
        )
    try:
        return raw.decode("utf-8"), None
    except UnicodeDecodeError as error:
        byte = raw[error.start : error.start + 1]
        return raw.decode("latin-1"), f"Latin-1: byte {error.start:,} is {byte!r}, which is not UTF-8"


def _without_mark(raw: bytes) -> tuple[str, str]:
    """UTF-16 shows by zeros on one side of every pair of bytes: the high bytes of Latin letters and spaces."""
    head = raw[:_LOOKED_AT]
    for side, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        high, low = head[side::2], head[1 - side :: 2]
        if high.count(0) > _MOST_ZEROS * len(high) and low.count(0) == 0 and len(raw) % 2 == 0:
            try:
                return raw.decode(encoding), "UTF-16 without its mark"
            except UnicodeDecodeError:
                break
    raise ValueError(f"is binary: byte {raw.index(0):,} is zero")
