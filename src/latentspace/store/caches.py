"""What can be computed again from the latents, kept beside them: a search index, a neighbour graph.

A cache outlives additions and removals. It names the positions that it describes, which never change while a file is
added to and removed from, with a check sum of the latents that lay there. After a rewrite that did not know of it, or
any damage, the sums do not agree, and the cache counts as absent: it is made again, and never believed.
"""

import sqlite3
from dataclasses import dataclass

import numpy as np

from ..errors import CorruptFileError
from . import blobs, items, segments
from .contents import Cache
from .layout import Layout, whole
from .values import checksum

_KEYS = {"facts", "end", "latents", "positions"}


@dataclass(frozen=True, eq=False)
class Anchor:
    """Where a reader's items lie in the file: what a cache has to agree with before it is believed.

    Attributes
    ----------
    next : int
        The position that the next new item would have got.
    positions : int64 array of shape (n,), or None
        The position of each item, ascending; None where they are 0 to n - 1.
    sums : uint32 array of shape (segments,)
        The check sum of each segment of latents.
    """

    next: int
    positions: np.ndarray | None
    sums: np.ndarray

    @property
    def items(self) -> int:
        """How many there are."""
        return self.next if self.positions is None else len(self.positions)

    def after(self, keep: np.ndarray | None, m: int) -> "Anchor":
        """Returns where items lie once those where `keep`, bool (n,), is false went and m came, in this order.

        The sum of the last segment is not known any more: `LatentFile.anchor` completes it.
        """
        positions = self.positions
        if keep is not None and not keep.all():
            positions = np.flatnonzero(keep) if positions is None else positions[keep]
        if positions is not None:
            positions = np.concatenate([positions, np.arange(self.next, self.next + m)])
        return Anchor(self.next + m, positions, self.sums[:-1])

    def places(self, positions: np.ndarray) -> np.ndarray:
        """Returns the place of the item at each position in the order of the items, -1 where there is none."""
        if self.positions is None:
            return positions
        place_of = np.full(self.next, -1)
        place_of[self.positions] = np.arange(len(self.positions))
        return np.where(positions >= 0, place_of[np.maximum(positions, 0)], -1) if self.next else positions


def names(layout: Layout) -> list[str]:
    """Returns the names of the caches that the file lists."""
    owners = [own.rsplit("/", 1) for own in blobs.names_under(layout, "cache/")]
    return [name for name, what in owners if what == "facts" and "/" not in name]


def anchor_of(connection: sqlite3.Connection, layout: Layout, known: Anchor | None = None) -> Anchor:
    """Returns where the items of an open file lie; what is `known` of it is not read again."""
    if known is not None and (known.next, known.items) == (layout.next, layout.items):
        more = segments.sums(connection, layout.latents, len(known.sums), layout.next)
        return Anchor(known.next, known.positions, np.concatenate([known.sums, more]))
    positions = None if layout.items == layout.next else items.positions(connection, layout)
    return Anchor(layout.next, positions, segments.sums(connection, layout.latents, 0, layout.next))


def put(connection: sqlite3.Connection, layout: Layout, anchor: Anchor, name: str, cache: Cache | None) -> None:
    """Writes a checked cache of the items that are there now in place of the one with that name; None deletes that."""
    for own in blobs.names_under(layout, f"cache/{name}/"):
        blobs.drop_blob(connection, layout, f"cache/{name}/{own}")
    if cache is None:
        return
    positions = cache.rows if anchor.positions is None else _positions_of(cache.rows, anchor.positions)
    end = int(positions.max(initial=-1)) + 1
    plain = len(positions) == end and bool((positions == np.arange(end)).all())
    if not plain:
        blobs.put_arrays(connection, layout, f"cache/{name}/", {"positions": positions})
    blobs.put_arrays(connection, layout, f"cache/{name}/array/", cache.arrays)
    latents = _fingerprint(connection, layout, end, anchor.sums)
    document = {"facts": cache.facts, "end": end, "latents": latents, "positions": not plain}
    blobs.put_document(connection, layout, f"cache/{name}/facts", document)


def _positions_of(rows: np.ndarray, positions: np.ndarray) -> np.ndarray:
    found = np.full(len(rows), -1, np.int64)
    there = rows >= 0
    found[there] = positions[rows[there]]
    return found


def get(connection: sqlite3.Connection, layout: Layout, anchor: Anchor, name: str, arrays: bool = True) -> Cache | None:
    """Returns a cache, its arrays left out unless asked for; None for one that is absent or of other latents.

    Raises
    ------
    CorruptFileError
        If it is damaged, which `LatentFile.cache` takes for absent.
    """
    if f"cache/{name}/facts" not in layout.blobs:
        return None
    document = blobs.get_document(connection, layout, f"cache/{name}/facts")
    if not isinstance(document, dict) or set(document) != _KEYS or not isinstance(document["facts"], dict):
        raise CorruptFileError(f"its cache {name!r} is damaged.")
    end = document["end"]
    if not whole(end, 0, layout.next):
        raise CorruptFileError(f"its cache {name!r} is damaged.")
    if end > anchor.next or _fingerprint(connection, layout, end, anchor.sums) != document["latents"]:
        return None
    positions = np.arange(end)
    if document["positions"]:
        positions = blobs.get_array(connection, layout, f"cache/{name}/positions")
        _check_positions(positions, end, name)
    prefix = f"cache/{name}/array/"
    own = blobs.names_under(layout, prefix) if arrays else []
    found = {one: blobs.get_array(connection, layout, prefix + one) for one in own}
    return Cache(document["facts"], found, anchor.places(positions))


def _check_positions(positions: np.ndarray, end: int, name: str) -> None:
    sound = positions.dtype == np.int64 and positions.ndim == 1
    if sound:
        there = positions[positions >= 0]
        sound = bool((positions >= -1).all() and (there < end).all() and (np.diff(there) > 0).all())
    if not sound:
        raise CorruptFileError(f"the positions of its cache {name!r} are damaged.")


def _fingerprint(connection: sqlite3.Connection, layout: Layout, end: int, sums: np.ndarray) -> int:
    """Returns one check sum of the latents at the positions below `end`, from those of their segments."""
    full, rest = divmod(end, layout.latents.per_segment)
    if len(sums) < full + (rest > 0):
        raise CorruptFileError("it has fewer segments of latents than it lists.")
    last = b""
    if rest:  # a segment that was not full when the cache was made has another sum once it is
        last = segments.read_segment(connection, layout.latents, full, layout.next)[:rest].tobytes()
    return checksum("cache", sums[:full].astype("<u4").tobytes(), last)
