"""Verbs that look at a space: search, map."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import arguments as a
from .app import app
from .printing import print_json, print_table


@app.command()
def search(
    space: a.SpaceFile,
    query: Annotated[str | None, typer.Argument(help="A file to look for, or an item's id.")] = None,
    id: Annotated[str | None, typer.Option("--id", help="An item of the space.")] = None,
    k: Annotated[int, typer.Option("-k", help="How many.")] = 10,
    metric: Annotated[str, typer.Option("--metric", help="cosine, euclidean or dot.")] = "cosine",
    where: a.Where = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="A .png sheet of the hits, or a folder or file of them.")
    ] = None,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Find the items nearest to a file or to one of the space's own.

    latentspace search photos.latent cat.jpg -k 5 --where label=cat
    """
    import latentspace as ls
    from latentspace.writing import write_items

    if (query is None) == (id is None):
        raise typer.BadParameter("give one of QUERY and --id.")
    a.output(out, force)
    opened = ls.load(space)
    hits = opened.search(query, id=id, k=k, metric=metric, where=a.where_of(where, opened.metadata))
    if isinstance(hits, list):
        raise ValueError(f"{query!r} holds {len(hits)} items; search for one at a time.")
    columns = list(opened.metadata)[:6]
    rows = [
        {"id": id_, metric: round(score, 4), **{c: opened.metadata[c][opened.position(id_)] for c in columns}}
        for id_, score in hits
    ]
    print_json({"metric": metric, "hits": rows}) if json else print_table(rows)
    if out is not None:
        print(f"wrote {write_items(opened, hits.items[:], out, names=hits.ids, overwrite=force)}", file=sys.stderr)


@app.command()
def map(
    space: a.SpaceFile,
    out: Annotated[Path, typer.Option("-o", "--out", help="A .png picture or one self-contained .html page.")],
    method: Annotated[str, typer.Option("--method", help="tsne or pca.")] = "tsne",
    colour: Annotated[str | None, typer.Option("--colour", "--color", help="The metadata column to colour by.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of the method: perplexity=50.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the map in the space's file, to place new items on it.")
    ] = False,
    seed: a.Seed = 0,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Draw the whole space in two dimensions, and say how far the picture can be trusted.

    latentspace map photos.latent -o map.html --colour label
    """
    import latentspace as ls

    a.output(out, force)
    opened = ls.load(space)
    drawn = opened.map(method, seed=seed, **a.options_of(option))
    drawn.save(out, colour=colour, overwrite=force)
    if keep:
        opened.save()
    print(f"wrote {out}", file=sys.stderr)
    facts = drawn.honesty.to_dict()
    print_json({"method": method, **facts}) if json else print_table([facts])
