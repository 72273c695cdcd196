"""The verb that recommends a model: choose."""

from pathlib import Path
from typing import Annotated

import typer

from . import arguments as a
from .app import app
from .evaluate import Out, answer, check


@app.command()
def choose(
    source: a.Source,
    target: Annotated[str | None, typer.Option("--target", metavar="COLUMN", help="What z should tell.")] = None,
    models: Annotated[
        str | None,
        typer.Option("--models", metavar="A,B,C", help="Families and presets; by default what suits."),
    ] = None,
    dims: Annotated[str | None, typer.Option("--dims", metavar="N,N,N", help="By default 1, 2, 4 ... 64.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Of items, where it is ambiguous.")] = None,
    items: Annotated[int, typer.Option("--items", help="To train on, at most.")] = 10_000,
    seconds: Annotated[float | None, typer.Option("--seconds", help="After which no further trial is begun.")] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", help="Keep trials in this JSON file; the same command goes on from it.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of the items: size=32.")
    ] = None,
    on_error: Annotated[str, typer.Option("--on-error", help="skip a bad item, or raise.")] = "skip",
    out: Out = None,
    seed: a.Seed = 0,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Try models and numbers of dimensions on a sample, and recommend one of each.

    latentspace choose photos/ --target label -o choice.html
    """
    import latentspace as ls
    from latentspace.progress import aloud

    check(out, force)
    try:
        wanted = [int(each) for each in dims.split(",")] if dims else None
    except ValueError:
        raise typer.BadParameter(f"--dims {dims} is not whole numbers with commas between, such as 2,8,32.") from None
    names = [name.strip() for name in models.split(",") if name.strip()] if models else None
    with aloud():
        choice = ls.choose(
            source, target, models=names, dims=wanted, kind=kind, items=items, seconds=seconds, resume=resume,
            seed=seed, on_error=on_error, **a.options_of(option),
        )  # fmt: skip
    answer(choice, out, json, force)
