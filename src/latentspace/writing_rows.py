"""Items as rows of a table, for .csv, .parquet and .jsonl: texts, table rows, users' interactions and vectors."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse

from .features import dense
from .items.words import Words
from .optional import require

ENDINGS = (".csv", ".parquet", ".jsonl")


def as_frame(kind: str, items: Any, names: Sequence[str] | None, purpose: str) -> Any | None:
    """Items as a frame with a row for each, or of interactions for each pair of user and item; None where they are
    pictures or sounds.

    Parameters
    ----------
    kind : str
        The kind of items.
    items
        As `decode` or `sample` give them.
    names : sequence of str or None
        Their ids, for a column `id`; table rows and vectors have their own columns and no others.
    purpose : str
        What a package is needed for, in the error where it is missing.
    """
    if hasattr(items, "columns"):
        return items
    pd = require("pandas", "tables", purpose)
    if isinstance(items, np.ndarray) or issparse(items):
        rows = dense(items)
        return pd.DataFrame(rows.reshape(len(rows), -1))
    if kind == "interactions":
        return _triplets(pd, items, names)
    if kind in ("texts", "strings"):
        columns: dict[str, list] = {} if names is None else {"id": list(names)}
        if any(isinstance(item, Words) for item in items):  # no texts, but what they would be about
            columns["words"] = [json.dumps(dict(item), ensure_ascii=False) for item in items]
            columns["witness"] = [item.witness for item in items]
        else:
            columns["text"] = list(items)
        return pd.DataFrame(columns)
    return None


def _triplets(pd: Any, items: Sequence[Any], names: Sequence[str] | None) -> Any:
    users = [str(row) for row in range(len(items))] if names is None else list(names)
    rated = [history if isinstance(history, dict) else dict.fromkeys(history, 1) for history in items]
    pairs = [(user, item, value) for user, held in zip(users, rated, strict=True) for item, value in held.items()]
    return pd.DataFrame(pairs, columns=["user", "item", "value"])


def write_frame(frame: Any, path: Path | None, ending: str) -> None:
    """Writes a pandas or polars frame; to stdout as CSV where there is no path."""
    is_polars = hasattr(frame, "write_csv")
    if path is None:
        print(frame.write_csv() if is_polars else frame.to_csv(index=False), end="")
    elif ending == ".csv":
        frame.write_csv(path) if is_polars else frame.to_csv(path, index=False)
    elif ending == ".parquet":
        frame.write_parquet(path) if is_polars else frame.to_parquet(path)
    elif is_polars:
        frame.write_ndjson(path)
    else:
        frame.to_json(path, orient="records", lines=True, date_format="iso", double_precision=15, force_ascii=False)
