"""Images become pixels and come back: sizes, modes, fits, and what is chosen from the data."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from latentspace.errors import BadItemError, CorruptFileError
from latentspace.items.images import Images
from latentspace.items.protocol import Gathered


def read(modality, source, **options):
    """All features of a source, its ids and what was skipped."""
    gathered = modality.gather(source) if not isinstance(source, Gathered) else source
    batches = list(modality.read(gathered, **options))
    x = np.concatenate([batch.x for batch in batches])
    return x, [id_ for batch in batches for id_ in batch.ids], [item for batch in batches for item in batch.skipped]


def learned(source, **options):
    return Images(**options).learn(Images.gather(source))


def picture(seed, size, mode="RGB"):
    rng = np.random.default_rng(seed)
    channels = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    return Image.fromarray(rng.integers(0, 256, (size[1], size[0], *channels), dtype=np.uint8))


# ---------------------------------------------------------------------- round trips
@given(width=st.integers(1, 40), height=st.integers(1, 40), mode=st.sampled_from(["L", "RGB"]), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_images_of_one_size_come_back_pixel_for_pixel(width, height, mode, seed):
    pictures = [picture(seed + i, (width, height), mode) for i in range(3)]
    modality = learned(pictures)
    x, ids, skipped = read(modality, pictures)
    assert x.dtype == np.float32
    assert x.shape == (3, 3 if mode == "RGB" else 1, height, width)
    assert (ids, skipped) == (["0", "1", "2"], [])
    for one, back in zip(pictures, modality.restore(x), strict=True):
        assert back.mode == mode
        np.testing.assert_array_equal(np.asarray(back), np.asarray(one))


@given(
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"]),
    suffix=st.sampled_from([".png", ".tif"]),
    width=st.integers(1, 30), height=st.integers(1, 30), seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_images_of_any_mode_come_back_at_their_size_in_the_colours_that_are_seen(
    tmp_path_factory, mode, suffix, width, height, seed
):
    if suffix == ".png" and mode in ("CMYK", "YCbCr"):
        suffix = ".tif"  # PNG has no such modes
    path = tmp_path_factory.mktemp("modes") / f"x{suffix}"
    picture(seed, (width, height), "RGBA").convert("RGB" if mode in ("CMYK", "YCbCr") else "RGBA").convert(mode).save(
        path
    )
    modality = learned(path)
    (batch,) = modality.read(modality.gather_new(path))
    assert (batch.metadata["width"], batch.metadata["height"], batch.skipped) == ([width], [height], [])
    (back,) = modality.restore(batch.x)
    with Image.open(path) as whole:
        seen = Image.new("RGBA", whole.size, "white")
        seen.alpha_composite(whole.convert("RGBA"))
    assert back.size == (width, height)
    np.testing.assert_array_equal(np.asarray(back.convert("RGB")), np.asarray(seen.convert("RGB")))


def test_every_feature_is_exactly_a_255th():
    x, _, _ = read(learned([picture(0, (64, 48))], size=17), [picture(0, (64, 48))])
    np.testing.assert_array_equal(x, np.rint(x * 255).astype(np.uint8) / np.float32(255))


def test_alpha_is_kept_when_four_channels_are_asked_for():
    one = picture(1, (8, 8), "RGBA")
    modality = learned([one], channels=4)
    x, _, _ = read(modality, [one])
    back = modality.restore(x)[0]
    assert back.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(back), np.asarray(one))


@given(
    st.one_of(st.none(), st.integers(1, 64), st.tuples(st.integers(1, 64), st.integers(1, 64))),
    st.sampled_from([None, 1, 3, 4]),
    st.sampled_from(["pad", "crop", "stretch"]),
)
@settings(max_examples=30, deadline=None)
def test_a_reader_rebuilt_from_its_state_reads_the_same(size, channels, fit):
    sources = [picture(0, (30, 20)), picture(1, (9, 40), "L")]
    modality = learned(sources, size=size, channels=channels, fit=fit)
    again = Images.from_state(*modality.state())
    np.testing.assert_array_equal(read(again, sources)[0], read(modality, sources)[0])
    assert again.shape == modality.shape


# ---------------------------------------------------------------------- chosen from the data
@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(28, 28)] * 3, (28, 28)),
        ([(25, 31)] * 2, (31, 25)),
        ([(256, 256)] * 2, (256, 256)),
        ([(300, 300)] * 2, (64, 64)),
        ([(640, 480), (640, 480)], (48, 64)),
        ([(640, 480), (480, 640), (500, 500)], (64, 64)),
        ([(30, 28), (27, 31), (29, 29)], (32, 32)),
        ([(1, 1), (2, 2)], (8, 8)),
        ([(1000, 1), (900, 1)], (8, 64)),
    ],
)
def test_the_size_follows_the_data(sizes, expected):
    assert learned([Image.new("L", size) for size in sizes]).size_ == expected


def test_images_are_grey_only_where_all_headers_say_so():
    grey, colour = Image.new("L", (8, 8)), Image.new("RGB", (8, 8))
    palette = Image.new("P", (8, 8))
    palette.putpalette([v for k in range(256) for v in (k, k, k)])
    coloured = Image.new("P", (8, 8))
    coloured.putpalette([v for k in range(256) for v in (k, 0, k)])
    assert learned([grey, palette, Image.new("1", (8, 8)), Image.new("LA", (8, 8))]).channels_ == 1
    assert learned([grey, colour]).channels_ == 3
    assert learned([grey, coloured]).channels_ == 3


# ---------------------------------------------------------------------- fits and modes
def test_padding_keeps_the_whole_image_and_its_aspect_between_bars_of_its_border_colour():
    wide = Image.new("RGB", (40, 20), (200, 10, 10))
    wide.paste((0, 0, 255), (10, 5, 30, 15))
    modality = learned([wide], size=20)
    rows = np.asarray(modality.restore(read(modality, [wide])[0])[0])
    assert (rows[:5] == (200, 10, 10)).all()
    assert (rows[15:] == (200, 10, 10)).all()
    assert tuple(rows[10, 10]) == (0, 0, 255)


def test_cropping_takes_the_centre():
    wide = Image.new("L", (60, 20), 0)
    wide.paste(255, (20, 0, 40, 20))
    x, _, _ = read(learned([wide], size=20, fit="crop"), [wide])
    assert (x == 1).all()


def test_stretching_fills_the_size():
    half = Image.new("L", (60, 20), 0)
    half.paste(255, (30, 0, 60, 20))
    x, _, _ = read(learned([half], size=20, fit="stretch"), [half])
    assert (x[0, 0, :, :8] == 0).all()
    assert (x[0, 0, :, 12:] == 1).all()


def test_what_is_transparent_becomes_white():
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    grey = Image.new("LA", (8, 8), (0, 0))
    indexed = Image.new("P", (8, 8), 3)
    indexed.info["transparency"] = 3
    for one in (clear, grey, indexed):
        x, _, _ = read(learned([one], channels=3), [one])
        assert (x == 1).all()


@pytest.mark.parametrize(("top", "white"), [(65535, 65535), (4095, 4095), (1023, 1023)])
def test_16_bit_grey_is_scaled_by_the_bits_that_it_uses(tmp_path, top, white):
    ramp = np.linspace(0, top, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    modality = learned(tmp_path)
    assert modality.deep_range_ == (0, white)
    x, _, _ = read(modality, tmp_path)
    np.testing.assert_array_equal(x[0, 0], np.rint(ramp / white * 255).astype(np.uint8) / np.float32(255))


def test_float_images_are_scaled_by_their_range(tmp_path):
    values = np.linspace(-5, 5, 64, dtype=np.float32).reshape(8, 8)
    Image.fromarray(values).save(tmp_path / "float.tif")
    x, _, _ = read(learned(tmp_path), tmp_path)
    np.testing.assert_allclose(x[0, 0], (values + 5) / 10, atol=1 / 255)


def test_cmyk_reads_as_the_colour_that_is_printed(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=95)
    x, _, _ = read(learned(tmp_path), tmp_path)
    red, green, blue = x.mean(axis=(0, 2, 3))
    assert red > 0.9
    assert green < 0.1
    assert blue < 0.1


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_rotation_is_undone(tmp_path, suffix, turn):
    upright = Image.new("RGB", (32, 16), "white")
    upright.paste("black", (0, 0, 8, 8))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpose that a camera's orientation stands for
    stored = upright.transpose(Image.Transpose(undo[turn])) if turn > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = turn
    stored.save(tmp_path / f"turned.{suffix}", exif=exif, quality=95)
    modality = learned(tmp_path)
    assert modality.size_ == (16, 32)
    (batch,) = modality.read(modality.gather(tmp_path))
    assert (batch.metadata["width"], batch.metadata["height"]) == ([32], [16])
    np.testing.assert_allclose(batch.x[0], np.asarray(upright).transpose(2, 0, 1) / 255, atol=0.2)


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tif", "webp", "ppm"])
def test_lossless_files_read_as_the_pixels_that_were_written(tmp_path, suffix):
    one = picture(3, (16, 12)).quantize(64).convert("RGB")
    one.save(tmp_path / f"one.{suffix}", **({"lossless": True} if suffix == "webp" else {}))
    modality = learned(tmp_path)
    np.testing.assert_array_equal(np.asarray(modality.restore(read(modality, tmp_path)[0])[0]), np.asarray(one))


def test_of_an_animation_the_first_frame_is_read(tmp_path):
    frames = [Image.new("L", (8, 8), shade) for shade in (50, 200)]
    for suffix in ("gif", "tif", "webp"):
        options = {"lossless": True} if suffix == "webp" else {}
        frames[0].save(tmp_path / f"many.{suffix}", save_all=True, append_images=frames[1:], **options)
    x, _, _ = read(learned(tmp_path), tmp_path)
    np.testing.assert_allclose(x, 50 / 255, atol=1e-6)


def test_a_large_jpeg_reads_like_its_whole_decode_resized(tmp_path):
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((1600, 1200), Image.BICUBIC)
    smooth.save(tmp_path / "large.jpg", quality=95)
    x, _, _ = read(learned(tmp_path, size=(48, 64)), tmp_path)
    with Image.open(tmp_path / "large.jpg") as whole:
        expected = np.asarray(whole.resize((64, 48), Image.BICUBIC)).transpose(2, 0, 1) / 255
    assert np.abs(x[0] - expected).mean() < 0.01


# ---------------------------------------------------------------------- sources
def test_sub_folders_are_labels_and_ids_are_relative_paths_in_sorted_order(photos):
    gathered = Images.gather(photos)
    assert len(gathered) == 60
    assert gathered.ids == sorted(gathered.ids)
    assert gathered.metadata["label"] == [id_.split("/")[0] for id_ in gathered.ids]
    assert gathered.origin == str(photos)
    assert list(gathered.metadata) == ["label"]


def test_nested_folders_keep_their_whole_way(tmp_path):
    for way in ("train/cat", "test/cat", "."):
        (tmp_path / way).mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(tmp_path / way / "a.png")
    gathered = Images.gather(tmp_path)
    assert gathered.ids == ["a.png", "test/cat/a.png", "train/cat/a.png"]
    assert gathered.metadata == {"label": [None, "cat", "cat"], "folder": [None, "test/cat", "train/cat"]}


def test_ids_rows_and_metadata_stay_aligned_over_blocks(photos):
    modality = learned(photos)
    whole, _, _ = read(modality, photos)
    blocks = list(modality.read(modality.gather(photos), block=7))
    assert [len(block) for block in blocks] == [7] * 8 + [4]
    np.testing.assert_array_equal(np.concatenate([block.x for block in blocks]), whole)
    for block in blocks:
        for id_, label, row in zip(block.ids, block.metadata["label"], block.x, strict=True):
            assert id_.startswith(label)
            with Image.open(photos / id_) as one:
                np.testing.assert_array_equal(row[0], np.asarray(one) / np.float32(255))


def test_a_reader_may_be_left_half_way(photos):
    reader = learned(photos).read(Images.gather(photos), block=5)
    assert len(next(reader)) == 5
    reader.close()


def test_paths_pictures_and_arrays_give_the_same_features(photos):
    paths = sorted(photos.rglob("*.png"))
    modality = learned(photos)
    expected, _, _ = read(modality, photos)
    opened = []
    for path in paths:
        with Image.open(path) as one:
            opened.append(one.copy())
    np.testing.assert_array_equal(read(modality, paths)[0], expected)
    np.testing.assert_array_equal(read(modality, opened)[0], expected)
    arrays = np.stack([np.asarray(one) for one in opened])
    np.testing.assert_array_equal(read(modality, modality.gather_new(arrays))[0], expected)
    np.testing.assert_array_equal(read(modality, modality.gather_new(arrays[4]))[0], expected[4:5])
    np.testing.assert_array_equal(read(modality, paths[4])[0], expected[4:5])
    np.testing.assert_array_equal(read(modality, opened[4])[0], expected[4:5])


def test_an_opened_picture_is_left_as_it_was(photos):
    path = next(photos.rglob("*.png"))
    with Image.open(path) as one:
        read(learned(one, size=32), one)
        assert one.size == (8, 8)


def test_names_of_listed_paths_are_unique_even_where_files_repeat(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Image.new("L", (8, 8)).save(tmp_path / folder / "x.png")
    gathered = Images.gather([tmp_path / "a/x.png", tmp_path / "b/x.png", tmp_path / "a/x.png"])
    assert gathered.ids == ["a/x.png", "b/x.png", "a/x.png#2"]
    assert gathered.metadata["label"] == ["a", "b", "a"]


def test_a_file_without_a_suffix_is_known_by_its_first_bytes(tmp_path):
    held = io.BytesIO()
    Image.new("L", (8, 8)).save(held, "PNG")
    (tmp_path / "noname").write_bytes(held.getvalue())
    (tmp_path / "notes").write_text("hello")
    assert len(Images.gather(tmp_path / "noname")) == 1
    assert Images.gather(tmp_path / "notes") is None


# ---------------------------------------------------------------------- messages
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, r"size=0 is not a size"),
        ({"size": (64,)}, r"size=\(64,\) is not a size"),
        ({"size": "64"}, r"size='64' is not a size"),
        ({"size": 10_000}, r"each 1 to 4,096"),
        ({"channels": 2}, r"channels=2 is not known: choose 1"),
        ({"fit": "squeeze"}, r"fit='squeeze' is not known: choose 'pad'"),
    ],
)
def test_an_impossible_option_says_what_is_possible(options, message):
    with pytest.raises(ValueError, match=message):
        learned([Image.new("L", (8, 8))], **options)


def test_the_first_bad_item_is_an_error_on_request(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"")
    modality = learned(tmp_path)
    with pytest.raises(BadItemError, match=r"item 'b.png' of .*: empty: 0 bytes"):
        list(modality.read(modality.gather(tmp_path), on_error="raise"))


def test_features_of_another_shape_and_nan_are_no_images():
    modality = learned([Image.new("L", (8, 8))])
    with pytest.raises(ValueError, match=r"shape \(1, 3, 8, 8\)"):
        modality.restore(np.zeros((1, 3, 8, 8), np.float32))
    with pytest.raises(ValueError, match="NaN or infinity"):
        modality.picture(np.full((1, 8, 8), np.nan, np.float32))


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.pop("learned"),
        lambda facts: facts["learned"].update(size=[10**9, 10**9]),
        lambda facts: facts["learned"].update(size="64"),
        lambda facts: facts["learned"].update(channels=2),
        lambda facts: facts["learned"].update(channels=True),
        lambda facts: facts["learned"].update(deep_range=[0, float("nan")]),
        lambda facts: facts["learned"].update(deep_range=[5, 5]),
        lambda facts: facts["options"].update(fit="os.system"),
        lambda facts: facts.update(options=7),
    ],
)
def test_a_damaged_state_is_refused(change):
    facts, arrays = learned([Image.new("L", (8, 8))]).state()
    change(facts)
    with pytest.raises(CorruptFileError, match="image reader's state is damaged"):
        Images.from_state(facts, arrays)
