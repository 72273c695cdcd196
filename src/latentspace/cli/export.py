"""The verb that writes a space for other engines: export."""

from typing import Annotated, Any

import typer

from ..exporting import KINDS
from ..progress import aloud
from . import arguments as a
from .app import app
from .printing import print_json


@app.command()
def export(
    space: a.SpaceFile,
    to: Annotated[str, typer.Option("--to", help=f"{', '.join(KINDS)}.")],
    out: Annotated[
        str, typer.Option("-o", "--out", metavar="WHERE", help="A file or folder; of pgvector and qdrant, a URL.")
    ],
    metric: Annotated[
        str | None,
        typer.Option("--metric", help="cosine, euclidean or dot, of faiss, qdrant and an index of pgvector."),
    ] = None,
    table: Annotated[str | None, typer.Option("--table", help="Of pgvector, qdrant and lancedb; latents.")] = None,
    index: Annotated[bool, typer.Option("--index", help="Of pgvector: build HNSW, which is approximate.")] = False,
    map: Annotated[str | None, typer.Option("--map", help="Of embedding-atlas: which map.")] = None,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Write a space for another engine, where a search finds the same; or its model as ONNX.

    latentspace export photos.latent --to parquet -o photos.parquet
    """
    import latentspace as ls

    given: dict[str, Any] = {"metric": metric, "table": table, "index": index or None, "map": map}
    given = {name: value for name, value in given.items() if value is not None}
    kind: Any = to
    try:
        with aloud():
            written = ls.load(space).export(kind, out, overwrite=force, **given)
    except FileExistsError as error:
        raise FileExistsError(str(error).replace("pass overwrite=True", "replace it with --force")) from None
    except TypeError as error:
        raise typer.BadParameter(str(error)) from None
    print_json({"to": to, "written": written}) if json else print(f"wrote {written}")
