"""Items <-> feature space: one file a kind of item, found by name here, and only here.

>>> kind, gathered = gather([[0.0, 1.0], [2.0, 3.0]])
>>> kind.kind, len(gathered)
('array', 2)
"""

import difflib
import importlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .describing import describe, found
from .once import reading_once
from .protocol import Batch, Gathered, Modality, OnError, Skipped, bad

__all__ = [
    "KINDS", "Batch", "Gathered", "Modality", "OnError", "Skipped", "bad", "describe", "found", "gather", "gather_for",
]  # fmt: skip


class _Kinds(Mapping):
    """A kind's name -> its class, imported when asked for; the only road from a file to a class."""

    _WHERE = {  # noqa: RUF012 - the order is the one that sources are tried in
        "images": ("latentspace.items.images", "Images"),
        "audio": ("latentspace.items.audio", "Audio"),
        "interactions": ("latentspace.items.interactions", "Interactions"),
        "strings": ("latentspace.items.strings", "Strings"),
        "texts": ("latentspace.items.texts", "Texts"),
        "table": ("latentspace.items.tables", "Table"),
        "array": ("latentspace.items.arrays", "Array"),
        "pairs": ("latentspace.items.pairs", "Pairs"),
    }

    def __getitem__(self, kind: str) -> type[Modality]:
        module, attribute = self._WHERE[kind]
        return getattr(importlib.import_module(module), attribute)

    def __iter__(self) -> Iterator[str]:
        return iter(self._WHERE)

    def __len__(self) -> int:
        return len(self._WHERE)

    def __contains__(self, kind: object) -> bool:
        return kind in self._WHERE


KINDS: Mapping[str, type[Modality]] = _Kinds()
_ASKED_FOR = "pairs"  # two lists could as well be a table's columns
_IN_A_FILE = ("interactions", "strings", "texts")  # what a table can hold, too


def gather(
    source: Any, kind: str | None = None, ids: Any = None, *, likely: str | None = None
) -> tuple[type[Modality], Gathered]:
    """Lists the items of a source, of the kind that it is of.

    Parameters
    ----------
    source : path, array, frame, or list of items
        A folder, a file, or what is in memory already.
    kind : "images", "audio", "interactions", "strings", "texts", "table", "array" or "pairs", optional
        Which kind to read, where a folder holds several.
    ids : list of str, or a column's name for a table, optional
        Names of the items.
    likely : str, optional
        The kind that is taken where the source could be of it, though not surely: what the model is made for.

    Returns
    -------
    (class of the kind, Gathered)

    Raises
    ------
    FileNotFoundError
        If the path is not there; the message names a neighbour that is spelled alike.
    ValueError
        If the source is of no known kind, of several, or empty; the message lists what there is.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind={kind!r} is not known. Known kinds: {', '.join(map(repr, KINDS))}.")
    if isinstance(source, str | os.PathLike):
        _must_exist(source)
        if os.path.isdir(source):
            return _gather_folder(os.fspath(source), kind, ids, likely)
    with reading_once():
        for name in [kind] if kind else _candidates(source):
            modality = KINDS[name]
            gathered = modality.gather(source, ids=ids)
            if gathered is not None and (kind or name == likely or modality.is_sure(gathered)):
                return modality, _not_empty(gathered)
    if kind:
        raise ValueError(f"kind={kind!r} does not fit {name_of(source)}. {_what_is_known()}")
    raise ValueError(f"{name_of(source)} is of no known kind. {_what_is_known()}")


def gather_for(modality: Modality, source: Any, ids: Any = None) -> Gathered:
    """Lists the items of a source for a modality that is fitted already.

    Raises
    ------
    FileNotFoundError
        If a path is not there.
    TypeError
        If the items are of another kind; the message says which, and which is wanted.
    """
    if isinstance(source, os.PathLike) or (isinstance(source, str) and not modality.from_words):
        _must_exist(source)
    gathered = modality.gather_new(source, ids=ids)
    if gathered is None:
        raise TypeError(
            f"{name_of(source)} does not fit: this space holds {modality.kind} with features of shape "
            f"{modality.shape}. Pass such items, or fit a new space on these."
        )
    return gathered


# ---------------------------------------------------------------------- sources
def _candidates(source: Any) -> list[str]:
    """The kinds that a source is tried as, in order."""
    if type(source).__module__.startswith("pandas"):
        from .sparse_rows import is_sparse_frame

        if is_sparse_frame(source):  # thousands of columns, that only have to be the rows of a matrix
            return ["interactions", "array"]
    return [name for name in KINDS if name != _ASKED_FOR]


def _gather_folder(folder: str, kind: str | None, ids: Any, likely: str | None) -> tuple[type[Modality], Gathered]:
    from .array_files import is_array_file
    from .decode import SUFFIXES
    from .folders import suffix, walk
    from .sound_files import SUFFIXES as SOUNDS
    from .table_files import is_table_file
    from .text_files import SUFFIXES as TEXTS

    listing = walk(folder)
    found = {
        "images": [name for name in (*listing.names, *listing.others) if suffix(name) in SUFFIXES],
        "audio": [name for name in (*listing.names, *listing.others) if suffix(name) in SOUNDS],
        "texts": [name for name in (*listing.names, *listing.others) if suffix(name) in TEXTS],
        "table": [name for name in listing.names if is_table_file(name)],
        "array": [name for name in listing.names if is_array_file(name)],
    }
    there = {name: names for name, names in found.items() if names}
    if kind is None and "texts" in there and _are_beside(there["texts"], sum(map(len, there.values()))):
        del there["texts"]
    if not there:
        raise ValueError(_nothing_in(folder, listing))
    if kind is None and len(there) > 1:
        options = "; ".join(f"kind={name!r} for {_counted(name, names)}" for name, names in there.items())
        raise ValueError(f"{folder} holds several kinds of items. Choose: {options}.")
    chosen = kind or next(iter(there))
    alone = there["table" if "table" in there else "array"] if set(there) & {"table", "array"} else []
    if len(alone) == 1 and (chosen in ("table", "array") if kind is None else kind in _IN_A_FILE and kind not in there):
        # One file of rows is what it is outside a folder too: a table, interactions, texts.
        return gather(listing.paths[listing.names.index(alone[0])], kind, ids, likely=likely)
    if chosen not in there:
        has = ", ".join(_counted(name, names) for name, names in there.items())
        raise ValueError(f"kind={kind!r} finds nothing in {folder}, which holds {has}.")
    gathered = KINDS[chosen].gather(listing, ids=ids)
    if gathered is None:
        raise ValueError(_nothing_in(folder, listing))
    return KINDS[chosen], _not_empty(gathered)


def _counted(kind: str, names: Sequence[str]) -> str:
    noun = {"images": "image", "audio": "sound", "texts": "text", "table": "table", "array": "array file"}[kind]
    return f"{len(names):,} {noun}{'s' if len(names) > 1 else ''} ({names[0]}{', ...' if len(names) > 1 else ''})"


def _are_beside(texts: Sequence[str], files: int) -> bool:
    """Whether a folder's texts only tell of the other items in it: a README, a licence, or one text to ten of them."""
    told = [name for name in texts if os.path.basename(name).lower().startswith(("readme", "licen", "copying"))]
    others = files - len(texts)
    return others > 0 and (len(told) == len(texts) or 10 * len(texts) <= others)


