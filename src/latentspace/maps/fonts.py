"""Fonts that pictures of maps are lettered in: Pillow's own, and for other scripts what the machine has."""

from functools import cache
from typing import Any

from PIL import ImageFont

_LATIN_ENDS = 0x250  # Pillow's own font, Aileron, has the Latin letters and little else
# Sought where systems keep fonts: wide ones first, then those of one script.
_WIDE = (
    "NotoSansCJK-Regular.ttc", "DejaVuSans.ttf", "FreeSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf",
    "unifont.ttf", "Arial Unicode.ttf", "PingFang.ttc", "msyh.ttc", "arial.ttf", "Arial.ttf",
)  # fmt: skip
_PUNCTUATION = frozenset("–—‘’“”…•€™·")


def font(text: str, size: float) -> Any:
    """A font of this size, in pixels, that has the text's letters; Pillow's own where the machine has none."""
    beyond = next((letter for letter in text if ord(letter) >= _LATIN_ENDS and letter not in _PUNCTUATION), None)
    return _sized(None if beyond is None else _having(beyond), round(size * 4) / 4)


def length(text: str, size: float) -> float:
    """How long a text is when it is set in this size."""
    return font(text, size).getlength(text)


def shortened(text: str, size: float, width: float) -> str:
    """A text, or as much of its beginning as fits, on one line."""
    text = " ".join(text.split())
    if length(text, size) <= width:
        return text
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        fits, too_long = (middle, too_long) if length(text[:middle] + "…", size) <= width else (fits, middle)
    return text[:fits].rstrip() + "…"


def wrapped(text: str, size: float, width: float) -> list[str]:
    """A text's lines, none longer than the width unless a word is."""
    lines: list[str] = []
    for word in text.split():
        if lines and length(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


@cache
def _sized(name: str | None, size: float) -> Any:
    return ImageFont.load_default(size) if name is None else ImageFont.truetype(name, size)


@cache
def _having(letter: str) -> str | None:
    """The first font of the machine that has a letter: its picture differs from that of a letter that no font has."""
    for name in _WIDE:
        try:
            found = _sized(name, 20)
        except OSError:
            continue
        if bytes(found.getmask(letter)) != bytes(found.getmask("\U0010fffe")):
            return name
    return None
