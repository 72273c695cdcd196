"""Verbs that make new items: sample, interpolate, traverse."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import arguments as a
from .app import app

Out = Annotated[
    Path, typer.Option("-o", "--out", help="A .png sheet, a folder of files, or a .txt, .csv, .parquet or .npy file.")
]
Steps = Annotated[int, typer.Option("--steps", help="How many items, the ends included.")]


@app.command()
def sample(
    space: a.SpaceFile,
    out: Out,
    n: Annotated[int, typer.Option("-n", help="How many.")] = 16,
    seed: a.Seed = 0,
    force: a.Force = False,
) -> None:
    """Synthesise new items from the density of the space's latents.

    latentspace sample photos.latent -n 25 -o samples.png
    """
    import latentspace as ls

    a.output(out, force)
    opened = ls.load(space)
    _write(opened, opened.sample(n, seed=seed), out, force, columns=None)


@app.command()
def interpolate(
    space: a.SpaceFile,
    a_: Annotated[str, typer.Argument(metavar="A", help="An item's id, or a file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="An item's id, or a file.")],
    out: Out,
    steps: Steps = 9,
    path: Annotated[str, typer.Option("--path", help="linear or spherical.")] = "linear",
    force: a.Force = False,
) -> None:
    """Decode the way from one item to another.

    latentspace interpolate photos.latent cat.jpg dog.jpg -o strip.png
    """
    import latentspace as ls

    a.output(out, force)
    opened = ls.load(space)
    _write(opened, opened.interpolate(a_, b, steps=steps, path=path), out, force, columns=steps)


@app.command()
def traverse(
    space: a.SpaceFile,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="An item's id, or a file.")],
    out: Out,
    axis: Annotated[int, typer.Option("--axis", help="The dimension's number, from 0.")] = 0,
    steps: Steps = 9,
    span: Annotated[float, typer.Option("--span", help="How far to each side, in standard deviations.")] = 3.0,
    force: a.Force = False,
) -> None:
    """Decode along one axis through an item, all else held.

    latentspace traverse photos.latent cat.jpg --axis 3 -o traversal.png
    """
    import latentspace as ls

    a.output(out, force)
    opened = ls.load(space)
    _write(opened, opened.traverse(item, axis, steps=steps, span=span), out, force, columns=steps)


def _write(opened, items, out: Path, force: bool, columns: int | None) -> None:
    from latentspace.writing import write_items

    path = write_items(opened, items, out, overwrite=force, columns=columns)
    if str(path) != "-":
        print(f"wrote {path}", file=sys.stderr)
