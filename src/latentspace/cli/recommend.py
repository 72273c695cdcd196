"""The verb that says what to look at next: recommend."""

import csv
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ..visible import visible
from . import arguments as a
from .app import app
from .printing import print_json

_SEVERAL = ("--liked", "--disliked", "--model")


class _ListsOfWords(TyperCommand):
    """Takes `--liked a b c` for `--liked a --liked b --liked c`: words up to the next option belong to it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, spread(args))


def spread(words: list[str]) -> list[str]:
    """`--liked a b -k 5` to `--liked a --liked b -k 5`.

    Examples
    --------
    >>> spread(["x.latent", "--liked", "a", "b", "-k", "5"])
    ['x.latent', '--liked', 'a', '--liked', 'b', '-k', '5']
    """
    given: list[str] = []
    option = None
    for word in words:
        if word.startswith("-") and word != "-":
            option = word if word in _SEVERAL else None
            given.append(word)
        elif option is not None and given[-1] != option:
            given += [option, word]
        else:
            given.append(word)
    return given


@app.command(cls=_ListsOfWords)
def recommend(
    space: Annotated[
        Path, typer.Argument(metavar="SPACE", help="A .latent file; with --evaluate, also a table of interactions.")
    ],
    liked: Annotated[
        list[str] | None, typer.Option("--liked", metavar="ID...", help="Ids, files, or names of things.")
    ] = None,
    disliked: Annotated[list[str] | None, typer.Option("--disliked", metavar="ID...", help="The same.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="A user of a space of interactions.")] = None,
    k: Annotated[int, typer.Option("-k", help="How many.")] = 10,
    diversity: Annotated[float, typer.Option("--diversity", help="0: the best, however alike; to 1: unlike.")] = 0.1,
    popularity: Annotated[float, typer.Option("--popularity", help="Above 0: more of what is popular.")] = 0.0,
    popular: Annotated[
        str | None, typer.Option("--popular", metavar="COLUMN", help="The column that says how popular an item is.")
    ] = None,
    where: a.Where = None,
    content: Annotated[
        Path | None, typer.Option("--content", metavar="SPACE", help="A space of the things, its ids their names.")
    ] = None,
    blend: Annotated[float, typer.Option("--blend", help="Share of the content's word, 0 to 1.")] = 0.2,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Measure recommenders on interactions, part of them hidden.")
    ] = False,
    split: Annotated[
        str | None, typer.Option("--split", help="Of --evaluate: auto, time, people or leave-out.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", metavar="NAME...", help="Of --evaluate: models to measure.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="A .png sheet, a folder, or a .csv list with reasons.")
    ] = None,
    seed: a.Seed = 0,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Recommend what to look at next, from what was liked and what was not, or to a user of a space of interactions.

    latentspace recommend photos.latent --liked a.png b.png --disliked c.png -k 5 -o next.png

    latentspace recommend ratings.csv --evaluate --model latent-factors
    """
    import latentspace as ls

    a.output(out, force)
    if evaluate:
        return _evaluate(space, model or ["latent-factors"], split or "auto", seed, out, json, force)
    if split is not None or model:
        raise typer.BadParameter("--split and --model go with --evaluate.")
    opened = ls.load(space)
    beside = None if content is None else ls.load(content)
    columns = (opened if beside is None else beside).metadata
    found = opened.recommend(
        liked, disliked, user=user, k=k, diversity=diversity, popularity=popularity, popular=popular,
        where=a.where_of(where, columns), content=beside, blend=blend,
    )  # fmt: skip
    print_json(found.to_dict()) if json else _print(found)
    if out is not None:
        _write(opened if beside is None else beside, found, out, force)
        print(f"wrote {out}", file=sys.stderr)
    return None


def _evaluate(
    source: Path, models: list[str], split: str, seed: int, out: Path | None, json: bool, force: bool
) -> None:
    import latentspace as ls
    from latentspace.recommenders import evaluate_recommenders

    interactions = ls.load(source) if source.suffix == ".latent" else str(source)
    report = evaluate_recommenders(interactions, models, split=split, seed=seed)
    print_json(report.to_dict()) if json else print(report)
    if out is not None:
        print(f"wrote {report.save(out, overwrite=force)}", file=sys.stderr)


def _print(found: Any) -> None:
    """A line each: id, score, reason; the reason last, for it is long."""
    if not len(found):
        print("nothing is left to recommend", file=sys.stderr)
        return
    rows = [("id", found.metric, "why")]
    rows += [(id_, f"{score:.3f}", str(why)) for (id_, score), why in zip(found, found.reasons, strict=True)]
    wide, narrow = (max(len(row[column]) for row in rows) for column in (0, 1))
    for id_, score, why in rows:
        print(visible(f"{id_:{wide}}  {score:{narrow}}  {why}"))


def _write(space: Any, found: Any, out: Path, force: bool) -> None:
    from latentspace.errors import UnsupportedError
    from latentspace.writing import write_items

    if out.suffix == ".csv":
        with out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", found.metric, "reason"])
            writer.writerows((id_, score, str(why)) for (id_, score), why in zip(found, found.reasons, strict=True))
        return
    if space.modality.kind == "interactions":
        raise UnsupportedError(
            f"{out}: things of interactions are names. Write a list, -o list.csv, or give a space of them, --content."
        )
    from latentspace.verbs.state import Chosen

    names = [id_ for id_ in found.ids if id_ in space._positions]
    write_items(space, Chosen(space, [space.position(id_) for id_ in names])[:], out, names=names, overwrite=force)
