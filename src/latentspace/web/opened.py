"""A space that is being looked at: one lock for its model, and what the page asks for often, made once."""

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .. import looking
from ..space import LatentSpace

MOST_KINDS = 60_000  # categories of a column: codes are 16 bits, and 65,535 says "missing"
_SHOWN = {"audio": "sound", "texts": "text", "strings": "text"}
_WORDS_FROM = 0.5  # a column of text with more different values than this share of its items is text, not a category


class Opened:
    """A space behind the server.

    Parameters
    ----------
    space : LatentSpace
    name : str
        What the page calls it.

    Attributes
    ----------
    lock : threading.Lock
        Held while the model computes: estimators are not made for two threads at once.
    """

    def __init__(self, space: LatentSpace, name: str | None = None):
        self.space = space
        self.name = name or (Path(space.path).name if space.path is not None else "space")
        self.lock = threading.Lock()
        self.sheets: dict[int, bytes] = {}

    @cached_property
    def _pictures(self) -> Any:
        return looking.pictures_of(self.space, len(self.space))

    @cached_property
    def shown(self) -> str:
        """How an item is shown: "picture", "sound", "text" or "row"."""
        return _SHOWN.get(self.space.modality.kind, "picture" if self._pictures is not None else "row")

    def picture(self, row: int) -> Any:
        """An item as a PIL image; None where it has none."""
        return None if self._pictures is None else self._pictures(row)

    def thumbnail(self, row: int) -> Any:
        """An item as a small PIL image; None where it has none."""
        return self.picture(row)

    @cached_property
    def columns(self) -> dict[str, str]:
        """Each metadata column's kind: "category", "number", "boolean" or "text"."""
        return {name: kind_of(values) for name, values in self.space.metadata.items()}

    def codes(self, column: str) -> tuple[np.ndarray, list[str], list[int]]:
        """A category column as codes (n,) uint16 (65535: missing), labels, counts; the most common first."""
        values = self.space.metadata[column]
        counts: dict[str, int] = {}
        for value in values:
            if value is not None:
                counts[str(value)] = counts.get(str(value), 0) + 1
        labels = sorted(counts, key=lambda label: (-counts[label], label))[:MOST_KINDS]
        code = {label: place for place, label in enumerate(labels)}
        codes = np.fromiter((65535 if v is None else code.get(str(v), 65535) for v in values), np.uint16, len(values))
        return codes, labels, [counts[label] for label in labels]

    def numbers(self, column: str) -> np.ndarray:
        """A number column as float32 (n,), nan where missing."""
        values = self.space.metadata[column]
        return np.array([np.nan if value is None else value for value in values], dtype=np.float32)


def kind_of(values: Sequence[Any]) -> str:
    """What a metadata column holds, as the page colours and filters it."""
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, bool) for value in there):
        return "boolean"
    if there and all(isinstance(value, int | float) and not isinstance(value, bool) for value in there):
        return "number"
    kinds = len({str(value) for value in there})
    return "text" if kinds > MOST_KINDS or kinds > max(50, _WORDS_FROM * len(values)) else "category"
