"""The page as files, behind a plain web server, in a real Chromium."""

import pytest
from browsing import NEEDS, SHOTS, choose, lonely, watched

pytest.importorskip("playwright.sync_api")
pytestmark = NEEDS


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
