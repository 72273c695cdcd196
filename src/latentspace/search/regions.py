"""Which spots of a map lie in a region: a box or a polygon."""

import numpy as np


def inside(coordinates, region) -> np.ndarray:
    """Tells which spots lie in a region, its border included as far as rounding lets it.

    Parameters
    ----------
    coordinates : array of shape (n, 2)
    region : four numbers (x0, y0, x1, y1), or array of shape (m, 2)
        Two opposite corners of a box; or the corners of a polygon in order, at least 3, closed by itself. Where a
        polygon crosses itself, what it winds around an even number of times is outside.

    Returns
    -------
    bool array of shape (n,)

    Raises
    ------
    ValueError
        If the region is neither, or holds NaN or infinity.

    Examples
    --------
    >>> inside([[1, 1], [3, 1]], (0, 0, 2, 2))
    array([ True, False])
    >>> inside([[1, 0.5], [0.1, 1.5]], [[0, 0], [2, 0], [2, 2]])
    array([ True, False])
    """
    spots = np.asarray(coordinates, dtype=np.float64)
    corners = as_region(region)
    x, y = spots[:, 0], spots[:, 1]
    if corners.shape == (2, 2):
        (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
        return (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)
    within, border = np.zeros(len(spots), bool), np.zeros(len(spots), bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        # A ray to the right crosses the side if its ends lie above and below, and the crossing is further right.
        straddles = (ay > y) != (by > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            within ^= straddles & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
        cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        between = (np.minimum(ax, bx) <= x) & (x <= np.maximum(ax, bx))
        border |= (cross == 0) & between & (np.minimum(ay, by) <= y) & (y <= np.maximum(ay, by))
    return within | border


def as_region(region) -> np.ndarray:
    """Returns a region's corners as float64: (2, 2) for a box, (m, 2) for a polygon."""
    try:
        corners = np.asarray(region, dtype=np.float64)
    except (TypeError, ValueError):
        corners = np.zeros(0)
    if corners.shape == (4,):
        corners = corners.reshape(2, 2)
    elif not (corners.ndim == 2 and corners.shape[1] == 2 and len(corners) >= 3):
        raise ValueError(
            f"region={region!r} is neither a box (x0, y0, x1, y1) nor a polygon of three or more corners (x, y)."
        )
    if not np.isfinite(corners).all():
        raise ValueError(f"region={region!r} holds NaN or infinity; its corners are spots on the map.")
    return corners


def centre_of(region) -> np.ndarray:
    """The middle of a region's corners: float64 (2,)."""
    return as_region(region).mean(axis=0)
