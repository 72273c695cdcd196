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
        Path, typer.Option("-o", "--out", help="A .png or .svg picture, one self-contained .html page, or a folder.")
    ],
    method: Annotated[str, typer.Option("--method", help="tsne, umap, pacmap or pca.")] = "tsne",
    colour: Annotated[str | None, typer.Option("--colour", "--color", help="The metadata column to colour by.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of the method: perplexity=50.")
    ] = None,
    dims: Annotated[int, typer.Option("--dims", min=2, max=3, help="Of the map: 2, or 3, which turns in a page.")] = 2,
    density: Annotated[
        bool, typer.Option("--density", help="Draw contours that hold 25, 50, 75 and 95% of the items.")
    ] = False,
    names: Annotated[bool, typer.Option("--names", help="Write what stands out in each region on it.")] = False,
    by: Annotated[str | None, typer.Option("--by", metavar="COLUMN", help="Name regions by this column alone.")] = None,
    pictures: Annotated[bool, typer.Option("--pictures", help="Draw items as themselves in a .png or .svg.")] = False,
    size: Annotated[
        str, typer.Option("--size", metavar="WxH", help="Of a picture, in millimetres; letters keep their size.")
    ] = "200x150",
    dpi: Annotated[
        float | None, typer.Option("--dpi", help="Pixels an inch of a .png, or of what an .svg holds as pixels.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the map in the space's file, to place new items on it.")
    ] = False,
    static: Annotated[
        bool, typer.Option("--static", help="Write the whole page into a folder, for any web server.")
    ] = False,
    stability: Annotated[
        int,
        typer.Option("--stability", min=0, help="More maps to draw by other seeds: how much of this one is chance."),
    ] = 0,
    landmarks: Annotated[
        int | None,
        typer.Option("--landmarks", help="Items to lay out, the others placed among them; as many as fit."),
    ] = None,
    seed: a.Seed = 0,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Draw the whole space in two dimensions, and say how far the picture can be trusted.

    latentspace map photos.latent -o map.svg --colour label --density --names --size 85x70
    """
    import latentspace as ls
    from latentspace.maps.map import check_ending

    millimetres = _size_of(size)
    if keep and dims == 3:
        raise typer.BadParameter("--keep and --dims 3: a space keeps flat maps only, which new items are placed on.")
    if not static:
        check_ending(a.output(out, force) or out)
    opened = ls.load(space)
    _check_columns(opened, {"--colour": colour, "--by": by}, ("stability",) if stability else ())
    drawn = opened.map(method, dims=dims, seed=seed, stability=stability, landmarks=landmarks, **a.options_of(option))
    if static:
        _write_page(opened, out, force)
    else:
        drawn.save(
            out, colour=colour, density=density, names=by or names, pictures=pictures, size=millimetres, dpi=dpi,
            overwrite=force,
        )  # fmt: skip
    if keep:
        opened.save()
    print(f"wrote {out}", file=sys.stderr)
    facts = drawn.honesty.to_dict()
    regions = [region.to_dict() for region in drawn.regions(by)] if by or names else []
    if json:
        print_json({"method": method, **facts, **({"regions": regions} if by or names else {})})
        return
    print_table([facts])
    if regions:
        print()
        print_table(
            [
                {"region": each["name"] or "(no clear name)", "items": each["items"], "evidence": each["evidence"]}
                for each in regions
            ]
        )


def _check_columns(opened: Any, asked: dict[str, str | None], figures: tuple[str, ...] = ()) -> None:
    """Refuses a column that is not there before the map is laid out, which can take minutes."""
    from latentspace.maps.honesty import FIGURES

    for option, column in asked.items():
        columns = [*opened.metadata, *((*FIGURES, *figures) if option == "--colour" else ())]
        if column is not None and column not in columns:
            there = ", ".join(columns) or "none"
            raise ValueError(f"{option} {column}: there is no such column. Columns: {there}.")


def _size_of(words: str) -> tuple[float, float]:
    """`--size 85x70` in millimetres."""
    try:
        width, height = (float(side) for side in words.lower().replace("mm", "").split("x"))
    except ValueError:
        raise typer.BadParameter(f"--size {words} is not WIDTHxHEIGHT in millimetres, such as 85x70.") from None
    return width, height


def _write_page(opened: Any, folder: Path, force: bool) -> None:
    from latentspace.optional import require

    require("fastapi", "web", "--static")
    from latentspace.web.opened import Opened
    from latentspace.web.still import write_still

    write_still(Opened(opened), folder, overwrite=force)
