import numpy as np
import pytest
from sklearn.decomposition import PCA as Reference

import latentspace as ls
from latentspace.errors import BadItemError, SkippedItemsWarning, UnsupportedError
from latentspace.models.identity import Identity


@pytest.fixture
def vectors():
    return np.random.default_rng(0).standard_normal((60, 12)).astype(np.float32)


def test_without_a_model_latents_are_the_vectors(photos, vectors):
    space = ls.fit(photos, model=None, vectors=vectors)
    np.testing.assert_array_equal(space.latents, vectors)
    assert space.modality.kind == "images"
    likeness = vectors @ vectors[7] / np.linalg.norm(vectors, axis=1)
    assert space.search(vectors[7], k=60).ids == [space.ids[row] for row in np.argsort(-likeness)]
    assert space.search(id=space.ids[7], k=59).ids == space.search(vectors[7], k=60).ids[1:]


def test_a_model_is_fitted_on_the_vectors_and_not_on_the_items(photos, vectors):
    space = ls.fit(photos, model="pca", dims=3, vectors=vectors)
    z = Reference(3).fit(vectors.astype(float)).transform(vectors)
    np.testing.assert_allclose(np.abs(space.latents), np.abs(z), atol=1e-4)
    np.testing.assert_allclose(space.encode(vectors[:5]), space.latents[:5], atol=1e-5)
    assert space.decode(space.latents[:2]).shape == (2, 12)
    assert space.sample(3).shape == (3, 12)


def test_items_are_shown_as_they_are(photos, vectors, tmp_path):
    space = ls.fit(photos, model=None, vectors=vectors)
    whole = ls.fit(photos)
    for row in (0, 31):
        np.testing.assert_array_equal(np.asarray(space.items[row]), np.asarray(whole.items[row]))
    space.map("pca").save(tmp_path / "map.html")
    assert (tmp_path / "map.html").stat().st_size > 1000


@pytest.mark.parametrize("model", [ls.PCA(dims=6), None])
def test_a_file_knows_that_it_is_of_vectors(photos, vectors, tmp_path, model):
    space = ls.fit(photos, model=model, vectors=vectors)
    again = ls.load(space.save(tmp_path / "v.latent"))
    np.testing.assert_array_equal(again.encode(vectors), space.encode(vectors))
    np.testing.assert_array_equal(np.asarray(again.items[3]), np.asarray(space.items[3]))
    with pytest.raises(UnsupportedError, match="Pass a vector of 12 numbers"):
        again.encode(photos)
    again.add(space.items[3], ids=["new"], vectors=vectors[3:4])
    assert set(ls.load(tmp_path / "v.latent").search(vectors[3], k=2).ids) == {space.ids[3], "new"}


def test_texts_stand_beside_vectors_of_theirs(vectors):
    texts = [f"the letter of {name} and more words" for name in "abcdefghijkl"]
    space = ls.fit(texts, kind="texts", model=None, vectors=vectors[:12])
    assert space.items[4] == texts[4]
    assert space.search(vectors[4], k=1).items[0] == texts[4]


def test_vectors_stay_with_their_items_where_some_cannot_be_read(photos, vectors):
    paths = sorted(photos.rglob("*.png"))
    paths[10].write_bytes(b"no image")
    vectors[20, 3] = np.nan
    with pytest.warns(SkippedItemsWarning, match=r"skipped 2 of 60"):
        space = ls.fit(photos, model=None, vectors=vectors)
    keep = np.delete(np.arange(60), [10, 20])
    np.testing.assert_array_equal(space.latents, vectors[keep])
    assert space.ids == [paths[row].relative_to(photos).as_posix() for row in keep]
    assert {item.reason for item in space.skipped} >= {"its vector holds NaN or infinity"}
    with pytest.raises(BadItemError, match="its vector holds NaN"):
        ls.fit(photos, model=None, vectors=vectors, on_error="raise")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros((59, 12)), r"shape \(59, 12\) do not fit 60 items"),
        (np.zeros(60), r"shape \(60,\) do not fit 60 items"),
        (np.zeros((60, 0)), r"shape \(60, 0\)"),
        (["a"] * 60, "must be an array of numbers"),
        ([[1.0], [1.0, 2.0]], "must be an array of numbers"),
    ],
)
def test_what_are_no_vectors_of_these_items_is_refused(photos, given, said):
    with pytest.raises(ValueError, match=said):
        ls.fit(photos, model=None, vectors=given)


def test_add_wants_vectors_where_they_are_wanted_and_nowhere_else(photos, vectors):
    space = ls.fit(photos, model=None, vectors=vectors)
    picture = space.items[0]
    with pytest.raises(ValueError, match="needs vectors=, one of 12 numbers"):
        space.add(picture, ids=["new"])
    with pytest.raises(ValueError, match="vectors of 5 numbers do not fit"):
        space.add(picture, ids=["new"], vectors=np.zeros((1, 5)))
    with pytest.raises(ValueError, match="reads its items themselves"):
        ls.fit(photos).add(picture, ids=["new"], vectors=vectors[:1])


@pytest.mark.parametrize("query", [np.zeros(11), np.full(12, np.nan), np.zeros((2, 2, 12))])
def test_a_vector_that_does_not_fit_is_refused(photos, vectors, query):
    with pytest.raises(ValueError, match=r"do not fit|NaN"):
        ls.fit(photos, model="pca", dims=4, vectors=vectors).encode(query)


def test_the_identity_is_there_and_back(vectors):
    model = Identity().fit(vectors)
    again = Identity.from_state(*model.get_state())
    np.testing.assert_array_equal(again.transform(vectors), vectors)
    np.testing.assert_array_equal(again.inverse_transform(vectors), vectors)
    with pytest.raises(ValueError, match="12"):
        again.inverse_transform(vectors[:, :5])
