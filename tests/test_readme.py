"""The documents' own examples, run as a reader would: each Python block as a script, each command in a shell."""

import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import latentspace as ls
import processes
from latentspace import datasets

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ["README.md", "docs/index.md", "docs/models.md", "docs/networks.md"]
RUN = ("python", "sh", "console")  # blocks of other languages, or of none, are there to be read
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NOT_RUN = re.compile(r"<!-- not run: (.+?) -->\s*\Z")


@dataclass
class Block:
    """One fenced block: its language and text, where it begins, and why it is not run, if it is not."""

    document: str
    line: int
    language: str
    text: str
    not_run: str | None

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks(document: str, text: str) -> list[Block]:
    found = []
    for match in _FENCE.finditer(text):
        before = text[: match.start()]
        reason = _NOT_RUN.search(before)
        line = before.count("\n") + 1
        found.append(Block(document, line, match[1], match[2], reason[1] if reason else None))
    return [block for block in found if block.language in RUN]


def in_document(document: str) -> list[Block]:
    return blocks(document, (ROOT / document).read_text(encoding="utf-8"))


def run(block: Block, folder: Path) -> None:
    """Runs a block in a folder. What a `console` block shows as output must be what comes; `...` is anything."""
    if block.language == "python":
        _call(["python", "-"], block.text, block, folder)
    elif block.language == "sh":
        _call(["bash", "-euo", "pipefail", "-s"], block.text, block, folder)
    else:
        for line, command, expected in steps(block.text):
            output = _call(["bash", "-euo", "pipefail", "-s"], command, block, folder)
            flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            if expected and not doctest.OutputChecker().check_output(expected, output, flags):
                pytest.fail(f"{block.document}:{block.line + line} shows\n{expected}\nbut this comes:\n{output}")


def steps(text: str) -> list[tuple[int, str, str]]:
    """The commands of a `console` block, each with its line and the output shown below it."""
    found: list[tuple[int, str, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("$ "):
            found.append((number, line[2:] + "\n", ""))
        elif found and found[-1][1].endswith("\\\n"):
            found[-1] = (found[-1][0], found[-1][1] + line + "\n", "")
        elif found:
            found[-1] = (*found[-1][:2], found[-1][2] + line + "\n")
    return found


def _call(program: list[str], text: str, block: Block, folder: Path) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = processes.environment(path)
    done = subprocess.run(program, input=text, cwd=folder, env=environment, capture_output=True, text=True, timeout=280)
    if done.returncode:
        pytest.fail(
            f"{block} ended with {done.returncode}:\n{text}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}\n"
            "If it cannot run in a test, say why in the line above it: <!-- not run: the reason -->"
        )
    return done.stdout


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with `photos/LABEL/NUMBER.png`: the first 120 of scikit-learn's digits."""
    digits = datasets.load("digits")
    for number, (image, label) in enumerate(zip(digits.x[:120], digits.labels[:120], strict=True)):
        place = tmp_path / "photos" / str(label)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.png")
    return tmp_path


@pytest.mark.parametrize("block", [b for d in DOCUMENTS for b in in_document(d) if b.language == "python"], ids=str)
def test_every_python_block_runs_as_a_script(block, folder):
    if block.not_run:
        pytest.skip(block.not_run)
    run(block, folder)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_run_one_after_the_other(document, folder):
    for block in in_document(document):
        if block.language != "python" and not block.not_run:
            run(block, folder)


@pytest.mark.parametrize(
    "block", [b for d in DOCUMENTS for b in in_document(d) if b.language != "python" and b.not_run], ids=str
)
def test_commands_that_do_not_run_here_say_why(block):
    pytest.skip(block.not_run)


def test_the_names_page_has_every_public_name():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in ls.__all__:
        module, attribute = ls._LAZY[name]
        assert f"::: {module}.{attribute}\n" in page, name


# ---------------------------------------------------------------------- the runner itself


def test_blocks_are_found_with_their_lines_and_reasons():
    text = "# A\n\n```python\nx = 1\n```\n\n<!-- not run: needs a GPU -->\n```sh\nls\n```\n\n```json\n{}\n```\n"
    assert blocks("a.md", text) == [
        Block("a.md", 3, "python", "x = 1\n", None),
        Block("a.md", 8, "sh", "ls\n", "needs a GPU"),
    ]


def test_a_reason_counts_only_right_above_its_block():
    text = "<!-- not run: needs a GPU -->\nWords between.\n```sh\nls\n```\n"
    assert blocks("a.md", text)[0].not_run is None


def test_console_blocks_are_commands_with_their_output():
    text = "$ echo a \\\n  b\na b\n$ true\n"
    assert steps(text) == [(1, "echo a \\\n  b\n", "a b\n"), (4, "true\n", "")]


@pytest.mark.parametrize(
    ("language", "text", "message"),
    [
        ("python", "raise ValueError('oh')", "a.md:7 ended with 1"),
        ("sh", "false\ntrue", "a.md:7 ended with 1"),
        ("console", "$ echo 1\n2", "a.md:8 shows\n2"),
    ],
)
def test_a_block_that_is_not_true_fails_with_its_line(language, text, message, tmp_path):
    with pytest.raises(pytest.fail.Exception, match=message):
        run(Block("a.md", 7, language, text, None), tmp_path)


def test_output_may_leave_out_what_varies(tmp_path):
    run(Block("a.md", 1, "console", "$ echo took 3.2 s\ntook ... s\n", None), tmp_path)


def test_the_digits_in_the_folder_are_where_the_documents_say(folder):
    for name in ("0/0.png", "1/1.png", "3/3.png"):
        with Image.open(folder / "photos" / name) as picture:
            assert np.asarray(picture).shape == (8, 8)
