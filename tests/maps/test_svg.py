import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from latentspace.maps.colours import colouring, plain
from latentspace.maps.draw import painted
from latentspace.maps.scene import INK, Dots, Label, Words, scene_of
from latentspace.maps.svg import MOST_VECTORS, svg_of

EVIL = '</text><script>alert(1)</script>" \x00 & ]]>'
SVG = "{http://www.w3.org/2000/svg}"


def spots(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)


def tags(svg):
    return [element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()]


@pytest.mark.parametrize("n", [0, 1, 2, 300])
def test_a_map_of_any_size_is_an_svg_with_a_disc_an_item(n):
    svg = svg_of(scene_of(spots(n), plain(n), title="t", caption="c", width=510, height=420))
    assert tags(svg).count("circle") == n
    root = ElementTree.fromstring(svg)
    assert (root.get("width"), root.get("height")) == ("85mm", "70mm")
    assert [root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text] == ["t", "c"]


def test_past_its_limit_the_dots_are_one_picture_and_the_letters_stay_letters():
    n = MOST_VECTORS + 1
    svg = svg_of(scene_of(spots(n), colouring("kind", ["a", "b", "c"] * (n // 3)), title="t"))
    assert tags(svg).count("image") == 1
    assert tags(svg).count("circle") == 3  # the legend's
    assert "t" in [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert len(svg) < 2_000_000


def test_nothing_that_an_item_is_called_can_act_in_an_svg_nor_break_it():
    svg = svg_of(
        scene_of(spots(2), colouring(EVIL, [EVIL, "b"]), title=EVIL, caption=EVIL, labels=[Label(EVIL, np.zeros(2))])
    )
    assert "script" not in tags(svg)
    assert set(tags(svg)) == {"svg", "title", "desc", "rect", "g", "circle", "text"}


def test_an_svg_refers_to_nothing_outside_of_itself():
    red = Image.new("RGB", (8, 8), (255, 0, 0))
    svg = svg_of(scene_of(spots(40), plain(40), pictures=lambda _: red, contours=[spots(5)]))
    links = [
        value for element in ElementTree.fromstring(svg).iter() for name, value in element.items() if "href" in name
    ]
    assert links
    assert all(link.startswith("data:image/png;base64,") for link in links)
    assert svg.count("http") == 1  # the name of SVG itself


def test_letters_are_as_large_in_print_on_any_paper_and_dots_grow_with_it():
    large = scene_of(spots(500), plain(500), title="t")
    small = scene_of(spots(500), plain(500), title="t", width=510, height=420)
    sizes = [[mark.size for mark in scene.marks if isinstance(mark, Words)] for scene in (large, small)]
    assert sizes[0] == sizes[1]
    radii = [next(mark for mark in scene.marks if isinstance(mark, Dots)).radius[0] for scene in (large, small)]
    assert radii[0] > radii[1]


def test_everything_stays_on_the_paper():
    words = "a caption of many words " * 12
    for width, height in ((240, 180), (510, 360), (1200, 900)):
        tint = colouring("a very long name of a column indeed", [f"a long label {i % 30}" for i in range(300)])
        labels = [Label("a name at the edge", spot) for spot in spots(300)[:20]]
        scene = scene_of(spots(300), tint, title=words, caption=words, width=width, height=height, labels=labels)
        for mark in scene.marks:
            if isinstance(mark, Dots):
                assert (mark.spots >= 0).all()
                assert (mark.spots <= (width, height)).all()
            if isinstance(mark, Words):
                assert 0 <= mark.x <= width, mark
                assert 0 <= mark.y <= height, mark


def test_names_cover_no_other_name_and_the_first_stands_where_it_belongs():
    labels = [Label(f"name {i}", spot) for i, spot in enumerate(spots(60))]
    scene = scene_of(spots(60), plain(60), labels=labels)
    names = [mark for mark in scene.marks if isinstance(mark, Words) and mark.halo]
    assert names[0].text == "name 0"
    assert 5 < len(names) <= 60
    for one in names:
        assert sum(abs(one.x - two.x) < 20 and abs(one.y - two.y) < 19 for two in names) == 1  # itself


def test_resolution_changes_the_pixels_and_not_the_layout():
    scene = scene_of(spots(30), plain(30), title="t", width=600, height=480)
    small, large = painted(scene), painted(scene, dpi=304.8)
    assert (small.size, large.size) == ((600, 480), (1200, 960))
    shrunk = np.asarray(large.resize((600, 480), Image.Resampling.BOX), dtype=float)
    assert np.abs(shrunk - np.asarray(small)).mean() < 2


def test_many_dots_are_drawn_as_few_are():
    dots = scene_of(spots(20_001), plain(20_001))
    few = scene_of(spots(20_001)[:20_000], plain(20_000))
    ink = [(np.asarray(painted(scene)) != 255).any(axis=2).mean() for scene in (dots, few)]
    assert ink[0] == pytest.approx(ink[1], rel=0.15)


def test_paper_without_room_and_pictures_without_end_are_refused():
    with pytest.raises(ValueError, match=r"20 x 10 mm is no size.*needs 40 x 30 mm"):
        scene_of(spots(3), plain(3), width=120, height=60)
    with pytest.raises(ValueError, match=r"more than can be drawn.*Lower dpi=5000"):
        painted(scene_of(spots(3), plain(3)), dpi=5000)
    with pytest.raises(ValueError, match=r"dpi=0 counts pixels"):
        painted(scene_of(spots(3), plain(3)), dpi=0)


def test_far_items_of_a_map_in_space_are_drawn_first_smaller_and_paler():
    depth = np.array([1.0, 0.0, 0.5])
    dots = next(m for m in scene_of(spots(3), plain(3), depth=depth).marks if isinstance(m, Dots))
    assert (np.diff(dots.radius) > 0).all()
    lightness = dots.rgb.sum(axis=1).astype(int)
    assert (np.diff(lightness) < 0).all()


def test_other_scripts_find_letters_or_are_left_to_the_machine():
    scene = scene_of(spots(2), colouring("都市", ["東京", "Москва"]), title="Ελλάδα — Αθήνα")
    assert (np.asarray(painted(scene)) == INK).all(axis=2).any()
