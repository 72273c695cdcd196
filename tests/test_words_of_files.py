"""What a file says is shown, and never steers what shows it: a terminal, a page, a picture in a page."""

import json

import numpy as np
import pytest

import latentspace as ls
from latentspace.cli import main
from latentspace.visible import visible

EVIL = [
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><b>', "\u2028</SCRIPT>",
    "\x1b]0;owned\x07\x1b[2J", "\x9b31m", "\u202egnp.exe",
]  # fmt: skip


@pytest.fixture(scope="module")
def space():
    rows = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    ids = EVIL + [f"i{i}" for i in range(30 - len(EVIL))]
    return ls.fit(rows, "pca", dims=2, ids=ids, metadata={"<script>c</script>": ids, "\x1b[31m": ids})


@pytest.fixture
def path(space, tmp_path):
    return str(space.save(tmp_path / "x.latent", overwrite=True))


def steers(text):
    return [character for character in "\x1b\x07\x9b\u202e" if character in text]


def test_names_do_not_steer_a_terminal(path, capsys):
    main_ends(["search", path, "--id", "i3", "-k", "29"])
    table = capsys.readouterr().out
    assert "\\u001b]0;owned\\u0007" in table
    assert not steers(table)
    main_ends(["search", path, "--id", "\x1b[2J"], code=1)
    said = capsys.readouterr()
    assert "Error" in said.err
    assert not steers(said.out + said.err)


def test_json_keeps_the_very_names_and_steers_no_terminal(path, capsys):
    main_ends(["search", path, "--id", "i3", "-k", "29", "--json"])
    said = capsys.readouterr().out
    assert not steers(said)
    assert set(EVIL) <= {hit["id"] for hit in json.loads(said)["hits"]}


def main_ends(arguments, code=0):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert (ended.value.code or 0) == code


def test_names_become_no_markup_of_maps_and_reports(space, tmp_path):
    space.map("pca").save(tmp_path / "map.html")
    space.map("pca").save(tmp_path / "map.svg")
    space.explain().save(tmp_path / "explain.html")
    for name in ("map.html", "map.svg", "explain.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert not [word for word in ("<script>alert", "<img src=x", "</SCRIPT>", "<script>c") if word in text], name


def test_plain_words_of_any_script_are_left_as_they_are():
    for text in ("", "one two", "Ünïcödé 漢字 עברית", "a\tb\nc"):
        assert visible(text) == text
