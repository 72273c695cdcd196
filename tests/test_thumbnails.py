"""Thumbnails: made while items are read, once, and kept in the file where the features are too many for it."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import latentspace as ls
from latentspace import features, store, thumbnails
from latentspace.errors import SkippedItemsWarning
from latentspace.items import decode
from latentspace.items.images import Images


@pytest.fixture
def folder(tmp_path):
    """Twelve colour images of 96 x 64 pixels with room between their colours."""
    rng = np.random.default_rng(0)
    place = tmp_path / "photos"
    place.mkdir()
    for i in range(12):
        small = Image.fromarray(rng.integers(0, 256, (4, 6, 3), dtype=np.uint8))
        small.resize((96, 64), Image.Resampling.BICUBIC).save(place / f"{i:02}.png")
    return place


@pytest.fixture
def counted(monkeypatch):
    """How often images were decoded and thumbnails encoded; no file keeps features."""
    monkeypatch.setattr(features, "KEEP_UP_TO", 0)
    calls = {"decoded": 0, "encoded": 0}

    def count(module, function, name):
        inner = getattr(module, function)

        def outer(*given, **named):
            calls[name] += 1
            return inner(*given, **named)

        monkeypatch.setattr(module, function, outer)

    count(decode, "decoded", "decoded")
    count(thumbnails, "encode", "encoded")
    return calls


def fitted(source):
    return ls.fit(source, dims=2, density="gaussian")


def pictures_in(path):
    with store.LatentFile(path) as file:
        assert file.feature_shape is None
        return [Image.open(io.BytesIO(one)) for one in file.thumbnails()]


def test_images_are_decoded_and_thumbnails_encoded_once_however_often_a_space_is_saved(folder, counted, tmp_path):
    space = fitted(folder)
    space.save(tmp_path / "a.latent")
    space.save(tmp_path / "b.latent")
    assert counted == {"decoded": 12, "encoded": 12}
    again = ls.load(tmp_path / "a.latent")
    again.map("pca").save(tmp_path / "map.html")
    again.save(tmp_path / "c.latent")
    assert counted == {"decoded": 12, "encoded": 12}
    for name in "abc":
        kept = pictures_in(tmp_path / f"{name}.latent")
        assert [one.size for one in kept] == [(64, 43)] * 12
        for one, item in zip(kept, space.items[:], strict=True):
            item.thumbnail((64, 64))
            assert np.abs(np.asarray(one, float) - np.asarray(item)).mean() < 4  # of 255


def test_items_that_are_added_bring_their_thumbnails(folder, counted, tmp_path):
    space = ls.load(fitted(folder).save(tmp_path / "a.latent"))
    red = Image.new("RGB", (96, 64), (200, 0, 0))
    space.add([red], ids=["red"])
    space.remove(["00.png"])
    kept = pictures_in(tmp_path / "a.latent")
    assert len(kept) == len(space) == 12
    assert np.abs(np.asarray(kept[space.position("red")], float) - (200, 0, 0)).max() < 6
    assert counted["encoded"] == 13


def test_a_bad_image_leaves_thumbnails_beside_their_items(folder, counted, tmp_path):
    (folder / "03.png").write_bytes(b"rubbish")
    with pytest.warns(SkippedItemsWarning):
        space = fitted(folder)
    kept = pictures_in(space.save(tmp_path / "a.latent"))
    assert len(kept) == len(space) == 11
    for one, item in zip(kept, space.items[:], strict=True):
        item.thumbnail((64, 64))
        assert np.abs(np.asarray(one, float) - np.asarray(item)).mean() < 4


def test_a_space_whose_features_the_file_keeps_needs_none(folder, tmp_path):
    with store.LatentFile(fitted(folder).save(tmp_path / "a.latent")) as file:
        assert not file.has_thumbnails
        assert file.feature_shape == (3, 64, 96)


@given(channels=st.sampled_from([1, 3, 4]), height=st.integers(1, 150), width=st.integers(1, 150))
def test_any_image_has_a_thumbnail_of_its_own_aspect(channels, height, width):
    modality = Images(size=(height, width), channels=channels)
    modality.size_, modality.channels_ = (height, width), channels
    rows = np.full((1, channels, height, width), 200, np.uint8)
    (one,) = thumbnails.made(modality, rows)
    picture = Image.open(io.BytesIO(one))
    assert max(picture.size) == min(64, max(height, width))
    scale = min(1, 64 / max(height, width))
    assert abs(picture.width - width * scale) <= 1
    assert abs(picture.height - height * scale) <= 1
    assert np.abs(np.asarray(picture, float) - 200).max() < 6
    np.testing.assert_array_equal(
        np.asarray(modality.picture(rows[0])), np.asarray(modality.picture(rows[0] / np.float32(255)))
    )


def test_what_has_no_picture_has_no_thumbnail():
    space = ls.fit(np.random.default_rng(0).normal(size=(10, 4)), dims=2)
    assert thumbnails.made(space.modality, space.latents) is None
