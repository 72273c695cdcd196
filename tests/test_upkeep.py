"""The upkeep of a space: what its index and file are like, and giving room back."""

import json

import numpy as np
import pytest

import latentspace as ls
import processes
from latentspace.errors import UnsupportedError


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return (4 * rng.normal(size=(30, 8))[rng.integers(30, size=2600)] + rng.normal(size=(2600, 8))).astype(np.float32)


@pytest.fixture
def path(tmp_path, rows):
    return ls.fit(rows[:2500], model=None).save(tmp_path / "rows.latent")


def test_info_tells_of_index_and_file_what_is_so(path, rows):
    space = ls.load(path)
    assert space.info()["index"] is None
    report = space.build_index("cosine", recall=0.9)
    assert report["target"] == 0.9
    space.add(rows[2500:], ids=[f"new-{i}" for i in range(100)])
    space.remove([str(i) for i in range(40)])
    for one in (space, ls.load(path)):  # in memory, and from the file without loading the index
        told = one.info()
        assert told["index"]["cosine"]["recall"] == report["recall"]
        assert (told["index"]["cosine"]["tail"], told["index"]["cosine"]["tombstones"]) == (100, 40)
        assert told["file"]["removed"] == 40
        assert told["file"]["bytes"] == path.stat().st_size
        assert list(told["file"]["kept"]) == ["index-cosine"]
    json.dumps(told)


def test_compacting_leaves_neither_removed_items_nor_tombstones(path, rows):
    space = ls.load(path)
    space.build_index("cosine")
    space.add(rows[2500:], ids=[f"new-{i}" for i in range(100)])
    space.remove([str(i) for i in range(300)])
    before = space.search(vector=rows[400], k=5)
    done = space.compact()
    assert done["removed"] == 300
    assert done["bytes"] == path.stat().st_size < done["bytes_before"]
    for one in (space, ls.load(path)):
        assert one.info()["file"]["removed"] == 0
        assert (one.info()["index"]["cosine"]["tail"], one.info()["index"]["cosine"]["tombstones"]) == (0, 0)
        assert one.search(vector=rows[400], k=5).ids == before.ids
    space.remove(["new-0"])
    space.add(rows[:1], ids=["again"])
    assert ls.load(path).ids == space.ids
    assert space.compact()["removed"] == 1
    again = space.compact()
    assert again["removed"] == 0
    assert again["bytes"] <= again["bytes_before"]


def test_a_space_without_a_file_has_nothing_to_compact(rows):
    with pytest.raises(UnsupportedError, match="lives in a file"):
        ls.fit(rows[:50], model=None).compact()


def test_an_index_of_few_items_is_refused(rows):
    with pytest.raises(ValueError, match="50 items are too few"):
        ls.fit(rows[:50], model=None).build_index()
    with pytest.raises(ValueError, match="recall=0 is out of range"):
        ls.fit(rows, model=None).build_index(recall=0)


def test_the_command_line_learns_an_index_and_compacts(path):
    def run(*arguments):
        done = processes.latentspace(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert json.loads(run("index", str(path), "--metric", "euclidean", "--json"))["recall"] > 0.9
    ls.load(path).remove(["1"])
    assert "removed" in run("compact", str(path))
    assert "tombstones 0" in run("info", str(path))
