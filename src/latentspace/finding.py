"""Finding in a space: what a search looks for, where it looks, and what belongs together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse

from . import by_features

if TYPE_CHECKING:
    from .search.groups import Duplicates, Groups
    from .search.hits import Hits
    from .search.index import Index
    from .verbs.state import Metric, State

K = 10  # hits, where neither a number nor a radius is asked for


@dataclass
class Query:
    """What to look for: latents (q, dims), the rows that each must not find, and whether there are several.

    By features, z are those (q, p), and `near` the latents beside them, where there are any.
    """

    z: np.ndarray
    own: list[list[int]] | None = None
    several: bool = False
    near: np.ndarray | None = None


@dataclass
class Where:
    """Where to look: rows that may be found (None for all), and by what name they were narrowed down."""

    mask: np.ndarray | None = None
    names: list[str] = field(default_factory=list)

    def narrow(self, mask: np.ndarray, name: str) -> None:
        """Leaves only what is in `mask` too."""
        self.mask = mask if self.mask is None else self.mask & mask
        self.names.append(name)


def check_numbers(**given: Any) -> None:
    """Raises TypeError for what is neither None nor a number; `k` and `n` count, and have to be whole."""
    for name, value in given.items():
        kinds = (int, np.integer) if name in ("k", "n") else (Real,)
        if value is not None and (isinstance(value, bool) or not isinstance(value, kinds)):
            what = "a whole number" if name in ("k", "n") else "a number"
            raise TypeError(f"{name}={value!r} is a {type(value).__name__}; expected {what}.")


# ---------------------------------------------------------------------- what to look for
def query_of(
    space: "State", query: Any, id: str | None, vector: Any, like: Any, unlike: Any, metric: str, by: str = "latents"
) -> Query | None:
    """The one thing that is looked for; None where nothing was said, and only a region is asked for."""
    given = {"query": query, "id=": id, "vector=": vector, "like=": like}
    named = [name for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise ValueError(f"search() takes one of query, id=, vector= and like=; it got {' and '.join(named)}.")
    if unlike is not None and like is None:
        raise ValueError("unlike= says what to stay away from; say with like= what to look for.")
    if not named:
        return None
    if by == "features":
        return by_features.query_of(space, query, id, vector, like, unlike, metric)
    if like is not None:
        return _examples(space, like, unlike, metric)
    if vector is not None:
        return Query(space._checked(vector), None, np.ndim(vector) == 2)
    if id is not None or (isinstance(query, str) and query in space._positions):
        row = space.position(id if id is not None else query)
        return Query(space.latents[row : row + 1], [[row]])
    z = space.latent(query)
    return Query(z, None, isinstance(query, list) or len(z) != 1)


def _examples(space: "State", like: Any, unlike: Any, metric: str) -> Query:
    from .search.examples import blend

    rows: list[int] = []
    sides = []
    for name, side in (("like", like), ("unlike", unlike)):
        items = as_list(side)
        if name == "like" and not items:
            raise ValueError("like= is empty; name at least one example of what to look for.")
        rows += [space._positions[item] for item in items if isinstance(item, str) and item in space._positions]
        latents = [space.latent(item) for item in items]
        sides.append(np.concatenate(latents) if latents else np.zeros((0, space.dims), np.float32))
    near, far = sides
    return Query(blend(near, far, metric), [rows] if rows else None)


def as_list(examples: Any) -> list[Any]:
    if examples is None:
        return []
    if isinstance(examples, np.ndarray) and examples.ndim == 2:
        return list(examples)
    return list(examples) if isinstance(examples, list | tuple | set) else [examples]


# ---------------------------------------------------------------------- where to look
def where_of(space: "State", where: Mapping[str, Any] | None, region: Any, on: str | None) -> Where:
    """The rows that fulfil conditions on metadata and lie in a region of a map."""
    from .search.filters import mask_of

    there = Where()
    if where:
        there.narrow(mask_of(space.metadata, len(space), where, space._columns), "where")
    if region is not None:
        from .search.regions import inside

        spots = coordinates_of(space, on)
        mask = np.zeros(len(space), bool)  # items that came after the map was drawn are nowhere on it
        mask[: len(spots)] = inside(spots, region)
        there.narrow(mask, "region")
    elif on is not None:
        raise ValueError(f"on={on!r} names a map; say which region= of it to look in.")
    return there


def coordinates_of(space: "State", on: str | None) -> np.ndarray:
    """Spots of a map that was drawn already, float32 (m, 2): the one called `on`, or the only one there is."""
    there = ", ".join(sorted(space.maps)) or "none"
    if on is None and len(space.maps) != 1:
        mend = "Say which with on=." if space.maps else "Draw one first: space.map(), or map --keep."
        raise ValueError(f"region= needs one map, and this space has: {there}. {mend}")
    name = on if on is not None else next(iter(space.maps))
    if name not in space.maps:
        raise ValueError(f"on={name!r} is no map of this space. Its maps: {there}. Draw it first: space.map({name!r}).")
    return space.maps[name].coordinates


def direction_of(space: "State", axis: Any) -> np.ndarray:
    """A dimension's number, an axis's name or a direction, to a direction of shape (dims,)."""
    if isinstance(axis, str):
        if not hasattr(space, "axis"):
            raise ValueError(f"axis {axis!r} is not known; give a dimension's number, or a direction ({space.dims},).")
        axis = space.axis(axis)
    if isinstance(axis, int | np.integer) and not isinstance(axis, bool):
        if not 0 <= axis < space.dims:
            raise ValueError(f"axis {axis} is out of range: this space has the dimensions 0 to {space.dims - 1}.")
        return np.eye(space.dims)[axis]
    return np.asarray(getattr(axis, "direction", axis), dtype=np.float64)


# ---------------------------------------------------------------------- finding
def find(
    space: "State", query: Query, there: Where, k: int | None, metric: str, within: float | None, recall: float | None,
    index: "Index",
) -> "list[Hits]":  # fmt: skip
    """The nearest k, or all within a radius, of each query, by the space's index of latents or of features."""
    of = "" if index.near is None else " by features"
    if within is not None:
        from .search.ranges import within as all_within

        found = all_within(index.z, query.z, within, metric, there.mask, query.own)
        rows = [(each.positions[:k], each.scores[:k]) for each in found]
        return [hits_at(space, *row, metric, plan="exact" + of) for row in rows]
    k = K if k is None else k
    near = index.search(query.z, k, metric=metric, mask=there.mask, exclude=query.own, recall=recall, near=query.near)
    plan = index.plan(metric, k, there.mask, recall, query.near)
    kind = "candidates by latents, put in order" + of if plan.get("of") == "latents" and of else plan["kind"] + of
    if near.positions.size > len(space) // 100:
        _ = space.ids  # all at once, where so many would be looked up query by query
    both = zip(near.positions, near.scores, strict=True)
    return [hits_at(space, *row, metric, plan["recall"], kind) for row in both]


