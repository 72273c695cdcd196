"""The page in a real Chromium, used as a person would: pointer, keyboard, files. Its pictures go to `.page/`."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from latentspace.web.app import STATIC

playwright = pytest.importorskip("playwright.sync_api")

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SHOTS = ROOT / ".page"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
GRAPHICS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None, reason="there is no chromium on this machine (Debian: apt-get install chromium)"
    ),
    pytest.mark.skipif(not STATIC.is_dir(), reason="the page is not built: make page"),
    pytest.mark.xdist_group("page"),
]


@pytest.fixture(scope="module")
def link(pictures, tmp_path_factory):
    """The link of a real server process."""
    path = pictures.save(tmp_path_factory.mktemp("page") / "digits.latent")
    command = [sys.executable, "-m", "latentspace", "serve", str(path), "--port", "0", "--no-browser"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as server:
        yield server.stdout.readline().strip()
        server.terminate()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=GRAPHICS)
        yield opened
        opened.close()


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
    assert not foreign
    assert not [words for words in wrong if not any(each in words for each in forgiven)]


@pytest.fixture
def page(browser, link, request):
    """The page of a running server."""
    forgiven = ["status of 400"] if "rubbish" in request.node.name else []  # Chromium's own word on a refusal
    with watched(browser, link, forgiven) as opened:
        yield opened


@pytest.fixture(scope="module")
def still(pictures, tmp_path_factory):
    """The address of the page as files, behind a plain web server."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    from latentspace.web.opened import Opened
    from latentspace.web.still import write_still

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    folder = write_still(Opened(pictures, "digits"), tmp_path_factory.mktemp("still") / "page")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


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


def test_hovering_shows_an_item_and_a_click_opens_it(page, pictures):
    row = lonely(pictures)
    choose(page, row)
    assert page.locator(".hover img").count() == 1
    page.get_by_role("heading", name=pictures.ids[row]).wait_for()
    page.wait_for_function(
        "id => new URLSearchParams(location.hash.slice(1)).get('item') === id", arg=pictures.ids[row]
    )
    page.wait_for_selector("#neighbours .thumb")
    labels = page.locator("#neighbours .thumb").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    expected = pictures.search(id=pictures.ids[row], k=12).ids
    assert [label.rpartition(": ")[0] for label in labels] == expected


def test_a_neighbour_is_opened_by_a_click_and_by_the_keyboard(page, pictures):
    page.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("heading", name=pictures.ids[0]).wait_for()
    page.locator("#neighbours .thumb").first.click()
    nearest = pictures.search(id=pictures.ids[0], k=1).ids[0]
    page.get_by_role("heading", name=nearest).wait_for()
    page.locator("canvas").focus()
    page.keyboard.press("Escape")
    page.wait_for_function("!location.hash.includes('item=')")


def test_liking_an_item_recommends_others(page):
    page.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="more like this").click()
    page.wait_for_selector("#recommended .thumb")
    assert "near" in page.locator("#recommended .thumb").first.get_attribute("aria-label")


def test_a_click_between_the_points_decodes_that_spot(page):
    box = page.locator("canvas").bounding_box()
    page.mouse.click(box["x"] + 8, box["y"] + box["height"] - 8)
    page.get_by_role("heading", name="What lies here").wait_for()
    page.wait_for_function("document.querySelector('.spot img')?.naturalWidth === 128")
    assert "a guess" in page.locator(".spot .warning").inner_text()


def test_a_drawn_path_becomes_a_strip(page, pictures):
    page.get_by_role("button", name="draw a path").click()
    (ax, ay), (bx, by) = pixel_of(page, 0), pixel_of(page, 1)
    page.mouse.move(ax, ay)
    page.mouse.down()
    page.mouse.move((ax + bx) / 2, (ay + by) / 2, steps=4)
    page.mouse.move(bx, by, steps=4)
    page.mouse.up()
    page.wait_for_function("document.querySelector('.spot img')?.naturalWidth === 9 * 132 - 4")


def test_a_slider_changes_what_is_decoded(page):
    page.get_by_role("button", name="Dimensions").click()
    page.wait_for_selector("#decoded")
    before = page.locator("#decoded").get_attribute("src")
    slider = page.locator("input[type=range]").first
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("before => document.querySelector('#decoded').src !== before", arg=before)
    assert page.get_by_text("of the variance").first.is_visible()


def test_an_axis_is_learned_and_its_slider_changes_what_is_decoded(page):
    page.get_by_role("button", name="Dimensions").click()
    page.wait_for_selector("#decoded")
    page.get_by_label("Axis:").fill("ink")
    page.get_by_role("button", name="learn", exact=True).click()
    slider = page.get_by_label("axis ink")
    slider.wait_for()
    before = page.locator("#decoded").get_attribute("src")
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_function("src => document.querySelector('#decoded').src !== src", arg=before)
    page.screenshot(path=SHOTS / "axis.png")
    page.get_by_label("forget ink").click()
    slider.wait_for(state="detached")


