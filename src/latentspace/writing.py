"""Items and latents as files, and latents from files: what the ending of a path asks for."""

import csv
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse, save_npz

from . import looking
from .errors import UnsupportedError
from .features import dense
from .items.folders import distinct
from .items.sound_files import write_wav
from .items.words import Words
from .optional import require
from .writing_rows import ENDINGS, as_frame, write_frame

if TYPE_CHECKING:
    from .space import LatentSpace

_PICTURED = ("images", "audio", "array", "pairs")
ANIMATED = (".gif", ".apng", ".webp")
_TEXTS, _STREAM = ("texts", "strings"), "-"
_WRITTEN_AS = {  # what items of a kind can be written as, besides what is for all
    "images": ".png (a sheet), .gif, .apng or .webp (they move), .npy, or no ending for a folder of files",
    "audio": ".wav, .png (a sheet), .gif (it moves), .npy, or no ending for a folder of files",
    "texts": ".txt (a line a text), .csv, .parquet, .jsonl, or no ending for a folder of files",
    "strings": ".txt (a line a string), .csv, .parquet, .jsonl, .npy, or no ending for a folder of files",
    "table": ".csv, .parquet, .jsonl or .npy",
    "interactions": ".csv, .parquet, .jsonl or .npy",
    "array": ".npy, .npz, .csv, .parquet or .jsonl; pictures as .png (a sheet) or a folder too",
    "pairs": ".npy; where both sides are pictures, .png (a sheet) or a folder",
}


def write_items(
    space: "LatentSpace",
    items: Any,
    path: str | Path,
    *,
    names: Sequence[str] | None = None,
    overwrite: bool = False,
    columns: int | None = None,
) -> Path:
    """Writes items in their own form to where, and as what, the path's ending says.

    Read again by `fit` or `encode`, they are the items that they were: rows with their columns, texts, pictures,
    sounds; except that a line break within a text is a space in .txt, and CSV knows numbers and words alone.

    Parameters
    ----------
    space : LatentSpace
        The space that the items are of.
    items
        Items as `decode` or `sample` give them.
    path : path
        `.png`: one sheet of pictures; `.gif`, `.apng`, `.webp`: pictures one after the other, and back; `.wav`: sounds
        one after the other; `.txt`: a line a text; `.csv`, `.parquet`, `.jsonl`: rows, of interactions one for each
        user and item; `.npy`, `.npz`: arrays, of other kinds their features; no ending: a folder with one file an item;
        "-": texts as lines and rows as CSV, to stdout.
    names : sequence of str, optional
        One name an item: labels on a sheet, file names in a folder, the column `id` of texts, `user` of interactions.
    overwrite : bool, default=False
        Replace a file that is there.
    columns : int, optional
        Pictures in one row of a sheet.

    Raises
    ------
    FileExistsError, UnsupportedError
        If the file is there already; if items of this kind cannot be written so; the message says how they can.
    """
    path, kind = Path(path), space.modality.kind
    if str(path) != _STREAM and path.is_file() and not overwrite:
        raise FileExistsError(f"{path} is there already. Choose another path, or pass overwrite=True.")
    ending = path.suffix.lower()
    if str(path) == _STREAM and kind in _TEXTS:
        print("\n".join(_lines(items)))
    elif str(path) == _STREAM or ending in ENDINGS:
        frame = as_frame(kind, items, names, f"writing {ending or 'rows'}")
        if frame is None:
            raise _refused(kind, path)
        write_frame(frame, None if str(path) == _STREAM else path, ending)
    elif ending == ".png" and kind in _PICTURED:
        from .generate.sheet import sheet

        sheet(looking.pictures(space, items), columns=columns, labels=names).save(path)
    elif ending in ANIMATED and kind in _PICTURED:
        from .generate.animation import animate

        animate(looking.pictures(space, items), path)
    elif ending == ".wav" and kind == "audio":
        _write_sound(space, items, path)
    elif ending == ".txt" and kind in _TEXTS:
        path.write_text("".join(f"{line}\n" for line in _lines(items)), encoding="utf-8")
    elif ending == ".npy":
        if any(isinstance(item, Words) for item in items):  # what a text would be about: its features are not known
            raise _refused(kind, path)
        np.save(path, _as_array(space, items), allow_pickle=False)
    elif ending == ".npz" and kind == "array":
        save_npz(path, items) if issparse(items) else np.savez(path, x=items)
    elif (ending == "" or path.is_dir()) and kind in (*_PICTURED, *_TEXTS):
        _write_folder(space, items, path, names, overwrite)
    else:
        raise _refused(kind, path)
    return path


def _refused(kind: str, path: Path) -> UnsupportedError:
    if path.suffix.lower() in (".webm", ".mp4"):
        return UnsupportedError(
            f"{path}: films are written as .gif, .apng or .webp; no encoder of {path.suffix} is used."
        )
    how = path.suffix or ("lines on stdout" if str(path) == _STREAM else "a folder of files")
    return UnsupportedError(f"{path}: {kind} cannot be written as {how}. They are written as {_WRITTEN_AS[kind]}.")


def _lines(items: Any) -> list[str]:
    return [" ".join(str(item).splitlines()) for item in items]


