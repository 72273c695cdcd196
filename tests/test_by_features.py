"""Searching by features: right whatever the plan, alive, kept in the file, and refused in words where it can't be."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from typer.testing import CliRunner

import latentspace as ls
from latentspace.cli.app import app
from latentspace.errors import UnsupportedError
from latentspace.search.exact import ExactIndex
from latentspace.search.mapped import is_mapped


@pytest.fixture(scope="module")
def pictures():
    """3,594 real digits: as they are, and each shifted by a pixel. uint8 (n, 8, 8)."""
    plain = (load_digits().images * 15.9).astype(np.uint8)
    return np.concatenate([plain, np.roll(plain, 1, axis=2)])


@pytest.fixture(scope="module")
def saved(pictures, tmp_path_factory):
    space = ls.fit(pictures[:3000], model="pca", dims=16, metadata={"half": [i % 2 for i in range(3000)]})
    return space.save(tmp_path_factory.mktemp("digits") / "digits.latent")


@pytest.fixture
def path(saved, tmp_path):
    copy = tmp_path / "digits.latent"
    copy.write_bytes(saved.read_bytes())
    return copy


def as_rows(pictures):
    return pictures.reshape(len(pictures), -1) / np.float32(255)


def truth(x, queries, k, metric="euclidean", **options):
    return ExactIndex(x).search(queries, k, metric, **options)


def share(hits, positions):
    return np.mean(
        [len({int(i) for i in one.ids} & set(row)) / len(row) for one, row in zip(hits, positions, strict=True)]
    )


@pytest.mark.parametrize("rerank", ["auto", True, False])
@pytest.mark.parametrize("frugal", [False, True])
def test_an_index_of_features_finds_what_is_nearest_in_features_with_filters_too(saved, pictures, rerank, frugal):
    space = ls.load(saved)
    space.path = None  # nothing is kept: the file serves every test
    report = space.build_index("euclidean", by="features", rerank=rerank, frugal=frugal)
    assert report["of"] == {True: "latents", False: "vectors"}.get(rerank, report["of"])
    assert ("as was asked for" in report["plan"]) == (rerank != "auto")
    x, queries = as_rows(pictures[:3000]), as_rows(pictures[3000:3200])
    hits = space.search(vector=queries, by="features", metric="euclidean")
    assert share(hits, truth(x, queries, 10).positions) > 0.93
    assert hits[0].recall == report["recall"] < 1
    assert hits[0].plan.endswith("by features")
    exact = space.search(vector=queries, by="features", metric="euclidean", recall=1)
    assert share(exact, truth(x, queries, 10).positions) == 1
    half = np.arange(3000) % 2 == 1
    hits = space.search(vector=queries, by="features", metric="euclidean", where={"half": 1})
    assert share(hits, truth(x, queries, 10, mask=half).positions) > 0.93
    assert is_mapped(space._features_index.z) == frugal


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_without_an_index_features_are_compared_exactly_by_id_item_row_and_examples(pictures, data):
    n = data.draw(st.integers(2, 30))
    some, metric = pictures[:n], data.draw(st.sampled_from(["cosine", "euclidean", "dot"]))
    space = ls.fit(some, model="pca", dims=data.draw(st.integers(1, 2)))
    row, k = data.draw(st.integers(0, n - 1)), data.draw(st.integers(1, n + 3))
    x = as_rows(some)
    right = truth(x, x[row : row + 1], k, metric, exclude=[[row]])
    by_id = space.search(id=str(row), k=k, metric=metric, by="features")
    assert [int(i) for i in by_id.ids] == [p for p in right.positions[0] if p >= 0]
    np.testing.assert_allclose(by_id.scores, right.scores[0][: len(by_id)], rtol=1e-5)
    both = (
        space.search(some[row], k=k, metric=metric, by="features"),
        space.search(vector=x[row], k=k, metric=metric, by="features"),
    )
    assert both[0].ids == both[1].ids == [str(p) for p in truth(x, x[row : row + 1], k, metric).positions[0] if p >= 0]
    example = space.search(like=[str(row)], k=k, metric=metric, by="features")
    assert str(row) not in example.ids
    assert len(example) == min(k, n - 1)
    radius = float(by_id.scores[len(by_id) // 2])
    near = space.search(id=str(row), within=radius, metric=metric, by="features")
    assert set(by_id.ids[: len(by_id) // 2]) <= set(near.ids)


@pytest.mark.parametrize("frugal", [False, True])
def test_it_follows_what_comes_and_goes_and_is_found_again_in_the_file(path, pictures, frugal):
    space = ls.load(path)
    space.build_index("euclidean", by="features", rerank=True, frugal=frugal)
    space.search(id="3", by="features", metric="euclidean")
    index = space._features_index
    new = space.add(pictures[3000:3100], ids=[f"new-{i}" for i in range(100)])
    space.remove([str(i) for i in range(50)] + new[50:])
    assert space._features_index is index, "followed, not read again"
    x = as_rows(np.concatenate([pictures[50:3000], pictures[3000:3050]]))
    np.testing.assert_array_equal(index.z, x)
    queries = as_rows(pictures[3200:3300])
    right = truth(x, queries, 10).positions
    right = [[space.ids[row] for row in rows] for rows in right]
    for one in (space, ls.load(path)):
        told = one.info()["index"]["euclidean by features"]
        assert (told["of"], told["frugal"], told["tail"], told["tombstones"]) == ("latents", frugal, 50, 50)
        if one is not space:
            one.search(id="60", by="features")  # reads the features
            assert one._features_index.load("euclidean")
        assert is_mapped(one._features_index.z) == frugal
        hits = one.search(vector=queries, by="features", metric="euclidean")
        assert np.mean([len(set(a.ids) & set(b)) / 10 for a, b in zip(hits, right, strict=True)]) > 0.93
        assert hits[0].recall < 1
    space.compact()
    told = space.info()["index"]["euclidean by features"]
    assert (told["of"], told["tail"], told["tombstones"]) == ("latents", 0, 0)
    json.dumps(space.info())


def test_frugal_latents_lie_in_a_file_and_live_on(path, pictures):
    space = ls.load(path)
    before = space.latents.copy()
    assert space.build_index("cosine", frugal=True)["frugal"] is True
    assert is_mapped(space.latents)
    np.testing.assert_array_equal(space.latents, before)
    space.add(pictures[3000:3100], ids=[f"new-{i}" for i in range(100)])
    space.remove(["0", "1"])
    assert is_mapped(space.latents)
    assert space.search(id="2", k=1, recall=1).ids == ls.load(path).search(id="2", k=1).ids
    again = ls.load(path)
    assert again.info()["index"]["cosine"]["frugal"] is True
    assert again.index.load("cosine")
    assert is_mapped(again.latents)
    np.testing.assert_array_equal(again.latents, space.latents)


def test_what_cannot_be_searched_by_features_says_why(pictures, tmp_path):
    texts = ls.fit(["a cat sat", "a dog ran", "the cat ran off", "dogs and cats"], model="lsa", dims=2)
    with pytest.raises(UnsupportedError, match=r"counts of [\d,]+ words or things"):
        texts.search("cat", by="features")
    beside = ls.fit(
        ["red cat", "blue dog", "old fox"], vectors=np.eye(3, dtype=np.float32), model="pca", dims=2, kind="texts"
    )
    with pytest.raises(UnsupportedError, match="needs the vectors that this space was fitted on"):
        beside.search(id="0", by="features")
    space = ls.fit(pictures[:40], model="pca", dims=4)
    with pytest.raises(ValueError, match=r"vector= of shape \(4,\) are no features of this space"):
        space.search(vector=np.ones(4), by="features")
    with pytest.raises(ValueError, match="holds NaN or infinity"):
        space.search(vector=np.full(64, np.nan), by="features")
    with pytest.raises(ValueError, match="by='pixels' is not known"):
        space.search(id="0", by="pixels")
    with pytest.raises(ValueError, match="along an axis of the latents"):
        space.search(id="0", by="features", more=0)
    with pytest.raises(ValueError, match="leave by='latents' out"):
        space.build_index(by="latents", rerank=True)
    with pytest.raises(ValueError, match="rerank='yes' is not known"):
        space.build_index(rerank="yes")
    with pytest.raises(ValueError, match="40 items are too few"):
        space.build_index(by="features")


def test_the_command_line_learns_an_index_of_features_and_searches_by_it(path):
    def run(*words):
        done = CliRunner().invoke(app, list(map(str, words)))
        assert done.exit_code == 0, done.output
        return done.stdout

    report = json.loads(run("index", path, "--rerank", "--frugal", "--recall", "0.9", "--json"))
    assert (report["of"], report["frugal"], report["target"]) == ("latents", True, 0.9)
    assert "cosine by features" in run("info", path)
    hits = json.loads(run("search", path, "--id", "3", "--by", "features", "-k", "2", "--json"))
    assert len(hits["hits"]) == 2
    assert hits["plan"] == "exact by features", "one search does not pay for reading the index"
