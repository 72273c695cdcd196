"""Writes constraints.txt: what this environment has of the project's dependencies, and of theirs, and nothing else.

Run by `make pins` after installing every extra and upgrading what should move; then `make test lint docs`.
"""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
BUILT_WITH = ("build", "hatchling")


def asked_for() -> list[Requirement]:
    """What pyproject.toml asks for, core and every extra, and what builds the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *BUILT_WITH]
    for extra in project["optional-dependencies"].values():
        lines += extra
    return [wanted for wanted in map(Requirement, lines) if wanted.name != project["name"]]


def pins() -> dict[str, str]:
    """Name -> version of every installed package that the project needs, directly or through others."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = asked_for()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # another platform's, or another Python's
        for extra in ("", *wanted.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            requirements = [Requirement(line) for line in package.requires or ()]
            waiting += [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": extra})]
        # A local label such as +cpu says which build this machine took; the pin is the same for all builds.
        found[name] = re.sub(r"\+.*", "", package.version)
    return found


if __name__ == "__main__":
    page = ROOT / "constraints.txt"
    page.write_text("".join(f"{name}=={version}\n" for name, version in sorted(pins().items())))
    print(f"{page}: {len(page.read_text().splitlines())} pins")
