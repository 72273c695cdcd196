"""Small drawings as inline SVG, in the page's own colours: bars, intervals, lines, a histogram.

Each says itself to a screen reader in `label`. Colours are the page's variables, so that they follow light and dark.
"""

import html
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .blocks import shown

_WIDTH, _ROW, _LEFT, _RIGHT = 720, 26, 190, 90
_COLOURS = 8


class Bar(NamedTuple):
    """A named value, with its interval where one is known.

    Attributes
    ----------
    name : str
    value : float
        NaN draws nothing.
    low, high : float or None
    colour : int
        1 to 8, of the page's colours.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    colour: int = 1


def bars(
    rows: Sequence[Bar], label: str, *, unit: str = "", limits: tuple[float, float] | None = None,
    mark: float | None = None, mark_name: str = "",
) -> str:  # fmt: skip
    """Horizontal bars from 0 with whiskers; `mark` is an upright line, such as chance."""
    low, high = limits or _limits([end for row in rows for end in (row.value, row.low, row.high)] + [mark], zero=True)
    across = _scale(low, high, _LEFT, _WIDTH - _RIGHT)
    parts, base = _upright(low, high, across, len(rows), unit), across(min(max(0.0, low), high))
    for place, row in enumerate(rows):
        y = 8 + place * _ROW
        parts.append(_name(row.name, y))
        if not _known(row.value):
            continue
        x = across(row.value)
        parts.append(
            f"<rect x='{min(x, base):.1f}' y='{y + 4}' width='{abs(x - base):.1f}' height='{_ROW - 10}' "
            f"fill='var(--c{row.colour})' fill-opacity='0.55'/>"
        )
        parts += _whisker(row, across, y)
        parts.append(_value(row, max(x, across(row.high) if _known(row.high) else x), y))
    return _svg(parts + _mark(mark, mark_name, across, len(rows)), _height(len(rows)), label)


def intervals(
    rows: Sequence[Bar], label: str, *, unit: str = "", limits: tuple[float, float] | None = None,
    mark: float | None = None, mark_name: str = "",
) -> str:  # fmt: skip
    """Dots with whiskers, where 0 is no natural beginning."""
    low, high = limits or _limits([end for row in rows for end in (row.value, row.low, row.high)] + [mark])
    across = _scale(low, high, _LEFT, _WIDTH - _RIGHT)
    parts = _upright(low, high, across, len(rows), unit)
    for place, row in enumerate(rows):
        y = 8 + place * _ROW
        parts.append(_name(row.name, y))
        if _known(row.value):
            x = across(row.value)
            parts += _whisker(row, across, y)
            parts.append(f"<circle cx='{x:.1f}' cy='{y + _ROW / 2 - 1}' r='5' fill='var(--c{row.colour})'/>")
            parts.append(_value(row, max(x, across(row.high) if _known(row.high) else x), y))
    return _svg(parts + _mark(mark, mark_name, across, len(rows)), _height(len(rows)), label)


def lines(
    series: Mapping[str, Sequence[tuple[float, ...]]], label: str, *, x: str, y: str, log_x: bool = False,
    limits: tuple[float, float] | None = None, marks: Mapping[float, str] | None = None,
) -> str:  # fmt: skip
    """Lines through points (x, y) or (x, y, low, high); `marks` are named upright lines, such as a knee."""
    height, left, right, top, bottom = 300, 64, _WIDTH - 150, 28, 252
    points = {name: [p for p in line if all(map(_known, p[:2]))] for name, line in series.items()}
    every = [p for line in points.values() for p in line]
    place = (lambda v: math.log10(v)) if log_x else float
    xs = [place(p[0]) for p in every] or [0.0, 1.0]
    low, high = limits or _limits([end for p in every for end in p[1:]])
    across = _scale(*_apart(min(xs), max(xs)), left, right)
    up = _scale(low, high, bottom, top)
    parts = []
    for tick in _ticks(low, high):
        parts.append(f"<path class='axis' d='M{left} {up(tick):.1f}H{right}'/>")
        parts.append(_text(left - 8, up(tick) + 4, shown(tick), "end", "quiet"))
    known = sorted({p[0] for p in every})
    at = known
    if len(known) > 8:
        at = _round(min(known), max(known)) if log_x else [known[round(i * (len(known) - 1) / 7)] for i in range(8)]
    parts += [_text(across(place(v)), bottom + 18, shown(v), "middle", "quiet") for v in at]
    parts.append(_text((left + right) / 2, bottom + 38, x, "middle", "quiet"))
    parts.append(_text(8, 12, y, "start", "quiet"))
    for spot, name in (marks or {}).items():
        here = across(place(spot))
        parts.append(f"<path d='M{here:.1f} {top}V{bottom}' stroke='var(--quiet)' stroke-dasharray='4 3'/>")
        parts.append(_text(here + 4, top + 10, name, "start", "quiet"))
    ends: list[tuple[float, str, int]] = []
    for number, (name, line) in enumerate(points.items()):
        if not line:
            continue
        colour = f"var(--c{number % _COLOURS + 1})"
        spots = [(across(place(p[0])), up(p[1])) for p in line]
        for p, (sx, _) in zip(line, spots, strict=True):
            if len(p) == 4 and _known(p[2]) and _known(p[3]):
                parts.append(f"<path d='M{sx:.1f} {up(p[2]):.1f}V{up(p[3]):.1f}' stroke='{colour}' stroke-width='2'/>")
        path = "L".join(f"{sx:.1f} {sy:.1f}" for sx, sy in spots)
        parts.append(f"<path d='M{path}' fill='none' stroke='{colour}' stroke-width='2'/>")
        parts += [f"<circle cx='{sx:.1f}' cy='{sy:.1f}' r='3.5' fill='{colour}'/>" for sx, sy in spots]
        ends.append((spots[-1][1], name, number % _COLOURS + 1))
    return _svg(parts + _endings(ends, right, top, bottom), height, label)


def histogram(
    values: np.ndarray, label: str, *, x: str, bins: int = 40, marks: Mapping[float, str] | None = None
) -> str:
    """How many values fall where; the largest hundredth share the last bin, so that the rest can be seen."""
    values = np.asarray(values, dtype=np.float64)
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(np.quantile(values, 0.99))) if len(values) else (0.0, 1.0)
    low, high = _apart(low, high)
    counts, edges = np.histogram(np.clip(values, low, high), bins, (low, high))
    left, right, top, bottom = 24, _WIDTH - 24, 12, 150
    across, up = _scale(low, high, left, right), _scale(0.0, float(max(counts.max(), 1)), bottom, top)
    parts = [f"<path class='axis' d='M{left} {bottom}H{right}'/>"]
    for count, a, b in zip(counts, edges[:-1], edges[1:], strict=True):
        y = up(float(count))
        parts.append(
            f"<rect x='{across(a):.1f}' y='{y:.1f}' width='{max(across(b) - across(a) - 1, 0.5):.1f}' "
            f"height='{bottom - y:.1f}' fill='var(--c1)' fill-opacity='0.6'/>"
        )
    parts += [_text(across(t), bottom + 16, shown(t), "middle", "quiet") for t in _ticks(low, high)]
    parts.append(_text((left + right) / 2, bottom + 34, x, "middle", "quiet"))
    for spot, name in (marks or {}).items():
        here = across(min(max(spot, low), high))
        parts.append(f"<path d='M{here:.1f} {top}V{bottom}' stroke='var(--ink)' stroke-dasharray='4 3'/>")
        parts.append(_text(here + 4, top + 10, name, "start", ""))
    return _svg(parts, 190, label)


# ---------------------------------------------------------------------- parts
def _svg(parts: Sequence[str], height: float, label: str) -> str:
    return (
        f"<svg viewBox='0 0 {_WIDTH} {height:.0f}' width='{_WIDTH}' height='{height:.0f}' role='img' "
        f"aria-label='{html.escape(label, quote=True)}'>{''.join(parts)}</svg>"
    )


def _height(rows: int) -> int:
    return 8 + rows * _ROW + 30


def _text(x: float, y: float, words: str, anchor: str, kind: str) -> str:
    named = f" class='{kind}'" if kind else ""
    return f"<text{named} x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'>{html.escape(words)}</text>"


def _name(name: str, y: float) -> str:
    brief = name if len(name) <= 27 else name[:26] + "…"
    return _text(_LEFT - 10, y + _ROW / 2 + 3, brief, "end", "")


def _value(row: Bar, x: float, y: float) -> str:
    return _text(min(x + 8, _WIDTH - 52), y + _ROW / 2 + 3, shown(float(row.value)), "start", "quiet")


def _whisker(row: Bar, across, y: float) -> list[str]:
    if not (_known(row.low) and _known(row.high)):
        return []
    a, b, middle = across(row.low), across(row.high), y + _ROW / 2 - 1
    return [
        f"<path d='M{a:.1f} {middle}H{b:.1f}M{a:.1f} {middle - 4}V{middle + 4}M{b:.1f} {middle - 4}V{middle + 4}' "
        f"stroke='var(--ink)' stroke-width='1.5' fill='none'/>"
    ]


def _upright(low: float, high: float, across, rows: int, unit: str) -> list[str]:
    bottom, parts = 8 + rows * _ROW, []
    for tick in _ticks(low, high):
        parts.append(f"<path class='axis' d='M{across(tick):.1f} 4V{bottom}'/>")
        parts.append(_text(across(tick), bottom + 16, shown(tick), "middle", "quiet"))
    return parts + ([_text(_WIDTH - 4, bottom + 16, unit, "end", "quiet")] if unit else [])


def _mark(mark: float | None, name: str, across, rows: int) -> list[str]:
    if not _known(mark):
        return []
    x, bottom = across(mark), 8 + rows * _ROW
    words = [_text(x, bottom + 29, name, "middle", "quiet")] if name else []
    return [f"<path d='M{x:.1f} 4V{bottom + 4}' stroke='var(--ink)' stroke-dasharray='4 3'/>", *words]


def _endings(ends: list[tuple[float, str, int]], right: float, top: float, bottom: float) -> list[str]:
    """The lines' names beside their last points, moved apart where they would cover one another."""
    parts, last = [], top - 16.0
    for y, name, colour in sorted(ends):
        at = max(y, last + 15)
        last = at
        at = min(at, bottom + 12)
        brief = name if len(name) <= 20 else name[:19] + "…"
        parts.append(
            f"<text x='{right + 10}' y='{at + 4:.1f}' style='fill:var(--c{colour})'>{html.escape(brief)}</text>"
        )
    return parts


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _limits(values: Sequence[float | None], zero: bool = False) -> tuple[float, float]:
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    if zero:
        known.append(0.0)
    low, high = _apart(min(known, default=0.0), max(known, default=1.0))
    room = 0.04 * (high - low)
    return (low if zero and low == 0 else low - room), high + room


def _round(low: float, high: float) -> list[float]:
    """Round numbers between two ends, as a logarithmic axis shows them: 1, 2 and 5 of each decade, or decades alone."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(decades) <= 4 else (1,)
    return [step * 10.0**decade for decade in decades for step in steps if low <= step * 10.0**decade <= high]


def _apart(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low - 0.5 * (abs(low) or 1.0), low + 0.5 * (abs(low) or 1.0))


def _scale(low: float, high: float, begin: float, end: float):
    return lambda value: begin + (value - low) / (high - low) * (end - begin)


def _ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between the ends."""
    step = 10 ** math.floor(math.log10((high - low) / about))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= about + 1)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]
