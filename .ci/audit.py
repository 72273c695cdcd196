"""Audits what is installed, without a network: pins, hashes, files changed since they were installed, known holes.

Run as `python .ci/audit.py [--advisories FOLDER]`. The folder holds advisories in the OSV schema, .json or .yaml, such
as a copy of PyPA's advisory database; without it nothing is said about known holes. Exit 1 where something was found.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackagePath, distributions
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
_LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)")


class Hole(NamedTuple):
    """An advisory that a version falls under."""

    package: str
    version: str
    id: str
    summary: str


def pins(path: Path) -> dict[str, str]:
    """Name -> version of a constraints file."""
    return dict(line.split("==") for line in path.read_text().splitlines() if line and not line.startswith("#"))


def locked(path: Path) -> dict[str, tuple[set[str], int]]:
    """Name -> its versions (one each platform may differ) and how many hashes stand below them."""
    found: dict[str, tuple[set[str], int]] = {}
    name = ""
    for line in path.read_text().splitlines():
        if start := _LOCKED.match(line):
            name = canonicalize_name(start[1])
            versions, hashes = found.get(name, (set(), 0))
            found[name] = (versions | {start[2]}, hashes)
        elif "--hash=sha256:" in line:
            versions, hashes = found[name]
            found[name] = (versions, hashes + 1)
    return found


def lock_faults(pinned: dict[str, str], lock: dict[str, tuple[set[str], int]]) -> Iterator[str]:
    """What of the pins has no hash, or another version in the lock."""
    for name, version in pinned.items():
        versions, _ = lock.get(name, (set(), 0))
        if not versions:
            yield f"{name}=={version} has no hash in locked/everything.txt. Run make lock."
        elif version not in versions:
            yield f"{name}=={version} is {', '.join(sorted(versions))} in locked/everything.txt. Run make lock."
    yield from (f"{name} stands without a hash." for name, (_, hashes) in lock.items() if hashes == 0)


# ---------------------------------------------------------------------- what is installed
def changed_files(installed: Iterable[Distribution]) -> Iterator[str]:
    """Files whose bytes are not those that their package's RECORD lists."""
    for package in installed:
        for file in package.files or ():
            if file.hash is not None and not _is_as_recorded(file):
                yield f"{package.name} {package.version}: {file} was changed after it was installed, or is gone."


def _is_as_recorded(file: PackagePath) -> bool:
    assert file.hash is not None
    try:
        data = Path(str(file.locate())).read_bytes()
    except OSError:
        return False
    digest = base64.urlsafe_b64encode(hashlib.new(file.hash.mode, data).digest()).rstrip(b"=").decode()
    return digest == file.hash.value


def other_versions(pinned: dict[str, str], installed: Iterable[Distribution]) -> Iterator[str]:
    """Installed packages that are not of the pinned version; a local label such as +cpu is no difference."""
    for package in installed:
        wanted, there = pinned.get(canonicalize_name(package.name)), package.version.partition("+")[0]
        if wanted is not None and wanted != there:
            yield f"{package.name} is {there}; constraints.txt pins {wanted}."


# ---------------------------------------------------------------------- advisories
def advisories(folder: Path) -> Iterator[dict[str, Any]]:
    """Reads advisories of the OSV schema; those that were withdrawn are left out."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".json":
            held = json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix in (".yaml", ".yml"):
            import yaml

            held = yaml.safe_load(path.read_text(encoding="utf-8"))
        else:
            continue
        if isinstance(held, dict) and "affected" in held and not held.get("withdrawn"):
            yield held


def holes(versions: dict[str, str], known: Iterable[dict[str, Any]]) -> Iterator[Hole]:
    """The advisories that packages of these versions fall under."""
    for advisory in known:
        for affected in advisory["affected"]:
            package = affected.get("package", {})
            name = canonicalize_name(str(package.get("name", "")))
            if package.get("ecosystem") == "PyPI" and name in versions and is_affected(versions[name], affected):
                details = str(advisory.get("summary") or advisory.get("details", "")).split("\n")[0]
                yield Hole(name, versions[name], str(advisory["id"]), details[:120])
                break


def is_affected(version: str, affected: dict[str, Any]) -> bool:
    """Whether a version is in an advisory's list, or in one of its ranges, by the OSV schema's rules."""
    here = Version(version)
    if any(_same(here, str(one)) for one in affected.get("versions", ())):
        return True
    for span in affected.get("ranges", ()):
        if span.get("type") == "ECOSYSTEM" and _within(here, span.get("events", ())):
            return True
    return False


def _within(here: Version, events: Iterable[dict[str, Any]]) -> bool:
    inside = False
    for event in events:
        ((kind, at),) = event.items()
        start = Version("0.dev0") if str(at) == "0" else Version(str(at))
        if kind == "introduced" and here >= start:
            inside = True
        elif (kind == "fixed" and here >= start) or (kind == "last_affected" and here > start):
            inside = False
    return inside


def _same(here: Version, other: str) -> bool:
    try:
        return here == Version(other)
    except InvalidVersion:
        return False


def main(arguments: list[str] | None = None) -> int:
    """Tells what was found; returns the exit code."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--advisories", type=Path, help="a folder of advisories in the OSV schema")
    given = asked.parse_args(arguments)
    pinned, lock = pins(ROOT / "constraints.txt"), locked(ROOT / "locked" / "everything.txt")
    installed = [one for one in distributions() if canonicalize_name(one.name) in pinned]
    found = [*lock_faults(pinned, lock), *other_versions(pinned, installed), *changed_files(installed)]
    files = sum(len(one.files or ()) for one in installed)
    print(
        f"{len(pinned)} pins; {sum(n for _, n in lock.values()):,} hashes; {len(installed)} installed, {files:,} files"
    )
    if given.advisories is None:
        print("no --advisories: nothing is said about known holes")
    else:
        known = list(advisories(given.advisories))
        newest = max((str(one.get("modified", ""))[:10] for one in known), default="none")
        print(f"{len(known):,} advisories, the newest of {newest}")
        found += [f"{hole.package} {hole.version}: {hole.id}: {hole.summary}" for hole in holes(pinned, known)]
    for line in found:
        print(line, file=sys.stderr)
    print(f"{len(found)} found" if found else "nothing found")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
