"""The tutorials' blocks run one after the other, as a reader would; the API reference has every public name."""

import inspect
import re

import pytest

import latentspace as ls
from test_readme import ROOT, folder, in_document, run  # noqa: F401 - `folder` is a fixture

TUTORIALS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "tutorials").glob("*.md"))


@pytest.mark.slow
@pytest.mark.parametrize("document", [*TUTORIALS, "docs/howto.md"])
def test_a_tutorial_runs_from_its_first_line_to_its_last(document, folder):  # noqa: F811
    for block in in_document(document):
        if not block.not_run:
            run(block, folder)


def test_each_user_has_a_tutorial():
    assert len(TUTORIALS) >= 4
    assert all(len(in_document(document)) >= 2 for document in TUTORIALS)


def test_the_reference_has_every_public_name():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^::: (\S+)", page, re.MULTILINE))
    missing = [name for name in ls.__all__ if ".".join(ls._LAZY[name]) not in named]
    assert missing == []
    assert "inherited_members: true" in (ROOT / "mkdocs.yml").read_text()  # or the verbs of a space are not there
    for name, member in inspect.getmembers(ls.LatentSpace):
        if not name.startswith("_"):
            assert inspect.getdoc(member), f"LatentSpace.{name} says nothing of itself"
