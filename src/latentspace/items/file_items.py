"""Files as items: what a folder, or a list of paths or items, gives any kind of item that is one file each."""

import os
from collections.abc import Sequence
from pathlib import Path

from .folders import Listing, check_ids, identifiers, not_a_file
from .protocol import Gathered, Skipped


def in_folder(listing: Listing, suffixes: Sequence[str], ids: Sequence[str] | None) -> Gathered | None:
    """The files of a folder that have one of these suffixes; None where there are none.

    Metadata: `label` is the name of the sub-folder that a file lies in, `folder` its whole way down where folders are
    nested.
    """
    names, paths, skipped = listing.of(suffixes)
    if not names and not skipped:
        return None
    metadata: dict[str, list] = {}
    ways = [name.rpartition("/")[0] for name in names]
    if any(ways):
        metadata["label"] = [way.rpartition("/")[2] or None for way in ways]
    if any("/" in way for way in ways):
        metadata["folder"] = [way or None for way in ways]
    others = len(listing.names) - len(names)
    names = names if ids is None else check_ids(ids, len(names), listing.root)
    notes = [f"{others:,} other files left aside"] if others else []
    return Gathered(paths, names, metadata, listing.root, skipped + listing.closed, notes)


def of_paths(paths: Sequence[str | os.PathLike], origin: str, ids: Sequence[str] | None) -> Gathered:
    """Files by their paths; `label` is the name of the folder that each lies in, where there are several."""
    names = identifiers(paths) if ids is None else check_ids(ids, len(paths), origin)
    reasons = [not_a_file(path) for path in paths]
    good = [position for position, reason in enumerate(reasons) if reason is None]
    skipped = [Skipped(name, reason) for name, reason in zip(names, reasons, strict=True) if reason is not None]
    folders = [Path(path).parent.name or None for path in paths]
    metadata: dict[str, list] = {"label": [folders[i] for i in good]} if len(set(folders)) > 1 else {}
    return Gathered([paths[i] for i in good], [names[i] for i in good], metadata, origin, skipped)


def in_memory(items: list, origin: str, ids: Sequence[str] | None) -> Gathered:
    """Items that are in memory already, by their places."""
    names = [str(position) for position in range(len(items))]
    return Gathered(items, names if ids is None else check_ids(ids, len(items), origin), {}, origin)
