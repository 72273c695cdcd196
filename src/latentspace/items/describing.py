"""What was found, in words: how many of which kind, their labels and sizes, and what was skipped."""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import BadItemError
from .protocol import Gathered

_OF_FILES = ("images", "audio", "texts")
_NOUNS = {
    "images": ("image", "images"),
    "audio": ("sound", "sounds"),
    "interactions": ("user", "users"),
    "strings": ("string", "strings"),
    "texts": ("text", "texts"),
    "table": ("row", "rows"),
    "array": ("row", "rows"),
    "pairs": ("item of pairs", "items of pairs"),
}
_LOOKED_AT = 40  # items whose headers are read for their sizes
_LABELS = 10


def describe(kind: str, gathered: Gathered) -> str:
    """Says what was found: "1,203 images in 5 folders, labels: cat 400, dog 803; 3 skipped"."""
    singular, plural = _NOUNS[kind]
    n = len(gathered)
    words = f"{n:,} {singular if n == 1 else plural}"
    folders = {id_.rpartition("/")[0] for id_ in gathered.ids if "/" in id_} if kind in _OF_FILES else set()
    if folders:
        words += f" in {len(folders):,} folder{'s' if len(folders) > 1 else ''}"
    if kind == "table":
        words += f" of {len(gathered.raw.columns):,} columns"
    if kind == "array":
        words += f" of shape {' x '.join(str(side) for side in gathered.raw.shape[1:])}"
    counts = Counter(value for value in gathered.metadata.get("label", ()) if value is not None)
    if counts:
        shown = [f"{label} {count:,}" for label, count in sorted(counts.items(), key=lambda pair: str(pair[0]))]
        rest = f" and {len(shown) - _LABELS:,} more" if len(shown) > _LABELS else ""
        words += f", labels: {', '.join(shown[:_LABELS])}{rest}"
    if gathered.skipped:
        words += f"; {len(gathered.skipped):,} skipped"
    return "; ".join([words, *gathered.notes])


def found(kind: str, gathered: Gathered) -> str:
    """`describe`, with the items' sizes as a look at some of them shows, and the first that cannot be read."""
    words = describe(kind, gathered)
    size = _SIZES[kind](gathered) if len(gathered) else ""
    named = "; ".join(f"{item.id}: {item.reason}" for item in gathered.skipped[:3])
    return f"{words}{f'; {size}' if size else ''}{f' (skipped {named})' if named else ''}"


def _some(raw: Sequence) -> Iterator[Any]:
    """Evenly spaced items."""
    for position in np.unique(np.linspace(0, len(raw) - 1, _LOOKED_AT).astype(int)).tolist():
        yield raw[position]


def _headers(raw: Sequence, header: Callable[[Any], Any]) -> list[Any]:
    read = []
    for item in _some(raw):
        with contextlib.suppress(BadItemError, OSError):  # it is named as skipped when it is read
            read.append(header(item))
    return read


def _span(values: Sequence[float], unit: str) -> str:
    low, high = min(values), max(values)
    word = [f"{value:,.0f}" if isinstance(value, int) else f"{value:.3g}" for value in (low, high)]
    return f"{word[0]} {unit}" if word[0] == word[1] else f"{word[0]} to {word[1]} {unit}"


def _of_images(gathered: Gathered) -> str:
    from .decode import header

    headers = _headers(gathered.raw, header)
    if not headers:
        return ""
    sizes = {(head.width, head.height) for head in headers}
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    small = min(sizes, key=lambda size: size[0] * size[1])
    grey = sum(head.grey for head in headers)
    colour = "grey" if grey == len(headers) else "in colour" if not grey else "grey and in colour"
    if len(sizes) == 1:
        return f"{width:,} x {height:,} pixels, {colour}"
    return f"{small[0]:,} x {small[1]:,} to {width:,} x {height:,} pixels, {colour}"


def _of_audio(gathered: Gathered) -> str:
    from .sound_files import header

    headers = _headers(gathered.raw, header)
    if not headers:
        return ""
    seconds = _span([float(head.seconds) for head in headers], "s")
    return f"{seconds} at {_span([int(head.rate) for head in headers], 'Hz')}"


def _of_texts(gathered: Gathered) -> str:
    raw = gathered.raw
    if hasattr(raw, "column"):  # of a table
        raw = raw.rows.between(0, _LOOKED_AT).cells(raw.column).values()
    lengths = []
    for text in _some(raw):
        with contextlib.suppress(OSError):
            lengths.append(os.path.getsize(text) if isinstance(text, os.PathLike) else len(str(text)))
    if not lengths:
        return ""
    return _span(lengths, "bytes" if isinstance(raw[0], os.PathLike) else "characters")


def _of_table(gathered: Gathered) -> str:
    rows = gathered.raw
    if len(rows.columns) > 10_000:
        return ""
    counts = Counter(rows.kind(name) for name in rows.columns)
    plural = {"number": "numbers", "category": "categories", "empty": "empty", "other": "of other things"}
    return "columns: " + ", ".join(
        f"{count:,} {plural.get(kind, kind if kind == 'words' else kind + 's')}" for kind, count in counts.items()
    )


def _of_array(gathered: Gathered) -> str:
    raw = gathered.raw
    if not hasattr(raw, "matrix"):
        return str(raw.dtype)
    share = raw.matrix.nnz / max(1, raw.shape[0] * raw.shape[1])
    return f"{raw.dtype}, sparse: {raw.matrix.nnz:,} values, {share:.3g} of all"


def _of_pairs(gathered: Gathered) -> str:
    rows = gathered.raw
    sides = zip(rows.names, rows.kinds, rows.sides, strict=True)
    return "; ".join(f"{name}: {found(kind, side)}" for name, kind, side in sides if side is not None)


_SIZES: dict[str, Callable[[Gathered], str]] = {
    "images": _of_images,
    "audio": _of_audio,
    "interactions": lambda _: "",  # the notes have the counts
    "strings": _of_texts,
    "texts": _of_texts,
    "table": _of_table,
    "array": _of_array,
    "pairs": _of_pairs,
}