def find_along(space: "State", query: Query, there: Where, k: int | None, metric: str, direction: Any) -> "list[Hits]":
    """The items that lie further along a direction and are nearest in all the rest."""
    from .search.along import nearest_along

    if len(query.z) != 1:
        raise ValueError(f"more= and less= compare with one item; the query holds {len(query.z)}.")
    k = K if k is None else k
    found = nearest_along(space.index.exact, query.z, direction, k, metric, there.mask, query.own)
    return [hits_at(space, found.positions[0], found.scores[0], metric)]


def find_region(space: "State", there: Where, region: Any, on: str | None, k: int | None) -> "Hits":
    """All items of a region, those nearest to its middle first."""
    from .search.regions import centre_of

    assert there.mask is not None
    rows = np.flatnonzero(there.mask)
    apart = np.linalg.norm(coordinates_of(space, on)[rows] - centre_of(region), axis=1)
    order = np.argsort(apart, kind="stable")[:k]
    return hits_at(space, rows[order], apart[order], "map distance")


def hits_at(
    space: "State", positions: np.ndarray, scores: np.ndarray, metric: str, recall: float = 1.0, plan: str = "exact"
) -> "Hits":
    """Rows of the space, -1 for none, as hits."""
    from .search.hits import Hits
    from .verbs.state import Chosen

    found = positions >= 0
    rows = [int(position) for position in positions[found]]
    return Hits(space.ids_at(rows), scores[found], lambda: Chosen(space, rows), metric, recall, plan)


