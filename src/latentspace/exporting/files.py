"""Files: Parquet, NumPy, FAISS."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..optional import require
from .columns import arrow_table, check_metric, columns_of, for_metric

if TYPE_CHECKING:
    from ..verbs.state import State


def to_parquet(space: "State", path: Path) -> None:
    """Writes id, metadata and z, a list of dims float32."""
    require("pyarrow", "tables", "export to Parquet")
    from pyarrow import parquet

    parquet.write_table(arrow_table(space), path, row_group_size=65_536, compression="zstd")


def to_numpy(space: "State", path: Path) -> None:
    """Writes an .npz that `numpy.load` opens without pickle.

    `ids` and `latents`; each metadata column as `metadata/NAME`, and where values are missing, `missing/NAME`.
    """
    arrays: dict[str, np.ndarray] = {
        "ids": np.array(list(space.ids), dtype=np.str_),
        "latents": np.ascontiguousarray(space.latents, dtype=np.float32),
    }
    empty = {bool: False, int: 0, float: np.nan, str: ""}
    for column in columns_of(space):
        values = [empty[column.kind] if value is None else value for value in column.values]
        arrays[f"metadata/{column.name}"] = np.array(values, dtype=np.str_ if column.kind is str else column.kind)
        missing = np.array([value is None for value in column.values])
        if missing.any():
            arrays[f"missing/{column.name}"] = missing
    with path.open("wb") as file:  # a path without its ending would be given one
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def to_faiss(space: "State", path: Path, metric: str = "cosine") -> dict[str, Path]:
    """Writes an exact FAISS index, whose n-th vector is the n-th of `PATH.ids.json`.

    FAISS has no cosine: latents of length 1 stand for it, and queries need length 1 too.
    """
    import faiss

    z = np.ascontiguousarray(for_metric(np.asarray(space.latents, np.float32), check_metric(metric)))
    index: Any = faiss.IndexFlatL2(z.shape[1]) if metric == "euclidean" else faiss.IndexFlatIP(z.shape[1])
    index.add(z)
    faiss.write_index(index, str(path))
    names = path.with_name(path.name + ".names")
    names.write_text(json.dumps({"metric": metric, "ids": list(space.ids)}, ensure_ascii=False), encoding="utf-8")
    return {".ids.json": names}
