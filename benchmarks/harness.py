"""What benchmarks share: jobs in processes of their own, alternated, with time and peak memory; Markdown tables.

A job is `module:function` with JSON-able arguments. It runs in a fresh interpreter, does its own set-up, calls
`measure(work)` around the part that counts, and returns figures of its own (recall, error) beside the time.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def measure(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Calls `work` and returns what it gave with its seconds and the peak memory it added over the start, in MB."""
    import psutil

    process = psutil.Process()
    before = peak = process.memory_info().rss
    stop = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not stop.wait(0.005):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    began = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - began
    stop.set()
    watcher.join()
    return result, {"seconds": seconds, "extra_mb": (peak - before) / 2**20}


def run(
    job: str, *, threads: int | None = None, timeout: float = 3600, python: str = sys.executable, **arguments: Any
) -> dict[str, Any]:
    """Runs one job in a fresh interpreter and returns its figures; `threads` caps BLAS, OpenMP and torch.

    `python` is the interpreter of a peer that lives in an environment of its own.
    """
    code = (
        "import json, sys, importlib\n"
        "module, name = sys.argv[1].split(':')\n"
        "print('\\n' + json.dumps(getattr(importlib.import_module(module), name)(**json.loads(sys.argv[2]))))"
    )
    env = dict(os.environ)
    if threads is not None:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
            env[name] = str(threads)
    done = subprocess.run(
        [python, "-c", code, job, json.dumps(arguments)],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{job} with {arguments} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def alternate(jobs: dict[str, Callable[[], dict[str, Any]]], runs: int = 5) -> dict[str, dict[str, Any]]:
    """Runs each job `runs` times in turn (A B C A B C ...), so that a drift of the machine meets all alike.

    Returns each job's medians, with `seconds_min` and `seconds_max` beside `seconds`.
    """
    figures: dict[str, list[dict[str, Any]]] = {name: [] for name in jobs}
    for turn in range(runs):
        for name, job in jobs.items():
            figures[name].append(job())
            print(f"  {turn + 1}/{runs} {name}: {figures[name][-1]}", file=sys.stderr, flush=True)
    medians = {}
    for name, rows in figures.items():
        numeric = {key for row in rows for key, value in row.items() if isinstance(value, int | float)}
        medians[name] = {
            key: statistics.median(row[key] for row in rows) if key in numeric else rows[0][key] for key in rows[0]
        }
        if "seconds" in numeric:
            medians[name]["seconds_min"] = min(row["seconds"] for row in rows)
            medians[name]["seconds_max"] = max(row["seconds"] for row in rows)
    return medians


def table(rows: list[dict[str, Any]], columns: list[str]) -> str:
    """Draws rows as a Markdown table; floats with three significant digits."""

    def cell(value: Any) -> str:
        if isinstance(value, float):
            return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
        return f"{value:,}" if isinstance(value, int) else str(value)

    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(cell(row.get(column, "")) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def machine(*packages: str) -> str:
    """Describes what the figures were measured on: cores, Python and the packages' versions."""
    from importlib.metadata import version

    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; {versions}"


def publish(section: str, text: str, page: Path = ROOT / "docs" / "benchmarks.md") -> None:
    """Prints a section and puts it into docs/benchmarks.md in place of the section of that name."""
    print(f"\n## {section}\n\n{text}\n")
    begin, end = f"<!-- {section} -->", f"<!-- end {section} -->"
    block = f"{begin}\n## {section}\n\n{text}\n{end}\n"
    old = page.read_text() if page.exists() else "# Benchmarks\n\nMade by `make bench`; each table is one run.\n\n"
    if begin in old:
        head, rest = old.split(begin, 1)
        new = head + block + rest.split(end, 1)[1].lstrip("\n")
    else:
        new = old.rstrip("\n") + "\n\n" + block
    page.write_text(new)
