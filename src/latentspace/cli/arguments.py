"""The arguments that several verbs share, and how their words become values."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

SpaceFile = Annotated[Path, typer.Argument(metavar="SPACE", help="A .latent file.", show_default=False)]
Source = Annotated[str, typer.Argument(metavar="SOURCE", help="A folder, or a file of images, a table or an array.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Force = Annotated[bool, typer.Option("--force", "-f", help="Replace what is at the output path.")]
Seed = Annotated[int, typer.Option("--seed", help="The one source of chance.")]
Vectors = Annotated[
    str | None,
    typer.Option(
        "--vectors",
        metavar="FILE",
        help="Vectors you have already, a row an item in the items' order, or with their ids: a .npy, .npz, .csv or "
        ".parquet file, or FILE:COLUMN. The model is fitted on them; the items are shown.",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        "-w",
        metavar="COLUMN=VALUE",
        help="Keep items where this holds: label=cat, year=1990..1999, label=cat,dog.",
    ),
]


def value_of(word: str) -> Any:
    """A word as the number, boolean or None it spells, else as itself."""
    named = {"true": True, "false": False, "none": None}
    if word.lower() in named:
        return named[word.lower()]
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def where_of(conditions: list[str] | None, metadata: dict[str, list]) -> dict[str, Any] | None:
    """`["label=cat", "year=1990..1999"]` to the library's `where`.

    Raises
    ------
    typer.BadParameter
        If a condition has no "=".
    """
    if not conditions:
        return None
    where: dict[str, Any] = {}
    for condition in conditions:
        column, equals, words = condition.partition("=")
        if not equals:
            raise typer.BadParameter(f"{condition!r} is not COLUMN=VALUE, such as label=cat or year=1990..1999.")
        texts = any(isinstance(value, str) for value in metadata.get(column, ()))
        read = (lambda word: word) if texts else value_of
        if ".." in words and not texts:
            low, high = words.split("..", 1)
            where[column] = (value_of(low) if low else None, value_of(high) if high else None)
        elif "," in words:
            where[column] = [read(word) for word in words.split(",")]
        else:
            where[column] = read(words)
    return where


def options_of(pairs: list[str] | None) -> dict[str, Any]:
    """`["epochs=20", "whiten=true", 'prior={"kind": "vamp"}']` to keyword options; lists and dicts are JSON."""
    chosen: dict[str, Any] = {}
    for pair in pairs or []:
        name, equals, word = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE, such as epochs=20.")
        chosen[name.replace("-", "_")] = _json_of(pair, word) if word[:1] in ("{", "[") else value_of(word)
    return chosen


def _json_of(pair: str, word: str) -> Any:
    try:
        return json.loads(word)
    except json.JSONDecodeError as error:
        raise typer.BadParameter(f"{pair!r} begins as JSON but is not: {error}. Quote it for the shell.") from None


def vectors_of(path: str | None) -> Any:
    """`--vectors FILE` as the library's `vectors=`."""
    if path is None:
        return None
    from latentspace.vector_files import read_vectors

    return read_vectors(path)


def dims_of(word: str | None) -> int | float | str | None:
    """`--dims 32`, `--dims 0.95` or `--dims auto`."""
    if word is None or word == "auto":
        return word
    value = value_of(word)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise typer.BadParameter(f"--dims {word} is neither a number, a share of variance such as 0.95, nor 'auto'.")
    return value


def output(path: Path | None, force: bool) -> Path | None:
    """The output path, checked before any work is done: never overwritten unasked."""
    if path is not None and str(path) != "-" and path.exists() and not path.is_dir() and not force:
        raise FileExistsError(f"{path} is there already. Choose another -o, or replace it with --force.")
    if path is not None and str(path) != "-" and not path.parent.exists():
        raise FileNotFoundError(f"the folder {path.parent} of -o {path} is not there. Make it first.")
    return path
