"""The demo: one real job for each kind of items, from data to a space and files, with the few figures that matter."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..optional import require

KINDS = ("images", "audio", "texts", "table", "interactions")


def run(
    out: str | Path,
    *,
    kind: str = "images",
    seed: int = 0,
    overwrite: bool = False,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Fits a space on real items of a kind, and writes what it can do: pictures, sounds, rows, lists.

    Parameters
    ----------
    out : path
        Folder for what it writes.
    kind : {"images", "audio", "texts", "table", "interactions"}, default="images"
    seed : int, default=0
    overwrite : bool, default=False
        Replace what an earlier run wrote there.
    say : callable(str), default=print
        Takes the lines of the report.

    Returns
    -------
    dict
        The figures, and the paths of what was written.

    Raises
    ------
    ValueError
        If there is no such kind; the message lists those there are.
    FileExistsError
        If a file is there already and `overwrite` is false.
    MissingExtraError, datasets.UnavailableError
        If a package is missing, or the data are not installed and cannot be fetched; the message says which.
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} has no demo. There are: {', '.join(map(repr, KINDS))}.")
    demo = importlib.import_module(f".{kind}", __name__)
    for module, extra in demo.NEEDS:
        require(module, extra, f"the demo of {kind}")
    folder = Path(out)
    paths = {name: folder / file for name, file in demo.FILES.items()}
    there = [path for path in paths.values() if path.exists()]
    if there and not overwrite:
        raise FileExistsError(
            f"{there[0]} is there already. Choose another folder with -o, or replace it with --force."
        )
    folder.mkdir(parents=True, exist_ok=True)
    figures, commands = demo.run(paths, seed, say)
    say("\nwrote " + "\n      ".join(str(path) for path in paths.values()))
    say("\nTry next:\n" + "\n".join(f"  latentspace {command}" for command in commands))
    return {**figures, "paths": {name: str(path) for name, path in paths.items()}}
