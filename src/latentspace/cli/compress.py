"""Verbs of the codec: compress, decompress."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..progress import aloud
from . import arguments as a
from .app import app
from .evaluate import check
from .printing import print_facts, print_json

Model = Annotated[
    Path | None, typer.Option("--model", "-m", metavar="SPACE", help="The .latent file to compress with.")
]


@app.command()
def compress(
    source: a.Source,
    out: Annotated[Path, typer.Option("-o", "--out", help="The .lsz container to write.")],
    model: Model = None,
    quality: Annotated[
        float | None, typer.Option("--quality", "-q", help="1 to 100; 75 where nothing is asked.")
    ] = None,
    psnr: Annotated[float | None, typer.Option("--psnr", help="dB, at least.")] = None,
    bpp: Annotated[float | None, typer.Option("--bpp", help="Bits a pixel, sample or value, at most.")] = None,
    max_bytes: Annotated[int | None, typer.Option("--max-bytes", help="Bytes of the whole container.")] = None,
    max_error: Annotated[
        list[str] | None,
        typer.Option(
            "--max-error", metavar="[COLUMN=]FLOAT", help="How far a number may be off; again for more columns."
        ),
    ] = None,
    lossless: Annotated[bool, typer.Option("--lossless", help="Give the very items back.")] = False,
    solid: Annotated[
        bool, typer.Option("--solid", help="One stream for all items: smaller, without reaching each alone.")
    ] = False,
    embed: Annotated[bool, typer.Option("--embed", help="Put what decoding needs into the container.")] = False,
    coder: Annotated[
        str | None, typer.Option("--coder", help="latents, pq, pictures, lossless, text, table, sound, sound-lossless.")
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Which kind to read, without --model.")] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Stand it beside other formats, in a .html, .json, .md or .txt."),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="COLUMN", help="In the report: what of this column survives.")
    ] = None,
    seed: a.Seed = 0,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Compress items into a .lsz container.

    latentspace compress photos/ --model photos.latent -o photos.lsz --psnr 32

    latentspace compress photos/ --lossless -o photos.lsz --report beside-others.html

    latentspace compress table.csv --solid -o table.lsz --max-error price=1
    """
    from latentspace import compressing

    a.output(out, force)
    check(report, force)
    if target is not None and report is None:
        raise typer.BadParameter("--target is for the report: give --report FILE too.")
    space, items = _space_and_items(source, model, kind)
    asked = compressing.asked_for(
        quality=quality, psnr=psnr, bpp=bpp, max_bytes=max_bytes, lossless=lossless,
        random_access=not solid, max_error=_errors(max_error), embed=embed or model is None, coder=coder, metadata=True,
        seed=seed, on_error="skip",
    )  # fmt: skip
    with aloud():
        written = _write(space, items, asked, out)
        found = None if report is None else compressing.report(space, items, asked, written, target)
    for skipped in written.skipped[:5]:
        print(f"skipped {skipped.id}: {skipped.reason}", file=sys.stderr)
    facts = {"file": str(out), **written.to_dict()}
    if found is not None and report is not None:
        found.save(report, overwrite=force)
        facts |= {"report": str(report), "verdict": list(found.verdict)}
    if json:
        print_json(facts)
    else:
        print_facts({name: value for name, value in facts.items() if name != "verdict"})
        for sentence in facts.get("verdict", []):
            print(sentence)


def _errors(given: list[str] | None) -> Any:
    """0.1 for all columns, or price=1 of some."""
    if not given:
        return None
    errors: dict[str, float] = {}
    for one in given:
        column, _, number = one.rpartition("=")
        try:
            errors[column] = float(number)
        except ValueError:
            raise typer.BadParameter(f"--max-error {one}: {number!r} is no number. Write 0.1, or price=0.1.") from None
    if "" in errors and len(errors) > 1:
        raise typer.BadParameter("--max-error: give one number for all columns, or one for each column you name.")
    return errors.get("", errors)


def _space_and_items(source: str, model: Path | None, kind: str | None) -> tuple[Any, Any]:
    import latentspace as ls
    from latentspace.compressing.bare import bare_space

    if model is None:
        return bare_space(source, kind)
    return ls.load(model), source


def _write(space: Any, items: Any, asked: Any, out: Path) -> Any:
    """Writes beside the target and moves it there, so that Ctrl-C leaves what was there."""
    import os
    import tempfile

    from latentspace import compressing

    number, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    try:
        with open(number, "wb+") as stream:
            written = compressing.compress(space, items, asked, stream)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, out)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return written


def _umask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask


@app.command()
def decompress(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .lsz container, or - for stdin.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="A folder; a .csv, .parquet, .jsonl or .npy file for rows.")
    ] = None,
    model: Model = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="An item's name; again for more.")] = None,
    names: Annotated[bool, typer.Option("--list", help="Print the names of the items and nothing else.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Check every checksum and say what is damaged.")] = False,
    json: a.Json = False,
    force: a.Force = False,
) -> None:
    """Give the items of a .lsz container back; what is damaged is named, and all else is written.

    latentspace decompress photos.lsz --model photos.latent -o photos-again/

    latentspace decompress photos.lsz --model photos.latent --only cats/tom.jpg -o tom/
    """
    if out is None and not (names or verify):
        raise typer.BadParameter("give -o, where to write the items; or --list, or --verify.")
    if out is not None and out.suffix:
        a.output(out, force)
    if str(file) != "-" and not file.exists():
        raise FileNotFoundError(f"{file} is not there.")
    with sys.stdin.buffer if str(file) == "-" else file.open("rb") as stream:
        if names or verify:
            damage = _look(stream, names, verify, json)
        else:
            assert out is not None
            damage = _unpack(stream, model, out, only, force, json)
    for one in damage:
        print(f"damaged: {one}", file=sys.stderr)
    if damage:
        raise typer.Exit(1)


def _look(stream: Any, names: bool, verify: bool, json: bool) -> list[Any]:
    from latentspace.codec.container import Reader

    reader = Reader(stream)
    found: list[str] = []
    if names:
        found = [name for block in reader.blocks() for name in block.directory.names]
    damage = reader.verify() if verify and reader._seeks else reader.damage
    if json:
        print_json({"header": reader.header, "names": found, "damage": [str(one) for one in damage]})
    elif names:
        print("\n".join(found))
    else:
        print("whole" if not damage else f"{len(damage)} parts are damaged")
    return damage


def _unpack(stream: Any, model: Path | None, out: Path, only: list[str] | None, force: bool, json: bool) -> list[Any]:
    import latentspace as ls
    from latentspace.compressing.opening import opened
    from latentspace.compressing.unpacking import unpack

    it = opened(stream, None if model is None else ls.load(model))
    count = unpack(it, out, only or None, force)
    if json:
        print_json({"out": str(out), "items": count, "damage": [str(one) for one in it.damage]})
    else:
        print(f"wrote {count:,} items to {out}", file=sys.stderr)
    return it.damage
