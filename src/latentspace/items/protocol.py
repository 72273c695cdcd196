"""What every modality follows: items <-> feature space.

A modality is one file with one class. It gathers items from a source without reading them (`gather`), learns sizes,
ranges and scales from them (`learn`), turns them into features in blocks (`read`), and turns features back into items
in their own form (`restore`). It knows nothing of models, and keeps what it learned as plain JSON and arrays (`state`).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from ..errors import BadItemError

OnError = Literal["skip", "raise"]


@dataclass(frozen=True)
class Skipped:
    """One item that could not be read."""

    id: str
    reason: str


@dataclass
class Gathered:
    """Items of one modality, not yet read.

    Attributes
    ----------
    raw : sequence
        What the modality reads from: paths, PIL images, a frame, an array, a memmap. `len(raw)` is the item count.
    ids : list of str
        Stable and unique: a file's path relative to its folder (with forward slashes), a row's index, or the user's.
    metadata : dict of column name to list
        Columns aligned with `ids`; None where an item has no value. Values are str, int, float, bool or None.
    origin : str
        Where the items came from, for reports: a path as given, or "array of shape (100, 4)".
    skipped : list of Skipped
        Items already known to be unreadable while gathering (they are not in `raw`).
    notes : list of str
        What a report should say of the source: "read as latin-1", "12 other files left aside".
    """

    raw: Any
    ids: list[str]
    metadata: dict[str, list] = field(default_factory=dict)
    origin: str = ""
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, positions: Sequence[int]) -> "Gathered":
        """Returns the items at these positions, in this order, with their ids and metadata."""
        raw = self.raw
        if isinstance(raw, np.ndarray):
            chosen = raw[np.asarray(positions, dtype=int)]
        elif hasattr(raw, "select"):  # what is neither an array nor a list knows how: a frame, a sparse matrix
            chosen = raw.select(positions)
        else:
            chosen = [raw[i] for i in positions]
        return Gathered(
            chosen,
            [self.ids[i] for i in positions],
            {name: [column[i] for i in positions] for name, column in self.metadata.items()},
            self.origin,
        )


@dataclass
class Batch:
    """Features of items that could be read, aligned with their ids and metadata, and the items that could not."""

    x: Any  # float32 (n, p) or (n, c, h, w); a CSR matrix (n, p) where the modality is stored as "sparse"
    ids: list[str]
    metadata: dict[str, list]
    skipped: list[Skipped] = field(default_factory=list)
    raw: list[Any] | None = None  # the items as they are, for a model that reads them: str, or float32 samples (t,)

    def __len__(self) -> int:
        return len(self.ids)


class Modality(ABC):
    """A fitted featuriser for one kind of item. Options are keyword arguments of `__init__`, stored as given."""

    kind: ClassVar[str]  # "images", "table", "array", "audio", "strings", "texts", "interactions"
    # "uint8": x is exactly k / 255 (the float32 quotient), so a byte keeps it. An instance may differ from its class.
    # "sparse": x is a float32 CSR matrix, which files do not hold: `from_metadata` gives the items back.
    stored_as: Literal["float32", "uint8", "sparse"] = "float32"
    from_words: ClassVar[bool] = False  # True: a string that names no file is an item itself

    # ------------------------------------------------------------------ sources
    @classmethod
    @abstractmethod
    def gather(cls, source: Any, *, ids: Sequence[str] | None = None) -> Gathered | None:
        """Lists the items of a source without reading them; None when the source is not of this modality.

        One bare item (a PIL image, a dict row, a 1-d array) is gathered as one item.
        """

    @classmethod
    def is_sure(cls, gathered: Gathered) -> bool:  # noqa: ARG003
        """Whether what was gathered is surely of this modality, so that nobody need say `kind`."""
        return True

    def gather_new(self, source: Any, *, ids: Sequence[str] | None = None) -> Gathered | None:
        """Lists the items of a source for this fitted modality; None when they are of another kind.

        What `gather` must guess can be known here: an array of the shape of one fitted item is one item.
        """
        return type(self).gather(source, ids=ids)

    def pieces(self, items: Gathered) -> Gathered:
        """What was gathered to the items that features are made of, once learned: itself, or windows of long ones."""
        return items

    # ------------------------------------------------------------------ features
    def suit(self, *, counts: bool, sparse: bool, raw: int | bool = False) -> None:
        """Hears, before `learn`, what the model reads.

        Parameters
        ----------
        counts, sparse : bool
            Whether it wants whole counts, and takes sparse rows.
        raw : bool or int
            Whether batches shall hold the items as they are too, in `raw`; of sounds, their samples a second.
        """
        return  # nothing follows, for most

    @abstractmethod
    def learn(self, items: Gathered) -> "Modality":
        """Learns sizes, ranges and scales from the items and stores them; returns self."""

    @abstractmethod
    def read(self, items: Gathered, *, on_error: OnError = "skip", block: int = 1024) -> Iterator[Batch]:
        """Yields features in blocks of at most `block` items, in order. Bad items are in `skipped`, never in `x`.

        Raises
        ------
        BadItemError
            With `on_error="raise"`, for the first bad item, naming it and the reason.
        """

    @abstractmethod
    def restore(self, x: np.ndarray) -> Any:
        """Features (n, ...) to n items in native form: PIL images, a DataFrame, an array."""

    def rebuild(self, x: np.ndarray, metadata: Mapping[str, list]) -> Any:
        """Features (n, ...) and their metadata to the items as they were, by metadata where it holds more than x."""
        return self.restore(x)

    def from_metadata(self, ids: Sequence[str], metadata: Mapping[str, list]) -> Gathered | None:
        """The items themselves out of their metadata, where it holds the whole of them, as a text; None otherwise."""
        return None

    @property
    def plan(self) -> list[dict[str, Any]] | None:
        """Which features belong to one column and of what kind it is, as `likelihoods.Columns` takes it; None where
        features are all of one kind.
        """
        return None

    @property
    def notes(self) -> list[str]:
        """What a report should say of what was learned: columns left out and why."""
        return []

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of one item's features: (p,) or (c, h, w)."""

    @property
    @abstractmethod
    def feature_names(self) -> list[str] | None:
        """A name for each of the p features, or None where they have none (pixels)."""

    # ------------------------------------------------------------------ looking and keeping
    def picture(self, x: np.ndarray) -> Any | None:
        """One item's features as a PIL image for thumbnails and sheets; None where the modality has no picture."""
        return None

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Everything needed to rebuild this modality: JSON-able facts (options too) and arrays."""

    @classmethod
    @abstractmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Modality":
        """Rebuilds what `state` gave, checking it: a file is not to be trusted."""


def refuse_skipped(items: Gathered, on_error: OnError) -> None:
    """Raises BadItemError, with `on_error="raise"`, for the first item that was found bad while gathering."""
    if items.skipped and on_error == "raise":
        first = items.skipped[0]
        raise BadItemError(f"item {first.id!r} of {items.origin or 'the source'}: {first.reason}")


def bad(items: Gathered, position: int, reason: str, on_error: OnError) -> Skipped:
    """Returns the report line for a bad item, or raises it with `on_error="raise"`."""
    if on_error == "raise":
        raise BadItemError(f"item {items.ids[position]!r} of {items.origin or 'the source'}: {reason}")
    return Skipped(items.ids[position], reason)