def test_a_dropped_file_finds_its_place_and_its_like(page, pictures, tmp_path):
    pictures.items[11].save(tmp_path / "mine.png")
    page.get_by_role("button", name="Look up").click()
    page.locator("input[type=file]").set_input_files(tmp_path / "mine.png")
    page.get_by_role("heading", name="mine.png").wait_for()
    assert page.locator("#dropped .thumb").first.get_attribute("aria-label") == pictures.ids[11]
    assert page.locator("circle.placed").count() == 1


def test_rubbish_that_is_dropped_is_told(page, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture at all")
    page.get_by_role("button", name="Look up").click()
    page.locator("input[type=file]").set_input_files(tmp_path / "bad.png")
    page.get_by_role("alert").wait_for()
    assert "bad.png" in page.get_by_role("alert").inner_text()


def test_a_lasso_selects_and_the_selection_is_exported(page, tmp_path):
    import pandas as pd

    page.get_by_role("button", name="select", exact=True).click()
    box = page.locator("canvas").bounding_box()
    left, top, right, bottom = box["x"] + 5, box["y"] + 60, box["x"] + box["width"] - 5, box["y"] + box["height"] - 5
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in [(right, top), (right, bottom), (left, bottom), (left, top)]:
        page.mouse.move(x, y, steps=8)
    page.mouse.up()
    page.wait_for_selector("#selected")
    count = int(page.locator("#selected").inner_text().split()[0])
    assert count > 100
    with page.expect_download() as taken:
        page.get_by_role("button", name="export CSV").click()
    taken.value.save_as(tmp_path / "out.csv")
    table = pd.read_csv(tmp_path / "out.csv")
    assert len(table) == count
    assert {"id", "label", "ink", "z0", "z7"} <= set(table.columns)


def test_a_filter_keeps_what_fulfils_it(page, pictures):
    page.get_by_label("Filter by").select_option("label")
    page.get_by_label("value", exact=True).select_option("3")
    expected = sum(str(label) == "3" for label in pictures.metadata["label"])
    page.get_by_text(f"{expected} of 120 items").wait_for()


def test_samples_and_the_worst_are_shown(page):
    page.get_by_role("button", name="Make").click()
    page.get_by_role("button", name="draw new items").click()
    page.wait_for_function("document.querySelector('#samples')?.naturalWidth === 12 * 132 - 4")
    page.get_by_role("button", name="which come back worst?").click()
    page.wait_for_selector("#worst .thumb")
    assert page.locator("#worst .thumb").count() == 24


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


def left_of(page, at):
    """From the window's left edge to the canvas's."""
    return at[0] - page.locator("canvas").bounding_box()["x"]


def test_a_group_of_the_legend_is_hidden_and_shown_again(page, pictures):
    page.get_by_role("button", name=re.compile(r"^3 ")).click()
    threes = sum(str(label) == "3" for label in pictures.metadata["label"])
    page.get_by_text(f"{120 - threes} items selected").wait_for()
    assert page.get_by_role("button", name=re.compile(r"^3 ")).get_attribute("aria-pressed") == "false"
    page.get_by_role("button", name="only 3", exact=True).click()
    page.get_by_text(f"{threes} items selected").wait_for()
    page.get_by_role("button", name="show all groups").click()
    page.wait_for_selector("#selected", state="detached")


@pytest.mark.parametrize("shade", ["shade error", "shade density", "map trustworthiness"])
def test_what_the_space_knows_of_its_items_colours_them(page, shade):
    page.get_by_label("Colour by").select_option(shade)
    page.wait_for_selector(".legend .bar")
    low, high = (float(one) for one in page.locator(".scale > span").all_inner_texts())
    assert low < high


def test_regions_are_named_and_a_press_goes_there(page, pictures):
    page.get_by_label("names of regions").check()
    page.get_by_label("contours").check()
    page.wait_for_selector(".contours path")
    regions = pictures.maps["pca"].regions()
    assert page.locator(".ground li").count() == len(regions) > 0
    page.screenshot(path=SHOTS / "regions.png")
    page.locator(".ground li button").first.click()
    page.wait_for_function("location.hash.includes('camera=')")
    x, y = (float(word) for word in re.search(r"camera=([^&]+)", page.url).group(1).replace("%2C", ",").split(",")[:2])
    assert (x, y) == pytest.approx(regions[0].spot.tolist(), rel=1e-3, abs=1e-3)


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


def test_the_keys_are_listed_and_do_what_they_say(page, pictures):
    page.locator("canvas").focus()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Help").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_function("!document.querySelector('dialog').open")
    page.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#neighbours .thumb")
    page.keyboard.press("n")
    page.get_by_role("heading", name=pictures.search(id=pictures.ids[0], k=1).ids[0]).wait_for()
    page.keyboard.press("x")
    page.get_by_text("1 items selected").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What lies here").wait_for()


def test_a_million_points_may_be_sorted_in_a_worker(page):
    made = """new Promise(told => {
        const worker = new Worker(URL.createObjectURL(new Blob(['postMessage(1)'])));
        worker.onmessage = () => told(true);
        worker.onerror = () => told(false);
    })"""
    assert page.evaluate(made)


def test_fingers_move_and_pinch_the_map(page):
    before = [pixel_of(page, row) for row in (0, 1)]
    box = page.locator("canvas").bounding_box()
    touch = page.context.new_cdp_session(page)
    middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]

    def send(kind, apart):
        points = [{"x": middle[0] + side * apart, "y": middle[1], "id": place} for place, side in enumerate((-1, 1))]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if kind == "touchEnd" else points})

    send("touchStart", 50)
    for apart in (60, 80, 100):
        send("touchMove", apart)
    send("touchEnd", 0)
    page.wait_for_function(
        "gap => Math.abs((latentspace.pixelOf(0)[0] - latentspace.pixelOf(1)[0]) / gap - 2) < 0.1",
        arg=before[0][0] - before[1][0],
    )


