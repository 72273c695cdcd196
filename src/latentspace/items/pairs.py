"""Pairs <-> rows of two sides: images and their captions, or any two kinds of items that tell of the same things."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..errors import CorruptFileError
from .folders import check_ids
from .protocol import Batch, Gathered, Modality, OnError


@dataclass
class PairRows:
    """Items of two sides in one order: each is a side, 0 or 1, and a place among that side's items."""

    sides: tuple[Gathered | None, Gathered | None]
    names: tuple[str, str]
    kinds: tuple[str, str]
    rows: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, positions: Sequence[int]) -> "PairRows":
        """The items at these positions."""
        return replace(self, rows=[self.rows[position] for position in positions])

    def runs(self, block: int) -> Iterator[tuple[int, Gathered]]:
        """Yields a side and neighbours of it, at most `block` together."""
        start = 0
        for end in range(1, len(self.rows) + 1):
            if end == len(self.rows) or self.rows[end][0] != self.rows[start][0] or end - start == block:
                number = self.rows[start][0]
                side = self.sides[number]
                assert side is not None  # a row names only sides that are there
                yield number, side.select([place for _, place in self.rows[start:end]])
                start = end


class Pairs(Modality):
    """Two kinds of items as float32 rows (n, 1 + p): a row's side, 0 or 1, and the features of both sides, flat.

    Every item is a row of its own, with zeros where the other side's features would be; `side` in its metadata names
    its side, and `pair` is the same for partners. So either kind finds items of both kinds.

    Parameters
    ----------
    first, second : dict, optional
        Options of each side's kind: `first={"size": 32}`.

    Attributes
    ----------
    names_ : (str, str)
        The sides' names.
    modalities_ : (Modality, Modality)
    split_ : int
        How many features the first side has.
    """

    kind = "pairs"

    def __init__(self, first: Mapping[str, Any] | None = None, second: Mapping[str, Any] | None = None):
        self.first = first
        self.second = second

    # ------------------------------------------------------------------ sources
    @classmethod
    def gather(cls, source: Any, *, ids: Sequence[str] | None = None) -> Gathered | None:
        """Lists {name of a side: its items, name of the other: its items}, or a tuple of both.

        Items at the same place are partners. Ids are "side:id", by the first side's ids unless `ids` names the pairs.

        Raises
        ------
        ValueError
            If the sides have different counts, or a side cannot be told what it is.
        """
        from . import gather

        named = _named(source)
        if named is None or len(named) != 2:
            return None
        found = [gather(items) for items in named.values()]
        kinds = found[0][0].kind, found[1][0].kind
        names = _distinct(list(named), kinds)
        counts = [len(items) for _, items in found]
        if counts[0] != counts[1]:
            lost = [f"; {items.skipped[0].id}: {items.skipped[0].reason}" for _, items in found if items.skipped]
            raise ValueError(
                f"the sides {names[0]!r} and {names[1]!r} have {counts[0]:,} and {counts[1]:,} items{''.join(lost)}. "
                "Partners are told by their place: pass as many of each, in one order."
            )
        pairs = check_ids(ids, counts[0], "these pairs") if ids is not None else found[0][1].ids
        return _gathered([items for _, items in found], names, kinds, pairs)

    def gather_new(self, source: Any, *, ids: Sequence[str] | None = None) -> Gathered | None:
        """As `gather`; also items of one side, alone as they are or as {side: items}."""
        if isinstance(source, Mapping) and source and source.keys() <= set(self.names_):
            sides = [self._new(side, source[name]) if name in source else None for side, name in enumerate(self.names_)]
            if len(source) == 2 and len(sides[0] or ()) != len(sides[1] or ()):
                raise ValueError(
                    f"the sides have {len(sides[0] or ()):,} and {len(sides[1] or ()):,} items, not as many."
                )
            return self._as_rows(sides, ids)
        for side in sorted((0, 1), key=lambda side: self.modalities_[side].from_words):  # words may be anything's name
            items = self.modalities_[side].gather_new(source)
            if items is not None:
                return self._as_rows([None, items] if side else [items, None], ids)
        return None

    def _new(self, side: int, source: Any) -> Gathered:
        from . import gather_for

        return gather_for(self.modalities_[side], source)

    def _as_rows(self, sides: Sequence[Gathered | None], ids: Sequence[str] | None) -> Gathered:
        one = next(side for side in sides if side is not None)
        pairs = check_ids(ids, len(one), "these items") if ids is not None else one.ids
        kinds = self.modalities_[0].kind, self.modalities_[1].kind
        return _gathered(sides, self.names_, kinds, pairs)

    # ------------------------------------------------------------------ features
    def learn(self, items: Gathered) -> "Pairs":
        """Lets each side's kind learn from its own items."""
        from . import KINDS

        rows: PairRows = items.raw
        modalities = []
        for side, kind, options in zip(rows.sides, rows.kinds, (self.first, self.second), strict=True):
            assert side is not None  # `gather` gives both
            modality = KINDS[kind](**(options or {}))
            modality.suit(counts=False, sparse=False)
            modalities.append(modality.learn(side))
        self._settle(modalities, rows.names)
        return self

    def pieces(self, items: Gathered) -> Gathered:
        """The items as each side's kind has them, once learned.

        Raises
        ------
        ValueError
            If a side is cut into windows or tiles, which have no partner each.
        """
        rows: PairRows = items.raw
        sides = []
        for modality, side in zip(self.modalities_, rows.sides, strict=True):
            cut = None if side is None else modality.pieces(side)
            if side is not None and cut is not None and cut.ids != side.ids:
                raise ValueError(f"{modality.kind} cut into pieces have no partner each. Pair whole ones.")
            sides.append(cut)
        return replace(items, raw=replace(rows, sides=(sides[0], sides[1])))

    def _settle(self, modalities: Sequence[Modality], names: Sequence[str]) -> None:
        self.modalities_ = (modalities[0], modalities[1])
        self.names_ = (names[0], names[1])
        self.split_ = int(np.prod(modalities[0].shape))
        self.from_words = any(modality.from_words for modality in modalities)  # type: ignore[misc]

    def read(self, items: Gathered, *, on_error: OnError = "skip", block: int = 1024) -> Iterator[Batch]:
        """Yields float32 (b, 1 + p), zeros where the other side's features would be."""
        columns: list[str] = list(items.metadata)
        for side, run in items.raw.runs(block):
            for batch in self.modalities_[side].read(run, on_error=on_error, block=block):
                columns += [name for name in batch.metadata if name not in columns]
                x = np.zeros((len(batch), *self.shape), np.float32)
                x[:, 0] = side
                rows = batch.x.toarray() if issparse(batch.x) else batch.x
                x[:, self._places(side)] = rows.reshape(len(batch), -1)
                metadata = {name: batch.metadata.get(name, [None] * len(batch)) for name in columns}
                yield Batch(x, batch.ids, metadata, batch.skipped)

    def restore(self, x: np.ndarray) -> list[Any]:
        """Rows to items of the side that each is of."""
        return self.rebuild(x, {})

    def rebuild(self, x: np.ndarray, metadata: Mapping[str, list]) -> list[Any]:
        """Rows to items of the side that each is of, by metadata where they hold more than x."""
        items: list[Any] = []
        for row, values in enumerate(x):
            side, own = self._own(values)
            known = {name: [column[row]] for name, column in metadata.items()}
            several = self.modalities_[side].rebuild(own[None], known)
            items.append(several.iloc[0].to_dict() if hasattr(several, "iloc") else several[0])
        return items

    def _own(self, values: np.ndarray) -> tuple[int, np.ndarray]:
        side = int(values[0] > 0.5)
        return side, values[self._places(side)].reshape(self.modalities_[side].shape)

    def _places(self, side: int) -> slice:
        return slice(1 + self.split_, None) if side else slice(1, 1 + self.split_)

    @property
    def shape(self) -> tuple[int, ...]:
        return (1 + self.split_ + int(np.prod(self.modalities_[1].shape)),)

    @property
    def feature_names(self) -> None:
        return None

    @property
    def notes(self) -> list[str]:
        return [f"{name}: {note}" for name, m in zip(self.names_, self.modalities_, strict=True) for note in m.notes]

    # ------------------------------------------------------------------ looking and keeping
    def picture(self, x: np.ndarray) -> Any | None:
        """An item's picture; a blank one for an item of a side without pictures, where the other side has them."""
        from PIL import Image

        side, own = self._own(x)
        drawn = self.modalities_[side].picture(own)
        if drawn is None and self.modalities_[1 - side].kind in ("images", "audio"):
            return Image.new("L", (8, 8), 255)
        return drawn

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        facts: dict[str, Any] = {"names": list(self.names_), "sides": []}
        arrays: dict[str, np.ndarray] = {}
        for number, modality in enumerate(self.modalities_):
            own, values = modality.state()
            facts["sides"].append({"kind": modality.kind, "facts": own})
            arrays |= {f"{number}/{name}": value for name, value in values.items()}
        return facts, arrays

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Pairs":
        """Rebuilds from `state`. Raises CorruptFileError for anything that `state` would not have given."""
        from . import KINDS

        try:
            names, sides = list(facts["names"]), list(facts["sides"])
            if len(names) != 2 or len(sides) != 2 or not all(type(name) is str for name in names):
                raise ValueError(f"{len(sides)} sides named {names}")
            modalities = []
            for number, side in enumerate(sides):
                own = {n.removeprefix(f"{number}/"): a for n, a in arrays.items() if n.startswith(f"{number}/")}
                modalities.append(KINDS[_kind_of(side["kind"])].from_state(side["facts"], own))
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptFileError(f"the pairs reader's state is damaged: {error}.") from None
        pairs = cls()
        pairs._settle(modalities, names)
        return pairs


