"""The page's address, and two maps side by side, in a real Chromium."""

import os
import re
import subprocess
import sys
from urllib.parse import quote

import pytest
from browsing import NEEDS, SHOTS, left_of, pixel_of

pytest.importorskip("playwright.sync_api")
pytestmark = NEEDS


def test_a_link_restores_the_view(page, link, pictures):
    view = f"#map=pca&colour=ink&item={quote(pictures.ids[7])}&theme=dark"
    page.goto(re.match(r"http://[^/]+/", link).group() + view)
    page.reload()
    page.wait_for_selector(".scale")
    page.get_by_role("heading", name=pictures.ids[7]).wait_for()
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_a_link_restores_filter_camera_panel_and_metric(page, link):
    page.get_by_label("Filter by").select_option("label")
    page.get_by_label("value", exact=True).select_option("3")
    page.locator("canvas").focus()
    page.keyboard.press("+")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowRight")
    page.get_by_label("metric", exact=True).select_option("euclidean")
    page.get_by_role("button", name="Dimensions").click()
    page.wait_for_function("['camera=', 'tab=', 'where=', 'metric='].every(one => location.hash.includes(one))")
    address, at = page.url, pixel_of(page, 5)
    page.goto(re.match(r"http://[^/]+/", link).group())
    page.wait_for_selector("[data-drawn='120']")
    assert pixel_of(page, 5) != pytest.approx(at, abs=20)
    page.goto(address)  # the same page, another fragment: nothing is loaded again
    page.wait_for_selector("#decoded")
    page.wait_for_function("at => Math.abs(latentspace.pixelOf(5)[0] - at) < 2", arg=left_of(page, at))
    page.reload()
    page.wait_for_selector("[data-drawn='120']")
    page.wait_for_selector("#decoded")
    page.wait_for_function("at => Math.abs(latentspace.pixelOf(5)[0] - at) < 2", arg=left_of(page, at))
    page.get_by_role("button", name="Look", exact=True).click()
    page.get_by_text("of 120 items: label is 3").wait_for()
    assert page.get_by_label("metric", exact=True).input_value() == "euclidean"


def test_another_map_beside_shows_the_same_item(page):
    page.get_by_label("Beside").select_option("0:tsne")
    page.wait_for_selector(".map + .map [data-drawn='120']", timeout=60_000)
    page.locator("canvas").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".map + .map line.near")
    assert page.locator(".map + .map line.near").count() == 12
    ring = page.locator(".map + .map circle.chosen")
    x, y = page.evaluate("row => window.latentspace.beside(0)")
    assert float(ring.get_attribute("cx")) == pytest.approx(x, abs=1)
    assert float(ring.get_attribute("cy")) == pytest.approx(y, abs=1)
    page.get_by_role("button", name="what changed most beside").click()
    page.wait_for_selector("#changed .thumb")
    assert "% differ" in page.locator("#changed .thumb").first.get_attribute("aria-label")
    page.screenshot(path=SHOTS / "beside.png")


def test_two_spaces_beside_are_linked_by_id_and_a_changed_one_is_loaded_again(browser, pictures, tmp_path):
    import latentspace as ls

    paths = [pictures.save(tmp_path / "all.latent")]
    rows = range(119, 69, -1)  # the last fifty, the other way round
    fewer = ls.fit(
        [pictures.items[row] for row in rows], "pca", dims=2, ids=[pictures.ids[row] for row in rows], kind="images"
    )
    fewer.map("pca")
    paths.append(fewer.save(tmp_path / "fewer.latent"))
    command = [sys.executable, "-m", "latentspace", "serve", *map(str, paths), "--port", "0", "--no-browser"]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as server:
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        try:
            page.goto(server.stdout.readline().strip())
            page.wait_for_selector("[data-drawn='120']")
            page.locator("header select").nth(2).select_option("1:pca")
            page.wait_for_selector(".map + .map [data-drawn='50']")
            page.wait_for_function("window.latentspace.beside(110) !== null")
            assert page.evaluate("window.latentspace.beside(3)") is None  # the other space lacks it
            page.evaluate("id => { location.hash += `&item=${encodeURIComponent(id)}` }", pictures.ids[110])
            page.wait_for_selector("#near-beside .thumb")
            first = page.locator("#near-beside .thumb").first.get_attribute("aria-label")
            assert first == fewer.search(id=pictures.ids[110], k=1).ids[0]
            paths[0].unlink()
            pictures.save(tmp_path / "all.latent")
            ls.load(tmp_path / "all.latent").remove([pictures.ids[0]])
            page.wait_for_timeout(2500)  # the server looks at its files once a second
            page.get_by_label("metric", exact=True).select_option("euclidean")
            page.wait_for_selector(".map:first-child [data-drawn='119']")
            page.get_by_role("heading", name=pictures.ids[110]).wait_for()  # an item is opened by its id again
        finally:
            page.context.close()
            server.terminate()
