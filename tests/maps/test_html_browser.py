"""A map's page in a real Chromium: its switches draw, a map in space turns, and nothing is asked of any host."""

import shutil

import numpy as np
import pytest

from latentspace.items.tokens import words_of
from latentspace.maps.density import density_of
from latentspace.maps.page import draw_html
from latentspace.maps.regions import regions_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

PIXELS = """() => { const canvas = document.getElementById("map");
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const all = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let inked = 0; for (let i = 3; i < all.length; i += 4) inked += all[i] > 0; return inked; }"""


def groups(dims):
    rng = np.random.default_rng(0)
    which = np.repeat([0, 1, 2], 60)
    return (np.eye(3)[which, :dims] * 8 + rng.normal(size=(180, dims))).astype(np.float32), which.tolist()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api").sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield browser
    browser.close()
    playwright.stop()


@pytest.fixture
def show(browser, tmp_path):
    """Opens a page's HTML; what goes wrong in it, or is asked of a host, fails the test."""
    wrong, pages = [], []

    def opened(html, **options):
        path = tmp_path / "map.html"
        path.write_text(html, encoding="utf-8")
        page = browser.new_page(viewport={"width": 900, "height": 600}, **options)
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
        page.goto(path.as_uri())
        page.wait_for_function("document.getElementById('map').width > 300")
        page.wait_for_timeout(100)
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert wrong == []


def html_of(dims, **options):
    xy, which = groups(dims)
    labels = {"label": [["<b>cat", "dog", "hen"][group] for group in which]}
    density = density_of(xy[:, :2])
    return draw_html(
        xy, [str(i) for i in range(180)], labels, colour="label", regions=regions_of(density, labels, words_of),
        contours=density.contours() if dims == 2 else (), **options,
    )  # fmt: skip


def test_switches_draw_contours_and_names_and_list_the_evidence(show):
    page = show(html_of(2))
    bare = page.evaluate(PIXELS)
    page.get_by_label("Contours").check()
    page.wait_for_timeout(100)
    contoured = page.evaluate(PIXELS)
    page.get_by_label("Names of regions").check()
    page.wait_for_timeout(100)
    assert bare < contoured < page.evaluate(PIXELS)
    page.get_by_text("Regions", exact=True).click()
    assert "<b>cat: " in page.locator("#regions").inner_text()
    assert "label is dog for" in page.locator("#regions div[title*=dog]").get_attribute("title")
    assert page.get_by_label("Turn slowly").is_hidden()


def test_a_page_begins_as_it_was_saved(show):
    page = show(html_of(2, density=True, names=True))
    assert page.get_by_label("Contours").is_checked()
    assert page.get_by_label("Names of regions").is_checked()


def test_a_map_in_space_turns_under_the_pointer_and_the_keys_and_keeps_its_distances(show):
    page = show(html_of(3), reduced_motion="reduce")
    assert page.get_by_label("Contours").is_hidden()
    assert not page.get_by_label("Turn slowly").is_checked()
    side = "() => space.side.slice()"
    first = page.evaluate(side)
    page.mouse.move(300, 300)
    page.mouse.down()
    page.mouse.move(420, 340, steps=4)
    page.mouse.up()
    dragged = page.evaluate(side)
    page.locator("#map").press("ArrowLeft")
    pressed = page.evaluate(side)
    assert not np.allclose(first, dragged, atol=0.1)
    assert not np.allclose(dragged, pressed, atol=0.01)
    turned = np.array(pressed).reshape(3, 3)
    np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(turned) > 0


def test_a_map_in_space_turns_by_itself_until_it_is_told_not_to(show):
    page = show(html_of(3), reduced_motion="no-preference")
    assert page.get_by_label("Turn slowly").is_checked()
    first = page.evaluate("() => space.side[0]")
    page.wait_for_timeout(200)
    assert page.evaluate("() => space.side[0]") != first
    page.get_by_label("Turn slowly").uncheck()
    page.wait_for_timeout(50)
    still = page.evaluate("() => space.side[0]")
    page.wait_for_timeout(150)
    assert page.evaluate("() => space.side[0]") == still
