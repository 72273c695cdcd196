"""z -> 2-d and back: fit a map, place new latents on it, and decode spots of it to latents."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..search.exact import ExactIndex
from ..search.graph import NeighbourGraph, neighbour_graph
from ..search.metrics import as_latents
from .fitted import Fitted, Spots
from .landmarks import by_landmarks
from .pacmap import fit_pacmap, graph_needed
from .pca import fit_pca, project, unproject
from .placing import decode_by_neighbours, off_data, place_by_neighbours
from .tsne import fit_tsne, neighbours_needed
from .umap import fit_umap

METHODS: tuple[str, ...] = ("pca", "tsne", "umap", "pacmap")
_FITS: dict[str, Callable[..., Fitted]] = {"tsne": fit_tsne, "umap": fit_umap, "pacmap": fit_pacmap}


def graph_size(method: str, n: int, **options: Any) -> int:
    """Neighbours of each of n items that a method looks at; 0 when it needs no graph.

    Whoever keeps the shared neighbour graph asks here, to compute one that is large enough.
    """
    _check_method(method)
    if method == "tsne":
        return neighbours_needed(n, options.get("perplexity", 30))
    if method == "umap":
        return max(0, min(n - 1, options.get("neighbours", 15) - 1))
    return max(0, min(n - 1, graph_needed(options.get("neighbours", 10)))) if method == "pacmap" else 0


def fit_map(
    z,
    method: str = "tsne",
    graph: NeighbourGraph | None = None,
    seed: int = 0,
    *,
    dims: int = 2,
    landmarks: int | None = None,
    **options: Any,
) -> Fitted:
    """Lays latents out in two dimensions, or three.

    Parameters
    ----------
    z : array of shape (n, dims)
    method : "tsne", "umap", "pacmap" or "pca", default="tsne"
    graph : NeighbourGraph, optional
        The shared graph of these latents, with `graph_size(method, n)` neighbours; computed here if left out.
    seed : int, default=0
        The same seed gives the same map, on any number of threads.
    dims : 2 or 3, default=2
        Of the map.
    landmarks : int, optional
        Items, drawn at random, to lay out; the others are placed among them. See `landmarks_for` for how many do when
        memory has no room for all.
    **options
        Of the method: see `fit_tsne`, `fit_umap`, `fit_pacmap`; "pca" has none.

    Raises
    ------
    ValueError
        If the method or an option is not known (the message lists those there are), or z holds NaN or infinity.
    """
    _check_method(method)
    _check_dims(dims)
    z = as_latents(z)
    known = set(getattr(_FITS.get(method), "__kwdefaults__", None) or {}) - {"dims"}
    unknown = sorted(set(options) - known)
    if unknown:
        there = ", ".join(sorted(known)) or "none"
        raise ValueError(f"method={method!r} has no option {unknown[0]!r}. Its options: {there}.")
    if method == "pca":
        return fit_pca(z, dims)
    if landmarks is not None and landmarks < len(z):
        return by_landmarks(z, landmarks, seed, lambda some: fit_map(some, method, None, seed, dims=dims, **options))
    if graph is None:
        graph = neighbour_graph(z, max(1, graph_size(method, len(z), **options)))
    return _FITS[method](z, graph, seed, dims=dims, **options)


def place(fitted: Fitted, z, z_new) -> np.ndarray:
    """Puts new latents on a fitted map, which does not change.

    Parameters
    ----------
    fitted : Fitted
    z : array of shape (n, dims), or an ExactIndex over it
        The latents that the map was fitted on, in the same order.
    z_new : array of shape (m, dims)

    Returns
    -------
    float32 array of shape (m, 2)
        The fitted latents land on their own spots.

    Raises
    ------
    ValueError
        If the map and z differ in number, or z and z_new in dims; if the map has no items.
    """
    index, z_new = _checked(fitted, z), as_latents(z_new, "z_new")
    if z_new.shape[1] != index.z.shape[1]:
        raise ValueError(
            f"z_new has {z_new.shape[1]} dims, but the map is of latents with {index.z.shape[1]}. "
            "Encode the new items with the same space."
        )
    if _is_linear(fitted):
        return project(z_new, fitted.arrays["mean"], fitted.arrays["axes"])
    return place_by_neighbours(fitted, index, z_new)


def decode_spot(fitted: Fitted, z, xy) -> Spots:
    """Turns spots of a map back into latents, deterministically.

    A PCA map is inverted exactly, on its own plane. Other maps average the latents of the items that are nearest on
    the map, and give an item's own latent at the item's spot.

    Parameters
    ----------
    fitted : Fitted
    z : array of shape (n, dims), or an ExactIndex over it
        The latents that the map was fitted on, in the same order.
    xy : array of shape (m, 2), or (m, 3) of a map in three dimensions

    Returns
    -------
    Spots
        Latents (m, dims), a flag for spots that are far from any item, and how far.

    Raises
    ------
    ValueError
        If xy is not of shape (m, dims of the map) or not finite, or the map has no items.
    """
    index = _checked(fitted, z)
    xy = np.asarray(xy, dtype=np.float64)
    dims = fitted.coordinates.shape[1]
    if xy.ndim != 2 or xy.shape[1] != dims or not np.isfinite(xy).all():
        raise ValueError(f"xy has shape {xy.shape}; expected (m, {dims}) finite numbers, one spot a row.")
    if _is_linear(fitted):
        z_hat = unproject(xy, fitted.arrays["mean"], fitted.arrays["axes"])
        return Spots(z_hat, *off_data(fitted, xy))
    return decode_by_neighbours(fitted, index.z, xy)


def _is_linear(fitted: Fitted) -> bool:
    return fitted.method == "pca"


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise ValueError(f"method={method!r} is not known. Known maps: {', '.join(METHODS)}.")


def _check_dims(dims: int) -> None:
    if dims not in (2, 3):
        raise ValueError(f"dims={dims!r} is out of range: a map has 2 dimensions or 3.")


def _checked(fitted: Fitted, z) -> ExactIndex:
    index = z if isinstance(z, ExactIndex) else ExactIndex(z)
    if len(index) != len(fitted.coordinates):
        raise ValueError(
            f"the map has {len(fitted.coordinates)} items, but {len(index)} latents came with it. "
            "Pass the latents it was fitted on, or fit the map again."
        )
    if not len(index):
        raise ValueError("the map has no items, so nothing can be placed on it or decoded from it.")
    return index
