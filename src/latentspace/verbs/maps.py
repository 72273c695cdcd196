"""A whole space in two dimensions."""

from typing import TYPE_CHECKING, Any

from .. import looking
from .state import State

if TYPE_CHECKING:
    from ..maps.map import Map


class MapVerbs(State):
    """`map`."""

    def map(
        self, method: str = "tsne", *, dims: int = 2, seed: int = 0, stability: int = 0, landmarks: int | None = None,
        **options: Any,
    ) -> "Map":  # fmt: skip
        """Draws the whole space in two dimensions, with a measure of how far the picture can be trusted.

        Parameters
        ----------
        method : "tsne", "umap", "pacmap" or "pca", default="tsne"
            "tsne" keeps the most neighbours, "umap" and "pacmap" (extra `maps`) are faster, "pca" is at once there.
        dims : 2 or 3, default=2
            Of the map. One in 3 is drawn in depth and turns in a page; the space does not keep it.
        seed : int, default=0
        stability : int, default=0
            How many more maps to draw, by the seeds that follow: `honesty` then says, as a whole and per item, how
            much of what is near on this one is near on those. Each takes as long as the map itself.
        landmarks : int, optional
            Items, drawn at random, to lay out; the others are placed among them. By default all of them, or, where
            half of the free memory has no room for all, as many as it has room for.
        **options
            The method's own, such as `perplexity=30`.

        Raises
        ------
        ValueError
            If the method or an option is not known, or a number out of range.
        """
        return looking.make_map(self, method, seed, options, dims, stability, landmarks)
