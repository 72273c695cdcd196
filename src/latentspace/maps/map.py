"""Map, which `space.map` returns: coordinates, how far they can be trusted, and the way there and back."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .colours import Colouring, colouring, plain
from .fit import METHODS, decode_spot, place
from .fitted import Fitted, Spots
from .honesty import Honesty

_NAMES = {"tsne": "t-SNE", "pca": "PCA", "umap": "UMAP", "pacmap": "PaCMAP"}
_CAUTION = {
    "tsne": "Near items are alike; distances between far groups, and the sizes of groups, mean little.",
    "umap": "Near items are alike; distances between far groups, and the sizes of groups, mean little.",
    "pacmap": "Near items are alike, and groups lie roughly as they do in the space; densities mean little.",
    "pca": "The two directions in which the latents vary most; what varies in others is not seen.",
}


@dataclass
class Ground:
    """What a map needs of the space it is of.

    Attributes
    ----------
    ids : sequence of str
    z : float32 array of shape (n, dims)
    metadata : mapping of column name to n values
    encode : callable(items) -> latents
    decode : callable(latents) -> items
    picture : callable(position) -> PIL image, or None where items have no picture
    """

    ids: Sequence[str]
    z: np.ndarray
    metadata: Mapping[str, Sequence[Any]]
    encode: Callable[[Any], np.ndarray]
    decode: Callable[[np.ndarray], Any]
    picture: Callable[[int], Any] | None = None


class Decoded(NamedTuple):
    """Items decoded from spots of a map.

    Attributes
    ----------
    items
        In their own form.
    off_data : bool array of shape (m,)
        True where the spot is so far from any item that what was decoded is a guess.
    """

    items: Any
    off_data: np.ndarray


class Map:
    """A space in two dimensions.

    Attributes
    ----------
    coordinates : float32 array of shape (n, 2)
    ids : sequence of str
        Whose coordinates each row holds.
    method : str
    honesty : Honesty
        Trustworthiness, continuity and neighbours kept, as a whole and per item.
    """

    def __init__(self, fitted: Fitted, honesty: Honesty, ground: Ground):
        self._fitted = fitted
        self._ground = ground
        self.honesty = honesty

    @property
    def coordinates(self) -> np.ndarray:
        return self._fitted.coordinates

    @property
    def ids(self) -> Sequence[str]:
        return self._ground.ids

    @property
    def method(self) -> str:
        return self._fitted.method

    def __len__(self) -> int:
        return len(self.coordinates)

    def __repr__(self) -> str:
        return f"<Map of {len(self):,} items by {_NAMES.get(self.method, self.method)}: {self.honesty}>"

    def place(self, items: Any) -> np.ndarray:
        """Puts items on the map, which does not change: float32 (m, 2). The map's own items land on their own spots.

        Parameters
        ----------
        items
            One item, several, or a source, as `space.encode` takes them.
        """
        return self.place_latents(self._ground.encode(items))

    def place_latents(self, z: np.ndarray) -> np.ndarray:
        """Puts latents (m, dims) on the map: float32 (m, 2)."""
        return place(self._fitted, self._ground.z, z)

    def decode(self, xy: Any) -> Decoded:
        """Turns spots of the map, (2,) or (m, 2), into items.

        Returns
        -------
        Decoded
            `items`, and `off_data`, which is true where a spot is far from any item.
        """
        spots = self.spots(xy)
        return Decoded(self._ground.decode(spots.z), spots.off_data)

    def spots(self, xy: Any) -> Spots:
        """Turns spots of the map, (2,) or (m, 2), into latents, with a flag for those that are far from any item."""
        return decode_spot(self._fitted, self._ground.z, np.atleast_2d(np.asarray(xy, dtype=np.float64)))

    def save(
        self, path: str | Path, *, colour: str | None = None, pictures: bool = False, overwrite: bool = False
    ) -> Path:
        """Writes the map as a picture or as one page that needs no network.

        Parameters
        ----------
        path : path
            Ends in `.png` or `.html`.
        colour : str, optional
            The metadata column to colour by; "trustworthiness", "continuity" or "neighbours_kept" colours by the
            map's own honesty, item by item.
        pictures : bool, default=False
            In a `.png`, draw items as themselves where they have pictures. A page shows them on hover anyway.
        overwrite : bool, default=False
            Replace a file that is there.

        Raises
        ------
        FileExistsError
            If there is such a file and `overwrite` is false.
        ValueError
            If the ending or the column is not known, or items have no pictures to draw.
        """
        path = Path(path)
        if path.suffix not in (".png", ".html"):
            raise ValueError(f"{path}: a map is saved as .png or .html, not {path.suffix or 'without an ending'!r}.")
        self._check_colour(colour)
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} is there already. Choose another path, or pass overwrite=True.")
        if path.suffix == ".html":
            path.write_text(self._page(colour), encoding="utf-8")
        else:
            self.picture(colour, pictures=pictures).save(path)
        return path

    def picture(
        self, colour: str | None = None, *, pictures: bool = False, width: int = 1200, height: int = 900
    ) -> Any:
        """The map as a PIL image of width x height pixels; see `save`."""
        from .draw import draw_png

        if pictures and self._ground.picture is None:
            raise ValueError("pictures=True needs items that have pictures; these have none. Leave it out for dots.")
        return draw_png(
            self.coordinates, self.colouring(colour),
            title=self._title(), caption=self._caption(), width=width, height=height,
            pictures=self._ground.picture if pictures else None,
        )  # fmt: skip

    def live(self, colour: str | None = None) -> Any:
        """The map as a widget for notebooks: zoom, pan, lasso with shift, and items under the pointer.

        Parameters
        ----------
        colour : str, optional
            The column to colour by, as in `save`.

        Returns
        -------
        anywidget.AnyWidget
            `selected` holds the rows of the lasso.

        Raises
        ------
        MissingExtraError
            If anywidget is not installed (extra `notebook`).
        """
        from ..notebook import live

        return live(self, colour)

    def colouring(self, colour: str | None) -> Colouring:
        """Each item's colour by a column, or one colour for all."""
        self._check_colour(colour)
        values = self._columns().get(colour or "")
        return plain(len(self)) if values is None else colouring(colour or "", values)

    def item_picture(self, row: int) -> Any | None:
        """An item of the map as a PIL image; None where items have no pictures."""
        return None if self._ground.picture is None else self._ground.picture(row)

    def _page(self, colour: str | None) -> str:
        from .page import draw_html

        return draw_html(
            self.coordinates, self.ids, self._ground.metadata, colour=colour, title=self._title(),
            caption=self._caption(), pictures=self._ground.picture, shades=self.honesty.per_item,
        )  # fmt: skip

    def _columns(self) -> dict[str, Sequence[Any]]:
        shades = {
            name: [None if np.isnan(value) else float(value) for value in values]
            for name, values in self.honesty.per_item.items()
        }
        return {**shades, **self._ground.metadata}

    def _check_colour(self, colour: str | None) -> None:
        if colour is not None and colour not in self._columns():
            raise ValueError(
                f"colour={colour!r} is not a column of this map. Its columns: {', '.join(self._columns())}."
            )

    def _title(self) -> str:
        return f"{len(self):,} items by {_NAMES.get(self.method, self.method)}"

    def _caption(self) -> str:
        return f"{self.honesty} {_CAUTION.get(self.method, '')}"

    def _repr_png_(self) -> bytes:
        held = io.BytesIO()
        first = "label" if "label" in self._ground.metadata else None
        self.picture(first, width=800, height=600).save(held, "PNG")
        return held.getvalue()

    # ------------------------------------------------------------------ keeping
    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Returns facts and arrays for the store; never a pickle."""
        figures, per_item = self.honesty.state()
        facts = {"method": self.method, "params": self._fitted.params, "honesty": figures}
        arrays = {
            "coordinates": self.coordinates,
            **{f"fitted {name}": array for name, array in self._fitted.arrays.items()},
            **{f"honesty {name}": array for name, array in per_item.items()},
        }
        return facts, arrays

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], ground: Ground) -> "Map":
        """Rebuilds what `state` gave; `ground` is the space's first items, as many as the map has.

        Raises
        ------
        ValueError
            If the state is damaged.
        """
        try:
            coordinates = np.ascontiguousarray(arrays["coordinates"], dtype=np.float32)
            method, params, figures = facts["method"], dict(facts["params"]), facts["honesty"]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"a stored map is damaged ({type(error).__name__}: {error}); make the map again."
            ) from None
        if method not in METHODS or coordinates.shape != (len(ground.ids), 2) or not np.isfinite(coordinates).all():
            raise ValueError(f"a stored map by {method!r} of shape {coordinates.shape} is damaged; make the map again.")
        fitted = Fitted(coordinates, method, params, _named(arrays, "fitted "))
        return cls(fitted, Honesty.from_state(figures, _named(arrays, "honesty ")), ground)


def _named(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
