"""Which colour each item of a map has, from one metadata column, and the legend that says so."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..labels import are_labels, are_numbers

# Okabe and Ito's colours ("Color universal design", 2008), which readers of every kind of colour sight tell apart,
# without their black and yellow (lost on dark and on light), and six that stay apart from them on either ground.
PALETTE = (
    (0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 94, 0),
    (158, 98, 72), (153, 153, 51), (68, 170, 153), (124, 104, 224), (184, 60, 170), (120, 130, 140),
)  # fmt: skip
OTHER = (150, 150, 155)
MISSING = (205, 205, 210)
# Viridis at nine even steps: lightness rises evenly, so that a number's order is seen and survives grey print.
RAMP = (
    (68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141),
    (39, 173, 129), (92, 200, 99), (170, 220, 50), (253, 231, 37),
)  # fmt: skip

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Colouring:
    """Colours of n items.

    Attributes
    ----------
    name : str
        The column, or "" for one colour.
    rgb : uint8 array of shape (n, 3)
    groups : list of (label, colour, count)
        The legend of a column of categories, most items first; empty for numbers.
    group : int16 array of shape (n,)
        Which of `groups` each item is in.
    low, high : float or None
        The ends of the ramp for a column of numbers.
    """

    name: str
    rgb: np.ndarray
    groups: list[tuple[str, Colour, int]]
    group: np.ndarray
    low: float | None = None
    high: float | None = None


def plain(n: int) -> Colouring:
    """One colour for all."""
    rgb = np.tile(np.array(PALETTE[0], np.uint8), (n, 1))
    return Colouring("", rgb, [], np.zeros(n, np.int16))


def colouring(name: str, values: Sequence[Any]) -> Colouring:
    """Colours for one column: categories each their own, numbers along a ramp.

    Whole numbers count as categories while there are at most 12 of them: labels are often written so.
    """
    there = [value for value in values if value is not None]
    measured = bool(there) and are_numbers(there) and not are_labels(there)
    return _along_the_ramp(name, values) if measured else _in_groups(name, values)


def _along_the_ramp(name: str, values: Sequence[Any]) -> Colouring:
    x = np.array([np.nan if value is None else float(value) for value in values])
    low, high = float(np.nanmin(x)), float(np.nanmax(x))
    share = np.clip((x - low) / (high - low), 0, 1) if high > low else np.zeros(len(x))
    rgb = ramp(np.nan_to_num(share))
    rgb[np.isnan(x)] = MISSING
    return Colouring(name, rgb, [], np.zeros(len(x), np.int16), low, high)


def ramp(share: np.ndarray) -> np.ndarray:
    """Colours, uint8 (n, 3), of shares 0 to 1 along the ramp."""
    steps = np.linspace(0, 1, len(RAMP))
    channels = [np.interp(share, steps, [colour[i] for colour in RAMP]) for i in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def _in_groups(name: str, values: Sequence[Any]) -> Colouring:
    counts = Counter(value for value in values if value is not None)
    by_count = sorted(counts, key=lambda value: (-counts[value], str(value)))
    shown = by_count if len(by_count) <= len(PALETTE) else by_count[: len(PALETTE) - 1]
    # In the legend, whole numbers and letters stand in their own order, which a reader looks for.
    shown = sorted(
        shown, key=lambda value: (isinstance(value, str), value if not isinstance(value, bool) else int(value))
    )
    groups: list[tuple[str, Colour, int]] = [
        (str(value), PALETTE[place], counts[value]) for place, value in enumerate(shown)
    ]
    place = {value: number for number, value in enumerate(shown)}
    others = sum(counts.values()) - sum(count for _, _, count in groups)
    if others:
        place.update({value: len(groups) for value in counts if value not in place})
        groups.append((f"{len(counts) - len(shown)} others", OTHER, others))
    missing = len(values) - sum(counts.values())
    if missing:
        groups.append(("missing", MISSING, missing))
    group = np.array([len(groups) - 1 if value is None else place[value] for value in values], np.int16)
    table = np.array([colour for _, colour, _ in groups] or [OTHER], np.uint8)
    return Colouring(name, table[group] if len(group) else np.empty((0, 3), np.uint8), groups, group)
