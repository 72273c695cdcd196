"""Short strings <-> one symbol a step: names, titles, formulas, as sequences for networks that read in order."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from ..errors import CorruptFileError
from . import text_sources
from .protocol import Batch, Gathered, Modality, OnError, bad
from .text_files import is_text_file

_MOST_SYMBOLS = 128
_MOST_STEPS = 256  # of a string that is still short
_USUAL = 0.99  # share of the strings that fit in the length that is chosen
_SURE_STEPS, _SURE_WORDS = 32, 2  # a list is surely of strings up to this length, and so many words on average


class Strings(Modality):
    """Short strings as float32 of shape (n, symbols, steps): a 1 where a step has a symbol, 0 elsewhere.

    Symbol 0 is the end: every step after the last character holds it. Strings are composed (NFC) and otherwise left as
    they are, case, spaces and all, and come back exactly.

    A string is a bad item if it is empty, too long, or holds a character that is not among the symbols.

    Parameters
    ----------
    max_symbols : int, default=128
        Characters that are kept, the most frequent ones, the end among them.
    length : int or None, default=None
        Characters at most. None takes the length that 99 in 100 strings fit in, at most 256.
    column : str or None, default=None
        The column of a table that holds the strings. None takes the one with the most characters.

    Attributes
    ----------
    symbols_ : str
        The characters in the order of their symbols, from 1.
    steps_ : int
        Longest string and an end.
    """

    kind = "strings"
    stored_as = "uint8"
    from_words: ClassVar[bool] = True

    def __init__(self, max_symbols: int = _MOST_SYMBOLS, length: int | None = None, column: str | None = None):
        self.max_symbols = max_symbols
        self.length = length
        self.column = column

    # ------------------------------------------------------------------ sources
    @classmethod
    def gather(cls, source: Any, *, ids: Any = None) -> Gathered | None:
        """Lists the lines of a file, a list or Series of strings, or a table's column of them."""
        return text_sources.gather(source, ids, lines=True)

    @classmethod
    def is_sure(cls, gathered: Gathered) -> bool:
        """Whether these are strings in a list, short and of few words."""
        in_memory = gathered.origin.startswith(("list of", "Series of", "ndarray of"))
        if isinstance(gathered.raw, text_sources.TextColumn) or not in_memory or not gathered.raw:
            return False
        if any(is_text_file(text) for text in gathered.raw):
            return False
        words = sum(len(text.split()) for text in gathered.raw)
        return max(map(len, gathered.raw)) <= _SURE_STEPS and words < _SURE_WORDS * len(gathered)

    def gather_new(self, source: Any, *, ids: Any = None) -> Gathered | None:
        """As `gather`; a string that names no file is an item itself."""
        return text_sources.gather_new(source, ids, self.column, lines=True)

    # ------------------------------------------------------------------ features
    def learn(self, items: Gathered) -> "Strings":
        """Learns the symbols and the length.

        Raises
        ------
        ValueError
            If an option is out of range, or there is no string to learn from.
        """
        self._check()
        items = text_sources.column_taken(items, self.column)
        strings = [composed(value) for value in items.raw if text_sources.why_no_text(value) is None]
        if not strings:
            raise ValueError(f"none of the {len(items) + len(items.skipped):,} items of {items.origin} is a string.")
        lengths = sorted(map(len, strings))
        usual = lengths[min(len(lengths) - 1, int(_USUAL * len(lengths)))]
        self.steps_ = (self.length or min(usual, _MOST_STEPS)) + 1
        short = [string for string in strings if len(string) < self.steps_] or [strings[0]]
        counts = Counter("".join(short))
        frequent = sorted(counts, key=lambda character: (-counts[character], character))
        self.symbols_ = "".join(sorted(frequent[: self.max_symbols - 1]))
        left_out = len(frequent) - len(self.symbols_)
        self._said = [f"{left_out:,} rare characters left out, with the strings that hold them"] if left_out else []
        if len(self.symbols_) + 1 == self.steps_:  # or networks could take them for square pictures
            self.steps_ += 1
        return self

    def pieces(self, items: Gathered) -> Gathered:
        """A table's strings; others as they are."""
        return text_sources.column_taken(items, self.column)

    def read(self, items: Gathered, *, on_error: OnError = "skip", block: int = 1024) -> Iterator[Batch]:
        """Yields float32 (b, symbols, steps); the strings join the metadata as `text`."""
        places = {character: place for place, character in enumerate(self.symbols_, start=1)}
        for start in range(0, len(items), block):
            rows, codes, strings, skipped = [], [], [], []
            for row in range(start, min(start + block, len(items))):
                reason = text_sources.why_no_text(items.raw[row]) or self._why_not(items.raw[row], places)
                if reason is not None:
                    skipped.append(bad(items, row, reason, on_error))
                    continue
                string = composed(items.raw[row])
                rows.append(row)
                strings.append(string)
                codes.append([places[character] for character in string] + [0] * (self.steps_ - len(string)))
            metadata = {name: [column[row] for row in rows] for name, column in items.metadata.items()}
            x = _one_hot(np.array(codes, dtype=np.int64).reshape(len(rows), self.steps_), len(self.symbols_) + 1)
            yield Batch(x, [items.ids[row] for row in rows], metadata | {"text": strings}, skipped)

    def _why_not(self, value: str, places: Mapping[str, int]) -> str | None:
        string = composed(value)
        if len(string) >= self.steps_:
            return f"has {len(string):,} characters; strings here have at most {self.steps_ - 1}"
        unknown = next((character for character in string if character not in places), None)
        return None if unknown is None else f"holds {unknown!r}, which is none of the {len(places)} symbols known here"

    def restore(self, x: Any) -> list[str]:
        """Probabilities or ones (n, symbols, steps) to strings: the likeliest symbol of each step, up to the end."""
        if x.ndim != 3 or x.shape[1:] != self.shape:
            raise ValueError(f"restore() got x of shape {x.shape}, but strings here have {self.shape}.")
        symbols = "\0" + self.symbols_
        return ["".join(symbols[code] for code in row).partition("\0")[0] for row in x.argmax(axis=1)]

    def rebuild(self, x: Any, metadata: Mapping[str, list]) -> list[str]:
        """The strings themselves, from the metadata."""
        return list(metadata["text"]) if "text" in metadata else self.restore(x)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.symbols_) + 1, self.steps_)

    @property
    def feature_names(self) -> None:
        return None

    @property
    def notes(self) -> list[str]:
        return list(self._said)

    # ------------------------------------------------------------------ keeping
    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        options = {name: getattr(self, name) for name in ("max_symbols", "length", "column")}
        return {"options": options, "symbols": self.symbols_, "steps": self.steps_, "notes": list(self._said)}, {}

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Strings":
        """Rebuilds from `state`. Raises CorruptFileError for anything that `state` would not have given."""
        symbols, steps, notes = facts.get("symbols"), facts.get("steps"), facts.get("notes")
        if arrays or not isinstance(symbols, str) or not symbols or len(set(symbols)) != len(symbols):
            raise CorruptFileError("the strings reader's state is damaged: its symbols are no characters.")
        if type(steps) is not int or not 2 <= steps <= 2**16 or not text_sources.are_words(notes):
            raise CorruptFileError(f"the strings reader's state is damaged: it has {steps!r} steps.")
        modality = cls(**facts["options"])
        modality._check()
        modality.symbols_, modality.steps_, modality._said = symbols, steps, list(notes or ())
        return modality

    def _check(self) -> None:
        most = self.max_symbols
        if isinstance(most, bool) or not isinstance(most, int) or not 2 <= most <= 4096:
            raise ValueError(f"max_symbols={most!r} is out of range: give a whole number from 2 to 4,096.")
        length = self.length
        if length is not None and (isinstance(length, bool) or not isinstance(length, int) or not 1 <= length < 2**15):
            raise ValueError(f"length={length!r} is out of range: give a whole number from 1 to {2**15 - 1:,}.")


def composed(string: str) -> str:
    """A string with its characters composed (NFC), so that é is one of them however it was written."""
    return string if string.isascii() else unicodedata.normalize("NFC", string)


def _one_hot(codes: np.ndarray, symbols: int) -> np.ndarray:
    x = np.zeros((len(codes), symbols, codes.shape[1]), np.float32)
    np.put_along_axis(x, codes[:, None, :], 1.0, axis=1)
    return x
