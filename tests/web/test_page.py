"""The page in a real Chromium, used as a person would: pointer, keyboard, files. Its pictures go to `.page/`."""

import re

import pytest
from browsing import NEEDS, ROOT, SHOTS, choose, lonely, pixel_of

pytest.importorskip("playwright.sync_api")
pytestmark = NEEDS
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"


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
