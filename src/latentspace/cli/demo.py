"""The demo verb."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import arguments as a
from .app import app
from .printing import print_json


@app.command()
def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to write to.")] = Path("latentspace-demo"),
    kind: Annotated[
        str, typer.Option("--kind", help="What it shows: images, audio, texts, table or interactions.")
    ] = "images",
    seed: a.Seed = 0,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Fit a space on real items of a kind, and write what it can do; images are a VAE of handwritten digits.

    latentspace demo -o demo-out
    latentspace demo --kind interactions -o films
    """
    from latentspace.demo import run

    say = (lambda line: print(line, file=sys.stderr)) if json else print
    figures = run(out, kind=kind, seed=seed, overwrite=force, say=say)
    if json:
        print_json(figures)
