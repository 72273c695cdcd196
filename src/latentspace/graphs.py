"""The neighbour graph of a space: computed once for each state of its items, shared, and kept in its file."""

from typing import TYPE_CHECKING

from . import caches
from .search.graph import GRAPH_METRICS, NeighbourGraph, neighbour_graph

if TYPE_CHECKING:
    from .verbs.state import State

_AT_LEAST = 15  # neighbours: what groups, duplicates and recommendation look at, so that one graph serves all of them
_KEPT = 30  # neighbours that the file keeps, 240 bytes an item; t-SNE's 90 would outweigh the latents many times
_WORTH_KEEPING = 5_000  # items; a smaller graph is made faster than it is read


def graph_of(space: "State", k: int, metric: str) -> NeighbourGraph:
    """Returns the graph of the k nearest: a part of one that is there, else computed, exact while that is fast."""
    needed = min(k, max(len(space) - 1, 0))
    there = space._graphs[metric] if metric in space._graphs else _kept(space, metric, needed)
    if there is None or there.k < needed or k < 1:
        there = neighbour_graph(space.latents, max(k, _AT_LEAST) if k >= 1 else k, metric)
        if len(space) >= _WORTH_KEEPING:
            caches.keep(space, f"graph-{metric}", *there.nearest(_KEPT).state())
    space._graphs[metric] = there
    return there.nearest(k)


def _kept(space: "State", metric: str, needed: int) -> NeighbourGraph | None:
    """The graph that was kept, brought up to date where items came or went; None if there is none of that many."""
    if metric not in GRAPH_METRICS or len(space) < _WORTH_KEEPING:
        return None
    cache = caches.find(space, f"graph-{metric}")
    if cache is None:
        return None
    try:
        graph = NeighbourGraph.from_state(cache.facts, cache.arrays)
    except ValueError:  # damaged: it is computed again
        return None
    if graph.metric != metric or graph.k < needed or len(graph) != len(cache.rows):
        return None
    if cache.is_of_all(len(space)):
        return graph
    from .search.graph_changes import followed

    graph_now = followed(graph, cache.rows, space.latents)
    if graph_now is not None:
        caches.keep(space, f"graph-{metric}", *graph_now.state())
    return graph_now
