"""Verbs that find: search, duplicates, groups."""

import csv
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from . import arguments as a
from .app import app
from .printing import print_json, print_table

_COLUMNS = 6  # of metadata beside a hit; --json has all of them
_ROWS = 40  # groups on a sheet
_ACROSS = 12  # items of each
_NAME = 40  # characters of a group's name; its end has the share and the number

Metric = Annotated[str, typer.Option("--metric", help="euclidean or cosine.")]


@app.command()
def search(
    space: a.SpaceFile,
    query: Annotated[
        str | None, typer.Argument(help="A file to look for, an item's id, or words where items are texts.")
    ] = None,
    id: Annotated[str | None, typer.Option("--id", help="An item of the space.")] = None,
    like: Annotated[
        list[str] | None, typer.Option("--like", help="An example, an id or a file; again for more.")
    ] = None,
    unlike: Annotated[
        list[str] | None, typer.Option("--unlike", help="What to stay away from; again for more.")
    ] = None,
    k: Annotated[int | None, typer.Option("-k", help="How many; 10 unless --within or --region bounds them.")] = None,
    within: Annotated[
        float | None, typer.Option("--within", help="All that is at least this similar, or at most this far.")
    ] = None,
    metric: Annotated[str, typer.Option("--metric", help="cosine, euclidean or dot.")] = "cosine",
    where: a.Where = None,
    region: Annotated[
        str | None,
        typer.Option("--region", metavar="X0,Y0,X1,Y1", help='A box of a kept map, or corners "X,Y X,Y X,Y".'),
    ] = None,
    on: Annotated[
        str | None, typer.Option("--on", help="The map that --region is of, where there are several.")
    ] = None,
    more: Annotated[
        str | None, typer.Option("--more", metavar="AXIS", help="Only what has more of this dimension.")
    ] = None,
    less: Annotated[str | None, typer.Option("--less", metavar="AXIS", help="Only what has less of it.")] = None,
    recall: Annotated[
        float | None, typer.Option("--recall", help="The share of the true nearest to aim at; 1 is exact.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="What is compared: latents, or the items' features.")] = "latents",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="A .png sheet of the hits, or a folder or file of them.")
    ] = None,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Find the items nearest to a file, to words, to several examples, or in a region of a map.

    latentspace search photos.latent cat.jpg -k 5 --where label=cat

    latentspace search notes.latent "a phrase" --within 0.4

    latentspace search photos.latent --like 1.png --like 2.png --unlike 3.png -o hits.png
    """
    import latentspace as ls

    if sum(given is not None for given in (query, id, like)) > 1:
        raise typer.BadParameter("give one of QUERY, --id and --like.")
    if query is None and id is None and like is None and region is None:
        raise typer.BadParameter("give what to look for: QUERY, --id or --like; or a --region of a map.")
    a.output(out, force)
    opened = ls.load(space)
    hits = opened.search(
        query, id=id, like=like, unlike=unlike, k=k, within=within, metric=metric,
        where=a.where_of(where, opened.metadata), region=_region_of(region), on=on, more=_axis_of(more),
        less=_axis_of(less), recall=recall, by=by,
    )  # fmt: skip
    if isinstance(hits, list):
        raise ValueError(f"{query!r} holds {len(hits)} items; search for one at a time.")
    columns = list(opened.metadata)[: None if json else _COLUMNS]
    rows = [
        {"id": id_, hits.metric: round(score, 4), **{c: opened.metadata[c][opened.position(id_)] for c in columns}}
        for id_, score in hits
    ]
    if json:
        print_json({**hits.to_dict(), "hits": rows})
    else:
        print_table(rows)
        if not rows:
            print("nothing found", file=sys.stderr)
    if hits.recall < 1:
        print(f"{hits.plan}: such searches find {hits.recall:.1%} of the true nearest", file=sys.stderr)
    if out is not None and rows:
        asked = id if id is not None else query
        known = opened.position(asked) if asked is not None and asked in opened.ids else asked
        print(f"wrote {_write_hits(opened, hits, out, force, known)}", file=sys.stderr)


@app.command()
def duplicates(
    space: a.SpaceFile,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="The largest distance; by default found from the data.")
    ] = None,
    metric: Metric = "euclidean",
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove all but the first of each group from the space.")
    ] = False,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A .png sheet, or a .csv table of ids.")] = None,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Find items that are the same, or all but the same.

    latentspace duplicates photos.latent -o duplicates.png
    """
    import latentspace as ls

    _check_groups_output(out, force)
    opened = ls.load(space)
    found = opened.duplicates(threshold, metric=metric)
    if json:
        print_json(found.to_dict())
    else:
        print_table(
            [
                {"group": number, "id": id_, "distance": float(apart), "exact": group.exact}
                for number, group in enumerate(found)
                for id_, apart in zip(group.ids, group.distances, strict=True)
            ]
        )
    print(f"{_counted(len(found.extra))}, {found.rule}", file=sys.stderr)
    if out is not None and len(found):
        _write_groups(opened, found, out, names=[""] * len(found))
    if remove and len(found):
        print(f"removed {opened.remove(found.extra):,} of {space}'s items", file=sys.stderr)


@app.command()
def groups(
    space: a.SpaceFile,
    n: Annotated[int | None, typer.Option("-n", help="How many; by default found from the data.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="The column to name groups by.")] = None,
    metric: Metric = "euclidean",
    seed: a.Seed = 0,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A .png sheet, or a .csv table of all items.")] = None,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Split the space into groups of similar items, and name them.

    latentspace groups photos.latent -n 12 -o groups.png
    """
    import latentspace as ls

    _check_groups_output(out, force)
    opened = ls.load(space)
    found = opened.groups(n, by=by, metric=metric, seed=seed)
    if json:
        print_json(found.to_dict())
    else:
        print_table([{"group": g.name, "items": len(g), "most typical": ", ".join(g.ids[:3])} for g in found])
    if out is not None and len(found):
        _write_groups(opened, found, out, names=[f"{group.name}, {len(group):,}" for group in found])


def _counted(extra: int) -> str:
    return "1 item is a duplicate" if extra == 1 else f"{extra:,} items are duplicates"


# ---------------------------------------------------------------------- words to values
def _region_of(words: str | None) -> Any:
    """`0,0,10,10` to a box, `0,0 10,0 10,10` to a polygon."""
    if words is None:
        return None
    try:
        corners = [[float(number) for number in corner.split(",")] for corner in words.split()]
    except ValueError:
        raise typer.BadParameter(f"--region {words!r} is not X0,Y0,X1,Y1, nor corners such as '0,0 9,0 9,9'.") from None
    return corners[0] if len(corners) == 1 else corners


def _axis_of(word: str | None) -> Any:
    """A dimension's number, else an axis's name."""
    return int(word) if word is not None and word.isdigit() else word


# ---------------------------------------------------------------------- files
def _write_hits(opened: Any, hits: Any, out: Path, force: bool, query: int | str | None) -> Path:
    """Writes hits as items; a sheet begins with the query, and its labels have the scores."""
    from latentspace import looking
    from latentspace.generate.sheet import sheet
    from latentspace.writing import write_items

    if out.suffix != ".png":
        return write_items(opened, hits.items[:], out, names=hits.ids, overwrite=force)
    cells = looking.pictures(opened, hits.items[:])
    labels = [f"{_stem(id_)} {score:.2f}" for id_, score in hits]
    if query is not None:
        asked = opened.items[query : query + 1] if isinstance(query, int) else query
        cells, labels = [*looking.pictures(opened, asked), *cells], ["query", *labels]
    sheet(cells, labels=labels).save(out)
    return out


def _stem(id_: str) -> str:
    """A file's name without folder and ending, which tell least where there is little room."""
    return Path(id_).stem if "/" in id_ or Path(id_).suffix in (".png", ".jpg", ".jpeg", ".webp", ".wav") else id_


def _check_groups_output(out: Path | None, force: bool) -> None:
    a.output(out, force)
    if out is not None and out.suffix not in (".png", ".csv"):
        raise typer.BadParameter(f"-o {out} must end in .png (a sheet) or .csv (a table of ids).")


def _write_groups(opened: Any, found: Any, out: Path, names: list[str]) -> None:
    if out.suffix == ".csv":
        with out.open("w", newline="", encoding="utf-8") as stream:
            rows = csv.writer(stream)
            rows.writerow(["id", "group", "name", "distance", "exact"])
            for number, group in enumerate(found):
                rows.writerows(
                    [id_, number, group.name, f"{apart:.6g}", int(group.exact)]
                    for id_, apart in zip(group.ids, group.distances, strict=True)
                )
    else:
        _draw_groups(opened, found, names).save(out)
    more = f"; the first {_ROWS:,} of {len(found):,} groups" if out.suffix == ".png" and len(found) > _ROWS else ""
    print(f"wrote {out}{more}", file=sys.stderr)


def _draw_groups(opened: Any, found: Any, names: list[str]) -> Any:
    """A sheet with a row a group, its most typical items first."""
    from latentspace import looking
    from latentspace.generate.sheet import sheet

    shown = found[:_ROWS]
    across = min(_ACROSS, max(len(group) for group in shown))
    ids = [id_ for group in shown for id_ in group.ids[:across]]
    pictures = iter(looking.pictures(opened, looking.items_at(opened, [opened.position(id_) for id_ in ids])))
    cells, labels = [], []
    for group in shown:
        gap = [None] * (across - min(across, len(group)))
        cells += [next(pictures) for _ in group.ids[:across]] + gap
        labels += [*map(_stem, group.ids[:across])] + [""] * len(gap)
    rows = [name if len(name) <= _NAME else "…" + name[1 - _NAME :] for name in names[:_ROWS]]
    return sheet(cells, across, labels, row_labels=rows if any(rows) else None)
