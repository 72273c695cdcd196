import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import latentspace as ls
from latentspace.errors import SkippedItemsWarning, UnsupportedError


@pytest.fixture
def space(digits):
    images, labels = digits
    return ls.fit(images[:300], model="pca", dims=8, metadata={"label": labels[:300]})


@pytest.mark.parametrize("model", ["pca", "autoencoder", "vae"])
def test_every_family_walks_the_whole_path(digits, tmp_path, model):
    images, labels = digits
    options = {} if model == "pca" else {"epochs": 2}
    space = ls.fit(images[:120], model=model, dims=4, metadata={"label": labels[:120]}, **options)
    assert len(space) == 120
    assert space.dims == 4
    assert space.latents.shape == (120, 4)
    assert space.latents.dtype == np.float32
    np.testing.assert_allclose(space.encode(images[:5]), space.latents[:5], atol=1e-5)
    assert space.decode(space.latents[:3]).shape == (3, 8, 8)
    assert space.reconstruct(images[:3]).dtype == np.uint8
    assert space.sample(5, seed=1).shape == (5, 8, 8)
    assert space.interpolate("0", "1", steps=4).shape == (4, 8, 8)
    assert space.traverse("0", 2, steps=5).shape == (5, 8, 8)
    assert space.search(id="7", k=3).ids[0] != "7"
    space.save(tmp_path / "s.latent")
    again = ls.load(tmp_path / "s.latent")
    np.testing.assert_array_equal(again.latents, space.latents)
    np.testing.assert_array_equal(again.encode(images[:9]), space.encode(images[:9]))
    np.testing.assert_array_equal(again.sample(3, seed=5), space.sample(3, seed=5))


