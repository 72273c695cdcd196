"""Near-duplicates: items that are far nearer to each other than their neighbourhood would have it by chance.

Two items are near-duplicates when their distance is at most a share `t` of the distance to the 10th neighbour of
either. Were items scattered evenly over D dimensions, an item's nearest would be that near with a chance of about 9
t^D, so D, measured on the data, sets t. On 12,000 digits and 12,000 clothes in 8 and 32 dims of a PCA, with 200
copies hidden among them that had been brightened, resized or saved as JPEG, 98% and more of the pairs that it named
were such copies, and it found 42% to 69% of them in 8 dims, 68% to 87% in 32. One distance for the whole space finds
fewer at the same precision, for some groups of similar items lie denser than others.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import digamma

from .graph import NeighbourGraph

NEIGHBOURS = 15  # of each item that the default rule looks at
_SCALE, _NEAR = 10, 5  # whose distances tell how dense a neighbourhood is, and of how many dimensions
_CHANCE = 5e-4  # share of items that would have a near-duplicate by chance
_LARGEST_SHARE = 0.25  # past it items are similar, not the same, however improbable that is in many dimensions
_FLOOR = 0.25  # of the median scale: within a group of more than ten near-copies each one's own scale is tiny


@dataclass(frozen=True, eq=False)
class NearDuplicates:
    """Which items are near-duplicates of which.

    Attributes
    ----------
    labels : int64 array of shape (n,)
        Number of the group, from 0 in the order of their first items; -1 for items that are alone.
    share : float or None
        The share of the 10th neighbour's distance that was allowed; None where a distance was given.
    threshold : float or None
        The distance that was given.
    """

    labels: np.ndarray
    share: float | None
    threshold: float | None

    @property
    def rule(self) -> str:
        """What was called a near-duplicate, in words."""
        if self.share is None:
            return f"at most {self.threshold:g} apart"
        return f"nearer than {self.share:.2g} of the distance to the {_SCALE}th neighbour"


def near_duplicates(graph: NeighbourGraph, threshold: float | None = None) -> NearDuplicates:
    """Groups near-duplicates: what is connected by pairs of them is one group.

    Parameters
    ----------
    graph : NeighbourGraph
        With 15 neighbours or all there are. Pairs that are no neighbours in it are not looked at.
    threshold : float, optional
        The largest distance of near-duplicates, in the graph's own; by default what the data say (see above).

    Raises
    ------
    ValueError
        If threshold is negative or no number.

    Examples
    --------
    >>> from .graph import neighbour_graph
    >>> near_duplicates(neighbour_graph([[0.0], [5.0], [5.1], [9.0]], 3), threshold=0.2).labels
    array([-1,  0,  0, -1])
    """
    if threshold is not None and not threshold >= 0:
        raise ValueError(f"threshold={threshold} is out of range: it is a distance, 0 or more.")
    n = len(graph)
    distances = graph.distances.astype(np.float64)
    if graph.metric == "cosine":  # 1 - cosine grows with the square of the angle
        distances = np.sqrt(distances)
        threshold_here = None if threshold is None else np.sqrt(threshold)
    else:
        threshold_here = threshold
    share = None
    scale = distances[:, min(_SCALE, graph.k) - 1] if graph.k else np.zeros(n)
    if threshold_here is None:
        share = _share(distances)
        scale = np.maximum(scale, _FLOOR * np.median(scale)) if n else scale
        near = distances <= share * np.minimum(scale[:, None], scale[graph.positions])
    else:
        # Float32 rounds what was asked for, and equal items that were encoded in two batches differ by rounding.
        near = distances <= threshold_here * (1 + 1e-6) + 1e-5 * (np.median(scale) if n else 0)
    rows, columns = np.nonzero(near)
    links = coo_array((np.ones(len(rows), np.int8), (rows, graph.positions[rows, columns])), shape=(n, n))
    return NearDuplicates(_numbered(connected_components(links, directed=False)[1]), share, threshold)


def _share(distances: np.ndarray) -> float:
    """The share t for which 9 t^D is the chance that is allowed; D by the growth from the 5th to the last neighbour.

    The nearest neighbours are left out, since near-duplicates are among them: the estimate of Levina and Bickel,
    "Maximum likelihood estimation of intrinsic dimension", 2004, between two orders of neighbours.
    """
    k = distances.shape[1]
    if k <= _SCALE:  # too few items to tell chance from anything else: only what is all but equal
        return 1e-3
    inner, outer = distances[:, _NEAR - 1], distances[:, -1]
    growth = np.log(outer[inner > 0] / inner[inner > 0])
    if not len(growth) or not growth.mean() > 0:
        return 1e-3
    dims = (digamma(k) - digamma(_NEAR)) / growth.mean()
    return float(min(_LARGEST_SHARE, (_CHANCE / (_SCALE - 1)) ** (1 / dims)))


def _numbered(kinds: np.ndarray) -> np.ndarray:
    """Numbers groups of two and more by their first items; -1 for the rest."""
    _, firsts, inverse, counts = np.unique(kinds, return_index=True, return_inverse=True, return_counts=True)
    number = np.full(len(firsts), -1)
    several = np.flatnonzero(counts > 1)
    number[several[np.argsort(firsts[several])]] = np.arange(len(several))
    return number[inverse].astype(np.int64)