def _kind_of(kind: Any) -> str:
    from . import KINDS

    if kind == Pairs.kind or kind not in KINDS:
        raise ValueError(f"a side of kind {kind!r}")
    return kind


def _named(source: Any) -> dict[str, Any] | None:
    if isinstance(source, Mapping) and all(isinstance(name, str) for name in source):
        return dict(source)
    return {"": source[0], " ": source[1]} if isinstance(source, tuple) and len(source) == 2 else None


def _distinct(names: Sequence[str], kinds: Sequence[str]) -> tuple[str, str]:
    """The sides' names: as given, or their kinds, or where these are the same "first" and "second"."""
    if all(name.strip() for name in names):
        return names[0], names[1]
    return (kinds[0], kinds[1]) if kinds[0] != kinds[1] else ("first", "second")


def _gathered(
    sides: Sequence[Gathered | None], names: tuple[str, str], kinds: tuple[str, str], pairs: Sequence[str]
) -> Gathered:
    """Both sides' items as one list, the first side's before the other's, each with its side and its pair."""
    own: list[Gathered | None] = []
    for side, name in zip(sides, names, strict=True):
        if side is None:
            own.append(None)
            continue
        metadata = side.metadata | {"side": [name] * len(side), "pair": list(pairs)}
        own.append(replace(side, ids=[f"{name}:{pair}" for pair in pairs], metadata=metadata))
    there = [side for side in own if side is not None]
    rows = [(number, place) for number, side in enumerate(own) if side is not None for place in range(len(side))]
    columns = dict.fromkeys(column for side in there for column in side.metadata)
    return Gathered(
        PairRows((own[0], own[1]), names, kinds, rows),
        [id_ for side in there for id_ in side.ids],
        {name: [v for side in there for v in side.metadata.get(name, [None] * len(side))] for name in columns},
        " and ".join(side.origin for side in there),
        [item for side in there for item in side.skipped],
        [note for side in there for note in side.notes],
    )
