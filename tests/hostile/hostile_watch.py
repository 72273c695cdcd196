"""Ends the process when it does what opening a file must never do; measures the memory and the time that it took."""

import os
import resource
import signal
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SECONDS = 5.0  # of one file, of all threads' processor time
WAITING = 60  # seconds of the clock after which even a process that only waits counts as hung
SPARE = 3 << 30  # bytes of address space that opening may ask for before it is refused them: protects this machine

_NEVER = (
    "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.startfile", "pty.spawn",
    "socket.", "urllib.", "http.", "ftplib.", "smtplib.", "pickle.find_class", "sqlite3.enable_load_extension",
    "sqlite3.load_extension", "code.__new__", "webbrowser.", "sys.addaudithook", "builtins.breakpoint",
)  # fmt: skip
_CHANGES = (
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.link", "os.symlink", "os.truncate",
    "shutil.",
)  # fmt: skip


class Watch:
    """Audit hook: no process, no connection, no code or module of a file's own, no writing outside one folder.

    Parameters
    ----------
    folder : Path
        Where the hostile file lies, and all that may be written.
    """

    def __init__(self, folder: Path):
        self._folder = os.path.realpath(folder)
        paths = sysconfig.get_paths()
        trees = {sys.prefix, sys.base_prefix, paths["stdlib"], paths["platstdlib"], paths["purelib"], paths["platlib"]}
        source = Path(__file__).resolve().parents[2]
        trees |= {str(source / "src"), str(source / "tests")}
        self._trusted = tuple(sorted({os.path.realpath(tree) + os.sep for tree in trees}))
        self._roots = {name.partition(".")[0] for name in sys.modules} | set(sys.stdlib_module_names)
        self._inside = threading.local()

    def start(self) -> None:
        sys.addaudithook(self._audit)

    @contextmanager
    def looking_away(self) -> Iterator[None]:
        """While the next file is made, which is none of what is watched."""
        self._inside.now = True
        try:
            yield
        finally:
            self._inside.now = False

    def _audit(self, event: str, arguments: tuple) -> None:
        if getattr(self._inside, "now", False):
            return
        self._inside.now = True
        try:
            why = self._objection(event, arguments)
        finally:
            self._inside.now = False
        if why:
            os.write(2, f"{event}: {why}: {arguments!r:.300}\n".encode())
            os._exit(99)

    def _objection(self, event: str, arguments: tuple) -> str | None:
        if event.startswith(_NEVER):
            return "never"
        if event == "exec":
            return self._of_code(arguments[0])
        if event == "import":
            return self._of_import(arguments[0], arguments[1])
        if event in ("marshal.loads", "marshal.load") and not _importing():
            return "code objects read"
        if event == "ctypes.dlopen" and not _importing():
            return "a library loaded"
        if event == "open":
            return self._of_file(*arguments[:3])
        if event.startswith(_CHANGES) and isinstance(arguments[0], str | bytes | os.PathLike):
            return None if self._is_ours(arguments[0]) else "a change outside of the folder"
        return None

    def _of_code(self, code: Any) -> str | None:
        name = getattr(code, "co_filename", "")
        if name.startswith(("<frozen", "<attrs generated")) or os.path.realpath(name).startswith(self._trusted):
            return None
        return None if _importing() else "code run that is of no installed package"

    def _of_import(self, name: str, library: Any) -> str | None:
        if library is not None:
            return None if os.path.realpath(library).startswith(self._trusted) else "a library of no installed package"
        return None if name.partition(".")[0] in self._roots else "a package that nothing had imported"

    def _of_file(self, path: Any, mode: Any, flags: int) -> str | None:
        writing = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        if not writing or not isinstance(path, str | bytes) or self._is_ours(path):
            return None
        return None if os.fspath(path) in ("/dev/null", "/proc/self/clear_refs") else "writing outside of the folder"

    def _is_ours(self, path: Any) -> bool:
        real = os.path.realpath(os.fsdecode(path))
        compiled = real.endswith(".pyc") or "__pycache__" in real  # what an import leaves beside a package's source
        return real.startswith(self._folder + os.sep) or (compiled and _importing())


def _importing() -> bool:
    """Whether an import statement is what runs: of an installed package, as its own event has shown."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


# ---------------------------------------------------------------------- time and memory
def start_clock() -> None:
    """From now on this process dies of a file that takes too long; its signal says so."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.alarm(WAITING)


def stop_clock() -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.alarm(0)


def limit_memory() -> None:
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + SPARE, now + SPARE))


def forget_peak() -> None:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def peak() -> int:
    """Most bytes in memory since `forget_peak`."""
    return _status("VmHWM:")


def resident() -> int:
    return _status("VmRSS:")


def _status(name: str) -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))
