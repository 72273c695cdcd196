"""A whole space in two dimensions."""

from typing import TYPE_CHECKING, Any

from .. import looking
from .state import State

if TYPE_CHECKING:
    from ..maps.map import Map


class MapVerbs(State):
    """`map`."""

    def map(self, method: str = "tsne", *, dims: int = 2, seed: int = 0, **options: Any) -> "Map":
        """Draws the whole space in two dimensions, with a measure of how far the picture can be trusted.

        Parameters
        ----------
        method : "tsne", "umap", "pacmap" or "pca", default="tsne"
            "tsne" keeps the most neighbours, "umap" and "pacmap" (extra `maps`) are faster, "pca" is at once there.
        dims : 2 or 3, default=2
            Of the map. One in 3 is drawn in depth and turns in a page; the space does not keep it.
        seed : int, default=0
        **options
            The method's own, such as `perplexity=30`.
        """
        return looking.make_map(self, method, seed, options, dims)
