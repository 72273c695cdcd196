"""The project's own files agree with one another."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LINES = [*PROJECT["dependencies"], *(line for extra in PROJECT["optional-dependencies"].values() for line in extra)]
DEPENDENCIES = sorted({re.split(r"[\[<>=~! ;]", line, maxsplit=1)[0] for line in LINES} - {PROJECT["name"]})


@pytest.mark.parametrize("name", DEPENDENCIES)
def test_every_dependency_has_its_sentence(name):
    assert re.search(
        rf"\*\*(\w+(, \w+)*: )?{re.escape(name)}\*\*", (ROOT / "docs/decisions/0002-dependencies.md").read_text()
    )


@pytest.mark.parametrize("name", DEPENDENCIES)
def test_every_dependency_is_pinned(name):
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines())
    assert re.sub(r"[-_.]+", "-", name).lower() in pinned


def test_pins_name_no_build_of_one_machine():
    assert not re.search(r"[+@]|^-e", (ROOT / "constraints.txt").read_text(), re.MULTILINE)


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((.+?)\)", (folder / "README.md").read_text())
    assert listed == sorted(path.name for path in folder.glob("0*.md"))
