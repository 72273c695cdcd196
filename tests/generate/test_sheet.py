import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits

from latentspace.generate.sheet import sheet, strip


def pictures(n: int, size: tuple[int, int] = (8, 8), mode: str = "L") -> list[Image.Image]:
    return [Image.new("L", size, 10 * i + 5).convert(mode) for i in range(n)]


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image)


@settings(deadline=None)
@given(n=st.integers(1, 12), columns=st.none() | st.integers(1, 15), size=st.sampled_from([(1, 1), (8, 5), (70, 90)]))
def test_every_picture_is_there_in_reading_order(n, columns, size):
    image = pixels(sheet(pictures(n, size), columns))
    ours = [[v for v in row if v % 10 == 5 and v < 125] for row in image[:, :, 0].tolist()]
    seen = list(dict.fromkeys(v for row in ours for v in row))
    assert seen == [10 * i + 5 for i in range(n)]


def test_small_pictures_are_enlarged_with_every_pixel_intact():
    digit = (load_digits().images[0] * 15.9).astype(np.uint8)  # 8 x 8
    image = pixels(sheet([Image.fromarray(digit)], padding=4))[4:-4, 4:-4, 0]
    np.testing.assert_array_equal(image, np.kron(digit, np.ones((8, 8), np.uint8)))


def test_large_pictures_keep_their_size():
    assert sheet(pictures(1, (200, 100)), padding=0).size == (200, 100)


def test_black_and_white_pictures_both_stand_out_from_the_background():
    image = pixels(sheet([Image.new("L", (64, 64), 0), Image.new("L", (64, 64), 255)], padding=4))
    background = int(image[0, 0, 0])
    assert 128 < background < 250


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F"])
def test_pictures_of_every_mode_can_be_shown(mode):
    assert sheet([Image.new("RGB", (8, 8), (200, 30, 30)).convert(mode)] * 2).mode == "RGB"


def test_deep_pictures_are_scaled_not_clipped():
    deep = Image.fromarray(np.array([[0, 30_000], [60_000, 60_000]], dtype=np.uint16))
    image = pixels(sheet([deep], padding=0))
    assert [image[0, 0, 0], image[0, -1, 0], image[-1, 0, 0]] == [0, 127, 255]


def test_the_background_shows_through_what_is_transparent():
    image = pixels(sheet([Image.new("RGBA", (64, 64), (255, 0, 0, 0))], padding=4))
    assert len(np.unique(image.reshape(-1, 3), axis=0)) == 1


def test_a_gap_stays_empty():
    image = pixels(sheet([Image.new("L", (64, 64), 0), None], columns=2, padding=0))
    assert (image[:, :64] == 0).all()
    assert len(np.unique(image[:, 64:].reshape(-1, 3), axis=0)) == 1
    assert sheet([None]).size == sheet(pictures(1, (64, 64))).size


def test_labels_and_titles_add_ink_and_leave_the_pictures_alone():
    plain = sheet(pictures(4, (64, 64)), columns=2)
    for extra in ({"labels": ["a", "b", "c", "d"]}, {"row_labels": ["first", "second"]}, {"title": "Digits"}):
        named = sheet(pictures(4, (64, 64)), columns=2, **extra)
        assert named.width * named.height > plain.width * plain.height
        assert pixels(named).min() < 60  # ink
        for value in (5, 15, 25, 35):
            assert (pixels(named) == value).all(axis=2).sum() >= 64 * 64


def test_a_long_label_stays_under_its_picture_and_keeps_its_end():
    long, short = (sheet(pictures(1), labels=[text]) for text in ("photos/holidays/2021/cat_0311.jpg", "x"))
    assert long.size == short.size
    other = sheet(pictures(1), labels=["photos/holidays/2021/cat_0312.jpg"])
    assert not np.array_equal(pixels(long), pixels(other))


def test_a_title_wider_than_the_pictures_widens_the_sheet():
    assert sheet(pictures(1), title="W" * 40).width > 400


def test_a_strip_is_one_row():
    assert strip(pictures(5, (64, 64)), title=None).size == (5 * 68 + 4, 72)


@pytest.mark.parametrize(
    ("count", "options", "message"),
    [
        (0, {}, "no pictures"),
        (2, {"columns": 0}, "columns=0"),
        (2, {"padding": -1}, "padding=-1"),
        (3, {"labels": ["a"]}, "1 labels for 3 pictures"),
        (3, {"columns": 2, "row_labels": ["a", "b", "c"]}, "3 row_labels for 2 rows"),
    ],
)
def test_what_cannot_be_drawn_says_why(count, options, message):
    with pytest.raises(ValueError, match=message):
        sheet(pictures(count), **options)
