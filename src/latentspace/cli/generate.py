"""Verbs that make new items: sample, interpolate, traverse, move, analogy, blend; and axis, which they move along."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from . import arguments as a
from .app import app
from .printing import print_json

Out = Annotated[
    Path,
    typer.Option(
        "-o",
        "--out",
        help="A .png sheet, a .gif, .apng or .webp that moves, a .wav, a folder of files, or a .txt, .csv, .parquet "
        "or .npy file.",
    ),
]
Steps = Annotated[int, typer.Option("--steps", help="How many items, the ends included.")]
Item = Annotated[str, typer.Argument(metavar="ITEM", help="An item's id, or a file.")]
Orthogonal = Annotated[
    list[str] | None,
    typer.Option("--orthogonal-to", metavar="AXIS", help="An axis whose reading shall not change; again for more."),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print for each item how far from the data it is, and its nearest real items.")
]


@app.command()
def sample(
    space: a.SpaceFile,
    out: Out,
    n: Annotated[int, typer.Option("-n", help="How many.")] = 16,
    density: Annotated[
        str | None, typer.Option("--density", help="mixture, gaussian, flow, ...: fitted anew; else the space's own.")
    ] = None,
    temperature: Annotated[
        float, typer.Option("--temperature", help="Below 1 likelier and more alike, above 1 farther out.")
    ] = 1.0,
    where: a.Where = None,
    near: Annotated[str | None, typer.Option("--near", metavar="ITEM", help="Around this id or file.")] = None,
    spread: Annotated[float, typer.Option("--spread", help="With --near: 1 is as far as its neighbours.")] = 1.0,
    on_manifold: Annotated[bool, typer.Option("--on-manifold", help="Only where data are.")] = False,
    seed: a.Seed = 0,
    json: Json = False,
    force: a.Force = False,
) -> None:
    """Synthesise new items from a density of the space's latents.

    latentspace sample photos.latent -n 25 -o samples.png

    latentspace sample photos.latent --where label=cat --temperature 0.7 -o cats.png
    """
    import latentspace as ls

    a.output(out, force)
    opened = ls.load(space)
    made = opened.sample(
        n, density=density, temperature=temperature, where=a.where_of(where, opened.metadata), near=near,
        spread=spread, on_manifold=on_manifold, seed=seed, report=True,
    )  # fmt: skip
    _write(opened, made, out, force, json, columns=None)


@app.command()
def interpolate(
    space: a.SpaceFile,
    a_: Annotated[str, typer.Argument(metavar="A", help="An item's id, or a file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="An item's id, or a file.")],
    out: Out,
    steps: Steps = 9,
    path: Annotated[str, typer.Option("--path", help="linear, spherical or geodesic.")] = "linear",
    even: Annotated[str, typer.Option("--even", help="latent, or seen: what is equal from step to step.")] = "latent",
    json: Json = False,
    force: a.Force = False,
) -> None:
    """Decode the way from one item to another.

    latentspace interpolate photos.latent cat.jpg dog.jpg -o strip.png

    latentspace interpolate photos.latent cat.jpg dog.jpg --path geodesic --even seen --steps 30 -o morph.gif
    """
    import latentspace as ls

    a.output(out, force)
    opened = ls.load(space)
    made = opened.interpolate(a_, b, steps=steps, path=path, even=even, report=True)
    _write(opened, made, out, force, json, columns=steps)


@app.command()
def traverse(
    space: a.SpaceFile,
    item: Item,
    out: Out,
    axis: Annotated[
        list[str] | None,
        typer.Option("--axis", help="A dimension's number, from 0, or an axis's name; twice for a grid."),
    ] = None,
    steps: Steps = 9,
    span: Annotated[
        float | None,
        typer.Option("--span", help="How far to each side: 3 standard deviations, or 1 unit of a named axis."),
    ] = None,
    json: Json = False,
    force: a.Force = False,
) -> None:
    """Decode along one axis through an item, or over two as a grid; all else held.

    latentspace traverse photos.latent cat.jpg --axis 3 -o traversal.png

    latentspace traverse photos.latent cat.jpg --axis smiling --axis 3 -o grid.png
    """
    import latentspace as ls

    axes = [_axis_of(word) for word in axis or ["0"]]
    if len(axes) > 2:
        raise typer.BadParameter(f"--axis is given {len(axes)} times; once makes a strip, twice a grid.")
    a.output(out, force)
    opened = ls.load(space)
    made = opened.traverse(item, axes if len(axes) == 2 else axes[0], steps=steps, span=span, report=True)
    _write(opened, made, out, force, json, columns=steps)


@app.command("axis")
def axis_(
    space: a.SpaceFile,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="What it is called; column=value, or a column, says it all.")
    ] = None,
    where: a.Where = None,
    number: Annotated[
        str | None, typer.Option("--number", metavar="COLUMN", help="Learn it from this column of numbers.")
    ] = None,
    positive: Annotated[
        list[str] | None, typer.Option("--positive", metavar="ITEM", help="An example, an id or a file; again.")
    ] = None,
    negative: Annotated[
        list[str] | None, typer.Option("--negative", metavar="ITEM", help="A counterexample; again for more.")
    ] = None,
    orthogonal_to: Orthogonal = None,
    drop: Annotated[bool, typer.Option("--drop", help="Forget the axis of this name.")] = False,
    seed: a.Seed = 0,
    json: a.Json = False,
) -> None:
    """Learn an axis from a label, a number or examples, and keep it in the space's file; without a name, list them.

    latentspace axis photos.latent label=cat

    latentspace axis photos.latent smiling --positive 1.png --positive 2.png --negative 3.png --orthogonal-to label=cat
    """
    import latentspace as ls

    opened = ls.load(space)
    if name is None:
        print_json(opened.axes.to_dict()) if json else print(opened.axes)
    elif drop:
        opened.drop_axis(name)
        print(f"forgot {name}", file=sys.stderr)
    else:
        found = opened.axis(
            name, where=a.where_of(where, opened.metadata), number=number, positive=positive or None,
            negative=negative or None, orthogonal_to=orthogonal_to or (), seed=seed,
        )  # fmt: skip
        print_json(found.to_dict()) if json else print(found)


@app.command()
def move(
    space: a.SpaceFile,
    item: Item,
    axis: Annotated[str, typer.Argument(metavar="AXIS", help="An axis's name, or a dimension's number.")],
    out: Out,
    by: Annotated[
        list[float] | None,
        typer.Option("--by", help="How far, in the axis's units, 1 by default; again for several."),
    ] = None,
    json: Json = False,
    force: a.Force = False,
) -> None:
    """Decode an item moved along an axis, all else held.

    latentspace move photos.latent cat.jpg smiling --by 0.5 --by 1 -o moved.png
    """
    import latentspace as ls

    a.output(out, force)
    opened = ls.load(space)
    made = opened.move(item, _axis_of(axis), by or [1.0], report=True)
    _write(opened, made, out, force, json, columns=len(made))


@app.command()
def analogy(
    space: a.SpaceFile,
    a_: Annotated[str, typer.Argument(metavar="A", help="An item's id, or a file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="What A became.")],
    c: Annotated[str, typer.Argument(metavar="C", help="What shall become likewise.")],
    out: Out,
    json: Json = False,
    force: a.Force = False,
) -> None:
    """Decode what is to C as B is to A.

    latentspace analogy photos.latent cat.jpg kitten.jpg dog.jpg -o puppy.png
    """
    import latentspace as ls

    a.output(out, force)
    opened = ls.load(space)
    _write(opened, opened.analogy(a_, b, c, report=True), out, force, json, columns=1)


@app.command()
def blend(
    space: a.SpaceFile,
    items: Annotated[list[str], typer.Argument(metavar="ITEM...", help="Ids or files.")],
    out: Out,
    weights: Annotated[
        str | None, typer.Option("--weights", metavar="W,W,...", help="One number for each item, equal by default.")
    ] = None,
    json: Json = False,
    force: a.Force = False,
) -> None:
    """Decode several items in one.

    latentspace blend photos.latent cat.jpg dog.jpg --weights 2,1 -o blend.png
    """
    import latentspace as ls

    a.output(out, force)
    shares = None if weights is None else [_number_of(word) for word in weights.split(",")]
    opened = ls.load(space)
    _write(opened, opened.blend(items, shares, report=True), out, force, json, columns=1)


def _axis_of(word: str) -> int | str:
    """A dimension's number, or a name."""
    return int(word) if word.isdigit() else word


def _number_of(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise typer.BadParameter(f"--weights holds {word!r}, which is no number; write 2,1,0.5.") from None


def _write(opened: Any, made: Any, out: Path, force: bool, json: bool, columns: int | None) -> None:
    from latentspace.writing import write_items

    path = write_items(opened, made.items, out, overwrite=force, columns=columns)
    if json:
        print_json(made.to_dict())
    if str(path) != "-":
        print(f"wrote {path}: {made}", file=sys.stderr)
