"""What is installed is what was pinned, byte for byte, and what it is made of is written down."""

import base64
import hashlib
import importlib.util
import json
import re
import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _script(name):
    spec = importlib.util.spec_from_file_location(f"ci_{name}", ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses and tuples look themselves up there
    spec.loader.exec_module(module)
    return module


audit, sbom = _script("audit"), _script("sbom")
PINNED = audit.pins(ROOT / "constraints.txt")


# ---------------------------------------------------------------------- locked/
@pytest.mark.parametrize("name", ["core.txt", "everything.txt"])
def test_what_is_locked_is_pinned_to_the_same_version_and_has_hashes(name):
    lock = audit.locked(ROOT / "locked" / name)
    other = {one: versions for one, (versions, _) in lock.items() if one in PINNED and PINNED[one] not in versions}
    assert not other, "run make lock"
    assert len(lock) > 20
    assert not [one for one, (_, hashes) in lock.items() if hashes == 0]


def test_what_is_locked_names_no_index_and_no_folder_of_one_machine():
    for path in (ROOT / "locked").glob("*.txt"):
        assert not re.search(r"://|^-[ef]|^--(index|find|extra|trusted)|@ ", path.read_text(), re.MULTILINE)


def test_a_pin_that_is_not_locked_or_locked_otherwise_is_found():
    lock = {"six": ({"1.17.0"}, 2), "rich": ({"13.0"}, 0)}
    faults = list(audit.lock_faults({"six": "1.17.0", "typer": "0.16", "rich": "14.0"}, lock))
    assert [fault.split()[0] for fault in faults] == ["typer==0.16", "rich==14.0", "rich"]


# ---------------------------------------------------------------------- audit
@pytest.fixture
def package(tmp_path):
    """An installed package of one file."""
    (tmp_path / "thing.py").write_text("x = 1\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"x = 1\n").digest()).rstrip(b"=").decode()
    facts = tmp_path / "thing-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
    (facts / "RECORD").write_text(f"thing.py,sha256={digest},6\nthing-1.0.dist-info/RECORD,,\n")
    return tmp_path, PathDistribution(facts)


def test_a_file_that_was_changed_after_it_was_installed_is_found(package):
    folder, installed = package
    assert list(audit.changed_files([installed])) == []
    (folder / "thing.py").write_text("x = 2\n")
    assert "thing.py was changed" in next(audit.changed_files([installed]))
    (folder / "thing.py").unlink()
    assert "or is gone" in next(audit.changed_files([installed]))


def test_another_version_than_the_pinned_is_found(package):
    assert list(audit.other_versions({"thing": "1.0"}, [package[1]])) == []
    assert list(audit.other_versions({"thing": "1.1"}, [package[1]])) == ["thing is 1.0; constraints.txt pins 1.1."]


@pytest.mark.parametrize(
    ("version", "events", "affected"),
    [
        ("1.0", [{"introduced": "0"}, {"fixed": "1.1"}], True),
        ("1.1", [{"introduced": "0"}, {"fixed": "1.1"}], False),
        ("1.1", [{"introduced": "0"}, {"last_affected": "1.1"}], True),
        ("1.10", [{"introduced": "1.2"}, {"fixed": "1.9"}], False),
        ("2.3", [{"introduced": "1.0"}, {"fixed": "1.1"}, {"introduced": "2.0"}], True),
        ("0.9", [{"introduced": "1.0"}], False),
        ("1.0rc1", [{"introduced": "1.0"}], False),
    ],
)
def test_ranges_of_an_advisory_are_read_by_the_schemas_rules(version, events, affected):
    assert audit.is_affected(version, {"ranges": [{"type": "ECOSYSTEM", "events": events}]}) == affected


def test_known_holes_are_found_in_json_and_yaml_and_withdrawn_ones_left(tmp_path):
    pytest.importorskip("yaml")
    body = '"affected": [{"package": {"ecosystem": "PyPI", "name": "%s"}, "versions": ["%s"]}], "summary": "bad"'
    (tmp_path / "a.json").write_text(f'{{"id": "A-1", {body % ("The_Thing", "1.0")}}}')
    (tmp_path / "b.yaml").write_text(f'{{"id": "B-1", {body % ("the-thing", "1.0.0")}}}')  # JSON is YAML
    (tmp_path / "c.json").write_text(f'{{"id": "C-1", "withdrawn": "2024-01-01", {body % ("the-thing", "1.0")}}}')
    (tmp_path / "d.json").write_text(f'{{"id": "D-1", {body % ("the-thing", "1.1")}}}')
    found = list(audit.holes({"the-thing": "1.0"}, audit.advisories(tmp_path)))
    assert [(hole.id, hole.summary) for hole in found] == [("A-1", "bad"), ("B-1", "bad")]


# ---------------------------------------------------------------------- bill of materials
@pytest.fixture(scope="module")
def bill():
    return sbom.bill()


def test_the_bill_of_materials_lists_every_pin_and_what_the_page_is_built_of(bill):
    listed = {one["purl"]: one for one in bill["components"]}
    assert {f"pkg:pypi/{name}@{version}" for name, version in PINNED.items()} <= listed.keys()
    page = {purl.split("@")[0]: one for purl, one in listed.items() if purl.startswith("pkg:npm/")}
    assert "pkg:npm/preact" in page
    assert "pkg:npm/vite" not in page  # builds the page, and is not in it
    assert all(
        one["hashes"][0]["alg"] == "SHA-512" and len(one["hashes"][0]["content"]) == 128 for one in page.values()
    )
    assert len(listed) == len(bill["components"])
    assert sbom.bill() == bill


def test_the_bill_says_what_is_shipped_and_what_needs_what(bill):
    scope = {one["name"]: one["scope"] for one in bill["components"]}
    assert (scope["numpy"], scope["torch"], scope["pytest"], scope["ruff"]) == (
        "required", "required", "excluded", "excluded",
    )  # fmt: skip
    needs = {one["ref"].split("@")[0]: one["dependsOn"] for one in bill["dependencies"]}
    assert any(purl.startswith("pkg:pypi/numpy@") for purl in needs["pkg:pypi/scipy"])
    known = {one["bom-ref"] for one in bill["components"]}
    assert {ref for refs in needs.values() for ref in refs} <= known


@pytest.mark.slow  # the schema takes seconds to be read; make sbom checks it each time
def test_the_bill_keeps_to_its_formats_schema(bill):
    schema = pytest.importorskip("cyclonedx.schema")
    validation = pytest.importorskip("cyclonedx.validation.json")
    validator = validation.JsonStrictValidator(schema.SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(bill)) is None
    assert validator.validate_str('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": 7}') is not None