@pytest.mark.parametrize("model", ["pca", "vae"])
def test_a_new_process_encodes_and_decodes_bit_equal(digits, tmp_path, model):
    images, _ = digits
    options = {} if model == "pca" else {"epochs": 2}
    space = ls.fit(images[:200], model=model, dims=5, **options)
    space.save(tmp_path / "s.latent")
    np.save(tmp_path / "x.npy", images[200:231])
    z = space.encode(images[200:231])
    np.savez(tmp_path / "here.npz", z=z, x_hat=space.decode(z))
    code = (
        "import numpy as np, latentspace as ls; space = ls.load('s.latent'); z = space.encode('x.npy');"
        "np.savez('there.npz', z=z, x_hat=space.decode(z))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    here, there = np.load(tmp_path / "here.npz"), np.load(tmp_path / "there.npz")
    for name in here:
        np.testing.assert_array_equal(here[name], there[name])


def test_a_folder_gives_labels_ids_and_pictures_back(photos):
    space = ls.fit(photos, dims=3)
    assert space.modality.kind == "images"
    assert len(space) == 60
    id_ = "label-0/000.png"
    assert id_ in space.ids
    assert space.metadata["label"][space.position(id_)] == "label-0"
    assert isinstance(space.items[id_], Image.Image)
    hits = space.search(photos / id_, k=4, where={"label": "label-0"})
    assert hits.ids[0] == id_
    assert {space.metadata["label"][space.position(i)] for i in hits.ids} == {"label-0"}
    assert isinstance(space.decode(space.latents[0])[0], Image.Image)


def test_broken_files_are_counted_and_named_and_the_rest_is_fitted(photos):
    (photos / "empty.png").write_bytes(b"")
    (photos / "words.png").write_text("no picture")
    whole = next(photos.glob("label-1/*.png")).read_bytes()
    (photos / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.warns(SkippedItemsWarning, match=r"skipped 3 of 63"):
        space = ls.fit(photos, dims=2)
    assert len(space) + len(space.skipped) == 63
    assert {item.id for item in space.skipped} == {"empty.png", "words.png", "cut.png"}
    assert all(item.reason for item in space.skipped)
    with pytest.raises(ValueError, match="png"):
        ls.fit(photos, dims=2, on_error="raise")


def test_a_table_comes_back_with_its_columns_and_types(iris):
    space = ls.fit(iris, dims=6, target="species")
    assert space.modality.kind == "table"
    rows = space.decode(space.latents[:10])
    assert list(rows.columns) == [name for name in iris.columns if name != "species"]
    assert str(rows.dtypes["tall"]) == "bool"
    assert str(rows.dtypes["seen"]).startswith("datetime64")
    hits = space.search(id="0", k=5, where={"species": "virginica"})
    assert {space.metadata["species"][space.position(i)] for i in hits.ids} == {"virginica"}
    assert set(space.sample(20, seed=0)["tall"].unique()) <= {True, False}


def test_added_items_are_found_and_removed_ones_are_not(space, digits):
    images, labels = digits
    added = space.add(images[300:305], ids=[f"new-{i}" for i in range(5)], metadata={"label": labels[300:305]})
    assert added == [f"new-{i}" for i in range(5)]
    assert len(space) == 305
    assert space.search(images[302], k=1).ids == ["new-2"]
    np.testing.assert_array_equal(space.items["new-2"], images[302])
    assert space.remove("new-2") == 1
    assert "new-2" not in space.search(images[302], k=304).ids
    assert len(space) == len(space.latents) == len(space.metadata["label"]) == 304
    np.testing.assert_array_equal(space.items["new-3"], images[303])


def test_adding_an_id_that_is_there_raises_skips_or_replaces(space, digits):
    images, _ = digits
    with pytest.raises(ValueError, match="in this space already"):
        space.add(images[300:302], ids=["5", "fresh"])
    assert len(space) == 300
    assert space.add(images[300:302], ids=["5", "fresh"], on_existing="skip") == ["fresh"]
    np.testing.assert_array_equal(space.items["5"], images[5])
    space.add(images[310:311], ids=["5"], on_existing="replace")
    assert len(space) == 301
    np.testing.assert_array_equal(space.items["5"], images[310])


def test_a_saved_space_commits_what_is_added_and_removed_to_its_file(space, digits, tmp_path):
    images, _ = digits
    space.save(tmp_path / "s.latent")
    reader = ls.load(tmp_path / "s.latent")
    space.add(images[300:303], ids=["a", "b", "c"])
    space.remove(["a", "0"])
    assert reader.refresh()
    assert not reader.refresh()
    assert reader.ids == space.ids
    np.testing.assert_array_equal(reader.latents, space.latents)
    np.testing.assert_array_equal(reader.items["c"], images[302])


def test_saving_never_overwrites_unasked(space, tmp_path):
    (tmp_path / "s.latent").write_text("precious")
    with pytest.raises(FileExistsError):
        space.save(tmp_path / "s.latent")
    assert (tmp_path / "s.latent").read_text() == "precious"
    space.save(tmp_path / "s.latent", overwrite=True)
    space.save()
    assert len(ls.load(tmp_path / "s.latent")) == 300


def test_a_map_is_kept_in_the_file_and_places_its_own_items_on_their_spots(space, digits, tmp_path):
    drawn = space.map("tsne", seed=3)
    assert drawn.coordinates.shape == (300, 2)
    assert 0.8 < drawn.honesty.trustworthiness <= 1
    space.save(tmp_path / "s.latent")
    again = ls.load(tmp_path / "s.latent").maps["tsne"]
    np.testing.assert_array_equal(again.coordinates, drawn.coordinates)
    placed = again.place(digits[0][:20])
    extent = np.ptp(drawn.coordinates, axis=0).max()
    assert np.median(np.linalg.norm(placed - drawn.coordinates[:20], axis=1)) < 0.01 * extent


def test_a_scikit_learn_estimator_serves_but_is_refused_by_the_file(digits, tmp_path):
    from sklearn.decomposition import TruncatedSVD

    space = ls.fit(digits[0][:50], model=TruncatedSVD(n_components=3))
    assert space.dims == 3
    assert space.decode(space.latents[:2]).shape == (2, 8, 8)
    with pytest.raises(UnsupportedError, match="never holds a pickle"):
        space.save(tmp_path / "s.latent")


def test_a_model_without_a_decoder_refuses_to_decode_and_names_models_that_can(digits):
    from sklearn.manifold import Isomap

    space = ls.fit(digits[0][:50], model=Isomap(n_components=2))
    assert len(space.search(digits[0][3], k=5)) == 5
    for verb in (lambda: space.decode(space.latents), lambda: space.sample(2), lambda: space.reconstruct(digits[0])):
        with pytest.raises(UnsupportedError, match="'pca'"):
            verb()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_smallest_spaces_work(digits, tmp_path, n):
    space = ls.fit(digits[0][:n], dims=1)
    assert len(space.search(id="0", k=10)) == n - 1
    assert space.sample(2).shape == (2, 8, 8)
    space.map("pca")
    space.save(tmp_path / "s.latent")
    assert len(ls.load(tmp_path / "s.latent")) == n


def test_no_items_is_one_clear_line(tmp_path):
    with pytest.raises(ValueError, match="item"):
        ls.fit(np.empty((0, 5)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty"):
        ls.fit(tmp_path / "empty")


def test_unknown_options_models_ids_and_shapes_say_what_is_known(space, digits):
    with pytest.raises(TypeError, match=r"'sise'.*takes"):
        ls.fit(digits[0][:20], sise=3)
    with pytest.raises(ValueError, match=r"model='vea'.*vae"):
        ls.fit(digits[0][:20], model="vea")
    with pytest.raises(ValueError, match=r"id='29'|not in this space"):
        space.search(id="2999")
    with pytest.raises(ValueError, match=r"8 dims"):
        space.decode(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"NaN.*row 1"):
        space.decode([[0] * 8, [np.nan] * 8])
    with pytest.raises(TypeError, match="holds array"):
        space.encode(["a text"])
    with pytest.raises(ValueError, match="one of query"):
        space.search(digits[0][0], id="3")


def test_the_same_seed_gives_the_same_space(digits):
    one, two = (ls.fit(digits[0][:100], model="vae", dims=3, epochs=2, seed=7) for _ in range(2))
    np.testing.assert_array_equal(one.latents, two.latents)
    np.testing.assert_array_equal(one.sample(4, seed=1), two.sample(4, seed=1))


def test_the_users_data_is_left_as_it_was(digits, iris):
    images, frame = digits[0][:40].copy(), iris.copy()
    ls.fit(images, dims=2)
    ls.fit(frame, dims=2)
    np.testing.assert_array_equal(images, digits[0][:40])
    assert frame.equals(iris)
