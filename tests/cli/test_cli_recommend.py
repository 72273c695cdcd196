"""The command `recommend`, in this process: what it prints, writes and refuses."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_digits
from typer.testing import CliRunner

import latentspace as ls
from latentspace.cli.app import app
from latentspace.cli.recommend import spread


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with digits.latent, met.csv and met.latent."""
    folder = tmp_path_factory.mktemp("place")
    bunch = load_digits()
    names = [f"{label}/{row}" for row, label in enumerate(bunch.target[:300])]
    images = (bunch.images[:300] * 15.9).astype(np.uint8)
    ls.fit(images, model="pca", dims=8, ids=names, density="gaussian").save(folder / "digits.latent")
    rows = [f"u{u},t{t},{u * t % 17}" for u in range(40) for t in range(20) if t % 2 == u % 2 and (u * t) % 3]
    (folder / "met.csv").write_text("user,item,time\n" + "\n".join(rows) + "\n")
    ls.fit(folder / "met.csv", model="latent-factors", dims=3, density="gaussian").save(folder / "met.latent")
    return folder


def run(place, monkeypatch, *words):
    monkeypatch.chdir(place)
    return CliRunner().invoke(app, ["recommend", *map(str, words)])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["x", "--liked", "a", "b", "-k", "5"], ["x", "--liked", "a", "--liked", "b", "-k", "5"]),
        (["x", "--liked", "a", "--disliked", "c", "d"], ["x", "--liked", "a", "--disliked", "c", "--disliked", "d"]),
        (["--liked=a", "b"], ["--liked=a", "b"]),
        (["x", "--json", "y"], ["x", "--json", "y"]),
        (["--liked"], ["--liked"]),
    ],
)
def test_words_after_an_option_of_several_belong_to_it(words, expected):
    assert spread(words) == expected


def test_it_says_what_is_next_and_why(place, monkeypatch):
    told = ("digits.latent", "--liked", "0/0", "0/10", "--disliked", "8/8", "-k", 3)
    lines = run(place, monkeypatch, *told).stdout.splitlines()
    assert lines[0].split() == ["id", "taste", "why"]
    assert len(lines) == 4
    assert all(line.startswith("0/") and "which you liked" in line for line in lines[1:])


def test_it_writes_a_sheet_or_a_list(place, monkeypatch):
    found = json.loads(run(place, monkeypatch, "digits.latent", "--liked", "0/0", "--json", "-o", "next.png").stdout)
    assert {hit["reason"]["near"] for hit in found["hits"]} == {"0/0"}
    assert (place / "next.png").stat().st_size > 100
    assert run(place, monkeypatch, "met.latent", "--user", "u1", "-k", 2, "-o", "list.csv").exit_code == 0
    assert (place / "list.csv").read_text().splitlines()[0] == "id,score,reason"
    assert len((place / "list.csv").read_text().splitlines()) == 3


def test_it_measures_recommenders(place, monkeypatch):
    done = run(place, monkeypatch, "met.csv", "--evaluate", "--split", "leave-out", "--model", "latent-factors", "pca")
    assert [line.split()[0] for line in done.stdout.splitlines()[2:7]].count("latent-factors") == 1
    facts = json.loads(run(place, monkeypatch, "met.latent", "--evaluate", "--json").stdout)
    assert facts["split"] == "people"
    assert len(facts["recommenders"]) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("met.latent", "--liked", "T1"), r"'T1' is not one of the .* Did you mean 't1'"),
        (("met.latent", "-o", "x.png"), r"-o list\.csv"),
        (("digits.latent", "--liked", "0/0", "-o", "met.csv"), r"met\.csv is there already"),
        (("digits.latent", "--user", "u1"), r"needs a space of interactions"),
        (("digits.latent", "--evaluate"), r"holds no interactions"),
    ],
)
def test_what_cannot_be_done_says_how(place, monkeypatch, words, message):
    done = run(place, monkeypatch, *words)
    assert done.exit_code == 1
    with pytest.raises(type(done.exception), match=message):
        raise done.exception


def test_options_of_evaluate_alone_are_a_mistake_of_usage(place, monkeypatch):
    done = run(place, monkeypatch, "met.latent", "--split", "time")
    assert done.exit_code == 2
    assert "--evaluate" in done.output
