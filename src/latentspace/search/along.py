"""Further along an axis: items that have more of one thing and are alike in all the rest."""

from typing import NamedTuple

import numpy as np

from .metrics import as_latents

_LEAST = 0.5  # standard deviations along the axis: less is not seen as "more"


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
    direction = np.asarray(direction, dtype=np.float64)
    length = np.linalg.norm(direction)
    if direction.shape != (z.shape[1],) or not np.isfinite(length) or length == 0:
        raise ValueError(
            f"a direction of shape {direction.shape} and length {length:g} is no axis of this space: give "
            f"({z.shape[1]},) finite numbers, not all 0."
        )
    axis = (direction / length).astype(np.float32)
    places, here = z @ axis, query @ axis
    further = places - here >= least * places.std() if len(z) else np.zeros(0, bool)
    return Rest(z - places[:, None] * axis, query - here[:, None] * axis, further & (places > here))
