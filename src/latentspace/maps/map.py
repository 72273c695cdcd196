"""Map, which `space.map` returns: coordinates, how far they can be trusted, and the way there and back."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import UnsupportedError
from .colours import Colouring, colouring, plain
from .density import SHARES, Contour, Density, density_of
from .fit import METHODS, decode_spot, place
from .fitted import Fitted, Spots
from .honesty import Honesty
from .regions import Region, regions_of
from .view import seen

_NAMES = {"tsne": "t-SNE", "pca": "PCA", "umap": "UMAP", "pacmap": "PaCMAP"}
_CAUTION = {
    "tsne": "Near items are alike; distances between far groups, and the sizes of groups, mean little.",
    "umap": "Near items are alike; distances between far groups, and the sizes of groups, mean little.",
    "pacmap": "Near items are alike, and groups lie roughly as they do in the space; densities mean little.",
    "pca": "The directions in which the latents vary most; what varies in others is not seen.",
}


SIZE = (200.0, 150.0)  # millimetres


@dataclass
class Ground:
    """What a map needs of the space it is of; ids and metadata are read when they are asked for.

    Attributes
    ----------
    read_ids : callable() -> n ids
    z : float32 array of shape (n, dims)
    read_metadata : callable() -> mapping of column name to n values
    encode : callable(items) -> latents
    decode : callable(latents) -> items
    picture : callable(position) -> PIL image, or None where items have no picture
    words : callable(text) -> list of str
        Splits a text into its words, for naming regions by them.
    """

    read_ids: Callable[[], Sequence[str]]
    z: np.ndarray
    read_metadata: Callable[[], Mapping[str, Sequence[Any]]]
    encode: Callable[[Any], np.ndarray]
    decode: Callable[[np.ndarray], Any]
    picture: Callable[[int], Any] | None = None
    words: Callable[[str], Sequence[str]] = str.split

    @cached_property
    def ids(self) -> Sequence[str]:
        """Each item's."""
        return self.read_ids()

    @cached_property
    def metadata(self) -> Mapping[str, Sequence[Any]]:
        """What is known of the items."""
        return self.read_metadata()


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
    """A space in two dimensions, or three.

    Attributes
    ----------
    coordinates : float32 array of shape (n, 2) or (n, 3)
    ids : sequence of str
        Whose coordinates each row holds.
    method : str
    honesty : Honesty
        Trustworthiness, continuity and neighbours kept, as a whole and per item.
    """

    def __init__(self, fitted: Fitted, honesty: Honesty, ground: Ground):
        self._fitted = fitted
        self._ground = ground
        self._regions: dict[str | None, list[Region]] = {}
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

    def settle(self) -> None:
        """Reads the ids and metadata of its items now, before the space that it is of lets some go."""
        _ = self._ground.ids, self._ground.metadata

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
        """Turns spots of the map, (2,) or (m, 2), into items; of one in three dimensions (3,) or (m, 3).

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

    @cached_property
    def density(self) -> Density:
        """How thickly the map is settled; of three dimensions, as it is looked at."""
        return density_of(seen(self.coordinates)[0])

    def contours(self, shares: tuple[float, ...] = SHARES) -> list[Contour]:
        """The lines that hold these shares of the items, the widest first; see `Density.contours`."""
        return self.density.contours(shares)

    def regions(self, by: str | None = None) -> list[Region]:
        """Where items lie thick, and what stands out there: a label, words, or numbers that run high or low.

        Parameters
        ----------
        by : str, optional
            The column to name by; by default the one that tells most.

        Returns
        -------
        list of Region
            Most items first, each with its name, the evidence for it, and its rows. "no clear name" where nothing
            stands out by more than chance.

        Raises
        ------
        ValueError
            If there is no column `by`.
        """
        if by not in self._regions:
            self._regions[by] = regions_of(self.density, self._ground.metadata, self._ground.words, by)
        return self._regions[by]

    def save(
        self,
        path: str | Path,
        *,
        colour: str | None = None,
        density: bool = False,
        names: bool | str = False,
        pictures: bool = False,
        size: tuple[float, float] = SIZE,
        dpi: float | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Writes the map as a picture for screen or print, or as one page that needs no network.

        Parameters
        ----------
        path : path
            Ends in `.png`, `.svg` or `.html`. An SVG has its letters and up to 5,000 items as vectors; more items are
            one picture inside it.
        colour : str, optional
            The metadata column to colour by; "trustworthiness", "continuity" or "neighbours_kept" colours by the
            map's own honesty, item by item.
        density : bool, default=False
            Draw contours that hold 25, 50, 75 and 95% of the items.
        names : bool or str, default=False
            Write what stands out in a region on it; a column's name names by that column. See `regions`.
        pictures : bool, default=False
            In a `.png` or `.svg`, draw items as themselves where they have pictures. A page shows them on hover anyway,
            and has switches for contours and names.
        size : (float, float), default=(200, 150)
            Width and height in millimetres; letters keep their size. A page fills its window.
        dpi : float, optional
            Pixels an inch, by default 152.4 (1200 x 900 in all) for a PNG, and 300 for what an SVG does not hold as
            vectors.
        overwrite : bool, default=False
            Replace a file that is there.

        Raises
        ------
        FileExistsError
            If there is such a file and `overwrite` is false.
        ValueError
            If the ending or the column is not known, items have no pictures to draw, or the size is too small or
            takes too many pixels.
        """
        path = Path(path)
        check_ending(path)
        self._check_colour(colour)
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} is there already. Choose another path, or pass overwrite=True.")
        if path.suffix == ".html":
            path.write_text(self._page(colour, density, names), encoding="utf-8")
            return path
        scene = self._scene(colour, density, names, pictures, size)
        if path.suffix == ".svg":
            from .svg import svg_of

            path.write_text(svg_of(scene, dpi), encoding="utf-8")
        else:
            from .draw import DPI, painted

            picture = painted(scene, DPI if dpi is None else dpi)
            picture.save(path, dpi=picture.info["dpi"])
        return path

    def picture(
        self,
        colour: str | None = None,
        *,
        density: bool = False,
        names: bool | str = False,
        pictures: bool = False,
        width: int = 1200,
        height: int = 900,
    ) -> Any:
        """The map as a PIL image of width x height pixels; see `save`."""
        from .draw import painted
        from .scene import UNIT

        return painted(self._scene(colour, density, names, pictures, (width / UNIT, height / UNIT)))

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
        UnsupportedError
            If the map has three dimensions.
        """
        from ..notebook import live

        if self.coordinates.shape[1] == 3:
            raise UnsupportedError("a live map is flat; one in three dimensions turns in a page: map.save('map.html').")
        return live(self, colour)

    def colouring(self, colour: str | None) -> Colouring:
        """Each item's colour by a column, or one colour for all."""
        self._check_colour(colour)
        values = self._columns().get(colour or "")
        return plain(len(self)) if values is None else colouring(colour or "", values)

    def item_picture(self, row: int) -> Any | None:
        """An item of the map as a PIL image; None where items have no pictures."""
        return None if self._ground.picture is None else self._ground.picture(row)

    def _scene(
        self, colour: str | None, density: bool, names: bool | str, pictures: bool, size: tuple[float, float]
    ) -> Any:
        from .scene import UNIT, Label, scene_of

        if pictures and self._ground.picture is None:
            raise ValueError("pictures=True needs items that have pictures; these have none. Leave it out for dots.")
        tint = self.colouring(colour)
        regions = self._named(names) if names else []
        spots, depth = seen(self.coordinates)
        return scene_of(
            spots, tint,
            title=self._title(), caption=self._caption(density, regions), width=size[0] * UNIT, height=size[1] * UNIT,
            pictures=self._ground.picture if pictures else None,
            contours=[line for contour in self.contours() for line in contour.lines] if density else [],
            labels=[Label(region.name, region.spot) for region in regions if region.clear], depth=depth,
        )  # fmt: skip

    def _page(self, colour: str | None, density: bool, names: bool | str) -> str:
        from .page import draw_html

        flat = self.coordinates.shape[1] == 2
        return draw_html(
            self.coordinates, self.ids, self._ground.metadata, colour=colour, title=self._title(),
            caption=self._caption(False, []), pictures=self._ground.picture, shades=self.honesty.per_item,
            contours=self.contours() if flat else [], regions=self._named(names), density=density, names=bool(names),
        )  # fmt: skip

    def _named(self, names: bool | str) -> list[Region]:
        return self.regions(names if isinstance(names, str) else None)

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

    def _caption(self, density: bool = False, regions: Sequence[Region] = ()) -> str:
        told = [str(self.honesty), _CAUTION.get(self.method, "")]
        if density:
            told.append(f"Contours hold {', '.join(f'{share:.0%}' for share in SHARES)} of the items.")
        unclear = sum(not region.clear for region in regions)
        if unclear:
            told.append(f"Nothing stands out in {unclear} of {len(regions)} regions.")
        return " ".join(told)

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
        if (
            method not in METHODS
            or coordinates.shape not in [(len(ground.z), d) for d in (2, 3)]
            or not np.isfinite(coordinates).all()
        ):
            raise ValueError(f"a stored map by {method!r} of shape {coordinates.shape} is damaged; make the map again.")
        fitted = Fitted(coordinates, method, params, _named(arrays, "fitted "))
        return cls(fitted, Honesty.from_state(figures, _named(arrays, "honesty ")), ground)


def check_ending(path: Path) -> None:
    """Raises ValueError where a map cannot be saved under this name."""
    if path.suffix not in (".png", ".svg", ".html"):
        ending = path.suffix or "without an ending"
        raise ValueError(f"{path}: a map is saved as .png, .svg or .html, not {ending!r}.")


def _named(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
