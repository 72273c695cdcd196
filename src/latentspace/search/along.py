"""Further along an axis: items that have more of one thing and are alike in all the rest."""

from typing import Any, NamedTuple

import numpy as np

from .exact import ExactIndex, Neighbours
from .metrics import as_latents, check_metric

_LEAST = 0.5  # standard deviations along the axis: less is not seen as "more"
_MORE = 64  # items beside the k nearest that are looked at again
_ROUNDING = 2.0**-23  # of a float32 product, for each dim and unit of length


class Rest(NamedTuple):
    """A space without one of its directions.

    Attributes
    ----------
    z : float32 array of shape (n, dims)
        Latents with the direction taken out.
    query : float32 array of shape (1, dims)
        The query likewise.
    further : bool array of shape (n,)
        Which items lie further along the direction than the query.
    """

    z: np.ndarray
    query: np.ndarray
    further: np.ndarray


def rest_of(z, query, direction, least: float = _LEAST) -> Rest:
    """Parts latents into one direction and the rest.

    Parameters
    ----------
    z : array of shape (n, dims)
    query : array of shape (1, dims)
    direction : array of shape (dims,)
        Of any length but 0; towards "more".
    least : float, default=0.5
        How much further an item has to lie to count, in standard deviations of the items along the direction.

    Raises
    ------
    ValueError
        If the direction has another number of dims, no length, or holds NaN or infinity.

    Examples
    --------
    >>> rest_of([[0, 1], [2, 1], [4, 9]], [[0, 0]], [1, 0]).further
    array([False,  True,  True])
    """
    z, query = as_latents(z), as_latents(query, "query")
    axis = _unit(direction, z.shape[1])
    places, here = z @ axis, query @ axis
    return Rest(z - places[:, None] * axis, query - here[:, None] * axis, _further(places, here, least))


def _unit(direction: Any, dims: int) -> np.ndarray:
    direction = np.asarray(direction, dtype=np.float64)
    length = np.linalg.norm(direction)
    if direction.shape != (dims,) or not np.isfinite(length) or length == 0:
        raise ValueError(
            f"a direction of shape {direction.shape} and length {length:g} is no axis of this space: give "
            f"({dims},) finite numbers, not all 0."
        )
    return (direction / length).astype(np.float32)


def _further(places: np.ndarray, here: np.ndarray, least: float) -> np.ndarray:
    further = places - here >= least * places.std() if len(places) else np.zeros(0, bool)
    return further & (places > here)


def nearest_along(
    exact: ExactIndex, query, direction, k: int, metric: str = "cosine", mask=None, exclude=None, least: float = _LEAST
) -> Neighbours:
    """Finds the items that lie further along a direction than the query, nearest in all the rest: exact.

    The rest is not made of all items: their places along the direction, their products with the query's rest and the
    lengths that the index has already tell all but rounding, and only the few that could be among the nearest are
    looked at again; all, where rounding leaves it open.

    Parameters
    ----------
    exact : ExactIndex
        The space's own, of all latents (n, dims).
    query : array of shape (1, dims)
    direction, least
        As `rest_of` takes them.
    k, metric, mask, exclude
        As `ExactIndex.search` takes them.

    Raises
    ------
    ValueError
        As `rest_of` and `ExactIndex.search`.
    """
    check_metric(metric)
    query = exact.as_queries(query, k)
    own = rest_of(query, query, direction).query
    axis = _unit(direction, query.shape[1])
    z, products = exact.z, exact.z @ np.stack([axis, own[0]], axis=1)  # (n, 2)
    allowed = _further(products[:, 0], query @ axis, least)
    if (mask := exact.as_mask(mask)) is not None:
        allowed &= mask
    allowed[exact.as_pairs(exclude, 1)[1]] = False
    rows = np.flatnonzero(allowed)
    count = k + _MORE
    if len(rows) > 4 * count:
        squares = exact.norms[rows] ** 2 - products[rows, 0].astype(np.float64) ** 2
        keys = products[rows, 1].astype(np.float64)
        length = float(np.linalg.norm(own))
        rounding = _ROUNDING * z.shape[1] * float(exact.norms.max()) * max(length, float(exact.norms.max()))
        if metric == "euclidean":
            keys = keys - squares / 2
        elif metric == "cosine":
            rounding = np.inf if squares.min() <= rounding else 4 * rounding * length / squares.min()
            keys = keys / np.sqrt(np.maximum(squares, np.finfo(float).tiny))
        order = np.argpartition(-keys, count)[:count]
        kth = np.partition(keys[order], count - k)[count - k]
        if kth - keys[order].min() > 2 * rounding:
            rows = np.sort(rows[order])
    rest = rest_of(z[rows], query, direction)
    found = ExactIndex(rest.z).search(rest.query, k, metric)
    there = found.positions >= 0
    positions = np.full_like(found.positions, -1)
    positions[there] = rows[found.positions[there]]
    return Neighbours(positions, found.scores)
