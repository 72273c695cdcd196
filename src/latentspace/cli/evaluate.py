"""The verbs that judge: evaluate, compare, card."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..visible import visible
from . import arguments as a
from .app import app
from .printing import print_json

Out = Annotated[
    Path | None, typer.Option("-o", "--out", help="Write the report as a page (.html), .json, .md or .txt.")
]
Quick = Annotated[bool, typer.Option("--quick", help="Measure on samples; intervals are as wide as that makes them.")]


@app.command()
def evaluate(
    space: a.SpaceFile,
    target: Annotated[str | None, typer.Option("--target", metavar="COLUMN", help="What z should tell.")] = None,
    task: Annotated[str, typer.Option("--task", help="How the target is read: auto, classes or numbers.")] = "auto",
    factors: Annotated[
        str | None, typer.Option("--factors", metavar="A,B,C", help="Columns that are the items' known causes.")
    ] = None,
    quick: Quick = False,
    out: Out = None,
    seed: a.Seed = 0,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Judge a space: what it keeps and what it loses, first in one sentence, then with the evidence.

    latentspace evaluate photos.latent --target label -o report.html
    """
    import latentspace as ls

    if task not in ("auto", "classes", "numbers"):
        raise typer.BadParameter(f"--task {task} is not known; there are auto, classes and numbers.")
    check(out, force)
    named = [name.strip() for name in factors.split(",") if name.strip()] if factors else []
    report = ls.load(space).evaluate(target, task=task, factors=named, quick=quick, seed=seed)
    answer(report, out, json, force)


@app.command()
def compare(
    space: a.SpaceFile,
    other: Annotated[
        str | None,
        typer.Argument(metavar="[OTHER]", help="Another .latent file, or a source of new items.", show_default=False),
    ] = None,
    target: Annotated[str | None, typer.Option("--target", metavar="COLUMN", help="Told from both.")] = None,
    quick: Quick = False,
    out: Out = None,
    seed: a.Seed = 0,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Compare a space with another one, with its own features, or its items with new ones.

    With another .latent file, the latents of items that both have; with a folder or a file of items, whether these
    have drifted from the space's own; with nothing, the features that the space was fitted on.

    latentspace compare photos.latent other.latent --target label -o report.html
    """
    import latentspace as ls

    is_space = other is not None and other.endswith(".latent")
    if other is not None and not is_space and (target is not None or quick):
        raise typer.BadParameter(f"--target and --quick are for two spaces; {other} is a source of new items.")
    check(out, force)
    opened = ls.load(space)
    if other is None:
        report = opened.compare_features(target, quick=quick, seed=seed)
    elif is_space:
        report = opened.compare(ls.load(other), target, quick=quick, seed=seed)
    else:
        report = opened.drift(other, seed=seed)
    answer(report, out, json, force)


@app.command()
def card(
    space: a.SpaceFile,
    target: Annotated[str | None, typer.Option("--target", metavar="COLUMN", help="What z should tell.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Measure anew, though a card is kept in the file.")] = False,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write it to a .md file.")] = None,
    seed: a.Seed = 0,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Write a space's model card: what it is, was made of, keeps, and does not know.

    latentspace card photos.latent --target label -o README.md
    """
    import latentspace as ls

    if a.output(out, force) is not None and out is not None and out.suffix.lower() != ".md":
        raise typer.BadParameter(f"-o {out}: a card is Markdown, and its file ends in .md.")
    made = ls.load(space).card(target, again=again, seed=seed)
    if json:
        print_json(made.to_dict())
    elif out is None:
        print(made, end="")
    if out is not None:
        made.save(out, overwrite=force)
        print(f"wrote {out}", file=sys.stderr)


def check(out: Path | None, force: bool) -> None:
    """Refuses a report's path before any work is done."""
    from latentspace.reports.report import check_ending

    a.output(out, force)
    if out is not None:
        check_ending(out)


def answer(report: Any, out: Path | None, json: bool, force: bool) -> None:
    """Prints a report, and writes it where that was asked for."""
    if json:
        print_json(report.to_dict())
    elif out is None:
        print(visible(str(report)))
    else:
        print(visible("\n".join(report.verdict)))
    if out is not None:
        report.save(out, overwrite=force)
        print(f"wrote {out}", file=sys.stderr)
