"""The picture of `search`: recall against queries a second, a panel for each set, drawn with Pillow."""

from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_WIDTH, _HEIGHT, _MARGIN, _ACROSS = 560, 400, 60, 2
_LOW, _HIGH = 0.88, 1.0
_COLOURS = {
    "latentspace": "#d62728", "latentspace frugal": "#ff9896", "latentspace by latents": "#ff7f0e",
    "latentspace exact": "#7f7f7f", "numpy": "#c7c7c7", "FAISS flat": "#8c564b", "FAISS HNSW": "#1f77b4",
    "FAISS IVF-SQ8": "#9467bd", "FAISS FastScan": "#2ca02c", "hnswlib": "#17becf", "usearch": "#bcbd22",
    "LanceDB": "#e377c2",
}  # fmt: skip


def panels(kept: dict[str, dict[str, dict[str, Any]]]) -> Image.Image:
    """Draws every set that has figures."""
    rows = -(-len(kept) // _ACROSS)
    image = Image.new("RGB", (_WIDTH * _ACROSS, _HEIGHT * rows + 70), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    for place, (name, each) in enumerate(kept.items()):
        _panel(pen, font, (place % _ACROSS * _WIDTH, place // _ACROSS * _HEIGHT), name, each)
    names = [by for by in _COLOURS if any(by in each for each in kept.values())]
    for place, by in enumerate(names):
        x, y = 30 + place % 6 * 180, _HEIGHT * rows + 10 + place // 6 * 26
        pen.line((x, y + 8, x + 24, y + 8), _COLOURS[by], 4)
        pen.text((x + 30, y), by, "black", font)
    return image


def _panel(pen: Any, font: Any, corner: tuple[int, int], name: str, each: dict[str, dict[str, Any]]) -> None:
    left, top = corner[0] + _MARGIN, corner[1] + 34
    right, bottom = corner[0] + _WIDTH - 20, corner[1] + _HEIGHT - 44
    speeds = [row["qps_cpu"] for found in each.values() for row in found["rows"]]
    low, high = np.floor(np.log10(min(speeds))), np.ceil(np.log10(max(speeds)))

    def spot(recall: float, speed: float) -> tuple[float, float]:
        return (
            left + (right - left) * (recall - _LOW) / (_HIGH - _LOW),
            bottom - (bottom - top) * (np.log10(speed) - low) / (high - low),
        )

    pen.text((left, corner[1] + 10), f"{name}: queries a second by recall of ten", "black", font)
    for power in np.arange(low, high + 1):
        y = spot(_LOW, 10**power)[1]
        pen.line((left, y, right, y), "#dddddd")
        pen.text((left - 8, y), f"{10**power:,.0f}", "#555555", font, anchor="rm")
    for recall in np.arange(_LOW, _HIGH + 0.01, 0.02):
        x = spot(recall, 10**low)[0]
        pen.line((x, top, x, bottom), "#eeeeee")
        pen.text((x, bottom + 6), f"{recall:.2f}", "#555555", font, anchor="ma")
    for by, found in each.items():
        spots = [spot(row["recall"], row["qps_cpu"]) for row in _best(found["rows"]) if row["recall"] >= _LOW]
        if len(spots) > 1:
            pen.line(spots, _COLOURS[by], 3)
        for x, y in spots:
            pen.ellipse((x - 4, y - 4, x + 4, y + 4), _COLOURS[by])


def _best(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that no other beats in both recall and speed, from fast to right."""
    kept: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda row: (-row["recall"], -row["qps_cpu"])):
        if not kept or row["qps_cpu"] > kept[-1]["qps_cpu"]:
            kept.append(row)
    return kept[::-1]
