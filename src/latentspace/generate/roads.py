"""A way from item to item through the data: a shortest path on the neighbour graph."""

import numpy as np

_POWER = 2.0  # of an edge's length: a long hop costs more than two half as long, so that ways follow dense data
_ENTRIES = 10  # items that each end is joined to
_COMPARED = 2_000  # items of either side that are compared where two parts of the graph are to be bridged


def road(a: np.ndarray, b: np.ndarray, z: np.ndarray, positions: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Latents from a to b by way of items, the ends included.

    Dijkstra on the neighbour graph, an edge costing its length squared: the power-weighted shortest path, which tends
    to the shortest under a metric that shrinks where data are dense (Hwang, Damelin and Hero, 2016; "Fermat distance",
    Groisman, Jonckheere and Sapienza, 2022). Parts of the graph that do not touch are bridged where they are nearest.

    Parameters
    ----------
    a, b : float array of shape (dims,)
    z : float32 array of shape (n, dims)
        Latents of the items, n at least 1.
    positions : int array of shape (n, k)
        Each item's neighbours.
    distances : float array of shape (n, k)
        How far they are, Euclidean.

    Returns
    -------
    float64 array of shape (m, dims), m at least 2
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    n, k = positions.shape
    ends = np.stack([a, b]).astype(np.float64)
    rows, columns, lengths = [np.repeat(np.arange(n), k)], [positions.ravel()], [distances.ravel().astype(np.float64)]
    for end, place in zip(ends, (n, n + 1), strict=True):
        apart = np.linalg.norm(z - end, axis=1)
        nearest = np.argsort(apart, kind="stable")[:_ENTRIES]
        rows.append(np.full(len(nearest), place))
        columns.append(nearest)
        lengths.append(apart[nearest])
    there = np.concatenate([z.astype(np.float64), ends])
    graph = _bridged(there, np.concatenate(rows), np.concatenate(columns), np.concatenate(lengths))
    heads, tails, apart = graph
    # scipy takes a stored 0 for no edge; copies of an item are as good as no distance apart.
    costs = np.maximum(apart / max(float(apart.max()), 1e-300), 1e-9) ** _POWER
    matrix = coo_array((costs, (heads, tails)), shape=(n + 2, n + 2)).tocsr()
    came_from = dijkstra(matrix, directed=False, indices=n, return_predecessors=True)[1]
    way = [n + 1]
    while way[-1] != n:
        way.append(int(came_from[way[-1]]))
    return there[way[::-1]]


def _bridged(
    z: np.ndarray, rows: np.ndarray, columns: np.ndarray, lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same edges, and one more for each part of the graph that lies between the two last rows, the ends."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(z)
    parts, label = connected_components(coo_array((np.ones(len(rows)), (rows, columns)), shape=(n, n)), directed=False)
    start, goal = label[n - 2], label[n - 1]
    more: list[tuple[int, int, float]] = []
    rng = np.random.default_rng(0)
    for _ in range(parts - 1):
        if start == goal:
            break
        inside = _some(np.flatnonzero(label == start), rng)
        outside = _some(np.flatnonzero(label != start), rng)
        squares = (z[inside] ** 2).sum(1)[:, None] - 2 * z[inside] @ z[outside].T + (z[outside] ** 2).sum(1)
        i, j = np.unravel_index(int(squares.argmin()), squares.shape)
        more.append((inside[i], outside[j], float(np.linalg.norm(z[inside[i]] - z[outside[j]]))))
        label[label == label[outside[j]]] = start
        goal = label[n - 1]
    if not more:
        return rows, columns, lengths
    heads, tails, apart = zip(*more, strict=True)
    return np.append(rows, heads), np.append(columns, tails), np.append(lengths, apart)


def _some(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= _COMPARED else rng.choice(rows, _COMPARED, replace=False)
