"""The command line as a user runs it: real processes, real files."""

import json

import numpy as np
import pytest
import typer

import processes
from latentspace.cli import arguments
from latentspace.models import FAMILIES, PRESETS


def run(*words, cwd, code=0, stdin=None):
    done = processes.latentspace(*words, cwd=cwd, stdin=stdin)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with photos/, plants.csv, and a fitted space of each."""
    from PIL import Image
    from sklearn.datasets import load_digits, load_iris

    folder = tmp_path_factory.mktemp("place")
    bunch = load_digits()
    for i in range(40):
        target = folder / "photos" / str(bunch.target[i])
        target.mkdir(parents=True, exist_ok=True)
        Image.fromarray((bunch.images[i] * 15.9).astype(np.uint8)).save(target / f"{i}.png")
    iris = load_iris(as_frame=True).frame
    iris.to_csv(folder / "plants.csv", index=False)
    run("fit", "photos", "-o", "photos.latent", "--dims", "4", cwd=folder)
    run("fit", "plants.csv", "-o", "plants.latent", "--dims", "0.99", "--target", "target", cwd=folder)
    return folder


def test_fit_and_info_say_what_is_in_the_file(place):
    facts = json.loads(run("info", "photos.latent", "--json", cwd=place).stdout)
    assert facts["items"] == 40
    assert facts["kind"] == "images"
    assert facts["model"] == "pca"
    assert facts["dims"] == 4
    assert 0 < facts["reconstruction"]["variance_kept"] < 1
    words = run("info", "photos.latent", cwd=place).stdout
    assert "photos" in words
    assert "reconstruction" in words


def test_models_lists_what_fit_takes_and_its_help_says_where_the_list_is(place):
    listed = json.loads(run("models", "--json", cwd=place).stdout)
    assert listed["families"] == list(FAMILIES)
    assert {row["preset"]: row["options"] for row in listed["presets"]} == {
        name: dict(preset.options) for name, preset in PRESETS.items()
    }
    words = run("models", cwd=place).stdout.splitlines()
    assert words[0] == f"families: {', '.join(FAMILIES)}"
    table = next(row for row, line in enumerate(words) if line.startswith("preset ")) + 1
    assert [line.split()[0] for line in words[table:]] == list(PRESETS)
    assert any(line.split() == ["minilm", "texts"] for line in words[:table])
    assert "latentspace models" in " ".join(run("fit", "--help", cwd=place).stdout.split())


def test_search_prints_a_table_with_the_scores_first_hit_the_file_itself(place):
    lines = run("search", "photos.latent", "photos/0/0.png", "-k", "3", cwd=place).stdout.splitlines()
    assert lines[0].split()[:2] == ["id", "cosine"]
    assert lines[1].split()[0] == "0/0.png"
    assert len(lines) == 4
    found = json.loads(run("search", "photos.latent", "--id", "0/0.png", "-w", "label=1,2", "--json", cwd=place).stdout)
    assert found["hits"]
    assert {hit["label"] for hit in found["hits"]} <= {"1", "2"}


def test_latents_go_out_and_come_back_through_a_pipe(place):
    table = run("encode", "photos.latent", "photos/3", cwd=place).stdout
    assert table.splitlines()[0] == "id,z0,z1,z2,z3"
    run("decode", "photos.latent", "-", "-o", "decoded", cwd=place, stdin=table)
    assert len(list((place / "decoded").glob("*.png"))) == len(table.splitlines()) - 1
    run("encode", "plants.latent", "plants.csv", "-o", "z.npy", cwd=place)
    run("decode", "plants.latent", "z.npy", "-o", "back.csv", cwd=place)
    assert len((place / "back.csv").read_text().splitlines()) == 151


def test_pictures_are_written_and_never_over_others_unasked(place):
    run("sample", "photos.latent", "-n", "4", "-o", "grid.png", cwd=place)
    run("interpolate", "photos.latent", "0/0.png", "1/1.png", "-o", "strip.png", "--path", "spherical", cwd=place)
    run("traverse", "photos.latent", "0/0.png", "--axis", "1", "-o", "traversal.png", cwd=place)
    run("map", "photos.latent", "-o", "map.html", "--method", "pca", "--colour", "label", cwd=place)
    run("map", "photos.latent", "-o", "map.png", "--method", "pca", cwd=place)
    for name in ("grid.png", "strip.png", "traversal.png", "map.html", "map.png"):
        assert (place / name).stat().st_size > 100
    assert "--force" in run("sample", "photos.latent", "-o", "grid.png", cwd=place, code=1).stderr
    run("sample", "photos.latent", "-o", "grid.png", "--force", cwd=place)


def test_add_and_remove_change_the_file(place):
    run("fit", "photos", "-o", "living.latent", "--dims", "2", cwd=place)
    run("remove", "living.latent", "0/0.png", cwd=place)
    assert json.loads(run("info", "living.latent", "--json", cwd=place).stdout)["items"] == 39
    run("add", "living.latent", "photos", "--on-existing", "skip", cwd=place)
    assert json.loads(run("info", "living.latent", "--json", cwd=place).stdout)["items"] == 40


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["info", "absent.latent"], 1, "absent.latent"),
        (["info", "plants.csv"], 1, "plants.csv"),
        (["fit", "absent", "-o", "x.latent"], 1, "absent"),
        (["fit", "photos", "-o", "x.latent", "--model", "nonsense"], 1, "vae"),
        (["fit", "photos", "-o", "x.latent", "--dims", "many"], 2, "many"),
        (["encode", "photos.latent", "plants.csv"], 1, "holds images"),
        (["search", "photos.latent"], 2, "--id"),
        (["search", "photos.latent", "--id", "nobody"], 1, "nobody"),
        (["search", "photos.latent", "--id", "0/0.png", "-w", "colour=red"], 1, "label"),
        (["sample", "photos.latent", "-o", "grid.xyz"], 1, ".png"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_a_mistake_is_one_clear_line(place, words, code, says):
    done = run(*words, cwd=place, code=code)
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    if code == 1:
        assert done.stderr.startswith("Error: ")


def test_debug_shows_the_traceback(place):
    assert "Traceback" in run("--debug", "info", "absent.latent", cwd=place, code=1).stderr


def test_every_verb_has_a_help_line_that_can_be_pasted(place):
    verbs = [
        "fit",
        "info",
        "encode",
        "decode",
        "add",
        "remove",
        "search",
        "map",
        "sample",
        "interpolate",
        "traverse",
        "demo",
    ]
    for verb in verbs:
        assert f"latentspace {verb} " in run(verb, "--help", cwd=place).stdout


def test_parts_with_options_are_written_as_json():
    given = ['prior={"kind": "vamp", "components": 5}', "hidden=[16, 8]", "epochs=2"]
    assert arguments.options_of(given) == {
        "prior": {"kind": "vamp", "components": 5}, "hidden": [16, 8], "epochs": 2,
    }  # fmt: skip
    with pytest.raises(typer.BadParameter, match=r"'prior=\{kind: vamp\}' begins as JSON but is not"):
        arguments.options_of(["prior={kind: vamp}"])
