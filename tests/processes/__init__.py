"""New processes for tests, forked from one that has numpy, scikit-learn and torch imported: a start costs 0.1 s, not 4.

Each command is a process of its own, with its own folder, environment and standard streams, as in a shell; only what
was imported before is not imported again. That `latentspace` starts from nothing is tested elsewhere (test_imports,
test_public_names, store/, and the processes that are killed).
"""

import atexit
import functools
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

_HERE = Path(__file__).resolve().parent


@functools.cache
def shims() -> Path:
    """A folder with `latentspace` and `python`, which run in a process forked from a warm one.

    The warm process is started once for each process of tests, on first use, and ends with it.
    """
    folder = Path(tempfile.mkdtemp(prefix="latentspace-warm-"))
    address = folder / "socket"
    server = subprocess.Popen(
        [sys.executable, str(_HERE / "server.py"), str(address)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    atexit.register(shutil.rmtree, folder, True)
    atexit.register(server.kill)
    for name in ("latentspace", "python"):
        shim = folder / name
        shim.write_text(
            f"#!{sys.executable} -ISB\n{(_HERE / 'client.py').read_text(encoding='utf-8')}", encoding="utf-8"
        )
        shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    return folder


def environment(path: str | None = None) -> dict[str, str]:
    """This process's environment, in whose PATH (or the one given) the shims come first."""
    return {**os.environ, "PATH": os.pathsep.join([str(shims()), path or os.environ["PATH"]])}


def latentspace(*words: object, cwd: Path | str | None = None, stdin: str | None = None) -> subprocess.CompletedProcess:
    """Runs a command line and gives what it printed and how it ended."""
    return subprocess.run(
        [str(shims() / "latentspace"), *map(str, words)], cwd=cwd, capture_output=True, text=True, input=stdin
    )
