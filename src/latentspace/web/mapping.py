"""Drawing a map in a process of its own, so that the server's own interpreter stays free to answer.

The child gets latents and, where they are known, neighbours as files in a folder that is there for it alone, and leaves
the map there as the store keeps maps: arrays and facts, never a pickle. It says on its output how far it is. When the
server ends in whatever way, the child's input ends too, and so does the child.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

import numpy as np

from .. import looking, store
from ..errors import CorruptFileError
from ..maps.fit import fit_map
from ..maps.honesty import Honesty
from ..maps.map import Map
from ..search.graph import NeighbourGraph
from ..space import LatentSpace
from .jobs import Job, Stopped

_AT_ONCE = 100_000  # items; of more, saying how far PCA can be trusted takes seconds and gigabytes, elsewhere
_POLITE = 5  # of nice: answers come before maps where both want the same core
_LOOK = 0.1  # seconds between looks at whether to stop


def make_map(space: LatentSpace, method: str, job: Job, seed: int = 0) -> Any:
    """Draws a map of the space as it is now in a child process; it becomes one of `space.maps`, and of its file's.

    Parameters
    ----------
    space : LatentSpace
    method : str
    job : Job
        Is told how far it is; when it is asked to stop, the child is ended.
    seed : int, default=0

    Returns
    -------
    Map
        The same as `space.map(method, seed=seed)` gives.

    Raises
    ------
    Stopped
        If the job was asked to stop.
    RuntimeError
        If the child failed; the message is what it said.
    """
    if method == "pca" and len(space) <= _AT_ONCE:  # is there sooner than a process
        job.tell("PCA")
        drawn = space.map("pca", seed=seed)
        _keep(space, method, *drawn.state())
        return drawn
    if method == "pca" and "pca" not in space.maps:  # to be looked at while its honesty is measured
        space.maps["pca"] = Map(fit_map(space.latents, "pca"), Honesty.unknown(len(space)), looking.ground_of(space))
    job.tell("getting ready")
    with tempfile.TemporaryDirectory(prefix="latentspace-map-") as held:
        folder = Path(held)
        np.save(folder / "z.npy", space.latents)
        for metric, graph in list(space._graphs.items()):
            _write(folder / f"graph-{metric}", *graph.state())
        _run(["--", str(folder), method, str(seed)], job)
        facts, arrays = _read(folder / "map")
        made = [NeighbourGraph.from_state(*_read(file.with_suffix(""))) for file in folder.glob("made-*.json")]
    drawn = looking.kept_map(space, facts, arrays)
    space.maps[method] = drawn
    for graph in made:
        space._graphs.setdefault(graph.metric, graph)
    _keep(space, method, facts, arrays)
    return drawn


def _keep(space: LatentSpace, method: str, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Writes the map into the space's file, which makes opening the page the next time a matter of a moment."""
    if space.path is None:
        return
    try:
        space._version = store.put_map(space.path, method, facts, arrays, expect=space._version, wait=5.0)
    except (OSError, CorruptFileError, store.FileChangedError):
        return  # one that cannot be written, is in use or has changed: the map is still there to be looked at


def _run(arguments: list[str], job: Job) -> None:
    """Runs the child to its end, passing on what it says."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", __name__, *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        listening = threading.Thread(target=_listen, args=(child.stdout, job), daemon=True)
        errors: list[str] = []
        minding = threading.Thread(target=lambda: errors.extend(child.stderr or ()), daemon=True)
        for thread in (listening, minding):
            thread.start()
        try:
            while child.poll() is None:
                if job.stopping.wait(_LOOK):
                    raise Stopped
        finally:
            child.kill()  # does nothing to one that has ended
        minding.join()
        if child.returncode:
            last = next((line.strip() for line in reversed(errors) if line.strip()), "")
            raise RuntimeError(last or f"the process that draws the map ended with {child.returncode}.")


def _listen(said: IO[str], job: Job) -> None:
    for line in said:
        message, share, eta = json.loads(line)
        job.tell(message, share, eta)


def _write(path: Path, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    names = sorted(arrays)
    numbered: dict[str, Any] = {str(place): arrays[name] for place, name in enumerate(names)}  # names may hold a "/"
    np.savez(path.with_suffix(".npz"), **numbered)
    path.with_suffix(".json").write_text(json.dumps([facts, names]), encoding="utf-8")  # last: it says that both are


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    facts, names = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
        return facts, {name: arrays[str(place)] for place, name in enumerate(names)}


# ---------------------------------------------------------------------- in the child
def main(folder: Path, method: str, seed: int) -> None:
    """Draws the map of the latents in a folder and leaves it there."""
    from ..progress import heard

    z = np.load(folder / "z.npy", allow_pickle=False)
    # No items are needed to draw: a space without them has latents, a graph and `map`.
    space = LatentSpace(None, None, ids=[""] * len(z), metadata={}, latents=z, features=None)  # type: ignore[arg-type]
    for file in folder.glob("graph-*.json"):
        graph = NeighbourGraph.from_state(*_read(file.with_suffix("")))
        space._graphs[graph.metric] = graph
    with heard(lambda label, share, eta: print(json.dumps([label, share, eta]), flush=True)):
        drawn = space.map(method, seed=seed)
    for metric, graph in space._graphs.items():
        if not (folder / f"graph-{metric}.json").exists():
            _write(folder / f"made-{metric}", *graph.state())
    _write(folder / "map", *drawn.state())


def _end_with_the_server() -> None:
    sys.stdin.read()
    os._exit(3)


def _start(arguments: list[str]) -> None:
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to both; the server ends this process as it ends
    if hasattr(os, "nice"):
        os.nice(_POLITE)
    folder, method, seed = arguments
    try:
        main(Path(folder), method, int(seed))
    except Exception as error:
        print(str(error) or type(error).__name__, file=sys.stderr)
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)  # without waiting for the thread that waits for the server


if __name__ == "__main__":
    _start(sys.argv[2:])
