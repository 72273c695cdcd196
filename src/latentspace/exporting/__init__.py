"""A space for other engines: vector stores, files, page formats, and its model as ONNX. One function, one name each."""

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..verbs.state import State

# name -> (module, function, what it writes, options)
KINDS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "parquet": ("files", "to_parquet", "one .parquet file: id, metadata, z", ()),
    "numpy": ("files", "to_numpy", "one .npz file: ids, latents, metadata", ()),
    "faiss": ("files", "to_faiss", "a FAISS index, and ids beside it", ("metric",)),
    "onnx": ("onnx_models", "to_onnx", "a folder: encoder.onnx, decoder.onnx, checked in onnxruntime", ()),
    "pgvector": ("servers", "to_pgvector", "a table of PostgreSQL with pgvector", ("table", "index", "metric")),
    "qdrant": ("servers", "to_qdrant", "a collection of Qdrant, in a folder or on a server", ("table", "metric")),
    "lancedb": ("servers", "to_lancedb", "a table of LanceDB", ("table",)),
    "projector": ("pages", "to_projector", "a folder for TensorBoard's projector", ()),
    "embedding-atlas": ("pages", "to_atlas", "one .parquet file for Embedding Atlas, with a map", ("map",)),
}


def export(space: "State", to: str, where: str | Path, overwrite: bool = False, **options: Any) -> str:
    """Writes a space for another engine; see `LatentSpace.export`."""
    if to not in KINDS:
        raise ValueError(f"export to {to!r} is not known. Known: {', '.join(KINDS)}.")
    module, name, _, known = KINDS[to]
    for option in options:
        if option not in known:
            raise TypeError(
                f"export to {to!r} got an unknown option {option!r}; it takes {', '.join(known) or 'none'}."
            )
    write: Callable[..., Any] = getattr(importlib.import_module(f".{module}", __name__), name)
    if module == "servers":
        return str(write(space, str(where), overwrite=overwrite, **options))
    return str(_written(space, Path(where), write, overwrite, options))


def _written(space: "State", path: Path, write: Callable[..., Any], overwrite: bool, options: dict[str, Any]) -> Path:
    """Writes beside the place, and moves there what is whole: a failure leaves what was there."""
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} is there already. Choose another path, or pass overwrite=True.")
    if not path.parent.exists():
        raise FileNotFoundError(f"the folder {path.parent} of {path} is not there. Make it first.")
    beside = path.with_name(f".{path.name}.part")
    _remove(beside)
    try:
        more = write(space, beside, **options) or {}
        _remove(path)
        beside.rename(path)
        for ending, part in more.items():  # what stands beside a file
            part.replace(path.with_name(path.name + ending))
    except BaseException:
        _remove(beside)
        raise
    return path


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
