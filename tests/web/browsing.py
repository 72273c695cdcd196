"""What the tests of the page share: Chromium, what it must not do while it is watched, and where items lie."""

import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from latentspace.web.app import STATIC

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SHOTS = ROOT / ".page"
GRAPHICS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
NEEDS = [
    pytest.mark.skipif(
        CHROMIUM is None, reason="there is no chromium on this machine (Debian: apt-get install chromium)"
    ),
    pytest.mark.skipif(not STATIC.is_dir(), reason="the page is not built: make page"),
    pytest.mark.xdist_group("page"),
]


DRIVER = "GL Driver Message (OpenGL, Performance"  # the software renderer's word on its own pace, no fault of the page


@contextmanager
def watched(browser, link, forgiven=()):
    """An opened page; that it asked no other host and met no error is checked at its end."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    asked, wrong = [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda said: said.type in ("error", "warning") and wrong.append(said.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(link)
    opened.wait_for_selector("[data-drawn='120']")
    yield opened
    own = re.match(r"http://[^/]+/", link).group()
    foreign = [url for url in asked if not url.startswith((own, "data:", "blob:"))]
    context.close()
    assert not foreign, foreign
    unforgiven = [words for words in wrong if not any(each in words for each in (DRIVER, *forgiven))]
    assert not unforgiven, unforgiven


def pixel_of(page, row):
    """Where an item lies on the screen, from the map that the page itself drew."""
    box = page.locator("canvas").first.bounding_box()
    x, y = page.evaluate("row => window.latentspace.pixelOf(row)", row)
    return box["x"] + x, box["y"] + y


def choose(page, row):
    x, y = pixel_of(page, row)
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y, steps=3)
    page.wait_for_selector(".hover")
    page.mouse.click(x, y)


def lonely(pictures):
    """The item with the most room around it, so that a pointer meets it alone."""
    from scipy.spatial import cKDTree

    xy = pictures.maps["pca"].coordinates
    return int(cKDTree(xy).query(xy, k=2)[0][:, 1].argmax())


def left_of(page, at):
    """From the window's left edge to the canvas's."""
    return at[0] - page.locator("canvas").bounding_box()["x"]
