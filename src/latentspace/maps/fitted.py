"""A fitted map as plain data: coordinates, the method's name, its parameters and arrays. Never code, never a pickle."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np


@dataclass(frozen=True, eq=False)
class Fitted:
    """2-d coordinates of a whole space, with what it takes to place other latents on them.

    Attributes
    ----------
    coordinates : float32 array of shape (n, 2)
    method : str
        A name in `METHODS`.
    params : dict
        JSON-able: the options that were used, as they turned out.
    arrays : dict of name to array
        What the method learned, such as the two axes of "pca".
    """

    coordinates: np.ndarray
    method: str
    params: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def tree(self):
        """A k-d tree over the coordinates, for finding what lies near a spot."""
        from scipy.spatial import cKDTree

        return cKDTree(self.coordinates)

    @cached_property
    def spacing(self) -> tuple[float, float]:
        """Distance from an item to its third nearest other on this map: the median, and what 95% stay below."""
        n = len(self.coordinates)
        if n < 2:
            return 0.0, 0.0
        some = self.coordinates[:: max(1, n // 5000)]
        third = self.tree.query(some, k=min(4, n))[0][:, -1]
        return float(np.median(third)), float(np.quantile(third, 0.95))


class Spots(NamedTuple):
    """Latents at spots of a map.

    Attributes
    ----------
    z : float32 array of shape (m, dims)
    off_data : bool array of shape (m,)
        True where the spot is so far from any item that `z` is a guess.
    distance : float32 array of shape (m,)
        From the spot to its nearest item, in units of the wider gaps between neighbours on this map (95% of items
        have three others within 1); large is far. Above 2 counts as off the data.
    """

    z: np.ndarray
    off_data: np.ndarray
    distance: np.ndarray
