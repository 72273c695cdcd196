"""Verbs that tend a space's file: index, compact, check, backup."""

import sys
from pathlib import Path
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


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .latent or .lsz file.", show_default=False)],
    repair: Annotated[
        bool, typer.Option("--repair", help="Make caches and indices anew; items, latents and models stay as they are.")
    ] = False,
    json: a.Json = False,
) -> None:
    """Read everything in a file and say what is not as it was written; exit 1 if anything is.

    Check sums, shapes, references, caches, maps and thumbnails. Nothing is changed unless --repair is given.

    latentspace check photos.latent

    latentspace check photos.latent --repair
    """
    import latentspace as ls

    checked = ls.check(file, repair=repair)
    if json:
        print_json(checked.to_dict())
    else:
        print(checked)
    if not checked.whole:
        if not repair and any(one.mend for one in checked.findings):
            print(f"Some of it can be mended: latentspace check {file} --repair", file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def backup(
    space: a.SpaceFile,
    out: Annotated[Path, typer.Option("-o", "--out", help="The copy to write.")],
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Copy a space's file while it is in use: one state of it, whole, whatever others write meanwhile.

    latentspace backup photos.latent -o photos-monday.latent
    """
    from latentspace import store

    a.output(out, force)
    version = store.backup(space, out, overwrite=force)
    facts = {"file": str(out), "version": version, "bytes": out.stat().st_size}
    print_json(facts) if json else print_facts(facts)


def _show(facts: dict, json: bool) -> None:
    print_json(facts) if json else print_facts(facts)