def _as_array(space: "LatentSpace", items: Any) -> np.ndarray:
    if isinstance(items, np.ndarray) or issparse(items):
        return dense(items)
    return dense(space.features(items, on_error="raise"))


def _write_folder(space: "LatentSpace", items: Any, path: Path, names: Sequence[str] | None, overwrite: bool) -> None:
    kind = space.modality.kind
    files = items if kind in ("audio", *_TEXTS) else looking.pictures(space, items)
    ending = ".wav" if kind == "audio" else ".txt" if kind in _TEXTS else ".png"
    path.mkdir(parents=True, exist_ok=True)
    names = names if names is not None else [f"{number:05d}" for number in range(len(files))]
    targets = [path / f"{name}{ending}" for name in distinct([_safe(name) for name in names])]
    taken = [target for target in targets if target.exists()]
    if taken and not overwrite:
        raise FileExistsError(f"{taken[0]} is there already. Choose another folder, or pass overwrite=True.")
    for file, target in zip(files, targets, strict=True):
        if kind == "audio":
            write_wav(target, *file)
        elif kind in _TEXTS:
            target.write_text(str(file), encoding="utf-8", newline="")
        else:
            file.save(target)


def _write_sound(space: "LatentSpace", items: Any, path: Path) -> None:
    if space.modality.kind != "audio" or not len(items):
        raise UnsupportedError(f"{len(items)} {space.modality.kind} cannot be written as .wav; it takes sounds.")
    rate = items[0][1]
    pause = np.zeros(rate // 5, np.float32)  # a fifth of a second, so that one is told from the next
    write_wav(path, np.concatenate([part for samples, _ in items for part in (samples, pause)][:-1]), rate)


def _safe(name: str) -> str:
    """A name that stays inside its folder: an id may hold slashes, dots or anything a file system refuses."""
    stem = re.sub(r"\.(png|jpe?g|webp|bmp|gif|tiff?|wav|flac|ogg|mp3|txt|md)$", "", str(name), flags=re.IGNORECASE)
    return re.sub(r'[/\\:*?"<>|\x00-\x1f]', "_", stem).lstrip(".")[:200] or "_"


def write_latents(ids: Sequence[str], z: np.ndarray, path: Path | None) -> None:
    """Writes latents with their ids: .csv or stdout (None or "-"), .parquet, .npz (ids and latents), .npy (no ids)."""
    header = ["id", *(f"z{i}" for i in range(z.shape[1]))]
    if path is None or str(path) == "-":
        _rows_to(sys.stdout, header, ids, z)
    elif path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as stream:
            _rows_to(stream, header, ids, z)
    elif path.suffix == ".npy":
        np.save(path, z, allow_pickle=False)
    elif path.suffix == ".npz":
        np.savez(path, ids=np.array(ids, dtype=str), latents=z)
    elif path.suffix == ".parquet":
        pd = require("pandas", "tables", "writing .parquet")
        frame = pd.DataFrame(z, columns=header[1:])
        frame.insert(0, "id", list(ids))
        frame.to_parquet(path)
    else:
        raise UnsupportedError(f"{path}: latents are written as .npy, .npz, .csv or .parquet, not {path.suffix!r}.")


def _rows_to(stream: Any, header: list[str], ids: Sequence[str], z: np.ndarray) -> None:
    rows = csv.writer(stream)
    rows.writerow(header)
    for id_, row in zip(ids, z, strict=True):
        rows.writerow([id_, *(np.format_float_positional(v, trim="0") for v in row)])  # shortest that reads back equal


def read_latents(path: Path) -> tuple[list[str] | None, np.ndarray]:
    """Reads latents as `write_latents` wrote them: (ids or None, float32 (n, dims)); "-" is CSV on stdin."""
    if str(path) != "-" and not path.exists():
        raise FileNotFoundError(f"{path} is not there. Write latents first: latentspace encode SPACE SOURCE -o z.csv")
    if path.suffix == ".npy":
        return None, np.atleast_2d(np.load(path, allow_pickle=False)).astype(np.float32)
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as held:
            if "latents" not in held:
                raise ValueError(f"{path} has no array 'latents'; it has: {', '.join(held) or 'none'}.")
            return [str(i) for i in held["ids"]] if "ids" in held else None, held["latents"].astype(np.float32)
    if path.suffix == ".parquet":
        frame = require("pandas", "tables", "reading .parquet").read_parquet(path)
        ids = [str(i) for i in frame.pop("id")] if "id" in frame else None
        return ids, frame.to_numpy(dtype=np.float32)
    return _read_csv(path)


def _read_csv(path: Path) -> tuple[list[str] | None, np.ndarray]:
    if str(path) == "-":
        rows = list(csv.reader(sys.stdin))
    else:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.reader(stream))
    if not rows:
        raise ValueError(f"{path} is empty. Latents have a header (id, z0, z1, ...) and one row an item.")
    header, body = rows[0], rows[1:]
    start = 1 if header[:1] == ["id"] else 0
    try:
        z = np.array([[float(cell) for cell in row[start:]] for row in body], dtype=np.float32)
    except ValueError as error:
        raise ValueError(f"{path} does not hold latents ({error}). Write them with: latentspace encode") from None
    return [row[0] for row in body] if start else None, z.reshape(len(body), len(header) - start)
