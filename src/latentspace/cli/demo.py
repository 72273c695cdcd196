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
    seed: a.Seed = 0,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Fit a VAE on real images that come with an installed package, and write what a space can do.

    latentspace demo -o demo-out
    """
    from latentspace.demo import run

    figures = run(out, seed=seed, overwrite=force, say=(lambda line: print(line, file=sys.stderr)) if json else print)
    if json:
        print_json(figures)
