"""The page as files for any web server: what it would ask of a running one, written out beforehand.

Looking, hovering, colouring, filtering by eye, neighbours and decoded spots work; what needs the model (dropped files,
sliders, samples) does not, and the page does not offer it.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..progress import track
from .app import STATIC
from .frames import pack
from .opened import Opened
from .routes.regions import regions_frame
from .routes.shades import densities, shades_of
from .routes.spaces import described
from .sheets import TILES, sheet
from .showing import pictures, plain, strip_of

NEIGHBOURS = 12
CHUNK = 1000  # items whose metadata share a file
MOST_DIMENSIONS = 32  # that can be coloured by; each is n numbers
GRID = 24  # decoded spots along each side of a map
MARK = '<meta name="latentspace" content="still" />'


def write_still(the: Opened, folder: str | Path, *, overwrite: bool = False) -> Path:
    """Writes the page of a space into a folder.

    Parameters
    ----------
    the : Opened
        With at least one map made.
    folder : path
    overwrite : bool, default=False
        Replace a page that is there. A folder that holds anything else is never touched.

    Raises
    ------
    FileExistsError
        If the folder is there and is no page, or `overwrite` is false.
    UnsupportedError
        If the space has no map, or the page was not built into this installation.
    """
    folder = Path(folder)
    if not the.space.maps:
        raise UnsupportedError("the space has no map to show; make one: space.map('tsne').")
    if not STATIC.is_dir():
        raise UnsupportedError("the page is not built into this installation; in a checkout: make page.")
    if folder.exists() and any(folder.iterdir()):
        if not (folder / "data" / "spaces.json").exists():
            raise FileExistsError(f"{folder} is there and is no page of ours. Choose another folder.")
        if not overwrite:
            raise FileExistsError(f"{folder} is there already. Choose another, or pass overwrite=True.")
        shutil.rmtree(folder)
    shutil.copytree(STATIC, folder, dirs_exist_ok=True)
    index = folder / "index.html"
    index.write_text(index.read_text(encoding="utf-8").replace("<head>", f"<head>{MARK}", 1), encoding="utf-8")
    data = folder / "data"
    _write_space(the, data / "0")
    told = described(0, the)
    told["can"] |= {"decode": False, "sample": False, "spots": sorted(_spots(the, data / "0"))}
    told["dimensions"] = min(the.space.dims, MOST_DIMENSIONS)
    (data / "spaces.json").write_text(json.dumps([told]), encoding="utf-8")  # last: what marks the folder as a page
    return folder


def _write_space(the: Opened, own: Path) -> None:
    space = the.space
    for part in ("maps", "regions", "columns", "dimensions", "shades", "sheets", "items"):
        (own / part).mkdir(parents=True, exist_ok=True)
    for method, drawn in space.maps.items():
        (own / "maps" / f"{method}.frame").write_bytes(the.map_frame(method))
        (own / "regions" / f"{method}.frame").write_bytes(regions_frame(drawn))
    for place, name in enumerate(the.columns):
        (own / "columns" / f"{place}.frame").write_bytes(the.column_frame(name))
    for d in range(min(space.dims, MOST_DIMENSIONS)):
        (own / "dimensions" / f"{d}.frame").write_bytes(pack({"values": np.ascontiguousarray(space.latents[:, d])}))
    for name in shades_of(the):
        values = the.errors if name == "error" else densities(the)
        (own / "shades" / f"{name}.frame").write_bytes(pack({"values": values}))
    (own / "shades.json").write_text(json.dumps(shades_of(the)), encoding="utf-8")
    (own / "tell.json").write_text(json.dumps({"dimensions": the.told}), encoding="utf-8")
    graph = space.graph(NEIGHBOURS, "cosine")
    near = {"rows": graph.positions.astype(np.int32), "scores": 1 - graph.distances}
    (own / "neighbours.frame").write_bytes(pack(near, metric="cosine"))
    if the.shown in ("picture", "sound"):
        for number in track(range(-(-len(space) // TILES**2)), "thumbnails"):
            made = sheet(the, number)
            if made is not None:
                (own / "sheets" / f"{number}.webp").write_bytes(made)
    for start in range(0, len(space), CHUNK):
        rows = range(start, min(start + CHUNK, len(space)))
        (own / "items" / f"{start // CHUNK}.json").write_text(json.dumps([_item(the, row) for row in rows]))


def _item(the: Opened, row: int) -> dict[str, Any]:
    space = the.space
    told = {
        "row": row,
        "id": space.ids[row],
        "metadata": {name: values[row] for name, values in space.metadata.items()},
    }
    if the.shown in ("text", "row"):
        told["item"] = plain([space.items[row]])[0]
    return told


def _spots(the: Opened, own: Path) -> list[str]:
    """Writes a grid of decoded spots for each map, where items have pictures; returns the maps' names."""
    if not hasattr(the.space.model, "inverse_transform") or the.shown not in ("picture", "sound"):
        return []
    (own / "spots").mkdir(exist_ok=True)
    written = []
    for method, drawn in the.space.maps.items():
        low, high = drawn.coordinates.min(axis=0), drawn.coordinates.max(axis=0)
        sides = [np.linspace(low[side], high[side], GRID) for side in (0, 1)]
        xy = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)  # a row of the grid is a row of the picture
        spots = drawn.spots(xy)
        (own / "spots" / f"{method}.webp").write_bytes(strip_of(pictures(the, spots.z), GRID))
        bounds = {"low": low.tolist(), "high": high.tolist(), "off": spots.off_data.astype(int).tolist(), "side": GRID}
        (own / "spots" / f"{method}.json").write_text(json.dumps(bounds))
        written.append(method)
    return written
