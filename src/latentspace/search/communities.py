"""Groups of similar items: communities of the neighbour graph, by modularity.

Modularity is the share of links inside groups, less what chance would put there; the groups that make it large follow
dense regions of any shape, where k-means wants balls and has to be told how many (Blondel et al., "Fast unfolding of
communities in large networks", 2008; Levine et al., "Data-driven phenotypic dissection of AML", 2015, for neighbour
graphs). Links weigh the share of neighbours that two items have in common. All items choose their best group at once,
as one sparse product, and a random half of those that would gain moves: no loop in Python goes over items.
"""

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from .graph import NeighbourGraph

NEIGHBOURS = 15
_ROUNDS = 60  # of moves on one level; it has settled long before, and this bounds what does not
_LEVELS = 12
_HALVINGS = 5  # tries of a resolution between two that give too few groups and too many
_ROWS = 200_000  # links whose common neighbours are counted at a time
MOST = 1_000  # groups that can be asked for: joining takes the square of them


def communities(graph: NeighbourGraph, n: int | None = None, *, resolution: float = 1.0, seed: int = 0) -> np.ndarray:
    """Splits items into groups of similar ones.

    Parameters
    ----------
    graph : NeighbourGraph
    n : int, optional
        How many groups, up to 1,000; by default as many as give the largest modularity.
    resolution : float, default=1.0
        Larger values give more and smaller groups (Reichardt and Bornholdt, 2006); for the default of `n`.
    seed : int, default=0

    Returns
    -------
    int64 array of shape (items,)
        Each item's group, from 0, the largest group first.

    Raises
    ------
    ValueError
        If n is below 1 or above 1,000 or the number of items, or resolution is not above 0.
    """
    items = len(graph)
    most = max(1, min(items, MOST))
    if n is not None and not 1 <= n <= most:
        raise ValueError(f"n={n} groups are out of range: {items:,} items make 1 to {most:,}.")
    if not resolution > 0:
        raise ValueError(f"resolution={resolution} is out of range: it is above 0.")
    if graph.k == 0:
        return np.zeros(items, np.int64)
    links = shared_links(graph)
    if n is None:
        return _by_size(_louvain(links, resolution, seed))
    return _by_size(_merged(links, _at_least(links, n, resolution, seed), n))


def _at_least(links: csr_array, n: int, resolution: float, seed: int) -> np.ndarray:
    """Communities at a resolution that gives n of them, or somewhat more."""
    found = _louvain(links, resolution, seed)
    low = resolution
    while found.max() + 1 < n:  # it ends: at a high enough resolution each item is a group
        low, resolution = resolution, 2 * resolution
        found = _louvain(links, resolution, seed)
    high = resolution
    for _ in range(_HALVINGS):
        if found.max() + 1 <= 1.3 * n + 5 or low == high:
            break
        middle = np.sqrt(low * high)
        tried = _louvain(links, middle, seed)
        if tried.max() + 1 < n:
            low = middle
        else:
            high, found = middle, tried
    return found


def shared_links(graph: NeighbourGraph) -> csr_array:
    """The graph as symmetric links, each weighing the Jaccard index of two items' neighbours (themselves included)."""
    n, k = graph.positions.shape
    rows = np.repeat(np.arange(n), k + 1)
    columns = np.concatenate([np.arange(n)[:, None], graph.positions], axis=1).ravel()
    own = csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=(n, n))
    i, j = np.repeat(np.arange(n), k), graph.positions.ravel().astype(np.int64)
    low, high = np.minimum(i, j), np.maximum(i, j)
    pairs = np.unique(low * n + high)
    low, high = np.divmod(pairs, n)
    blocks = range(0, len(low), _ROWS)
    common = np.concatenate([_common(own, low[s : s + _ROWS], high[s : s + _ROWS]) for s in blocks])
    weights = common / (2 * (k + 1) - common)
    both = np.concatenate([low, high]), np.concatenate([high, low])
    return csr_array((np.concatenate([weights, weights]), both), shape=(n, n))


