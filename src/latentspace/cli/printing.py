"""How answers are printed: as aligned words for a person, as one JSON document for a program."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..visible import visible

_WIDEST = 80  # characters of a table's cell


def print_json(document: Any) -> None:
    """Prints one document; numpy values become plain ones, and keys keep their order."""
    print(visible(json.dumps(document, indent=2, default=_plain, ensure_ascii=False)))


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Prints rows under their columns' names, aligned."""
    if not rows:
        return
    columns = list(rows[0])
    words = [columns, *([_short(_word(row.get(column))) for column in columns] for row in rows)]
    cells = [[visible(word) for word in row] for row in words]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_facts(facts: Mapping[str, Any]) -> None:
    """Prints names and values, one a line; what is unknown is left out."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        if value is not None and value != []:
            print(visible(f"{name.ljust(width)}  {_word(value)}"))


def _short(word: str) -> str:
    """A cell on one line, and of a text only its beginning; JSON has all of it."""
    line = " ".join(word.split()) if "\n" in word or len(word) > _WIDEST else word
    return line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…"


def _word(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_word(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_word, value))
    return str(value)
