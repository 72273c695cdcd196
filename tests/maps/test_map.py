import numpy as np
import pytest

import latentspace as ls
from latentspace.maps.fit import METHODS


@pytest.fixture(scope="module")
def space(digits):
    images, labels = digits
    return ls.fit(images[:200], dims=6, metadata={"label": labels[:200]})


@pytest.fixture(scope="module")
def drawn(space):
    return space.map("tsne", seed=1)


@pytest.mark.parametrize("method", METHODS)
def test_items_are_placed_on_their_own_spots_and_spots_decode_to_items(space, digits, method):
    drawn = space.map(method)
    extent = np.ptp(drawn.coordinates, axis=0).max()
    placed = drawn.place(digits[0][:200])
    assert np.median(np.linalg.norm(placed - drawn.coordinates, axis=1)) < 0.01 * extent
    decoded = drawn.decode(drawn.coordinates[:5])
    assert decoded.items.shape == (5, 8, 8)
    assert not decoded.off_data.any()
    assert drawn.decode([1e4, 1e4]).off_data.tolist() == [True]


def test_a_map_says_how_far_to_trust_it(drawn):
    assert "Trustworthiness 0.9" in repr(drawn)
    assert drawn._repr_png_().startswith(b"\x89PNG")


def test_a_map_is_saved_as_what_its_ending_says_and_never_over_another_unasked(drawn, tmp_path):
    for name in ("m.png", "m.html"):
        drawn.save(tmp_path / name, colour="label")
        with pytest.raises(FileExistsError):
            drawn.save(tmp_path / name)
        drawn.save(tmp_path / name, colour="neighbours_kept", overwrite=True)
    drawn.save(tmp_path / "pictures.png", pictures=True)
    with pytest.raises(ValueError, match=r"\.png, \.svg or \.html"):
        drawn.save(tmp_path / "m.pdf")
    with pytest.raises(ValueError, match=r"colour='kind'.*label"):
        drawn.save(tmp_path / "n.png", colour="kind")
    assert not (tmp_path / "n.png").exists()


def test_vectors_have_no_pictures_to_draw(tmp_path):
    drawn = ls.fit(np.random.default_rng(0).normal(size=(20, 5)), dims=2).map("pca")
    drawn.save(tmp_path / "m.html")
    with pytest.raises(ValueError, match="have pictures"):
        drawn.save(tmp_path / "m.png", pictures=True)


def test_a_map_keeps_its_spots_when_items_come_and_goes_when_they_leave(digits, tmp_path):
    images, _ = digits
    space = ls.fit(images[:50], dims=3)
    drawn = space.map("pca")
    space.save(tmp_path / "s.latent")
    space.add(images[50:60], ids=[f"n{i}" for i in range(10)])
    np.testing.assert_array_equal(space.maps["pca"].coordinates, drawn.coordinates)
    assert space.maps["pca"].ids == drawn.ids
    space.remove("0")
    assert space.maps == {}
    assert ls.load(tmp_path / "s.latent").maps == {}


def test_a_damaged_map_is_refused(drawn):
    facts, arrays = drawn.state()
    for broken in (
        ({**facts, "method": "evil"}, arrays),
        (facts, {**arrays, "coordinates": arrays["coordinates"][:5]}),
        ({"method": "pca"}, arrays),
        (facts, {}),
    ):
        with pytest.raises(ValueError, match="damaged"):
            type(drawn).from_state(*broken, drawn._ground)
