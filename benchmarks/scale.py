"""What is larger than memory: 20 GB through PCA beside bare products; networks from blocks; Ray beside none.

    python -m benchmarks.scale [--folder DIR] [--rows N] [--only pca,network,ray] [--keep]

Makes its own rows (5,000,000 x 1,024 float32 take 20 GB of disk) and deletes them at the end.
"""

import argparse
import os
import resource
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from .harness import alternate, machine, publish, run, table

FEATURES, DIMS = 1024, 64
_RANK = 32


# ---------------------------------------------------------------------- jobs, each in a process of its own
def make(path: str, rows: int, features: int) -> dict[str, Any]:
    """Writes rows of 32 directions and noise."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((65_536, features), dtype=np.float32)
    basis = rng.standard_normal((_RANK, features), dtype=np.float32)
    out = np.lib.format.open_memmap(path, "w+", np.float32, (rows, features))
    out.flush()
    del out
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) - 4 * rows * features)
        for start in range(0, rows, 32_768):
            m = min(32_768, rows - start)
            block = rng.standard_normal((m, _RANK), dtype=np.float32) @ basis
            place = int(rng.integers(0, len(noise) - m + 1))
            block += noise[place : place + m]
            file.write(block.data)
    return {}


def read_once(path: str) -> dict[str, Any]:
    """Reads all rows once, with the reads that a fit uses."""
    import latentspace as ls

    rows = ls.blocks(path)
    _cold(path)

    def work() -> None:
        for start in range(0, len(rows), 1536):
            rows[start : start + 1536]

    return _measured(work)


def products(rows: int, features: int, dims: int) -> dict[str, Any]:
    """The bare products of a fit and an encoding on rows that lie in memory: x.T @ x, and x @ axes."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1536, features), dtype=np.float32)
    axes = rng.standard_normal((features, dims), dtype=np.float32)
    square, z = np.empty((features, features), np.float32), np.empty((len(x), dims), np.float32)

    def work() -> None:
        for _ in range(0, rows, len(x)):
            np.matmul(x.T, x, out=square)
            np.matmul(x, axes, out=z)

    return _measured(work)


def pca(path: str, work: str, dims: int, engine: str | None = None) -> dict[str, Any]:
    """Fits and encodes."""
    import latentspace as ls

    shutil.rmtree(work, ignore_errors=True)
    _cold(path)
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - or other work goes before its workers
    return _measured(lambda: ls.fit_blocks(path, work, dims=dims, engine=engine))


def network(path: str, work: str, how: str, epochs: int, torch_threads: int) -> dict[str, Any]:
    """Trains an autoencoder on rows in memory, from blocks on disk, or by Ray's workers."""
    import latentspace as ls
    from latentspace.models import make as model_of

    options: dict[str, Any] = {"dims": 16, "epochs": epochs, "hidden": [512, 128], "patience": 1000, "random_state": 0}
    shutil.rmtree(work, ignore_errors=True)
    if how == "ray":
        import ray

        os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - or other work goes before its workers
        ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
        figures = _measured(lambda: ls.fit_blocks(path, work, "autoencoder", engine="ray", workers=2, **options))
        ray.shutdown()
        return figures
    model = model_of("autoencoder", threads=torch_threads, **options)
    if how == "memory":
        x = np.load(path)
        figures = _measured(lambda: model.fit(x))
    else:
        rows = ls.blocks(path)
        figures = _measured(lambda: model.fit_from(rows))
    figures["loss"] = model.history_[-1]["validation_loss"]
    return figures


