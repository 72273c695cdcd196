"""Does what a file must never lead to, to show that the watch sees it. Run as `python hostile_traps.py NAME FOLDER`."""

import marshal
import os
import pickle
import socket
import subprocess
import sys
import time
from pathlib import Path

import hostile_watch


class Bomb:
    def __reduce__(self):
        return (print, ("pickled code ran",))


def unpickle(folder: Path) -> None:
    pickle.loads((folder / "bomb").read_bytes())  # noqa: S301


def run_text(folder: Path) -> None:
    exec((folder / "text.txt").read_text())


def import_beside(folder: Path) -> None:
    sys.path.insert(0, str(folder))
    __import__("module_of_a_file")


def hang(folder: Path) -> None:
    x = 0
    while True:
        x += 1


TRAPS = {
    "unpickle": unpickle,
    "run_text": run_text,
    "import_beside": import_beside,
    "system": lambda _: os.system("true"),
    "process": lambda _: subprocess.run(["true"], check=False),
    "connect": lambda _: socket.create_connection(("127.0.0.1", 9)),
    "write_outside": lambda folder: (folder.parent / "outside").write_text("x"),
    "write_above": lambda folder: (folder / ".." / "outside").write_text("x"),
    "remove_outside": lambda folder: os.remove(folder.parent / "outside"),
    "code": lambda folder: marshal.loads((folder / "code.bin").read_bytes()),  # noqa: S302
    "hang": hang,
    "wait": lambda _: time.sleep(10**6),
    "nothing": lambda folder: (folder / "inside").write_text("x"),
}


def main(name: str, folder: Path) -> None:
    (folder / "bomb").write_bytes(pickle.dumps(Bomb()))
    (folder / "text.txt").write_text("print('text ran')")
    (folder / "module_of_a_file.py").write_text("print('imported')")
    (folder / "code.bin").write_bytes(marshal.dumps(compile("1", "x", "eval")))
    hostile_watch.SECONDS, hostile_watch.WAITING = 0.3, 1
    hostile_watch.Watch(folder).start()
    hostile_watch.start_clock()
    TRAPS[name](folder)
    hostile_watch.stop_clock()


def measure() -> None:
    """Prints the megabytes that 200 MB are measured as, taken and given back."""
    before = hostile_watch.resident()
    hostile_watch.forget_peak()
    bytearray(b"x") * (200 << 20)
    print((hostile_watch.peak() - before) >> 20)


if __name__ == "__main__":
    measure() if sys.argv[1] == "measure" else main(sys.argv[1], Path(sys.argv[2]))
