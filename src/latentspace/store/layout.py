"""What a file says of itself: the JSON document "layout", which every change rewrites, and how rows lie in segments."""

import json
from dataclasses import dataclass
from typing import Any

from ..errors import CorruptFileError
from .schema import SEGMENT_BYTES, VALUE_BYTES


@dataclass
class Rows:
    """How one array with a row for each item is kept: latents or features."""

    table: str  # "latents", "features"
    dtype: str  # "float32", "uint8"
    shape: tuple[int, ...]  # of one row
    per_segment: int

    @classmethod
    def make(cls, table: str, dtype: str, shape: tuple[int, ...]) -> "Rows":
        """Chooses how many rows go into a segment: as many as fit 1 MiB, at least one."""
        rows = cls(table, dtype, shape, 1)
        if rows.row_bytes > VALUE_BYTES // 2:
            raise ValueError(
                f"one row of {table} has {rows.row_bytes:,} bytes; a .latent file holds up to {VALUE_BYTES // 2:,}."
            )
        rows.per_segment = max(1, SEGMENT_BYTES // rows.row_bytes)
        return rows

    @property
    def row_bytes(self) -> int:
        size = 4 if self.dtype == "float32" else 1
        for length in self.shape:
            size *= length
        return size

    def to_json(self) -> dict[str, Any]:
        return {"dtype": self.dtype, "shape": list(self.shape), "rows_per_segment": self.per_segment}

    @classmethod
    def from_json(cls, table: str, document: Any) -> "Rows":
        """Rebuilds what `to_json` gave; CorruptFileError for anything else."""
        wrong = CorruptFileError(f"what it says of its {table} is damaged.")
        if not isinstance(document, dict) or document.get("dtype") not in ("float32", "uint8"):
            raise wrong
        shape, per_segment = document.get("shape"), document.get("rows_per_segment")
        if not (
            isinstance(shape, list) and 1 <= len(shape) <= 8 and all(whole(length, 1, 1 << 31) for length in shape)
        ):
            raise wrong
        rows = cls(table, document["dtype"], tuple(shape), 1)
        if not isinstance(per_segment, int) or not 1 <= per_segment <= max(1, VALUE_BYTES // rows.row_bytes):
            raise wrong
        return cls(table, document["dtype"], tuple(shape), per_segment)


@dataclass
class Layout:
    """What a file says of itself: the document "layout", rewritten by every change."""

    version: int
    items: int  # how many there are
    next: int  # the position that the next item gets; positions of removed items stay unused
    latents: Rows
    features: Rows | None
    thumbnails: bool
    blobs: dict[str, int]  # name -> bytes of every document and array besides this one
    maps: list[str]  # names, in the order they were made

    def to_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "items": self.items,
            "next": self.next,
            "latents": self.latents.to_json(),
            "features": None if self.features is None else self.features.to_json(),
            "thumbnails": self.thumbnails,
            "blobs": self.blobs,
            "maps": self.maps,
        }

    @classmethod
    def from_json(cls, document: Any) -> "Layout":
        """Rebuilds what `to_json` gave; CorruptFileError for anything else."""
        wrong = CorruptFileError("its layout is damaged.")
        if not isinstance(document, dict) or set(document) != _KEYS:
            raise wrong
        version, items, end = document["version"], document["items"], document["next"]
        if not all(whole(count, 0, 1 << 62) for count in (version, items, end)) or items > end:
            raise wrong
        sizes, maps = document["blobs"], document["maps"]
        if not isinstance(sizes, dict) or not all(whole(size, 0, 1 << 62) for size in sizes.values()):
            raise wrong
        if not isinstance(maps, list) or not all(isinstance(name, str) for name in maps) or len(set(maps)) < len(maps):
            raise wrong
        if not isinstance(document["thumbnails"], bool):
            raise wrong
        latents = Rows.from_json("latents", document["latents"])
        if latents.dtype != "float32" or len(latents.shape) != 1:
            raise wrong
        features = None if document["features"] is None else Rows.from_json("features", document["features"])
        return cls(version, items, end, latents, features, document["thumbnails"], sizes, maps)


_KEYS = {"version", "items", "next", "latents", "features", "thumbnails", "blobs", "maps"}


def whole(value: Any, low: int, high: int) -> bool:
    """Returns whether `value` is an int (no bool) from low to high."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def load_json(data: bytes, what: str) -> Any:
    """Parses a JSON document of a file; CorruptFileError when it is none, too deep, or holds NaN."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        return json.loads(data, parse_constant=refuse)
    except (ValueError, RecursionError) as error:  # ValueError covers JSON's, Unicode's and over-long integers
        raise CorruptFileError(f"its {what} is not the JSON it should be ({type(error).__name__}).") from None
