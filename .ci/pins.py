"""Writes constraints.txt: what this environment has of the project's dependencies, and of theirs, and nothing else.

Run by `make pins` after installing every extra and upgrading what should move; then `make test lint docs`.
"""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = "latentspace"
EXTRAS = ("all", "test", "lint", "bench", "docs")
BUILT_WITH = ("build", "hatchling")


def pins() -> dict[str, str]:
    """Name -> version of every installed package that the project needs, directly or through others."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(f"{PROJECT}[{','.join(EXTRAS)}]"), *map(Requirement, BUILT_WITH)]
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
        if name != PROJECT:
            # A local label such as +cpu says which build this machine took; the pin is the same for all builds.
            found[name] = re.sub(r"\+.*", "", package.version)
    return found


if __name__ == "__main__":
    page = Path(__file__).resolve().parent.parent / "constraints.txt"
    page.write_text("".join(f"{name}=={version}\n" for name, version in sorted(pins().items())))
    print(f"{page}: {len(page.read_text().splitlines())} pins")
