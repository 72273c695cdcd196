"""Maps of some items with the others placed among them: nearly as true, and said."""

import numpy as np
import pytest

import latentspace as ls
from latentspace.maps import landmarks
from latentspace.maps.fit import fit_map, place
from latentspace.maps.honesty import honesty
from latentspace.progress import aloud


@pytest.fixture(scope="module")
def z(digits):
    images, _ = digits
    return ls.PCA(dims=20).fit_transform((images[:500].reshape(500, -1) / 255).astype(np.float32))


@pytest.mark.parametrize("method", ["tsne", "umap", "pacmap"])
def test_a_map_by_half_of_the_items_is_nearly_as_true(z, method):
    whole = honesty(z, fit_map(z, method).coordinates)
    some = fit_map(z, method, landmarks=250)
    told = honesty(z, some.coordinates)
    assert some.params["landmarks"] == 250
    assert told.trustworthiness > whole.trustworthiness - 0.03
    assert told.continuity > whole.continuity - 0.03
    np.testing.assert_array_equal(place(some, z, z[:50]), some.coordinates[:50])


def test_what_memory_has_no_room_for_is_laid_out_by_landmarks_and_said(monkeypatch, capsys):
    monkeypatch.setattr(landmarks, "available_memory", lambda: 2 * 30_000 * 9_000)
    with aloud():
        assert landmarks.landmarks_for("tsne", 100_000) == 30_000
    assert "30,000 landmarks" in capsys.readouterr().err
    assert landmarks.landmarks_for("tsne", 30_000) is None
    assert landmarks.landmarks_for("pca", 10**9) is None
    monkeypatch.setattr(landmarks, "available_memory", lambda: 0)
    assert landmarks.landmarks_for("umap", 10**6) == 2_000


def test_a_space_keeps_a_map_by_landmarks_in_its_file(z, tmp_path):
    space = ls.fit(z[:300], model="pca", dims=8)
    drawn = space.map("umap", landmarks=100)
    space.save(tmp_path / "x.latent")
    kept = ls.load(tmp_path / "x.latent").maps["umap"]
    assert kept._fitted.params["landmarks"] == 100
    np.testing.assert_array_equal(kept.coordinates, drawn.coordinates)
    np.testing.assert_allclose(kept.place_latents(space.latents[:20]), drawn.coordinates[:20])


@pytest.mark.parametrize(("method", "asked", "said"), [("pca", 10, "leave landmarks out"), ("tsne", 1, "at least 2")])
def test_landmarks_that_make_no_sense_are_refused(z, method, asked, said):
    with pytest.raises(ValueError, match=said):
        ls.fit(z[:50], model="pca", dims=4).map(method, landmarks=asked)
