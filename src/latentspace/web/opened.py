"""A space that is being looked at: one lock for its model, and what the page asks for often, made once."""

import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .. import beside, looking
from ..errors import UnsupportedError
from ..evaluate.coverage import usual_distance, usual_error
from ..evaluate.errors import reconstruction_errors
from ..labels import are_labels
from ..space import LatentSpace
from .frames import pack

MOST_KINDS = 60_000  # categories of a column: codes are 16 bits, and 65,535 says "missing"
_PAUSE = 0.001  # seconds: a lock that is taken again at once is never had by who waits for it
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
    version : str
        Of the items as they are here; rows that a page holds are of one version. Never the same in two servers, so that
        no browser shows one space's pictures from its store for another's at the same port.
    """

    def __init__(self, space: LatentSpace, name: str | None = None):
        self.space = space
        self.name = name or (Path(space.path).name if space.path is not None else "space")
        self.lock = threading.Lock()
        self.version = secrets.token_hex(6)
        self.sheets: dict[int, bytes] = {}
        self._spelt: dict[str, dict[str, Any]] = {}  # each category column's values by how they are written

    @cached_property
    def _pictures(self) -> Any:
        return looking.pictures_of(self.space, len(self.space))

    @cached_property
    def shown(self) -> str:
        """How an item is shown: "picture", "sound", "text" or "row"."""
        return _SHOWN.get(self.space.modality.kind, "picture" if self._pictures is not None else "row")

    @cached_property
    def decodes(self) -> str | None:
        """What latents become: "picture", "sound" (shown as a picture too), "text" or "row"; None without a way back.

        Vectors that stand beside the items say nothing to a person: they count as no way back.
        """
        try:
            looking.require_way_back(self.space)
        except UnsupportedError:
            return None
        return None if beside.shape_of(self.space) is not None else self.shown

    def picture(self, row: int) -> Any:
        """An item as a PIL image; None where it has none."""
        return None if self._pictures is None else self._pictures(row)

    @cached_property
    def columns(self) -> dict[str, str]:
        """Each metadata column's kind: "category", "number", "boolean" or "text"."""
        return {name: kind_of(values) for name, values in self.space.metadata.items()}

    @cached_property
    def _own_distance(self) -> float:
        return usual_distance(self.space.index, self.space.latents)

    def farness(self, distance: float) -> float:
        """How far a latent lies from its nearest item, in units of what 99% of the items stay within."""
        return distance / self._own_distance if self._own_distance > 0 else (0.0 if distance == 0 else float("inf"))

    @cached_property
    def _own_error(self) -> float | None:
        features = self.space._features
        if features is None or not self.errs:
            return None
        with self.lock:
            return usual_error(self.space.model, self.space.latents, features)

    @property
    def errs(self) -> bool:
        """Whether items have a reconstruction error: the model decodes, from the items' own features, to arrays."""
        model, space = self.space.model, self.space
        own = looking.feature_shape(space) == space.modality.shape
        return hasattr(model, "inverse_transform") and own and space.modality.stored_as != "sparse"

    def strangeness(self, x: np.ndarray, z: np.ndarray) -> float:
        """How badly one item (1, ...) comes back, in units of what 99% of the items stay within; 0 where unknown."""
        usual = self._own_error
        if not usual:
            return 0.0
        with self.lock:
            return float(reconstruction_errors(self.space.model, z, [x])[0]) / usual

    @cached_property
    def errors(self) -> np.ndarray:
        """Each item's reconstruction error, float32 (n,)."""
        features = self.space._features
        if features is None:
            raise UnsupportedError(f"the items of {self.name} are not at hand, so their errors cannot be measured.")
        if not self.errs:
            raise UnsupportedError(f"{self.space.modality.kind} of this model have no reconstruction error to show.")
        with self.lock:
            return reconstruction_errors(self.space.model, self.space.latents, self._giving_way(features.blocks()))

    def _giving_way(self, blocks: Iterable[Any]) -> Iterator[Any]:
        """Blocks of a long computation that holds the lock; between two of them others may have it."""
        for block in blocks:
            self.lock.release()
            time.sleep(_PAUSE)
            self.lock.acquire()
            yield block

    def warm(self) -> None:
        """Makes what the first requests ask for: what items are shown as, columns, one decoded latent."""
        _ = self.shown, self.columns
        if self.decodes is not None and len(self.space):
            with self.lock:
                self.space.decode(self.space.latents[:1])

    @cached_property
    def told(self) -> list[dict[str, Any]]:
        """Each dimension: its share of the variance, its extremes, what metadata goes with it; the largest first."""
        from ..explain.dimensions import associations, extremes, importance

        z = self.space.latents
        shares, goes_with = importance(z), associations(z, self.space.metadata)
        ends = [extremes(z, d) for d in range(z.shape[1])]
        order = np.argsort(-shares, kind="stable").tolist()
        spread = z.std(axis=0) if len(z) else np.zeros(z.shape[1])
        middle = z.mean(axis=0) if len(z) else np.zeros(z.shape[1])
        return [
            {
                "dimension": d,
                "share": float(shares[d]),
                "mean": float(middle[d]),
                "spread": float(spread[d]),
                "low": ends[d][0],
                "high": ends[d][1],
                "goes_with": [one._asdict() for one in goes_with[d]],
            }
            for d in order
        ]

    def map_frame(self, method: str) -> bytes:
        """A map as a frame: spots of all items, how far each can be trusted, and the figures for the whole.

        Items that came after the map was made are placed on it; how far these can be trusted is not known.
        """
        drawn = self.space.maps[method]
        xy, n = drawn.coordinates, len(drawn)
        if n < len(self.space):
            xy = np.concatenate([xy, drawn.place_latents(self.space.latents[n:]).astype(np.float32)])
        shades = {name: self.for_all(values) for name, values in drawn.honesty.per_item.items()}
        return pack({"xy": xy, **shades}, method=method, honesty=drawn.honesty.to_dict())

    def for_all(self, values: np.ndarray) -> np.ndarray:
        """A map's numbers (m,) as numbers of all items, nan for those that came after it."""
        more = np.full(len(self.space) - len(values), np.nan, np.float32)
        return np.concatenate([values.astype(np.float32), more])

    def column_frame(self, column: str) -> bytes:
        """A metadata column as a frame: numbers, or codes with their labels and counts."""
        if self.columns[column] == "number":
            return pack({"values": self.numbers(column)}, kind="number")
        codes, labels, counts = self.codes(column)
        return pack({"codes": codes}, kind=self.columns[column], labels=labels, counts=counts)

    def codes(self, column: str) -> tuple[np.ndarray, list[str], list[int]]:
        """A category column as codes (n,) uint16 (65535: missing), labels, counts; the most common first."""
        values = self.space.metadata[column]
        counts: dict[str, int] = {}
        for value in values:
            if value is not None:
                counts[str(value)] = counts.get(str(value), 0) + 1
        labels = sorted(counts, key=lambda label: (-counts[label], label))[:MOST_KINDS]
        kinds = self._kinds(column)
        if not any(isinstance(value, str) for value in kinds.values()):
            labels.sort(key=kinds.__getitem__)  # numbers are looked for in their own order
        code = {label: place for place, label in enumerate(labels)}
        codes = np.fromiter((65535 if v is None else code.get(str(v), 65535) for v in values), np.uint16, len(values))
        return codes, labels, [counts[label] for label in labels]

    def meant(self, column: str, labels: list[Any]) -> list[Any]:
        """The values that a category's labels stand for: "3" is the 3 of a column of numbers."""
        kinds = self._kinds(column) if self.columns.get(column) in ("category", "boolean") else {}
        return [kinds.get(label, label) if isinstance(label, str) else label for label in labels]

    def _kinds(self, column: str) -> dict[str, Any]:
        """A category's values by how they are written."""
        if column not in self._spelt:
            self._spelt[column] = {str(value): value for value in self.space.metadata[column] if value is not None}
        return self._spelt[column]

    def numbers(self, column: str) -> np.ndarray:
        """A number column as float32 (n,), nan where missing."""
        values = self.space.metadata[column]
        return np.array([np.nan if value is None else value for value in values], dtype=np.float32)


def kind_of(values: Sequence[Any]) -> str:
    """What a metadata column holds, as the page colours and filters it; few whole numbers are labels, as on paper."""
    types = set(map(type, values)) - {type(None)}
    if types == {bool}:
        return "boolean"
    there = [value for value in values if value is not None]
    if types and all(issubclass(kind, int | float) and kind is not bool for kind in types):
        return "category" if are_labels(there) else "number"
    kinds = len(set(map(str, set(there) if all(kind.__hash__ for kind in types) else there)))
    return "text" if kinds > MOST_KINDS or kinds > max(50, _WORDS_FROM * len(values)) else "category"
