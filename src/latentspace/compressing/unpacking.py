"""Items out of a container to files: pictures, sounds or texts into a folder, a table or an array whole."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UnsupportedError
from ..progress import Progress
from ..writing_rows import ENDINGS, as_frame, write_frame

if TYPE_CHECKING:
    from .opening import Opened

_OURS = re.compile(
    r"\.(png|jpe?g|jpe|jfif|webp|bmp|dib|gif|tiff?|p[gpbn]m|wave?|flac|og[ga]|opus|mp3|aif[fc]?|txt|md)$", re.IGNORECASE
)
_UNSAFE = re.compile(r'[\\:*?"<>|\x00-\x1f\x7f]')
_RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))}


def unpack(it: "Opened", out: Path, only: Sequence[str] | None = None, overwrite: bool = False) -> int:
    """Writes the items of an opened container; returns how many.

    Parameters
    ----------
    it : Opened
    out : path
        A folder for pictures, sounds and texts, which keep their names and their folders; .csv, .parquet or .jsonl for
        rows; .npy for arrays.
    only : sequence of str, optional
        Names of the items that are wanted.
    overwrite : bool, default=False
        Replace files that are there.

    Raises
    ------
    FileExistsError, UnsupportedError
        If a file is there already; if items of this kind cannot be written so.
    ValueError
        If there is no item of a name in `only`.
    """
    kind = str(it.reader.header.get("kind"))
    if kind in ("images", "audio", "texts", "strings") and out.suffix.lower() not in (*ENDINGS, ".npy"):
        return _to_folder(it, out, only, overwrite, kind)
    return _whole(it, out, only, overwrite, kind)


def _to_folder(it: "Opened", out: Path, only: Sequence[str] | None, overwrite: bool, kind: str) -> int:
    ending = {"images": ".png", "audio": ".wav"}.get(kind, ".txt")
    written = 0
    taken: set[Path] = set()
    found: set[str] = set()
    with Progress("Decompressing") as progress:
        for names, arrays, metadata in it.blocks(only):
            items = it.form.back(arrays, metadata)
            for name, item in zip(names, items, strict=True):
                target = _free(out / safe_path(name, ending), taken)
                if target.exists() and not overwrite:
                    raise FileExistsError(f"{target} is there already. Choose another folder, or replace with --force.")
                target.parent.mkdir(parents=True, exist_ok=True)
                _write(kind, item, target)
            written += len(names)
            found.update(names)
            progress.advance(len(names))
    _all_found(only, found, it)
    return written


def _whole(it: "Opened", out: Path, only: Sequence[str] | None, overwrite: bool, kind: str) -> int:
    if out.exists() and not overwrite and str(out) != "-":
        raise FileExistsError(f"{out} is there already. Choose another path, or replace it with --force.")
    ending = out.suffix.lower()
    rows = str(out) == "-" or ending in ENDINGS
    if not rows and ending != ".npy":
        how = f"to {ending!r}" if ending else "to a folder"
        raise UnsupportedError(
            f"{out}: {kind} cannot be written {how}; end the path in .csv, .parquet, .jsonl or .npy."
        )
    names, arrays, metadata = it.everything(only)
    _all_found(only, set(names), it)
    items = it.form.back(arrays, metadata)
    if ending == ".npy":
        values = np.asarray(items)
        if values.dtype.kind not in "buif":
            raise UnsupportedError(f"{out}: {kind} are no array of numbers; end the path in .csv, .parquet or .jsonl.")
        np.save(out, values, allow_pickle=False)
        return len(names)
    frame = as_frame(kind, items, names, f"writing {ending or 'rows'}")
    if frame is None:
        raise UnsupportedError(f"{out}: {kind} are written to a folder (a path without an ending).")
    write_frame(frame, None if str(out) == "-" else out, ending)
    return len(names)


def _all_found(only: Sequence[str] | None, found: set[str], it: "Opened") -> None:
    from .opening import refuse_unknown

    if only is not None:
        refuse_unknown(only, found, it)


def _write(kind: str, item: Any, target: Path) -> None:
    if kind == "images":
        item.save(target)
    elif kind == "audio":
        from ..items.own_samples import write

        write(target, *item)
    else:
        target.write_text(str(item), encoding="utf-8", newline="")


def safe_path(name: str, ending: str) -> Path:
    """A path that stays within its folder, whatever a container's name says, with another ending.

    >>> str(safe_path("cats/tom.jpg", ".png")), str(safe_path("../../etc/passwd", ".png"))
    ('cats/tom.png', '__/__/etc/passwd.png')
    """
    parts = [part for part in PurePosixPath(name.replace("\\", "/").lstrip("/")).parts if part not in ("", "/")]
    clean = []
    for part in parts:
        part = _UNSAFE.sub("_", part.encode("utf-8", "replace").decode())
        part = "_" * len(part) if not part.strip(". ") else part
        clean.append("_" + part if part.split(".")[0].lower() in _RESERVED else part)
    stem = _OURS.sub("", clean[-1])[:200] if clean else "_"
    return Path(*(part[:200] for part in clean[:-1]), (stem or "_") + ending)


def _free(path: Path, taken: set[Path]) -> Path:
    """The path, or one with a number where two names of the container come to the same."""
    chosen, number = path, 2
    while chosen in taken:
        chosen, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    taken.add(chosen)
    return chosen
