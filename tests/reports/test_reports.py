"""A report in all its forms: words, data, Markdown, and a page that asks for nothing and runs nothing."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from latentspace.reports import Chart, Facts, Fold, Pictures, Prose, Report, Section, Table, charts
from latentspace.reports.blocks import span

EVIL = "<script>alert(1)</script>'\"&|"


def a_report(name="cat"):
    picture = Image.fromarray(np.zeros((8, 8), np.uint8))
    bars = charts.bars([charts.Bar(name, 0.5, 0.4, 0.6), charts.Bar("unknown", float("nan"))], name, mark=0.1)
    return Report(
        f"space of {name}",
        [f"Keeps 97% of {name}.", "Loses nothing."],
        [
            Section("Task", f"what {name} is", [
                Facts([("score", 0.5, "1 is best"), (name, None, f"of {name}")]),
                Table(["name", "score"], [[name, 0.25], ["other", 1200]], "higher is better", marked=[0]),
                Chart(bars, f"bars of {name}"),
            ]),
            Section("More", "", [Prose(name), Pictures([(picture, name)], name), Fold(name, [Prose(name)])]),
        ],
        {"kept": np.float32(0.5), "nothing": float("nan"), "rows": np.arange(3), "by": {7: [np.int64(1), None]}},
    )  # fmt: skip


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.open, self.asks = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in {"meta", "img", "rect", "path", "circle", "br"}:
            self.open.append(tag)
        for attribute, value in attrs:
            if attribute in {"src", "href", "action", "srcset"} or attribute.startswith("on"):
                self.asks.append((attribute, value))

    def handle_endtag(self, tag):
        if tag not in {"meta", "img", "rect", "path", "circle", "br"}:
            assert self.open.pop() == tag


def test_the_verdict_comes_first_in_words():
    lines = str(a_report()).splitlines()
    assert lines[:4] == ["space of cat", "============", "Keeps 97% of cat.", "Loses nothing."]
    assert "other  1,200" in "\n".join(lines)


def test_data_is_what_json_can_hold():
    data = a_report().to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["kept"] == 0.5
    assert data["nothing"] is None
    assert data["rows"] == [0, 1, 2]
    assert data["by"] == {"7": [1, None]}


@pytest.mark.parametrize("ending", ["html", "json", "md", "txt"])
def test_is_written_as_the_ending_says_and_never_over_a_file_unasked(tmp_path, ending):
    path = a_report().save(tmp_path / f"report.{ending}")
    text = path.read_text()
    assert "Keeps 97% of cat." in text
    with pytest.raises(FileExistsError, match="overwrite=True"):
        a_report().save(path)
    a_report("dog").save(path, overwrite=True)
    assert "dog" in path.read_text()
    assert [each.name for each in tmp_path.iterdir()] == [f"report.{ending}"]


def test_an_unknown_ending_lists_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match=r"report.pdf.*\.html, \.json, \.md, \.txt"):
        a_report().save(tmp_path / "report.pdf")


def test_the_page_asks_for_nothing_and_its_elements_close():
    reader = Reader()
    reader.feed(a_report().to_html())
    assert not reader.open
    assert all(value.startswith(("data:image/png;base64,", "#")) for _, value in reader.asks)
    assert "script" not in reader.tags
    assert "svg" in reader.tags


def test_no_name_can_act_in_a_page_or_break_a_table():
    report = a_report(EVIL)
    reader = Reader()
    reader.feed(report.to_html())
    assert "script" not in reader.tags
    assert not reader.open
    assert "<script>" not in report.to_markdown()
    rows = [line for line in report.to_markdown().splitlines() if line.startswith("| ") and "0.25" in line]
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 3


def test_charts_say_themselves_and_show_nothing_for_what_is_not_known():
    nothing = charts.bars([charts.Bar("a", float("nan"))], "nothing known")
    assert "aria-label='nothing known'" in nothing
    assert "<rect" not in nothing
    for drawn in (
        charts.intervals([charts.Bar("a", 3.0, 3.0, 3.0)], "one"),
        charts.lines({"a": [(1, 2.0, 1.0, 3.0), (10, float("nan"))], "b": []}, "l", x="dims", y="error", log_x=True),
        charts.lines({}, "none", x="x", y="y"),
        charts.histogram(np.array([]), "none", x="x"),
        charts.histogram(np.ones(5), "same", x="x", marks={1.0: "one"}),
    ):
        assert "nan" not in drawn
        assert "inf" not in drawn


def test_a_chart_puts_a_value_where_its_axis_says():
    drawn = charts.bars([charts.Bar("half", 0.5)], "one", limits=(0.0, 1.0))
    left, right = 190, 720 - 90
    width = float(re.search(r"<rect [^>]*width='([\d.]+)'", drawn)[1])
    assert width == pytest.approx((right - left) / 2, abs=0.1)


def test_intervals_are_words():
    assert span(0.969, 0.941, 0.99, as_share=True) == "97% (94 to 99)"
    assert span(float("nan"), 0.0, 1.0) == "–"