def _nothing_in(folder: str, listing: Any) -> str:
    from .folders import suffix

    if not listing.names:
        closed = f" that can be read ({listing.closed[0].id}: {listing.closed[0].reason})" if listing.closed else ""
        return f"{folder} holds no files{closed}. {_what_is_known()}"
    endings = Counter(suffix(name) or "no suffix" for name in listing.names).most_common(5)
    seen = ", ".join(f"{count:,} with {ending}" for ending, count in endings)
    return f"{folder} holds {len(listing.names):,} files, but none of a known kind ({seen}). {_what_is_known()}"


def _must_exist(path: str | os.PathLike) -> None:
    if os.path.lexists(path):
        return
    text = os.fspath(path)
    if "://" in text:
        raise FileNotFoundError(f"{text!r} is an address, not a path: nothing is ever downloaded. Fetch it first.")
    parent, name = os.path.split(os.path.abspath(text))
    try:
        alike = difflib.get_close_matches(name, os.listdir(parent), n=1)
    except OSError:
        alike = []
    hint = f" Did you mean {os.path.join(os.path.dirname(text), alike[0])!r}?" if alike else ""
    raise FileNotFoundError(f"there is no file or folder {text!r}.{hint}")


def _not_empty(gathered: Gathered) -> Gathered:
    if len(gathered) == 0 and not gathered.skipped:
        raise ValueError(f"{gathered.origin} holds no items. Pass a source with at least one.")
    return gathered


def name_of(source: Any) -> str:
    """A source in words for an error: "an array of shape (12, 4)", "'notes.txt'", "a list of 3 str"."""
    if isinstance(source, str | os.PathLike):
        return repr(os.fspath(source))
    if hasattr(source, "shape"):
        return f"{type(source).__name__} of shape {tuple(source.shape)}"
    if isinstance(source, list | tuple):
        kinds = sorted({type(item).__name__ for item in source})
        return f"a list of {len(source):,} {' and '.join(kinds)}" if kinds else "an empty list"
    return f"a {type(source).__name__}"


def _what_is_known() -> str:
    return (
        "Known are images (a folder, .png .jpg .webp .bmp .gif .tif files, PIL images), audio (a folder, .wav .flac "
        ".ogg .mp3 .aiff files, (samples, rate) pairs), texts (a folder, .txt .md files, strings), tables (.csv .tsv "
        ".parquet .jsonl, pandas and polars frames, lists of dicts) and arrays (.npy .npz and IDX files, numpy, torch, "
        "scipy)."
    )
