import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import latentspace as ls
from latentspace.errors import BadItemError, SkippedItemsWarning
from latentspace.items.images import Images
from latentspace.items.protocol import Gathered
from latentspace.items.tiles import Opened, cut


@pytest.fixture(scope="module")
def photos():
    """Two real photographs of 427 x 640 pixels."""
    from sklearn.datasets import load_sample_images

    return [Image.fromarray(image) for image in load_sample_images().images]


def learned(source, **options):
    modality = Images(**options)
    gathered = Images.gather(source)
    modality.learn(gathered)
    return modality, modality.pieces(gathered)


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
)
@settings(max_examples=60, deadline=None)
def test_tiles_hold_every_pixel_and_only_real_ones(sides, size, stride):
    stride = tuple(min(pair) for pair in zip(stride, size, strict=True))
    pixels = np.random.default_rng(0).integers(0, 256, sides, np.uint8)
    items = cut(Gathered([Image.fromarray(pixels)], ["a"]), size, stride)
    opened, again, seen = Opened(), np.zeros_like(pixels), np.zeros(sides, int)
    for tile in items.raw:
        where = slice(tile.top, tile.top + tile.height), slice(tile.left, tile.left + tile.width)
        again[where] = np.asarray(opened.of(tile))
        seen[where] += 1
    np.testing.assert_array_equal(again, pixels)
    assert seen.min() >= 1
    assert len({(tile.top, tile.left) for tile in items.raw}) == len(items) == len(set(items.ids))


def test_a_photograph_comes_back_from_its_tiles(photos, tmp_path):
    photos[0].save(tmp_path / "china.png")
    modality, items = learned(tmp_path, tiles=64)
    assert len(items) == 7 * 10  # 427 x 640 pixels
    assert items.ids[:2] + items.ids[10:11] == ["china.png#0,0", "china.png#0,1", "china.png#1,0"]
    whole = np.zeros((427, 640, 3), np.uint8)
    for batch in modality.read(items, block=16):
        for x, top, left in zip(batch.x, batch.metadata["top"], batch.metadata["left"], strict=True):
            whole[top : top + 64, left : left + 64] = np.asarray(modality.picture(x))
    np.testing.assert_array_equal(whole, np.asarray(photos[0]))


def test_a_space_of_tiles_finds_where_one_was_cut_and_knows_it_in_its_file(photos, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, photo in zip(("china", "flower"), photos, strict=True):
        photo.save(folder / f"{name}.png")
    space = ls.fit(folder, tiles=64, stride=32, dims=16, density="gaussian")
    assert set(space.metadata["path"]) == {"china.png", "flower.png"}
    piece = photos[1].crop((320, 128, 384, 192))
    assert space.search(piece, k=1).ids == ["flower.png#4,10"]
    again = ls.load(space.save(tmp_path / "tiles.latent"))
    assert again.search(piece, k=1).ids == ["flower.png#4,10"]
    np.testing.assert_array_equal(np.asarray(again.items["flower.png#4,10"]), np.asarray(piece))
    assert again.modality.tiles == 64
    assert len(again.add(photos[0].crop((0, 0, 96, 64)), ids=["new"])) == 2


def test_tiles_are_read_again_from_their_source_where_they_were_not_kept(photos, tmp_path, monkeypatch):
    from latentspace import features

    folder = tmp_path / "photos"
    folder.mkdir()
    photos[0].save(folder / "china.png")
    monkeypatch.setattr(features, "KEEP_UP_TO", 0)
    space = ls.fit(folder, tiles=128, dims=2, density="gaussian")
    again = ls.load(space.save(tmp_path / "tiles.latent"))
    np.testing.assert_array_equal(np.asarray(again.items[7]), np.asarray(space.items[7]))


def test_a_turned_photograph_is_turned_once(photos, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    photos[0].save(tmp_path / "turned.png", exif=exif)
    modality, items = learned(tmp_path, tiles=(640, 427))
    upright = np.asarray(photos[0].transpose(Image.Transpose.ROTATE_270))
    np.testing.assert_array_equal(np.asarray(modality.picture(next(modality.read(items)).x[0])), upright)


def test_each_image_is_decoded_once(photos, tmp_path, monkeypatch):
    from latentspace.items import decode

    for name in "ab":
        photos[0].save(tmp_path / f"{name}.png")
    modality, items = learned(tmp_path, tiles=64)
    asked = []
    whole = decode.decoded
    monkeypatch.setattr(
        decode,
        "decoded",
        lambda source, *a: (asked.append(source) if isinstance(source, str) else None, whole(source, *a))[1],
    )
    assert sum(len(batch) for batch in modality.read(items)) == 140
    assert len(asked) == 2


def test_a_smaller_image_is_one_tile_and_a_bad_one_is_named(photos, tmp_path):
    photos[0].save(tmp_path / "a.png")
    photos[0].crop((0, 0, 20, 30)).save(tmp_path / "small.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "none.png").write_bytes(b"no image")
    with pytest.warns(SkippedItemsWarning):
        space = ls.fit(tmp_path, tiles=256, dims=1)
    assert space.metadata["path"] == ["a.png"] * 6 + ["small.png"]
    reasons = {item.id: item.reason for item in space.skipped}
    assert reasons.keys() == {"none.png", *(f"cut.png#{row},{column}" for row in (0, 1) for column in (0, 1, 2))}
    with pytest.raises(BadItemError, match=r"item 'none\.png'"):  # found while cutting, before any is decoded
        ls.fit(tmp_path, tiles=256, dims=1, on_error="raise")
    (tmp_path / "none.png").unlink()
    with pytest.raises(BadItemError, match=r"cut\.png#0,0"):
        ls.fit(tmp_path, tiles=256, dims=1, on_error="raise")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tiles": 0}, "tiles=0 is not a size"),
        ({"tiles": "large"}, "tiles='large' is not a size"),
        ({"tiles": 64, "stride": (8, 0)}, "stride="),
        ({"stride": 8}, "it needs tiles="),
        ({"tiles": 32, "stride": 64}, "stride=64 is more than tiles=32"),
    ],
)
def test_tiles_that_cannot_be_are_refused(photos, options, said):
    with pytest.raises(ValueError, match=said):
        ls.fit(photos, **options)
