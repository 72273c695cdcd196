"""`latentspace map`, as a user runs it."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import latentspace as ls
from latentspace.cli.app import app


@pytest.fixture(scope="module")
def file(digits, tmp_path_factory):
    images, labels = digits
    path = tmp_path_factory.mktemp("map") / "digits.latent"
    chosen = labels < 3
    ls.fit(images[chosen], dims=4, metadata={"label": labels[chosen].tolist()}).save(path)
    return path


def run(*words):
    return CliRunner().invoke(app, ["map", *map(str, words)])


def test_a_picture_for_print_has_the_size_that_is_asked_for(file, tmp_path):
    out = tmp_path / "m.png"
    done = run(file, "-o", out, "--method", "pca", "--size", "85x70", "--dpi", "300", "--density", "--pictures")
    assert done.exit_code == 0, done.output
    with Image.open(out) as picture:
        assert picture.size == (1004, 827)  # 85 and 70 mm at 300 an inch
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_names_are_told_with_their_evidence(file, tmp_path):
    done = run(file, "-o", tmp_path / "m.svg", "--method", "pca", "--names", "--colour", "label")
    assert done.exit_code == 0, done.output
    assert "label is 0 for" in done.stdout
    drawn = json.loads(run(file, "-o", tmp_path / "m.html", "--method", "pca", "--by", "label", "--json").stdout)
    assert {region["name"] for region in drawn["regions"]} == {"0", "1", "2"}
    assert drawn["regions"][0]["items"] >= drawn["regions"][-1]["items"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--size", "large"), "--size large is not WIDTHxHEIGHT"),
        (("--size", "20x10"), "20 x 10 mm is no size"),
        (("--size", "nanxinf"), "nan x inf mm is no size"),
        (("--dpi", "-1"), "dpi=-1.0 counts pixels"),
        (("--by", "breed"), "--by breed: there is no such column. Columns: label"),
        (("--colour", "breed"), "--colour breed: there is no such column. Columns: label, trustworthiness"),
        (("--keep", "--dims", "3"), "--keep and --dims 3"),
    ],
)
def test_what_cannot_be_drawn_is_said(file, tmp_path, words, told):
    done = run(file, "-o", tmp_path / "m.png", "--method", "pca", *words)
    assert done.exit_code != 0
    assert told in " ".join((done.output + str(done.exception)).replace("│", " ").split())
    assert not (tmp_path / "m.png").exists()


def test_an_unknown_ending_is_refused(file, tmp_path):
    done = run(file, "-o", tmp_path / "m.pdf", "--method", "pca")
    assert ".png, .svg or .html" in done.output + str(done.exception)


def test_a_space_without_items_to_tell_apart_is_drawn(tmp_path):
    ls.fit(np.ones((6, 3)), dims=1).save(tmp_path / "same.latent")
    done = run(tmp_path / "same.latent", "-o", tmp_path / "m.svg", "--method", "pca", "--density", "--names")
    assert done.exit_code == 0, done.output
