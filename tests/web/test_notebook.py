"""A space and a map in a notebook: what they show, and the widget's module run in a real Chromium."""

import base64
import json
import shutil

import numpy as np
import pytest

from latentspace.web.app import STATIC

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MODULE = STATIC / "widget.js"


def test_a_space_shows_what_it_is_and_a_few_items(pictures, texts):
    shown = pictures._repr_html_()
    assert "120 images" in shown
    assert "pca, 8 dims" in shown
    assert shown.count("<img") == 8
    assert "<img" not in texts._repr_html_()


def test_what_an_item_is_called_cannot_act(digits):
    import latentspace as ls

    images, _ = digits
    space = ls.fit(images[:9], "pca", dims=2, ids=[f"'><script>{i}</script>" for i in range(9)])
    assert "<script>" not in space._repr_html_()


@pytest.mark.skipif(not MODULE.exists(), reason="the page is not built: make page")
def test_a_widget_answers_with_the_item_under_the_pointer(pictures):
    pytest.importorskip("anywidget")
    widget = pictures.maps["pca"].live("label")
    assert np.frombuffer(widget.places, "<f4").reshape(-1, 2).tolist() == pictures.maps["pca"].coordinates.tolist()
    assert len(widget.palette) == 10
    sent = []
    widget.send = lambda content, buffers: sent.append((content, buffers))
    widget._handle_custom_msg({"row": 7}, [])
    widget._handle_custom_msg({"row": 700}, [])
    widget._handle_custom_msg("rubbish", [])
    ((content, buffers),) = sent
    assert content == {"row": 7, "words": pictures.ids[7]}
    assert buffers[0].startswith(b"\x89PNG")
    assert len(pictures.maps["pca"].live("ink").palette) > 10
    with pytest.raises(ValueError, match="nonsense"):
        pictures.maps["pca"].live("nonsense")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
@pytest.mark.skipif(not MODULE.exists(), reason="the page is not built: make page")
def test_the_widgets_module_draws_and_asks_for_what_is_under_the_pointer(pictures):
    playwright = pytest.importorskip("playwright.sync_api")
    widget = pictures.maps["pca"].live("label")
    source = json.dumps(MODULE.read_text(encoding="utf-8"))
    model = f"""
      const bytes = text => new DataView(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
      const held = {{label: 'map', palette: {widget.palette},
        places: bytes('{base64.b64encode(widget.places).decode()}'),
        values: bytes('{base64.b64encode(widget.values).decode()}')}};
      window.sent = [];
      const model = {{get: name => held[name], set: (name, value) => {{ held[name] = value; }}, save_changes() {{}},
        send: content => {{ window.sent.push(content);
          window.answer({{row: content.row, words: 'item ' + content.row}}, []); }},
        on: (_, does) => {{ window.answer = does; }}, off() {{}}}};
      const source = URL.createObjectURL(new Blob([{source}], {{type: 'text/javascript'}}));
      return import(source).then(({{default: own}}) => {{
        window.end = own.render({{model, el: document.body}}); }});"""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        page = browser.new_page()
        page.set_content("<!doctype html><body></body>")
        page.evaluate(f"() => {{ {model} }}")
        page.wait_for_selector("[data-drawn='120']")
        box = page.locator("canvas").bounding_box()
        for x in range(10):
            for y in range(10):
                page.mouse.move(box["x"] + box["width"] * (x + 0.5) / 10, box["y"] + box["height"] * (y + 0.5) / 10)
        page.wait_for_function("window.sent.length > 0")
        assert all(0 <= row < 120 for row in page.evaluate("window.sent.map(one => one.row)"))
        page.evaluate("window.end()")
        browser.close()
