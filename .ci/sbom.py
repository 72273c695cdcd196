"""Writes sbom.json: what latentspace is made of, Python and page, in CycloneDX 1.6. Needs no network.

Run as `python .ci/sbom.py [-o FILE]` by `make sbom`, which checks the file against the format's own schema. Python
packages are those of constraints.txt, with what they need of one another; the page's are those that are built into it.
"""

import argparse
import base64
import json
import re
import sys
import tomllib
import uuid
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
_SPDX = re.compile(r"^[A-Za-z0-9.+-]+$")
_DEVELOPMENT = ("test", "lint", "bench", "docs", "supply", "fuzz")


def bill() -> dict[str, Any]:
    """The whole document; the same for the same pins."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines())
    shipped = _needed(project, pinned)
    python = [_of_python(name, version, name in shipped) for name, version in sorted(pinned.items())]
    page, roots = _of_page()
    root = f"pkg:pypi/{project['name']}@{project['version']}"
    direct = sorted({canonicalize_name(Requirement(line).name) for line in project["dependencies"]} & pinned.keys())
    links = [{"ref": root, "dependsOn": [_purl(name, pinned) for name in direct] + roots}]
    links += [{"ref": _purl(name, pinned), "dependsOn": _links(name, pinned)} for name in sorted(pinned)]
    components = python + page
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(components, sort_keys=True))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library", "bom-ref": root, "name": project["name"], "version": project["version"],
                "purl": root, "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components,
        "dependencies": links,
    }  # fmt: skip


# ---------------------------------------------------------------------- Python
def _needed(project: dict[str, Any], pinned: dict[str, str]) -> set[str]:
    """What a user gets with the core and every extra that is not for development."""
    lines = list(project["dependencies"])
    for extra, more in project["optional-dependencies"].items():
        lines += [] if extra in _DEVELOPMENT else more
    waiting = [canonicalize_name(Requirement(line).name) for line in lines]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in pinned and name not in found:
            found.add(name)
            waiting += [one.name for one in _requirements(name)]
    return found


def _requirements(name: str) -> list[Requirement]:
    try:
        lines = requires(name) or []
    except PackageNotFoundError:  # another platform's
        return []
    wanted = [Requirement(line) for line in lines]
    plain = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return [Requirement(canonicalize_name(one.name)) for one in plain]


def _links(name: str, pinned: dict[str, str]) -> list[str]:
    return sorted({_purl(one.name, pinned) for one in _requirements(name) if one.name in pinned})


def _purl(name: str, pinned: dict[str, str]) -> str:
    return f"pkg:pypi/{name}@{pinned[name]}"


def _of_python(name: str, version: str, shipped: bool) -> dict[str, Any]:
    purl = f"pkg:pypi/{name}@{version}"
    component: dict[str, Any] = {
        "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
        "scope": "required" if shipped else "excluded",
    }  # fmt: skip
    if licence := _licence(name):
        component["licenses"] = licence
    return component


def _licence(name: str) -> list[dict[str, Any]]:
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return []
    if expression := told.get("License-Expression"):
        return [{"expression": expression}]
    classified = [line.rpartition(":: ")[2] for line in told.get_all("Classifier") or () if line.startswith("License")]
    words = classified or [str(told.get("License") or "").split("\n")[0][:100]]
    return [{"license": {"name": word}} for word in words if word.strip()]


# ---------------------------------------------------------------------- the page
def _of_page() -> tuple[list[dict[str, Any]], list[str]]:
    """What of the page's lock file is built into it, and those that it asks for itself."""
    held = json.loads((ROOT / "web" / "package-lock.json").read_text())["packages"]
    components, roots = [], []
    for place, facts in sorted(held.items()):
        if not place or facts.get("dev") or facts.get("optional"):
            continue
        name = place.rpartition("node_modules/")[2]
        purl = f"pkg:npm/{name.replace('@', '%40')}@{facts['version']}"
        if name in held[""].get("dependencies", {}):
            roots.append(purl)
        component = {
            "type": "library", "bom-ref": purl, "name": name, "version": facts["version"], "purl": purl,
            "scope": "required", "hashes": _hashes(facts.get("integrity", "")),
        }  # fmt: skip
        if licence := facts.get("license"):
            component["licenses"] = [{"license": {"id" if _SPDX.match(licence) else "name": licence}}]
        components.append(component)
    return components, roots


def _hashes(integrity: str) -> list[dict[str, str]]:
    found = []
    for word in integrity.split():
        kind, _, value = word.partition("-")
        found.append({"alg": {"sha1": "SHA-1"}.get(kind, f"SHA-{kind[3:]}"), "content": base64.b64decode(value).hex()})
    return found


def main() -> int:
    """Writes the document; returns the exit code."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("-o", "--out", type=Path, default=ROOT / "dist" / "sbom.json")
    asked.add_argument("--check", action="store_true", help="against the schema, by cyclonedx-python-lib")
    given = asked.parse_args()
    text = json.dumps(bill(), indent=2) + "\n"
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(text, encoding="utf-8")
    count = text.count('"bom-ref"') - 1
    print(f"{given.out}: {count} components")
    return _checked(text) if given.check else 0


def _checked(text: str) -> int:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    print("valid CycloneDX 1.6" if error is None else f"not valid: {error}")
    return error is not None


if __name__ == "__main__":
    sys.exit(main())
