"""A compressed table beside Parquet and compressed CSV, on all of its rows."""

import io
import lzma
from typing import TYPE_CHECKING, Any

import numpy as np

from ..items.protocol import Gathered
from ..reports import Section, Table
from .frame_columns import holes, whole
from .frames import Frames
from .measuring import Told

if TYPE_CHECKING:
    from . import Asked, Written

_ROWS = 200_000  # that others are measured on, at most


def told(gathered: Gathered, asked: "Asked", written: "Written") -> Told:
    """Bytes of the container, what it embeds counted, and of other formats that hold the same table."""
    n = len(gathered)
    part = gathered if n <= _ROWS else gathered.select(list(range(_ROWS)))
    share = written.bytes * len(part) / max(1, n)
    others = rivals(_frame(part, asked.max_error))
    best = min(others, key=lambda name: others[name])
    ours, theirs = share / max(1, len(part)), others[best] / max(1, len(part))
    kept = "within the errors that were allowed" if asked.max_error is not None else "exactly"
    if ours <= theirs:
        verdict = [
            f"A row takes {ours:.2f} bytes {kept}, {ours / theirs:.2f} of the {theirs:.2f} of {best}, the best other."
        ]
    else:
        verdict = [f"{best} is smaller: {theirs:.2f} bytes a row {kept}, where this takes {ours:.2f}. Take {best}."]
        if asked.random_access:
            verdict.append("Each row was given a string of its own; with --solid all share one, which is smaller.")
    rows = [[f"latentspace ({written.coder})", share, 1.0]]
    rows += [[name, size, share / size] for name, size in sorted(others.items(), key=lambda pair: pair[1])]
    rounded = (
        " Other formats hold the numbers as whole multiples of the allowed step." if asked.max_error is not None else ""
    )
    table = Table(
        ["format", "bytes", "latentspace's share of it"], rows,
        f"Bytes of the whole table; fewer is better.{rounded} Below 1, latentspace is smaller. What it learned is "
        "counted where the container holds it.", [0],
    )  # fmt: skip
    facts = {
        "bytes": share,
        "rivals": others,
        "best_rival": best,
        "model_bytes": written.model_bytes,
        "rows": len(part),
    }
    return Told(verdict, [Section("The table beside other formats", f"{len(part):,} rows.", [table])], facts)


def _frame(gathered: Gathered, max_error: Any) -> Any:
    """The rows as a pandas frame of the narrowest types; of columns with an error, multiples of their steps."""
    import pandas as pd

    form = Frames(None)
    form.bound(max_error)
    form.look(gathered)
    rows = form.rows(gathered)
    columns = {}
    for one in form.columns:
        name = str(one.label)
        cells = rows.cells(name)
        if one.how == "step":
            values = pd.Series(whole(one, name, cells)).mask(holes(cells))
        else:
            values = pd.Series(cells.values())
        if values.dtype.kind in "iu" and len(values):
            values = values.astype(np.promote_types(np.min_scalar_type(values.min()), np.min_scalar_type(values.max())))
        columns[name] = values
    return pd.DataFrame(columns)


def rivals(frame: Any) -> dict[str, int]:
    """Bytes of a frame in the formats that hold tables, each at its strongest; and as bytes in one stream."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    csv = frame.to_csv(index=False).encode("utf-8", "surrogatepass")
    found = {
        "CSV, xz -9e": len(lzma.compress(csv, preset=9 | lzma.PRESET_EXTREME)),
        "CSV, zstd -22": len(pa.Codec("zstd", compression_level=22).compress(csv)),
        "CSV, Brotli 11": len(pa.Codec("brotli", compression_level=11).compress(csv)),
    }
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return found
    for name, codec, level in (("Parquet, zstd -22", "zstd", 22), ("Parquet, Brotli 11", "brotli", 11)):
        file = io.BytesIO()
        pq.write_table(table, file, compression=codec, compression_level=level)
        found[name] = file.tell()
    if all(dtype.kind in "iufb" for dtype in frame.dtypes if isinstance(dtype, np.dtype)) and all(
        isinstance(dtype, np.dtype) for dtype in frame.dtypes
    ):
        columns = b"".join(np.ascontiguousarray(frame[name].to_numpy()).tobytes() for name in frame)
        found["columns of bytes, xz -9e"] = len(lzma.compress(columns, preset=9 | lzma.PRESET_EXTREME))
        rows = np.ascontiguousarray(frame.to_numpy(np.result_type(*frame.dtypes))).tobytes()
        found["rows of bytes, xz -9e"] = len(lzma.compress(rows, preset=9 | lzma.PRESET_EXTREME))
    return found