def _cold(path: str) -> None:
    """Asks the system to forget what it has of a file."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _measured(work: Any) -> dict[str, Any]:
    before, began = _processor(), time.perf_counter()
    work()
    return {
        "seconds": time.perf_counter() - began,
        "core_seconds": _processor() - before,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _processor() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


# ---------------------------------------------------------------------- tables
def _table_of_pca(folder: Path, rows: int) -> str:
    path, work = str(folder / "rows.npy"), str(folder / "job")
    run("benchmarks.scale:make", path=path, rows=rows, features=FEATURES)
    found = {
        "read once, cold": run("benchmarks.scale:read_once", path=path),
        "bare products": run("benchmarks.scale:products", rows=rows, features=FEATURES, dims=DIMS),
        "fit_blocks: fit and encode": run("benchmarks.scale:pca", path=path, work=work, dims=DIMS),
    }
    bare = {key: found["read once, cold"][key] + found["bare products"][key] for key in ("seconds", "core_seconds")}
    ours = found["fit_blocks: fit and encode"]
    lines = [{"what": name, **figures} for name, figures in found.items()]
    for line in lines:
        line["seconds / bare"] = line["seconds"] / bare["seconds"]
        line["core seconds / bare"] = line["core_seconds"] / bare["core_seconds"]
    text = table(lines, ["what", "seconds", "core_seconds", "peak_mb", "seconds / bare", "core seconds / bare"])
    return (
        f"PCA to {DIMS} dimensions of {rows:,} x {FEATURES:,} float32 on disk, {4 * rows * FEATURES / 1e9:.3g} GB: one "
        "pass to fit, one to encode. Reading once and the bare products (x.T @ x, x @ axes, of rows in memory) are "
        f"what it cannot do without: ours takes {ours['seconds'] / bare['seconds']:.2f} of them by the clock, "
        f"{ours['core_seconds'] / bare['core_seconds']:.2f} in processor time, which other work touches less.\n\n{text}"
    )


def _table_of_networks(folder: Path, rows: int, epochs: int) -> str:
    path = str(folder / "vectors.npy")
    run("benchmarks.scale:make", path=path, rows=rows, features=256)

    def job(how: str) -> Any:
        return lambda: run(
            "benchmarks.scale:network", path=path, work=str(folder / "job"), how=how, epochs=epochs, torch_threads=1
        )

    found = alternate({how: job(how) for how in ("memory", "blocks")}, runs=3)
    lines = [
        {"rows": how, **figures, "of memory's": figures["core_seconds"] / found["memory"]["core_seconds"]}
        for how, figures in found.items()
    ]
    return f"An autoencoder on {rows:,} x 256, {epochs} epochs, one thread, medians of three runs in turn.\n\n" + table(
        lines, ["rows", "seconds", "core_seconds", "peak_mb", "loss", "of memory's"]
    )


def _table_of_ray(folder: Path, rows: int, epochs: int) -> str:
    path, work = str(folder / "part.npy"), str(folder / "job")
    run("benchmarks.scale:make", path=path, rows=rows, features=FEATURES)
    lines = []
    for engine in (None, "ray"):
        figures = run("benchmarks.scale:pca", path=path, work=work, dims=DIMS, engine=engine)
        lines.append(
            {"job": f"PCA, {rows:,} x {FEATURES:,}", "engine": engine or "local", "seconds": figures["seconds"]}
        )
    vectors = str(folder / "vectors.npy")
    run("benchmarks.scale:make", path=vectors, rows=200_000, features=256)
    for how, threads in (("blocks", 2), ("ray", 1)):
        figures = run(
            "benchmarks.scale:network", path=vectors, work=work, how=how, epochs=epochs, torch_threads=threads
        )
        lines.append(
            {
                "job": f"autoencoder, 200,000 x 256, {epochs} epochs",
                "engine": "local" if how == "blocks" else "ray",
                "seconds": figures["seconds"],
            }
        )
    for local, ray in zip(lines[::2], lines[1::2], strict=True):
        local["speed"], ray["speed"] = 1.0, local["seconds"] / ray["seconds"]
    return (
        "One machine of two cores: the plain engine on both, and Ray with two workers of one, to its last file, at "
        "no lower priority than the plain one. Speed of the plain one is 1.\n\n"
        + table(lines, ["job", "engine", "seconds", "speed"])
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=Path("scale-rows"))
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--part", type=int, default=1_000_000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--only", default="pca,network,ray")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    parts = {
        "pca": ("Scale: PCA", lambda: _table_of_pca(given.folder, given.rows)),
        "network": ("Scale: networks from blocks", lambda: _table_of_networks(given.folder, 200_000, 5)),
        "ray": ("Scale: Ray", lambda: _table_of_ray(given.folder, given.part, given.epochs)),
    }
    try:
        for name in given.only.split(","):
            section, made = parts[name]
            publish(section, f"{machine('numpy', 'torch')}. {made()}\n\n`python -m benchmarks.scale`.")
    finally:
        shutil.rmtree(given.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
