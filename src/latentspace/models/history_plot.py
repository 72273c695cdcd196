"""Curves of a training run as a picture, drawn with Pillow at twice its size and then halved, which smooths them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

_OVER = 2  # times as large while drawing
_PAPER, _INK, _FAINT, _GRID = (255, 255, 255), (32, 33, 36), (110, 112, 118), (228, 229, 233)
_COLOURS = ((38, 84, 160), (204, 85, 0))  # training, held out: apart in print and for the colour-blind
_COLUMNS, _TALL = 3, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 44, 30  # of a panel, in pixels
_LOG_FROM = 30.0  # largest over smallest value from which an axis is logarithmic


class Panel(NamedTuple):
    """One set of axes: lines by name, their values None where an epoch has none."""

    title: str
    epochs: Sequence[int]
    lines: Mapping[str, Sequence[float | None]]


class _Axis(NamedTuple):
    low: float
    high: float
    log: bool
    cut: bool
    whole: bool  # values are counts

    def share(self, value: float) -> float:
        """Where a value lies between low (0) and high (1)."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        return (self._scaled(min(max(value, self.low), self.high)) - low) / (high - low)

    def ticks(self) -> list[float]:
        if self.log:
            steps = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            marks = [factor * 10.0**step for step in steps for factor in ((1, 2, 5) if len(steps) < 4 else (1,))]
        else:
            rough = (self.high - self.low) / 4
            unit = 10.0 ** math.floor(math.log10(rough))
            step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough)
            step = max(1.0, step) if self.whole else step
            marks = [step * count for count in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
        return [mark for mark in marks if self.low <= mark <= self.high]

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value


def draw(panels: Sequence[Panel], width: int) -> Any:
    """Draws panels in rows of three; returns an RGB PIL image."""
    columns = min(_COLUMNS, len(panels))
    wide = width // columns
    rows = math.ceil(len(panels) / columns)
    sheet = Image.new("RGB", (width * _OVER, rows * _TALL * _OVER), _PAPER)
    axes = [_axis(panel) for panel in panels]
    boxes = []
    for index, (panel, axis) in enumerate(zip(panels, axes, strict=True)):
        x, y = index % columns * wide, index // columns * _TALL
        boxes.append((x + _LEFT, y + _TOP, x + wide - _RIGHT, y + _TALL - _BOTTOM))
        _curves(ImageDraw.Draw(sheet), panel, axis, [side * _OVER for side in boxes[-1]])
    sheet = sheet.resize((width, rows * _TALL), Image.Resampling.BOX)
    for panel, axis, box in zip(panels, axes, boxes, strict=True):
        _words(ImageDraw.Draw(sheet), panel, axis, box)
    return sheet


def _axis(panel: Panel) -> _Axis:
    """An axis on which the later epochs can be told apart, though the first may lie far above."""
    values = [value for line in panel.lines.values() for value in line if value is not None]
    whole = all(isinstance(value, int) for value in values)
    low, high = min(values), max(values)
    if low > 0 and high / low >= _LOG_FROM:
        return _Axis(low, high, True, False, whole)
    # The first twentieth may be far off; what comes after it sets the range, unless that hides no more than a little.
    skip = max(1, len(panel.epochs) // 20)
    later = [value for line in panel.lines.values() for value in line[skip:] if value is not None] or values
    reach = max(later) + 0.05 * (max(later) - min(later))
    cut = high - low > 2 * (reach - min(later)) > 0
    high = reach if cut else high
    if high <= low:
        pad = abs(low) * 0.1 or 1.0
        return _Axis(low - pad, high + pad, False, False, whole)
    pad = 0.04 * (high - low)
    return _Axis(low - pad, high + (0 if cut else pad), False, cut, whole)


def _curves(draw: Any, panel: Panel, axis: _Axis, box: Sequence[float]) -> None:
    left, top, right, bottom = box
    for mark in axis.ticks():
        y = bottom - axis.share(mark) * (bottom - top)
        draw.line((left, y, right, y), fill=_GRID, width=_OVER)
    first, last = panel.epochs[0], max(panel.epochs[-1], panel.epochs[0] + 1)
    for colour, line in zip(_COLOURS, panel.lines.values(), strict=False):
        spots = [
            (left + (epoch - first) / (last - first) * (right - left), bottom - axis.share(value) * (bottom - top))
            for epoch, value in zip(panel.epochs, line, strict=True)
            if value is not None
        ]
        if len(spots) == 1:
            (x, y), r = spots[0], 3 * _OVER
            draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        draw.line(spots, fill=colour, width=2 * _OVER, joint="curve")
    draw.line((left, bottom, right, bottom), fill=_FAINT, width=_OVER)


def _words(draw: Any, panel: Panel, axis: _Axis, box: Sequence[float]) -> None:
    left, top, right, bottom = box
    small, font = ImageFont.load_default(12), ImageFont.load_default(15)
    notes = [note for note, there in (("log", axis.log), ("first epochs cut", axis.cut)) if there]
    draw.text((left, top - 36), panel.title.replace("_", " "), fill=_INK, font=font)
    x = left
    for colour, name in zip(_COLOURS, panel.lines, strict=False):
        if len(panel.lines) > 1:
            draw.line((x, top - 9, x + 14, top - 9), fill=colour, width=2)
            draw.text((x + 18, top - 17), name, fill=_FAINT, font=small)
            x += 30 + small.getlength(name)
    draw.text((right, top - 17), ", ".join(notes), fill=_FAINT, font=small, anchor="ra")
    for mark in axis.ticks():
        y = bottom - axis.share(mark) * (bottom - top)
        draw.text((left - 6, y), f"{mark:.4g}", fill=_FAINT, font=small, anchor="rm")
    draw.text((left, bottom + 6), f"epoch {panel.epochs[0]}", fill=_FAINT, font=small)
    draw.text((right, bottom + 6), str(panel.epochs[-1]), fill=_FAINT, font=small, anchor="ra")
