"""The warm process: forks one for each command, which then is that command."""

import atexit
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import threading
import traceback

# What most verbs import, and what takes long; nothing that starts threads or looks at the environment.
_WARM = (
    "sklearn.decomposition", "sklearn.linear_model", "sklearn.model_selection", "sklearn.neighbors", "pandas",
    "PIL.Image",
    "torch", "numba", "scipy.stats", "scipy.sparse.linalg", "latentspace.space", "latentspace.cli.app",
    "latentspace.models.vae", "latentspace.models.pca", "latentspace.reports",
)  # fmt: skip


def _received(wire: socket.socket) -> tuple[list[int], list]:
    head, streams, _, _ = socket.recv_fds(wire, 4, 3)
    left = int.from_bytes(head, "big")
    said = b""
    while len(said) < left:
        said += wire.recv(left - len(said))
    return streams, json.loads(said)


def _become(streams: list[int], program: str, words: list[str], folder: str, environment: dict[str, str]) -> int:
    """Is the command, and returns its exit code."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, encoding="utf-8", closefd=False) for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    sys.argv = [program, *words]
    sys.path[0] = folder
    try:
        if program == "latentspace":
            from latentspace.cli import main

            main()
        elif words[:1] == ["-"]:
            exec(compile(sys.stdin.read(), "<stdin>", "exec"), {"__name__": "__main__"})
        else:
            sys.argv = words
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _child(wire: socket.socket) -> None:
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        streams, said = _received(wire)
        code = _become(streams, *said)
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        wire.sendall(bytes([code & 255]))
        os._exit(code & 255)


def main(address: str) -> None:
    for name in _WARM:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are not waited for
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen(64)
        os.write(1, b"ready\n")
        while True:
            wire, _ = door.accept()
            if os.fork() == 0:
                door.close()
                _child(wire)
            wire.close()


if __name__ == "__main__":
    main(sys.argv[1])
