"""search, duplicates and groups on the command line, over real digits."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from latentspace.cli import main


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with photos/, of which 1/copy.png is 1/1.png again, and photos.latent with a map."""
    folder = tmp_path_factory.mktemp("place")
    bunch = load_digits()
    for i in range(120):
        target = folder / "photos" / str(bunch.target[i])
        target.mkdir(parents=True, exist_ok=True)
        Image.fromarray((bunch.images[i] * 15.9).astype(np.uint8)).save(target / f"{i}.png")
    shutil.copy(folder / "photos/1/1.png", folder / "photos/1/copy.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in (
            "fit photos -o photos.latent --dims 6",
            "map photos.latent -o map.png --method pca --keep",
        ):
            with pytest.raises(SystemExit) as ended:
                main(words.split())
            assert ended.value.code == 0
    return folder


@pytest.fixture
def run(place, monkeypatch, capsys):
    """Runs the command line in that folder; gives stdout and stderr."""
    monkeypatch.chdir(place)

    def runs(words, code=0):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(words.split() if isinstance(words, str) else words)
        told = capsys.readouterr()
        assert ended.value.code == code, told.err
        return told

    return runs


def test_within_examples_region_and_axis_are_asked_for_as_in_the_library(run):
    near = json.loads(run("search photos.latent 3/3.png --within 0.7 --json").out)
    assert near["recall"] == 1.0
    assert near["hits"]
    assert all(hit["cosine"] >= 0.7 for hit in near["hits"])
    ids = [
        hit["id"] for hit in json.loads(run("search photos.latent --like 0/0.png --like 0/10.png --json").out)["hits"]
    ]
    assert len(ids) == 10
    assert not {"0/0.png", "0/10.png"} & set(ids)
    box = json.loads(run("search photos.latent --region=-99,-99,99,99 --json").out)
    assert (box["metric"], len(box["hits"])) == ("map distance", 121)
    words = "-99,-99 99,-99 -99,99"
    half = json.loads(run(["search", "photos.latent", "--region", words, "--json"]).out)
    assert 0 < len(half["hits"]) < 121
    assert json.loads(run("search photos.latent 3/3.png --more 0 -k 2 --json").out)["hits"]
    assert "nothing found" in run("search photos.latent 3/3.png --within 0.99999").err


def test_a_sheet_of_hits_begins_with_the_query(run, place):
    for words, cells in (("3/3.png", 4), ("photos/3/3.png", 4), ("--like 3/3.png", 3)):
        run(f"search photos.latent {words} -k 3 -o hits.png --force")
        sheet = np.asarray(Image.open(place / "hits.png").convert("L"))
        assert sheet.shape[1] == (2 * 68 + 4)  # two columns of 64 pixels
        own = np.asarray(Image.open(place / "photos/3/3.png")).repeat(8, 0).repeat(8, 1)
        assert (np.abs(sheet[4:68, 4:68].astype(int) - own).max() <= 1) == (cells == 4)


def test_duplicates_are_named_drawn_listed_and_removed(run, place):
    found = json.loads(run("duplicates photos.latent --json").out)["duplicates"]
    assert {"1/1.png", "1/copy.png"} in [set(group["ids"]) for group in found]
    assert found[0]["exact"] is True
    told = run("duplicates photos.latent --threshold 0 -o dup.csv")
    assert told.out.splitlines()[1].split()[:2] == ["0", "1/1.png"]
    assert "1 item is a duplicate, at most 0 apart" in told.err
    rows = list(csv.DictReader((place / "dup.csv").open()))
    assert [row["id"] for row in rows] == ["1/1.png", "1/copy.png"]
    run("duplicates photos.latent --threshold 0 -o dup.png")
    assert Image.open(place / "dup.png").size == (2 * 68 + 4, 68 + 17 + 4)
    shutil.copy(place / "photos.latent", place / "fewer.latent")
    run("duplicates fewer.latent --threshold 0 --remove")
    assert json.loads(run("duplicates fewer.latent --threshold 0 --json").out)["duplicates"] == []
    assert run("duplicates fewer.latent --threshold 0 -o none.png").out == ""
    assert not (place / "none.png").exists()


def test_groups_are_named_drawn_and_listed(run, place):
    table = run("groups photos.latent -n 5 -o groups.csv").out.splitlines()
    assert table[0].split() == ["group", "items", "most", "typical"]
    assert len(table) == 6
    rows = list(csv.DictReader((place / "groups.csv").open()))
    assert len({row["id"] for row in rows}) == 121
    assert len({row["name"] for row in rows}) == 5
    run("groups photos.latent -o groups.png")
    assert Image.open(place / "groups.png").width > 12 * 68


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("search photos.latent", 2, "give what to look for: QUERY, --id or --like"),
        ("search photos.latent 3/3.png --like 0/0.png", 2, "give one of QUERY, --id and --like"),
        ("search photos.latent 3/3.png --region 1,2,x", 2, "--region '1,2,x' is not X0,Y0,X1,Y1"),
        ("search photos.latent 3/3.png --region 1,2,3", 1, "neither a box (x0, y0, x1, y1) nor a polygon"),
        ("search photos.latent 3/3.png --more smiling", 1, "axis 'smiling' is not known"),
        ("search photos.latent 3/3.png --more 6", 1, "this space has the dimensions 0 to 5"),
        ("search photos.latent 3/3.png --region 0,0,1,1 --on tsne", 1, "Its maps: pca"),
        ("duplicates photos.latent -o d.pdf", 2, "must end in .png (a sheet) or .csv"),
        ("duplicates photos.latent --metric dot", 1, "'dot' has no distances"),
        ("duplicates photos.latent --threshold=-1", 1, "threshold=-1.0 is out of range"),
        ("duplicates photos.latent -o map.png", 1, "map.png is there already"),
        ("groups photos.latent -n 500", 1, "121 items make 1 to 121"),
        ("groups photos.latent --by colour", 1, "by='colour' is not a column. Columns: height, label, width"),
    ],
)
def test_a_mistake_is_one_clear_line(run, words, code, says):
    told = run(words, code)
    assert says in " ".join(told.err.split())
    assert "Traceback" not in told.err
    assert told.out == ""
