import json
import re

import numpy as np
import pytest
from PIL import Image

from latentspace.maps.colours import colouring, plain
from latentspace.maps.draw import draw_png
from latentspace.maps.page import draw_html
from latentspace.maps.scene import on_paper

EVIL = "</script><img src=x onerror=alert(1)><!--"


def spots(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)


def embedded(html):
    return json.loads(re.search(r"const data = (.*);\n", html)[1])


@pytest.mark.parametrize("n", [0, 1, 2, 300])
def test_a_map_of_any_size_is_drawn(n):
    values = [i % 3 for i in range(n)]
    assert draw_png(spots(n), colouring("label", values), title="t", caption="c").size == (1200, 900)
    assert embedded(draw_html(spots(n), [str(i) for i in range(n)], {"label": values}))["n"] == n


def test_each_items_colour_is_on_the_paper():
    picture = np.asarray(draw_png(spots(40), colouring("k", ["a", "b"] * 20)))
    for _, colour, _ in colouring("k", ["a", "b"] * 20).groups:
        assert (picture == colour).all(axis=2).sum() > 20


def test_the_paper_keeps_the_shape_and_points_up():
    placed = on_paper(np.array([[0, 0], [2, 0], [0, 1]]), (0, 0, 100, 100))
    right, up = placed[1] - placed[0], placed[2] - placed[0]
    assert right[0] == 2 * -up[1] > 0
    assert placed.min() >= 0
    assert placed.max() <= 100


def test_items_all_on_one_spot_are_drawn_in_the_middle():
    np.testing.assert_array_equal(on_paper(np.ones((3, 2)), (0, 0, 10, 20)), [[5, 10]] * 3)


def test_pictures_take_the_place_of_dots():
    red = Image.new("RGB", (8, 8), (255, 0, 0))
    picture = np.asarray(draw_png(spots(10), plain(10), pictures=lambda _: red))
    assert (picture == (255, 0, 0)).all(axis=2).sum() > 500


def test_nothing_that_an_item_is_called_can_act_in_the_page():
    html = draw_html(
        spots(2), [EVIL, "b"], {EVIL: [EVIL, None], "label": [EVIL, "x"]}, colour=EVIL, title=EVIL, caption=EVIL
    )
    assert "<img" not in html
    assert html.count("</script>") == 1
    assert embedded(html)["ids"][0] == EVIL


def test_the_page_asks_no_host_for_anything():
    picture = Image.new("L", (28, 28))
    html = draw_html(spots(3), list("abc"), {"label": [1, 2, 3]}, pictures=lambda _: picture)
    assert not re.search(r"""https?://|//[a-z]|src=|href=|@import|fetch\(|XMLHttp""", html)
    assert "default-src 'none'" in html
    assert embedded(html)["sheets"][0].startswith("data:image/webp;base64,")


def test_the_page_offers_the_maps_honesty_as_a_colour():
    document = embedded(draw_html(spots(2), ["a", "b"], {}, shades={"trustworthiness": np.array([0.5, np.nan])}))
    assert [tint["name"] for tint in document["tints"]] == ["one colour", "trustworthiness"]