# ---------------------------------------------------------------------- what belongs together
def duplicates(space: "State", threshold: float | None, metric: "Metric") -> "Duplicates":
    """Groups of near-duplicates; see `SearchVerbs.duplicates`."""
    from .search.duplicates import NEIGHBOURS, near_duplicates
    from .search.groups import Duplicates, Group

    if metric not in ("euclidean", "cosine"):
        raise ValueError(f"metric={metric!r} has no distances; duplicates are told by 'euclidean' or 'cosine'.")
    k, most = NEIGHBOURS, min(len(space) - 1, 4 * NEIGHBOURS)
    graph = space.graph(k, metric)
    # A distance may reach past the 15 nearest.
    while threshold is not None and k < most and graph.k and (graph.distances[:, -1] <= threshold).any():
        k = min(2 * k, most)
        graph = space.graph(k, metric)
    found = near_duplicates(graph, threshold)
    groups = []
    for rows in rows_by_label(found.labels):
        apart = _apart(space.latents[rows], space.latents[rows[:1]], metric)
        order = np.lexsort((rows, np.where(rows == rows[0], -1, apart)))
        ids = [space.ids[row] for row in rows[order]]
        groups.append((Group(ids[0], ids, apart[order], _same(space, rows)), rows))
    # Those that are the same first, then the nearest; what equal items are apart is rounding and no order.
    keys = [(not group.exact, 0.0 if group.exact else float(group.distances.max()), rows[0]) for group, rows in groups]
    by_nearness = sorted(range(len(groups)), key=keys.__getitem__)
    labels = np.full(len(space), -1)
    for number, group in enumerate(by_nearness):
        labels[groups[group][1]] = number
    return Duplicates([groups[group][0] for group in by_nearness], labels, found.rule, graph.recall)


def groups(space: "State", n: int | None, by: str | None, metric: "Metric", seed: int) -> "Groups":
    """Groups of similar items; see `SearchVerbs.groups`."""
    from .search.communities import NEIGHBOURS, communities, modularity, shared_links
    from .search.groups import Group, Groups
    from .search.naming import names_of

    if metric not in ("euclidean", "cosine"):
        raise ValueError(f"metric={metric!r} has no distances; groups are told by 'euclidean' or 'cosine'.")
    graph = space.graph(NEIGHBOURS, metric)
    labels = communities(graph, n, seed=seed) if len(space) else np.zeros(0, np.int64)
    members = []
    for rows in rows_by_label(labels):
        apart = _apart(space.latents[rows], space.latents[rows].mean(axis=0, keepdims=True), "euclidean")
        order = np.argsort(apart, kind="stable")
        members.append((rows[order], apart[order]))
    names, column = names_of(labels, space.metadata, [space.ids[rows[0]] for rows, _ in members], by)
    found = [
        Group(name, [space.ids[row] for row in rows], apart) for name, (rows, apart) in zip(names, members, strict=True)
    ]
    facts = {"modularity": modularity(shared_links(graph), labels) if graph.k else 0.0, "named_by": column}
    return Groups(found, labels, f"by the {graph.k} nearest neighbours of each item", graph.recall, facts)


def rows_by_label(labels: np.ndarray) -> list[np.ndarray]:
    """The rows of each label from 0, ascending; rows of -1 are in none."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(int(labels.max(initial=-1)) + 2))
    return [order[a:b] for a, b in pairwise(starts)]


def _apart(z: np.ndarray, other: np.ndarray, metric: str) -> np.ndarray:
    """Distances of latents (m, dims) to one (1, dims), in float64 and rounded to float32."""
    a, b = z.astype(np.float64), other.astype(np.float64)
    if metric == "cosine":
        lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b)
        return (1 - np.divide(a @ b[0], lengths, out=np.zeros(len(a)), where=lengths > 0)).clip(0).astype(np.float32)
    return np.linalg.norm(a - b, axis=1).astype(np.float32)


def _same(space: "State", rows: Sequence[int] | np.ndarray) -> bool:
    """Whether items are the same to the last bit: in their features where those are kept, else in their latents."""
    if space._features is None or space._features.kept is None:
        return bool((space.latents[rows] == space.latents[rows[:1]]).all())
    first = _dense(space._features.rows([int(rows[0])]))
    return all(np.array_equal(_dense(space._features.rows([int(row)])), first) for row in rows[1:])


def _dense(x: Any) -> np.ndarray:
    return x.toarray() if issparse(x) else np.asarray(x)
