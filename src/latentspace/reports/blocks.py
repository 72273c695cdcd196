"""What a section of a report is made of. Each block says itself in words, in Markdown and in HTML.

Every block that shows a figure carries `meaning`: one sentence that says what it is and which way is better.
"""

import base64
import html
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

_WIDE = 40  # characters of a table's cell in words


class Block(Protocol):
    """A part of a section."""

    def words(self) -> list[str]:
        """Lines of plain text."""

    def markdown(self) -> list[str]:
        """Lines of Markdown."""

    def html(self) -> str:
        """A fragment that asks for nothing from elsewhere, everything in it escaped."""


def shown(value: Any) -> str:
    """A value as a reader sees it: three digits of a number, a dash for what is not known.

    Examples
    --------
    >>> shown(0.97312), shown(12345), shown(None), shown(True), shown(1234.5)
    ('0.973', '12,345', '–', 'yes', '1,234')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.3g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value))
    return str(value)


def span(value: float | None, low: float | None, high: float | None, as_share: bool = False) -> str:
    """A figure with its interval.

    Examples
    --------
    >>> span(0.5, 0.4, 0.62), span(0.97, 0.94, 0.99, as_share=True), span(0.5, None, None)
    ('0.5 (0.4 to 0.62)', '97% (94 to 99)', '0.5')
    """
    if value is None or math.isnan(value):
        return "–"
    if as_share:
        head, ends = f"{100 * value:.0f}%", [None if end is None else f"{100 * end:.0f}" for end in (low, high)]
    else:
        head, ends = shown(float(value)), [None if end is None else shown(float(end)) for end in (low, high)]
    return head if None in ends else f"{head} ({ends[0]} to {ends[1]})"


@dataclass
class Prose:
    """A paragraph."""

    text: str

    def words(self) -> list[str]:
        return [self.text]

    def markdown(self) -> list[str]:
        return [inert(self.text), ""]

    def html(self) -> str:
        return f"<p>{html.escape(self.text)}</p>"


@dataclass
class Facts:
    """Figures by name, each with the sentence that says what it means.

    Parameters
    ----------
    rows : sequence of (name, value, meaning)
        A value is a number or words made by `span`.
    """

    rows: Sequence[tuple[str, Any, str]]

    def words(self) -> list[str]:
        names = max((len(name) for name, *_ in self.rows), default=0)
        return [f"{name.ljust(names)}  {shown(value)}" for name, value, _ in self.rows]

    def markdown(self) -> list[str]:
        return Table(["figure", "value", "what it means"], self.rows).markdown()

    def html(self) -> str:
        cells = "".join(
            f"<tr><th scope='row'>{html.escape(name)}</th><td class='value'>{html.escape(shown(value))}</td>"
            f"<td class='meaning'>{html.escape(meaning)}</td></tr>"
            for name, value, meaning in self.rows
        )
        return f"<div class='scroll'><table class='facts'><tbody>{cells}</tbody></table></div>"


@dataclass
class Table:
    """Rows under columns; pictures (PIL) may stand in cells.

    Parameters
    ----------
    columns : sequence of str
    rows : sequence of sequences, as many values as columns
    meaning : str
        What the figures are, and which way is better.
    marked : sequence of int
        Rows that stand out.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    meaning: str = ""
    marked: Sequence[int] = ()

    def words(self) -> list[str]:
        kept = [place for place in range(len(self.columns)) if not any(_is_picture(row[place]) for row in self.rows)]
        lines_of = [[str(self.columns[p]) for p in kept], *([shown(row[p]) for p in kept] for row in self.rows)]
        # Nothing stands behind the last column, so it is told in full.
        cells = [[*map(_brief, row[:-1]), *(" ".join(cell.split()) for cell in row[-1:])] for row in lines_of]
        widths = [max(len(row[i]) for row in cells) for i in range(len(kept))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
        ]
        return lines + ([self.meaning] if self.meaning else [])

    def markdown(self) -> list[str]:
        def line(cells: Sequence[Any]) -> str:
            return "| " + " | ".join(_in_a_cell(cell) for cell in cells) + " |"

        lines = [line(self.columns), "|" + " --- |" * len(self.columns), *map(line, self.rows), ""]
        return lines + ([inert(self.meaning), ""] if self.meaning else [])

    def html(self) -> str:
        head = "".join(f"<th scope='col'>{html.escape(str(column))}</th>" for column in self.columns)
        body = "".join(
            f"<tr{' class=marked' if place in self.marked else ''}>" + "".join(map(_cell, row)) + "</tr>"
            for place, row in enumerate(self.rows)
        )
        return (
            f"<figure><div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
            f"{_caption(self.meaning)}</figure>"
        )


@dataclass
class Chart:
    """A drawing from `charts`, which stands in the page only; its numbers belong in a table or in the facts."""

    svg: str
    meaning: str

    def words(self) -> list[str]:
        return []

    def markdown(self) -> list[str]:
        return []

    def html(self) -> str:
        return f"<figure><div class='scroll'>{self.svg}</div>{_caption(self.meaning)}</figure>"


@dataclass
class Pictures:
    """PIL pictures with a line below each, in the page only.

    Parameters
    ----------
    shown : sequence of (PIL image, str)
    meaning : str
    """

    shown: Sequence[tuple[Any, str]]
    meaning: str

    def words(self) -> list[str]:
        return []

    def markdown(self) -> list[str]:
        return []

    def html(self) -> str:
        tiles = "".join(
            f"<li>{picture_html(picture, words)}<span>{html.escape(words)}</span></li>" for picture, words in self.shown
        )
        return f"<figure><ul class='pictures'>{tiles}</ul>{_caption(self.meaning)}</figure>"


@dataclass
class Fold:
    """Blocks that are closed at first in the page, and left out of the words; Markdown and the page have them."""

    title: str
    blocks: list[Block] = field(default_factory=list)

    def words(self) -> list[str]:
        return []

    def markdown(self) -> list[str]:
        return [f"**{inert(self.title)}**", "", *(line for block in self.blocks for line in block.markdown())]

    def html(self) -> str:
        inner = "".join(block.html() for block in self.blocks)
        return f"<details><summary>{html.escape(self.title)}</summary>{inner}</details>"


def inert(text: str) -> str:
    """Words for Markdown: no name becomes an element of a page made of it."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def picture_html(picture: Any, words: str, least: int = 72) -> str:
    """A PIL picture as an element with its bytes inside, small ones enlarged without blur."""
    held = io.BytesIO()
    picture.save(held, "PNG")
    address = base64.b64encode(held.getvalue()).decode("ascii")
    factor = max(1, math.ceil(least / max(picture.size)))
    width, height = (edge * factor for edge in picture.size)
    blur = " class='crisp'" if factor > 1 else ""
    return (
        f"<img{blur} alt='{html.escape(words, quote=True)}' width='{width}' height='{height}' "
        f"src='data:image/png;base64,{address}'>"
    )


def _caption(meaning: str) -> str:
    return f"<figcaption>{html.escape(meaning)}</figcaption>" if meaning else ""


def _cell(value: Any) -> str:
    if _is_picture(value):
        return f"<td>{picture_html(value, '')}</td>"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"<td{' class=value' if number else ''}>{html.escape(shown(value))}</td>"


def _in_a_cell(value: Any) -> str:
    return "" if _is_picture(value) else inert(" ".join(shown(value).split())).replace("|", "\\|")


def _brief(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDE else line[: _WIDE - 1] + "…"


def _is_picture(value: Any) -> bool:
    return hasattr(value, "save") and hasattr(value, "size") and not isinstance(value, str | Mapping)
