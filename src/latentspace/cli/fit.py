"""Verbs that make and change spaces: fit, info, encode, decode, add, remove."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..models import FAMILIES
from ..progress import aloud
from . import arguments as a
from .app import app
from .printing import print_facts, print_json


@app.command()
def fit(
    source: a.Source,
    out: Annotated[Path, typer.Option("-o", "--out", help="The .latent file to write.")],
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help=f"A family ({', '.join(FAMILIES)}), a preset, as beta-tc, or an encoder, as minilm; "
            "`latentspace models` lists them.",
        ),
    ] = "pca",
    dims: Annotated[
        str | None, typer.Option("--dims", "-d", help="A number, a share of variance (0.95), or auto.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", help="The metadata column to keep in z, and out of the features.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", help="images, audio, interactions, strings, texts, table or array, where it is ambiguous."
        ),
    ] = None,
    density: Annotated[
        str,
        typer.Option(
            "--density",
            help="What sample draws from: auto, gaussian, mixture, flow, flow-matching, two-stage, prior or vamp.",
        ),
    ] = "auto",
    option: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="An option of the items or the model: size=64, epochs=20."),
    ] = None,
    on_error: Annotated[str, typer.Option("--on-error", help="skip a bad item, or raise.")] = "skip",
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="Keep training here; the same command goes on from it.")
    ] = None,
    tensorboard: Annotated[
        Path | None, typer.Option("--tensorboard", help="A folder for TensorBoard to show training from.")
    ] = None,
    vectors: a.Vectors = None,
    seed: a.Seed = 0,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Fit a space on a source and write it to a file.

    latentspace fit photos/ -o photos.latent --model vae --dims 32
    """
    import latentspace as ls

    a.output(out, force)
    with aloud():
        space = ls.fit(
            source, model, dims=a.dims_of(dims), target=target, kind=kind, density=density, seed=seed,
            on_error=on_error, checkpoint=checkpoint, vectors=a.vectors_of(vectors),
            callback=None if tensorboard is None else ls.TensorBoard(tensorboard),
            **a.options_of(option),
        )  # fmt: skip
    space.save(out, overwrite=force)
    _show(space.info(), json)


@app.command()
def info(
    space: a.SpaceFile,
    history: Annotated[bool, typer.Option("--history", help="Print how it was trained, a row an epoch.")] = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw that history into a .png file.")] = None,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Say what is in a space's file, where it came from, and how well it reconstructs.

    latentspace info photos.latent
    """
    import latentspace as ls

    opened = ls.load(space)
    if plot is not None:
        a.output(plot, force)
        opened.history.plot(plot)
        _wrote(plot)
    if history:
        print_json({"history": opened.history.rows}) if json else print(opened.history)
    if history or plot is not None:
        return
    facts = opened.info()
    if json:
        facts["skipped_items"] = [{"id": item.id, "reason": item.reason} for item in opened.skipped]
    _show(facts, json)
    if not json:
        for item in opened.skipped[:20]:
            print(f"skipped {item.id}: {item.reason}", file=sys.stderr)


@app.command()
def encode(
    space: a.SpaceFile,
    source: a.Source,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="A .npy, .npz, .csv or .parquet file; stdout as CSV by default.")
    ] = None,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Encode items to latents: one row an item, its id first.

    latentspace encode photos.latent new-photos/ -o z.csv
    """
    import latentspace as ls
    from latentspace.writing import write_latents

    a.output(out, force)
    opened = ls.load(space)
    if opened.facts.get("vectors") is None:
        ids, z = opened.encode(source, with_ids=True)
    else:  # it was fitted on vectors, and so reads such
        given = a.vectors_of(source)
        ids, z = opened.encode(list(given.values()) if isinstance(given, dict) else given, with_ids=True)
        ids = list(given) if isinstance(given, dict) else ids
    if json:
        print_json({"ids": ids, "latents": z})
    else:
        write_latents(ids, z, out)


@app.command()
def decode(
    space: a.SpaceFile,
    latents: Annotated[
        Path, typer.Argument(help="Latents as encode writes them: .npy, .npz, .csv or .parquet; - for CSV on stdin.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help="Pictures: a .png sheet or a folder. Sounds: a .wav or a folder. Texts: .txt, .csv or a folder. Rows: "
            ".csv, .parquet, .jsonl. Arrays: .npy, .npz, .csv. - for lines or CSV on stdout.",
        ),
    ],
    force: a.Force = False,
) -> None:
    """Decode latents to items.

    latentspace decode photos.latent z.csv -o decoded/
    """
    import latentspace as ls
    from latentspace.writing import read_latents, write_items

    a.output(out, force)
    opened = ls.load(space)
    ids, z = read_latents(latents)
    _wrote(write_items(opened, opened.decode(z), out, names=ids, overwrite=force))


@app.command()
def add(
    space: a.SpaceFile,
    source: a.Source,
    on_existing: Annotated[
        str, typer.Option("--on-existing", help="raise, skip or replace an id that is there already.")
    ] = "raise",
    vectors: a.Vectors = None,
    json: a.Json = False,
) -> None:
    """Encode further items and add them to a space's file.

    latentspace add photos.latent new-photos/ --on-existing skip
    """
    import latentspace as ls

    opened = ls.load(space)
    added = opened.add(source, on_existing=on_existing, vectors=a.vectors_of(vectors))
    _show({"added": added if json else len(added), "items": len(opened)}, json)


@app.command()
def remove(
    space: a.SpaceFile,
    ids: Annotated[list[str], typer.Argument(help="Ids of items; - reads them from stdin, one a line.")],
    json: a.Json = False,
) -> None:
    """Remove items from a space's file by their ids.

    latentspace remove photos.latent cat.jpg dog.jpg
    """
    import latentspace as ls

    if ids == ["-"]:
        ids = [line.rstrip("\n") for line in sys.stdin if line.strip()]
    opened = ls.load(space)
    _show({"removed": opened.remove(ids), "items": len(opened)}, json)


def _show(facts: dict, json: bool) -> None:
    print_json(facts) if json else print_facts(facts)


def _wrote(path: Path) -> None:
    if str(path) != "-":
        print(f"wrote {path}", file=sys.stderr)
