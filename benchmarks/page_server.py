"""The page's server: how long its answers take, how much memory a million items take, and what a long job does to it.

Real processes on loopback, asked over HTTP. Pictures are Fashion-MNIST, 70,000; the million are latents of shifted
digits and clothes (see search_data).
"""

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .harness import machine, publish, table

_CLIENTS = 200
_PROMISED = 2000  # MB, for a million items


class Server:
    """A server of one file, and a client of it."""

    def __init__(self, process: subprocess.Popen, link: str):
        import psutil

        self.base, _, token = link.partition("?token=")
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._process = psutil.Process(process.pid)

    def ask(self, path: str, body: Any = None, method: str | None = None) -> bytes:
        """One request's answer."""
        sent = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.base}api{path}", data=sent, headers=self._headers, method=method)
        with urllib.request.urlopen(asked, timeout=600) as answer:
            return answer.read()

    def seconds(self, path: str, body: Any = None) -> float:
        """How long one request takes."""
        began = time.perf_counter()
        self.ask(path, body)
        return time.perf_counter() - began

    def memory(self) -> float:
        """Resident MB of the server's own process."""
        return self._process.memory_info().rss / 2**20


@contextmanager
def serving(path: Path) -> Iterator[tuple[Server, float]]:
    """A server of a file, and the seconds from its start to the link."""
    command = [sys.executable, "-m", "latentspace", "serve", str(path), "--port", "0", "--no-browser"]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        started = time.perf_counter() - began
        try:
            yield Server(process, link), started
        finally:
            process.terminate()


def _requests(dims: int, column: str) -> dict[str, tuple[str, Any]]:
    z = [[0.1] * dims]
    s = "/spaces/0"
    return {
        "the spaces": ("/spaces", None),
        "the map": (f"{s}/maps/pca", None),
        "a column": (f"{s}/columns/{column}", None),
        "a dimension": (f"{s}/dimensions/0", None),
        "a sheet of 1,024 thumbnails": (f"{s}/sheets/7", None),
        "an item": (f"{s}/items/5", None),
        "neighbours": (f"{s}/search", {"row": 5}),
        "recommendations": (f"{s}/recommend", {"liked": [5, 9], "disliked": [8]}),
        "a latent decoded": (f"{s}/decode", {"z": z}),
        "a spot decoded": (f"{s}/decode", {"map": "pca", "xy": [[0.0, 0.0]]}),
        "a filter": (f"{s}/filter", [{"column": column, "among": ["3"]}]),
        "what dimensions mean": (f"{s}/tell", None),
        "whose neighbours change on the map": ("/compare", {"a": {"space": 0}, "b": {"space": 0, "map": "pca"}}),
    }


def pictures(folder: Path) -> Path:
    """70,000 pictures, their PCA in 32 dims and its map, in a file."""
    import latentspace as ls
    from latentspace import datasets

    found = datasets.load("fashion-mnist")
    labels = [] if found.labels is None else found.labels.tolist()
    space = ls.fit(found.x, "pca", dims=32, metadata={"label": [str(one) for one in labels]})
    space.map("pca")
    return space.save(folder / "pictures.latent")


def million(folder: Path) -> Path:
    """A million latents of 64 dims with a category and a number each, in a file."""
    import latentspace as ls

    from .search_data import prepare

    z = np.load(prepare("million")["z"])
    own = {"label": [str(int(one)) for one in z[:, 0] // 3], "size": [float(one) for one in np.abs(z).sum(axis=1)]}
    space = ls.fit(z, None, metadata=own, density="gaussian")
    space.map("pca")
    return space.save(folder / "million.latent")


def _answers(server: Server, dims: int, pictured: bool) -> tuple[list[dict[str, Any]], float]:
    """Each request's first and usual time, and the most memory seen."""
    rows, peak = [], server.memory()
    for name, (path, body) in _requests(dims, "label").items():
        if not pictured and "thumbnails" in name:
            continue
        if not pictured and "decoded" in name:
            body = {**body, "form": "item"}
        times = [server.seconds(path, body) for _ in range(3 if "change" in name else 12)]
        rows.append({"asked for": name, "first ms": times[0] * 1e3, "then ms": statistics.median(times[1:]) * 1e3})
        peak = max(peak, server.memory())
    return rows, peak


def beside_a_job(server: Server, ask: Callable[[], float], method: str = "tsne", most: float = 60) -> dict[str, float]:
    """Answers' times while a map is drawn, or for `most` seconds of it."""
    job = json.loads(server.ask(f"/spaces/0/maps/{method}", {}))["job"]
    times, began = [], time.perf_counter()
    while time.perf_counter() - began < most:
        times.append(ask())
        time.sleep(0.05)
        if json.loads(server.ask(f"/jobs/{job}"))["state"] not in ("waiting", "running"):
            break
    server.ask(f"/jobs/{job}", method="DELETE")
    return _spread(times)


def _spread(times: list[float]) -> dict[str, float]:
    low, high = np.percentile(times, [50, 99])
    return {
        "answers": len(times),
        "median ms": float(low) * 1e3,
        "99% ms": float(high) * 1e3,
        "longest ms": max(times) * 1e3,
    }


def crowd(ask: Callable[[], float]) -> dict[str, float]:
    """200 clients at once, five requests each, answers' times; what fails raises."""
    gate = threading.Barrier(_CLIENTS)

    def client(_: int) -> list[float]:
        gate.wait()
        return [ask() for _ in range(5)]

    with ThreadPoolExecutor(_CLIENTS) as pool:
        return _spread([one for some in pool.map(client, range(_CLIENTS)) for one in some])


def main() -> None:
    """Serves both spaces, asks, and publishes."""
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        with serving(pictures(folder)) as (server, started):
            rows, memory = _answers(server, 32, True)
            decode = lambda: server.seconds("/spaces/0/decode", {"z": [[0.1] * 32]})  # noqa: E731
            alone = _spread([decode() for _ in range(200)])
            beside = beside_a_job(server, decode)
            many = crowd(decode)
        with serving(million(folder)) as (server, started_million):
            rows_million, memory_million = _answers(server, 64, False)
    by_name = {row["asked for"]: row for row in rows_million}
    for row in rows:
        own = by_name.get(row["asked for"], {})
        row |= {"a million: first ms": own.get("first ms", "-"), "a million: then ms": own.get("then ms", "-")}
    by_load = {"alone": alone, "while a map is drawn": beside, f"{_CLIENTS} clients": many}
    loads = [{"decoding": name, **one} for name, one in by_load.items()]
    words = (
        "`latentspace serve` on loopback, whole HTTP requests. The most memory that was seen: "
        f"{memory:,.0f} MB for 70,000 pictures of 28 x 28 (PCA, 32 dims; link after {started:.1f} s), "
        f"{memory_million:,.0f} MB for a million latents of 64 dims with two columns (link "
        f"after {started_million:.1f} s); asked for: under {_PROMISED:,} MB there.\n\n"
        f"{table(rows, list(rows[0]))}\n\n"
        "A latent decoded to a picture, of the 70,000: alone, while t-SNE is drawn in its own process (the first "
        f"minute), and for {_CLIENTS} clients at once. Asked for: under 100 ms.\n\n"
        f"{table(loads, list(loads[0]))}\n\n{machine('numpy', 'fastapi', 'uvicorn')}"
    )
    publish("The page's server", words)


if __name__ == "__main__":
    main()
