"""Pages of others: TensorBoard's projector and Embedding Atlas."""

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import graphs, looking
from ..optional import require
from .columns import arrow_table, columns_of

if TYPE_CHECKING:
    from ..verbs.state import State

_SPRITE = 8192  # pixels that the projector's one image may be wide and high
_SIDE = 50  # pixels of one item in it
_NEAR = 15


def to_projector(space: "State", folder: Path) -> None:
    """Writes latents.tsv, metadata.tsv, a sprite where items have pictures, and projector_config.pbtxt.

    Open it by `tensorboard --logdir FOLDER`; or load the .tsv files at projector.tensorflow.org.
    """
    folder.mkdir()
    z = np.asarray(space.latents, np.float32)
    with (folder / "latents.tsv").open("w", encoding="utf-8") as file:
        for row in z:
            file.write("\t".join(map(repr, row.tolist())) + "\n")
    columns = columns_of(space, ("id",))
    with (folder / "metadata.tsv").open("w", encoding="utf-8") as file:
        if columns:  # a single column has no header there
            file.write("\t".join(_cell(name) for name in ("id", *(column.name for column in columns))) + "\n")
        for row, id_ in enumerate(space.ids):
            file.write("\t".join(_cell(value) for value in (id_, *(c.values[row] for c in columns))) + "\n")
    config = 'embeddings {\n  tensor_name: "latents"\n  tensor_path: "latents.tsv"\n  metadata_path: "metadata.tsv"\n'
    side = min(_SIDE, _SPRITE // max(1, math.ceil(math.sqrt(len(space)))))
    pictures = looking.all_thumbnails(space) if side >= 8 else None
    if pictures:
        _sprite(pictures, side).save(folder / "sprite.png")
        config += f'  sprite {{\n    image_path: "sprite.png"\n    single_image_dim: {side}\n'
        config += f"    single_image_dim: {side}\n  }}\n"
    (folder / "projector_config.pbtxt").write_text(config + "}\n", encoding="utf-8")


def _cell(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())


def _sprite(pictures: list[bytes], side: int) -> Any:
    from PIL import Image

    across = math.ceil(math.sqrt(len(pictures)))
    sheet = Image.new("RGB", (across * side, across * side), "white")
    for place, held in enumerate(pictures):
        picture = Image.open(io.BytesIO(held)).convert("RGBA").resize((side, side))
        sheet.paste(picture, (place % across * side, place // across * side), picture)
    return sheet


def to_atlas(space: "State", path: Path, map: str | None = None) -> None:
    """Writes one Parquet file: id, metadata, z, a map as `projection_x` and `projection_y`, and `neighbors`.

    Open it by `embedding-atlas FILE --x projection_x --y projection_y --neighbors neighbors`. The map is one that the
    space keeps, or UMAP.
    """
    require("pyarrow", "tables", "export to Embedding Atlas")
    import pyarrow as pa
    from pyarrow import parquet

    spots = np.asarray(_map_of(space, map).coordinates, np.float32)
    more = {"projection_x": pa.array(spots[:, 0]), "projection_y": pa.array(spots[:, 1])}
    if len(space) > 1:
        graph = graphs.graph_of(space, min(_NEAR, len(space) - 1), "cosine")
        near = graph.positions[:, :_NEAR].astype(np.int64)
        far = 1 - graph.distances[:, :_NEAR].astype(np.float64) if graph.metric == "dot" else graph.distances[:, :_NEAR]
        more["neighbors"] = pa.StructArray.from_arrays(
            [pa.array(near.tolist()), pa.array(np.asarray(far, np.float64).tolist())], ["ids", "distances"]
        )
    parquet.write_table(arrow_table(space, more), path)


def _map_of(space: Any, name: str | None) -> Any:
    if name is None:
        flat = [each for each in space.maps.values() if np.shape(each.coordinates)[1] == 2]
        if flat:
            return flat[0]
    return space.map(name or ("umap" if len(space) > 20 else "pca"))
