"""Verbs that tend a space's file: index, compact."""

import sys
from typing import Annotated

import typer

from . import arguments as a
from .app import app
from .printing import print_facts, print_json


@app.command()
def index(
    space: a.SpaceFile,
    metric: Annotated[str, typer.Option("--metric", help="cosine, euclidean or dot.")] = "cosine",
    recall: Annotated[float, typer.Option("--recall", help="Share of the true neighbours to find, up to 1.")] = 0.95,
    by: Annotated[
        str | None, typer.Option("--by", help="What searches compare: latents, or the items' features.")
    ] = None,
    rerank: Annotated[
        bool | None,
        typer.Option(
            "--rerank/--no-rerank",
            help="Of features, candidates from the latents always, or never; by default where that is measured to pay.",
        ),
    ] = None,
    frugal: Annotated[
        bool, typer.Option("--frugal", help="8-bit copies in memory, the vectors in a temporary file.")
    ] = False,
    json: a.Json = False,
) -> None:
    """Learn an approximate search index now, and keep it in the space's file.

    Without one, search is exact until that has cost as much work as learning an index does. What the index finds is
    measured on the space's own items, and said.

    latentspace index photos.latent --recall 0.99

    latentspace index photos.latent --by features --frugal
    """
    import latentspace as ls

    opened = ls.load(space)
    report = opened.build_index(
        metric, recall=recall, by=by, rerank="auto" if rerank is None else rerank, frugal=frugal
    )
    _show(report, json)
    name = "index-features" if by == "features" or rerank else "index"
    if f"{name}-{metric}" in opened._caches:
        raise OSError(f"{space} could not be written, so the index was not kept. Try again where it can be.")


@app.command()
def compact(space: a.SpaceFile, json: a.Json = False) -> None:
    """Give back the room of removed items, so that nothing of them is left in the file.

    That happens by itself once they outnumber the others.

    latentspace compact photos.latent
    """
    import latentspace as ls

    done = ls.load(space).compact()
    _show(done, json)
    if not json:
        print(f"{space}: {done['bytes_before'] - done['bytes']:,} bytes given back", file=sys.stderr)


def _show(facts: dict, json: bool) -> None:
    print_json(facts) if json else print_facts(facts)
