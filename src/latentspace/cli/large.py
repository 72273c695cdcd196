"""Verbs for what is larger than memory, or than one machine: fit-blocks, encode-blocks."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..progress import aloud
from . import arguments as a
from .app import app
from .printing import print_facts, print_json

Blocks = Annotated[
    str,
    typer.Argument(metavar="SOURCE", help="A folder of .npy or .parquet files, or one of them.", show_default=False),
]
Engine = Annotated[
    str | None, typer.Option("--engine", help="local, this machine; or ray, a cluster (RAY_ADDRESS says which).")
]
Columns = Annotated[
    str | None, typer.Option("--columns", metavar="A,B,C", help="Of Parquet: columns of numbers, or one of lists.")
]


@app.command()
def fit_blocks(
    source: Blocks,
    out: Annotated[Path, typer.Option("-o", "--out", help="The job's folder; the same command goes on in it.")],
    model: Annotated[str, typer.Option("--model", "-m", help="pca, or a neural family or preset.")] = "pca",
    dims: Annotated[str | None, typer.Option("--dims", "-d", help="A number, a share of variance, or auto.")] = None,
    engine: Engine = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="With ray: how many train together; by default one a core.")
    ] = None,
    columns: Columns = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", help="Write a .latent file of it too, to search and map; latents must fit in memory."),
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of the model: epochs=20.")
    ] = None,
    on_error: Annotated[str, typer.Option("--on-error", help="skip a row with NaN, or raise.")] = "skip",
    seed: a.Seed = 0,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Fit a model on vectors larger than memory and encode them, in a folder; killed, the same command goes on.

    latentspace fit-blocks vectors/ -o job/ --dims 64
    """
    import latentspace as ls

    a.output(save, force)
    with aloud():
        done = ls.fit_blocks(
            _rows(source, columns), out, model, dims=a.dims_of(dims), engine=engine, workers=workers, seed=seed,
            on_error=on_error, **a.options_of(option),
        )  # fmt: skip
        if save is not None:
            done.space().save(save, overwrite=force)
    facts = {
        "folder": str(done.folder), "model": done.model.family, "rows": len(done), "dims": done.dims,
        "skipped": len(done.skipped), "saved": None if save is None else str(save),
    }  # fmt: skip
    print_json(facts) if json else print_facts(facts)


@app.command()
def encode_blocks(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .latent file, or a folder of fit-blocks.")],
    source: Blocks,
    out: Annotated[Path, typer.Option("-o", "--out", help="A folder; the same command goes on in it.")],
    form: Annotated[str, typer.Option("--form", help="parquet (id, z) or npy.")] = "parquet",
    engine: Engine = None,
    columns: Columns = None,
    on_error: Annotated[str, typer.Option("--on-error", help="skip what has no latent, or raise.")] = "skip",
    json: a.Json = False,
) -> None:
    """Encode what is larger than memory to a folder of Parquet files; killed, the same command goes on.

    latentspace encode-blocks photos.latent more-photos/ -o z/
    """
    import latentspace as ls
    from latentspace.scale.scaled import Scaled

    given: Any = {"form": form, "engine": engine, "on_error": on_error}
    with aloud():
        if model.is_dir():
            Scaled.open(model).encode(_rows(source, columns), out, **given)
        else:
            space = ls.load(model)
            if space.modality.kind == "array" and Path(source).suffix.lower() != ".npz":
                ls.encode_blocks(space.model, _rows(source, columns), out, **given)
            else:
                space.encode_to(source, out, **given)
    facts = {"folder": str(out), "files": len(list(out.glob("z-*")))}
    print_json(facts) if json else print_facts(facts)


def _rows(source: str, columns: str | None) -> Any:
    import latentspace as ls

    names = [name.strip() for name in columns.split(",")] if columns else None
    return ls.blocks(source, columns=names)
