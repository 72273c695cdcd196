"""Verbs that tell what dimensions mean, what is odd, and why an item is where it is: explain, outliers, why."""

from typing import Annotated, Literal

import typer

from . import arguments as a
from .app import app
from .evaluate import Out, answer, check


@app.command()
def explain(
    space: a.SpaceFile,
    dims: Annotated[
        str | None, typer.Option("--dims", metavar="0,3,7", help="Dimensions to tell; by default the most important.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Items shown at each end of a dimension.")] = 6,
    gradients: Annotated[
        bool, typer.Option("--gradients", help="Features by integrated gradients of the encoder (extra explain).")
    ] = False,
    rotations: Annotated[bool, typer.Option(help="Also try axes that may read better, and say what they cost.")] = True,
    sparse: Annotated[
        int | None, typer.Option("--sparse", metavar="N", help="Learn N sparse features too, with their top items.")
    ] = None,
    out: Out = None,
    seed: a.Seed = 0,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Tell what each dimension means, with evidence; or that it has no clear meaning.

    latentspace explain photos.latent -o dimensions.html
    """
    import latentspace as ls

    check(out, force)
    try:
        chosen = [int(word) for word in dims.split(",")] if dims else None
    except ValueError:
        raise typer.BadParameter(f"--dims {dims} is not a list of whole numbers, such as 0,3,7.") from None
    how: Literal["jacobian", "gradients"] = "gradients" if gradients else "jacobian"
    made = ls.load(space).explain(dims=chosen, k=k, how=how, rotations=rotations, sparse=sparse, seed=seed)
    answer(made, out, json, force)


@app.command()
def outliers(
    space: a.SpaceFile,
    k: Annotated[int, typer.Option("-k", help="How many items to tell.")] = 20,
    out: Out = None,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Find the items that the space covers least, and say what is odd about each.

    latentspace outliers photos.latent -k 50
    """
    import latentspace as ls

    check(out, force)
    answer(ls.load(space).outliers(k), out, json, force)


@app.command()
def why(
    space: a.SpaceFile,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="An item's id, or a file.")],
    other: Annotated[str | None, typer.Argument(metavar="OTHER", help="Another: why are the two near?")] = None,
    cosine: Annotated[bool, typer.Option("--cosine", help="By cosine similarity.")] = False,
    out: Out = None,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Tell which dimensions put an item where it is, or make it near another.

    latentspace why photos.latent cat.jpg dog.jpg
    """
    import latentspace as ls

    check(out, force)
    answer(ls.load(space).why(item, other, metric="cosine" if cosine else "euclidean"), out, json, force)