def test_the_page_as_files_shows_items_neighbours_and_decoded_spots(browser, still, pictures):
    with watched(browser, still) as opened:
        row = lonely(pictures)
        choose(opened, row)
        opened.get_by_role("heading", name=pictures.ids[row]).wait_for()
        opened.wait_for_selector("#neighbours .thumb")
        labels = opened.locator("#neighbours .thumb").evaluate_all(
            "all => all.map(one => one.getAttribute('aria-label'))"
        )
        assert [label.rpartition(": ")[0] for label in labels] == pictures.search(id=pictures.ids[row], k=12).ids
        box = opened.locator("canvas").bounding_box()
        opened.mouse.click(box["x"] + 8, box["y"] + box["height"] - 8)
        opened.wait_for_function("document.querySelector('.spot img')?.naturalWidth === 128")
        opened.get_by_label("names of regions").check()
        opened.wait_for_selector(".ground li")
        opened.screenshot(path=SHOTS / "still.png")


def test_the_page_as_files_filters_and_exports(browser, still, pictures, tmp_path):
    import pandas as pd

    with watched(browser, still) as opened:
        opened.get_by_label("Filter by").select_option("label")
        opened.get_by_label("value", exact=True).select_option("3")
        threes = [row for row in range(120) if str(pictures.metadata["label"][row]) == "3"]
        opened.get_by_text(f"{len(threes)} items selected").wait_for()
        with opened.expect_download() as taken:
            opened.get_by_role("button", name="export CSV").click()
        taken.value.save_as(tmp_path / "threes.csv")
        table = pd.read_csv(tmp_path / "threes.csv", dtype={"id": str})
        assert table["id"].tolist() == [pictures.ids[row] for row in threes]
        assert table[[f"z{d}" for d in range(8)]].to_numpy() == pytest.approx(pictures.latents[threes], rel=1e-5)


def test_a_folder_that_is_no_page_is_never_replaced(pictures, tmp_path):
    from latentspace.web.opened import Opened
    from latentspace.web.still import write_still

    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="no page of ours"):
        write_still(Opened(pictures), tmp_path, overwrite=True)
    assert (tmp_path / "thesis.txt").exists()
    page = write_still(Opened(pictures), tmp_path / "page")
    with pytest.raises(FileExistsError, match="overwrite"):
        write_still(Opened(pictures), page)
    write_still(Opened(pictures), page, overwrite=True)


def test_a_wrong_token_is_told_how_to_come_in(browser, link):
    context = browser.new_context()
    opened = context.new_page()
    answer = opened.goto(re.sub("token=.*", "token=wrong", link))
    assert answer.status == 401
    assert "new one each time" in opened.content()
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_there_is_no_serious_barrier_and_it_can_be_looked_at(page, theme, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.get_by_label("Theme").select_option(theme)
    page.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#neighbours .thumb")
    page.wait_for_load_state("networkidle")
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{theme}-{width}.png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for tab in ("Look", "Dimensions", "Look up", "Make"):
        page.get_by_role("button", name=tab, exact=True).click()
        found = page.evaluate("axe.run().then(told => told.violations)")
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert not serious, [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious]
