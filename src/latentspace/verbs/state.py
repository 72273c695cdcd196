"""What a space holds, and how an id, an item or a latent is looked up in it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import caches, looking, store
from ..features import Features
from ..items import name_of
from ..items.protocol import Modality, OnError, Skipped

if TYPE_CHECKING:
    from ..generate.axes import Axis
    from ..search.graph import NeighbourGraph
    from ..search.index import Index

Metric = Literal["cosine", "euclidean", "dot"]


class State:
    """Items, a fitted model, and the items' latents; see `LatentSpace` for the attributes."""

    def __init__(
        self,
        modality: Modality,
        model: Any,
        *,
        ids: list[str] | None,
        metadata: dict[str, list] | None,
        latents: np.ndarray,
        features: Features | None,
        density: Any = None,
        skipped: Sequence[Skipped] = (),
        facts: Mapping[str, Any] | None = None,
        raw: Any = None,
        maps: Mapping[str, Any] | None = None,
    ):
        self.modality = modality
        self.model = model
        self.density = density
        self._later: store.Later | None = None  # ids and metadata of a file, until they are asked for
        self._ids = ids
        self._metadata = metadata
        self.latents = latents
        self.skipped = list(skipped)
        self.facts = dict(facts or {})
        self._maps: dict[str, Any] | None = dict(maps or {})
        self._maps_later: Callable[[], dict[str, Any]] | None = None  # those of a file, until they are asked for
        self.path: Path | None = None
        self._features = features
        self._raw = raw
        self._version = 0
        self._index: Any = None
        self._features_index: Index | None = None
        self._anchor: store.Anchor | None = None  # where the file's items lie; caches are compared with it
        self._caches: dict[str, store.Cache] = {}  # kept in memory only: see `caches`
        self._coders: dict[str, Any] = {}  # what coders learned: facts and arrays by name; see `compressing.coders`
        self._axes: dict[str, Axis] = {}  # named directions: see `axes`
        self._columns: dict[str, Any] = {}  # metadata made ready for filters: see `search.filters.mask_of`
        self._changed()

    def _changed(self) -> None:
        """Forgets what was derived from the items, after some came or went; the index follows them by itself."""
        self._places: dict[str, int] | None = None
        self._graphs: dict[str, Any] = {}  # the largest so far of each metric

    def __len__(self) -> int:
        return len(self.latents)

    @property
    def ids(self) -> list[str]:
        """One stable name an item."""
        if self._ids is None:
            assert self._later is not None
            self._ids = self._later.ids()
        return self._ids

    @ids.setter
    def ids(self, ids: list[str]) -> None:
        self._ids = ids

    def ids_at(self, rows: Sequence[int]) -> list[str]:
        """Returns the ids of some rows; of a million that wait in a file, only these are looked up."""
        if self._ids is None and self._later is not None and len(rows) < len(self) // 100:
            return self._later.ids_at(rows)
        return [self.ids[row] for row in rows]

    @property
    def metadata(self) -> dict[str, list]:
        """Columns of values, aligned with `ids`. Assign a new list to change one: filters remember what a list held."""
        if self._metadata is None:
            assert self._later is not None
            self._metadata = self._later.metadata()
        return self._metadata

    @metadata.setter
    def metadata(self, metadata: dict[str, list]) -> None:
        self._metadata = metadata

    @property
    def maps(self) -> dict[str, Any]:
        """The maps that were drawn, by method."""
        if self._maps is None:
            self._maps = self._maps_later() if self._maps_later is not None else {}
        return self._maps

    @maps.setter
    def maps(self, maps: dict[str, Any]) -> None:
        self._maps = maps

    @property
    def dims(self) -> int:
        """Latent dimensions."""
        return int(self.latents.shape[1])

    @property
    def items(self) -> "Items":
        """The items in their own form, read when asked for: `space.items[3]`, `space.items["cat.jpg"]`, a slice."""
        return Items(self)

    def position(self, id: str) -> int:
        """Returns an item's row; an unknown id is a ValueError that names close ones."""
        if id not in self._positions:
            import difflib

            near = difflib.get_close_matches(str(id), self.ids, n=3)
            hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
            raise ValueError(f"id={id!r} is not in this space of {len(self):,} items.{hint}")
        return self._positions[id]

    @property
    def _positions(self) -> dict[str, int]:
        """The row of each id."""
        if self._places is None:
            self._places = dict(zip(self.ids, range(len(self.ids)), strict=True))
        return self._places

    @property
    def index(self) -> "Index":
        """The index over the latents: exact, or approximate where that has paid; it follows what comes and goes."""
        if self._index is None or self._index.z is not self.latents:
            from ..search.index import Index

            self._index = Index(
                self.latents, find=partial(caches.find, self), keep=partial(caches.keep, self),
                folder=self.path.parent if self.path is not None else None, moved=self._latents_moved,
            )  # fmt: skip
        return self._index

    def _latents_moved(self, z: np.ndarray) -> None:
        """Takes the same latents from where they lie now."""
        self.latents = z
        if self._features_index is not None:
            self._features_index.followed(z)

    def graph(self, k: int = 15, metric: Metric = "euclidean") -> "NeighbourGraph":
        """Returns each item's k nearest others, computed once and shared by maps, groups, duplicates, recommendation.

        A smaller k is a part of a larger one. The graph of many items is approximate, its `recall` measured on a
        sample; a space that lives in a file keeps up to 30 neighbours there, until items come or go.

        Parameters
        ----------
        k : int, default=15
            At least 1; of n items each has n - 1 others.
        metric : "euclidean" or "cosine", default="euclidean"

        Returns
        -------
        NeighbourGraph
            `positions` int32 (n, k), rows of the space; `distances` float32 (n, k), Euclidean or 1 - cosine; `recall`.

        Raises
        ------
        ValueError
            If k is below 1, or the metric is "dot" or unknown.
        """
        from ..graphs import graph_of

        return graph_of(self, k, metric)

    def latent(self, what: Any) -> np.ndarray:
        """An id, an item, several, or latents themselves, to latents (m, dims)."""
        if isinstance(what, str) and what in self._positions:
            row = self._positions[what]
            return self.latents[row : row + 1]
        if self._is_latent(what):
            return self._checked(what)
        z = self.encode(what, on_error="raise")
        if not len(z):
            raise ValueError(f"{name_of(what)} holds no item to look up.")
        return z

    def _is_latent(self, what: Any) -> bool:
        # Only a single latent is told by its shape: rows of them could be rows of items, and have vector= to say so.
        return isinstance(what, np.ndarray) and what.shape == (self.dims,) and self.modality.shape != (self.dims,)

    def _checked(self, z: Any) -> np.ndarray:
        z = np.atleast_2d(np.asarray(z, dtype=np.float32))
        if z.ndim != 2 or z.shape[1] != self.dims:
            raise ValueError(
                f"latents of shape {z.shape} do not fit this space of {self.dims} dims: pass (n, {self.dims})."
            )
        if not np.isfinite(z).all():
            row = int(np.flatnonzero(~np.isfinite(z).all(axis=1))[0])
            raise ValueError(f"latents hold NaN or infinity in row {row}. Remove that row, or encode its item again.")
        return z

    def features(self, items: Any, *, on_error: OnError = "skip") -> np.ndarray:
        """Items to features."""
        raise NotImplementedError

    def encode(self, items: Any, *, on_error: OnError = "skip", with_ids: bool = False) -> Any:
        """Items to latents."""
        raise NotImplementedError

    def decode(self, z: Any) -> Any:
        """Latents to items in their own form."""
        raise NotImplementedError


class Items:
    """A space's items as a sequence in their own form, each read when asked for."""

    def __init__(self, space: State):
        self._space = space

    def __len__(self) -> int:
        return len(self._space)

    def __getitem__(self, which: int | str | slice) -> Any:
        if isinstance(which, slice):
            return looking.items_at(self._space, range(*which.indices(len(self))))
        if isinstance(which, str):
            which = self._space.position(which)
        if not -len(self) <= which < len(self):
            raise IndexError(f"item {which} of a space of {len(self):,} items.")
        return looking.item_at(self._space, which % len(self))

    def __iter__(self) -> Iterator[Any]:
        return (looking.item_at(self._space, position) for position in range(len(self)))

    def __repr__(self) -> str:
        return f"<{len(self):,} {self._space.modality.kind}>"


class Chosen(Sequence):
    """The items at some positions, read when asked for."""

    def __init__(self, space: State, positions: list[int]):
        self._space = space
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, which: Any) -> Any:
        if isinstance(which, slice):
            return looking.items_at(self._space, self._positions[which])
        return looking.item_at(self._space, self._positions[which])
