import numpy as np
import pytest

import latentspace as ls
from latentspace.errors import UnsupportedError
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


def test_a_map_in_three_dimensions_is_placed_decoded_and_drawn(space, digits, tmp_path):
    before = dict(space.maps)
    drawn = space.map("pca", dims=3)
    assert drawn.coordinates.shape == (200, 3)
    np.testing.assert_array_equal(drawn.coordinates[:, :2], space.map("pca").coordinates)
    assert drawn.honesty.trustworthiness > space.map("pca").honesty.trustworthiness
    np.testing.assert_allclose(drawn.place(digits[0][:5]), drawn.coordinates[:5], atol=1e-4)
    assert drawn.decode(drawn.coordinates[0]).items.shape == (1, 8, 8)
    for name in ("m.png", "m.svg", "m.html"):
        drawn.save(tmp_path / name, colour="label", density=True, names=True)
    assert '"space":{"xyz":' in (tmp_path / "m.html").read_text()
    assert set(space.maps) == {*before, "pca"}
    assert space.maps["pca"].coordinates.shape == (200, 2)
    with pytest.raises(UnsupportedError, match=r"map\.save\('map\.html'\)"):
        drawn.live()
    with pytest.raises(ValueError, match=r"expected \(m, 3\)"):
        drawn.decode([0, 0])
    with pytest.raises(ValueError, match="dims=4 is out of range"):
        space.map("pca", dims=4)


def test_regions_of_a_space_are_named_by_its_labels_and_its_contours_hold_its_items(drawn):
    regions = drawn.regions()
    assert {region.source for region in regions if region.clear} == {"label"}
    assert sum(map(len, regions)) <= len(drawn)
    widest = drawn.contours()[0]
    assert (drawn.density.of_items >= widest.level).mean() == pytest.approx(0.95, abs=0.01)
    assert "Contours hold 25%, 50%, 75%, 95%" in drawn._caption(density=True)


def test_a_map_from_a_file_keeps_its_items_when_the_space_lets_some_go(digits, tmp_path):
    images, labels = digits
    space = ls.fit(images[:60], model="pca", dims=4, metadata={"label": [str(label) for label in labels[:60]]})
    space.map("pca")
    space.save(tmp_path / "x.latent")
    opened = ls.load(tmp_path / "x.latent")
    drawn, ids = opened.maps["pca"], list(space.ids)
    opened.remove(ids[:10])
    assert list(drawn.ids) == ids
    assert drawn.regions() is not None
    assert len(drawn) == 60