def _common(own: csr_array, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.asarray(own[low].multiply(own[high]).sum(axis=1)).ravel().astype(np.float64)


def modularity(links: csr_array, groups: np.ndarray, resolution: float = 1.0) -> float:
    """Share of links inside groups less what chance puts there: up to 1, larger is better (Newman, 2006)."""
    strength = np.asarray(links.sum(axis=1)).ravel()
    total = strength.sum()
    coo = links.tocoo()
    inside = coo.data[groups[coo.row] == groups[coo.col]].sum() / total
    return float(inside - resolution * ((np.bincount(groups, strength) / total) ** 2).sum())


def _louvain(links: csr_array, resolution: float, seed: int) -> np.ndarray:
    """Moves items, joins each group into one node, moves those, and so on; at last every item may move once more."""
    rng = np.random.default_rng(seed)
    level, found = links, np.arange(links.shape[0])
    for _ in range(_LEVELS):
        groups = _moved(level, np.arange(level.shape[0]), resolution, rng)
        found = groups[found]
        if groups.max() + 1 == level.shape[0]:
            break
        level = _joined(level, groups)
    found = _moved(links, found, resolution, rng)
    return _connected(links, found)


def _moved(links: csr_array, groups: np.ndarray, resolution: float, rng) -> np.ndarray:
    """Lets nodes move to the group that gains most until none wants to; numbers the groups from 0."""
    n = links.shape[0]
    strength, loops = np.asarray(links.sum(axis=1)).ravel(), links.diagonal()
    total = strength.sum()
    best, best_value = groups, -np.inf
    for turn in range(_ROUNDS):
        count = int(groups.max()) + 1
        towards = links @ csr_array((np.ones(n), (np.arange(n), groups)), shape=(n, count))
        sums = np.bincount(groups, strength, minlength=count)
        row = np.repeat(np.arange(n), np.diff(towards.indptr))
        at_home = towards.indices == groups[row]
        # Modularity as it is, which a round may also lower: the best is kept.
        value = towards.data[at_home].sum() / total - resolution * ((sums / total) ** 2).sum()
        if value > best_value:
            best, best_value = groups, value
        # What joining a group adds to modularity, times total; the node's own links and strength do not count.
        gain = towards.data - np.where(at_home, loops[row], 0)
        gain -= resolution * strength[row] * (sums[towards.indices] - np.where(at_home, strength[row], 0)) / total
        home = np.zeros(n)
        home[row[at_home]] = gain[at_home]
        linked = np.diff(towards.indptr) > 0
        most = np.full(n, -np.inf)
        most[linked] = np.maximum.reduceat(gain, towards.indptr[:-1][linked]) if linked.any() else 0
        wants = most > home + 1e-12 * total
        if not wants.any() or (turn > 10 and wants.mean() < 1e-3 and value < best_value):
            break
        # Neighbours that move at the same time can swap places for ever; a random half settles.
        moving = wants & (rng.random(n) < 0.5)
        chosen = np.flatnonzero((gain == most[row]) & moving[row])
        groups = groups.copy()
        groups[row[chosen]] = towards.indices[chosen]
    return np.unique(best, return_inverse=True)[1]


def _joined(links: csr_array, groups: np.ndarray) -> csr_array:
    """Groups as nodes, with the sums of the links between them, and of those inside as loops."""
    n, count = len(groups), int(groups.max()) + 1
    member = csr_array((np.ones(n), (np.arange(n), groups)), shape=(n, count))
    return csr_array(member.T @ links @ member)


def _connected(links: csr_array, groups: np.ndarray) -> np.ndarray:
    """Parts groups that have come apart: moves at the same time can cut one in two."""
    coo = links.tocoo()
    inside = groups[coo.row] == groups[coo.col]
    within = coo_array((coo.data[inside], (coo.row[inside], coo.col[inside])), shape=links.shape)
    return connected_components(within, directed=False)[1]


def _merged(links: csr_array, groups: np.ndarray, n: int) -> np.ndarray:
    """Joins the two groups that lose least modularity, again and again, until n are left."""
    count = int(groups.max()) + 1
    if count <= n:
        return groups
    between = _joined(links, groups).toarray()
    strength = between.sum(axis=1)
    total = strength.sum()
    name = np.arange(count)
    alive = np.ones(count, bool)
    for _ in range(count - n):
        gain = between / total - np.outer(strength, strength) / total**2
        gain[~alive] = gain[:, ~alive] = -np.inf
        np.fill_diagonal(gain, -np.inf)
        a, b = sorted(divmod(int(gain.argmax()), count))
        between[a] += between[b]
        between[:, a] += between[:, b]
        strength[a] += strength[b]
        alive[b] = False
        name[name == b] = a
    return np.unique(name[groups], return_inverse=True)[1]


def _by_size(groups: np.ndarray) -> np.ndarray:
    """Numbers groups by their sizes, the largest first, then by their first items."""
    _, firsts, inverse, counts = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    place = np.empty(len(counts), np.int64)
    place[np.lexsort((firsts, -counts))] = np.arange(len(counts))
    return place[inverse]
