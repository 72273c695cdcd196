"""Verbs that look at a space: map."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from . import arguments as a
from .app import app
from .printing import print_json, print_table


@app.command()
def map(
    space: a.SpaceFile,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="A .png picture, one self-contained .html page, or a folder.")
    ],
    method: Annotated[str, typer.Option("--method", help="tsne, umap, pacmap or pca.")] = "tsne",
    colour: Annotated[str | None, typer.Option("--colour", "--color", help="The metadata column to colour by.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of the method: perplexity=50.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the map in the space's file, to place new items on it.")
    ] = False,
    static: Annotated[
        bool, typer.Option("--static", help="Write the whole page into a folder, for any web server.")
    ] = False,
    seed: a.Seed = 0,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Draw the whole space in two dimensions, and say how far the picture can be trusted.

    latentspace map photos.latent -o map.html --colour label
    """
    import latentspace as ls

    if not static:
        a.output(out, force)
    opened = ls.load(space)
    drawn = opened.map(method, seed=seed, **a.options_of(option))
    if static:
        _write_page(opened, out, force)
    else:
        drawn.save(out, colour=colour, overwrite=force)
    if keep:
        opened.save()
    print(f"wrote {out}", file=sys.stderr)
    facts = drawn.honesty.to_dict()
    print_json({"method": method, **facts}) if json else print_table([facts])


def _write_page(opened: Any, folder: Path, force: bool) -> None:
    from latentspace.optional import require

    require("fastapi", "web", "--static")
    from latentspace.web.opened import Opened
    from latentspace.web.still import write_still

    write_still(Opened(opened), folder, overwrite=force)
