"""Items and latents as files, and latents from files: what the ending of a path asks for."""

import csv
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import looking
from .errors import UnsupportedError
from .items.sound_files import write_wav
from .optional import require

if TYPE_CHECKING:
    from .space import LatentSpace

_TABLES = (".csv", ".parquet")


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

    Parameters
    ----------
    space : LatentSpace
        The space that the items are of.
    items
        Items as `decode` or `sample` give them.
    path : path
        `.png`: one sheet of pictures; `.wav`: sounds one after the other; `.txt`: a line a text; `.csv`, `.parquet`:
        table rows; `.npy`: an array; no ending: a folder with one file an item.
    names : sequence of str, optional
        One name an item: labels on a sheet, file names in a folder.
    overwrite : bool, default=False
        Replace a file that is there.
    columns : int, optional
        Pictures in one row of a sheet.

    Raises
    ------
    FileExistsError, UnsupportedError
        If the file is there already; if items of this kind cannot be written so.
    """
    path = Path(path)
    if path.is_file() and not overwrite:
        raise FileExistsError(f"{path} is there already. Choose another path, or pass overwrite=True.")
    if path.suffix == ".png":
        from .generate.sheet import sheet

        sheet(looking.pictures(space, items), columns=columns, labels=names).save(path)
    elif path.suffix == ".wav":
        _write_sound(space, items, path)
    elif path.suffix == ".txt":
        path.write_text("\n".join(_lines(space, items)) + "\n", encoding="utf-8")
    elif path.suffix in _TABLES:
        _write_rows(items, path)
    elif path.suffix == ".npy":
        np.save(path, _as_array(space, items), allow_pickle=False)
    elif path.suffix == "" or path.is_dir():
        _write_folder(space, items, path, names, overwrite)
    else:
        raise UnsupportedError(
            f"{path}: the ending {path.suffix!r} is not known. Known: .png (a sheet), .wav, .txt, .csv, .parquet, "
            ".npy, or none for a folder of files."
        )
    return path


def _lines(space: "LatentSpace", items: Any) -> list[str]:
    if space.modality.kind not in ("texts", "strings"):
        raise UnsupportedError(f"{space.modality.kind} cannot be written as .txt; it takes texts and strings.")
    return [" ".join(str(item).splitlines()) for item in items]


def _write_rows(items: Any, path: Path) -> None:
    if isinstance(items, np.ndarray):
        pd = require("pandas", "tables", f"writing {path.suffix}")
        items = pd.DataFrame(items.reshape(len(items), -1))
    if hasattr(items, "to_csv"):
        items.to_csv(path, index=False) if path.suffix == ".csv" else items.to_parquet(path)
    elif hasattr(items, "write_csv"):
        items.write_csv(path) if path.suffix == ".csv" else items.write_parquet(path)
    else:
        raise UnsupportedError(f"pictures cannot be written as {path.suffix}; use .png, .npy, or a folder.")


def _as_array(space: "LatentSpace", items: Any) -> np.ndarray:
    if isinstance(items, np.ndarray):
        return items
    return space.features(items, on_error="raise")


def _write_folder(space: "LatentSpace", items: Any, path: Path, names: Sequence[str] | None, overwrite: bool) -> None:
    sounds = space.modality.kind == "audio"
    files = items if sounds else looking.pictures(space, items)
    path.mkdir(parents=True, exist_ok=True)
    names = names if names is not None else [f"{number:05d}" for number in range(len(files))]
    targets = [path / f"{_safe(name)}{'.wav' if sounds else '.png'}" for name in names]
    taken = [target for target in targets if target.exists()]
    if taken and not overwrite:
        raise FileExistsError(f"{taken[0]} is there already. Choose another folder, or pass overwrite=True.")
    for file, target in zip(files, targets, strict=True):
        if sounds:
            write_wav(target, *file)
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
    stem = re.sub(r"\.(png|jpe?g|webp|bmp|gif|tiff?|wav|flac|ogg|mp3)$", "", str(name), flags=re.IGNORECASE)
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
