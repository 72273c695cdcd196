"""The scripts in examples/: each one runs, says where its results are, and writes them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_says_how_it_is_run(example):
    said = ast.get_docstring(ast.parse(example.read_text(encoding="utf-8"))) or ""
    assert f"python examples/{example.name} [folder for the results]" in " ".join(said.split())


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_writes_a_space_and_what_it_shows(example, tmp_path):
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example), str(out)], cwd=tmp_path, capture_output=True, text=True
    )
    if done.returncode and "There are no " in done.stderr:  # its data cannot be had here, and nothing stands in
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    assert str(out) in done.stdout
    written = {path.suffix for path in out.iterdir() if path.stat().st_size}
    assert {".latent", ".png"} < written
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
