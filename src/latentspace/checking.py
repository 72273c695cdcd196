"""`ls.check`: all in a `.latent` or `.lsz` file held against what it should be, and mended where that costs nothing."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from . import keeping, store
from .codec import framing
from .codec.container import Reader
from .codec.protocol import CODERS
from .codec.reindex import reindex, reindexed
from .errors import CorruptFileError, UnsupportedError
from .store import Finding

if TYPE_CHECKING:
    from .verbs.state import State


@dataclass
class Checked:
    """What `check` read of a file, found wrong in it, and mended.

    Attributes
    ----------
    file : str
    kind : "latent" or "lsz"
    counts : dict of str to int
        How many of each part were read and are as they were written.
    findings : list of Finding
        What is wrong, after the repair where one was asked for; each has `part`, `problem` and `mend`: whether a
        repair would mend it, and how.
    repaired : list of str
        What the repair did, a sentence each.
    """

    file: str
    kind: str
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong with the file now."""
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "file": self.file,
            "kind": self.kind,
            "whole": self.whole,
            "counts": self.counts,
            "findings": [{"part": one.part, "problem": one.problem, "mend": one.mend} for one in self.findings],
            "repaired": self.repaired,
        }

    def __str__(self) -> str:
        read = ", ".join(_counted(number, what) for what, number in self.counts.items())
        lines = [*self.repaired]
        if self.whole:
            lines.append(f"{self.file} is whole: {read}.")
        else:
            lines += [f"{one.part}: {one.problem}{_MENDS[one.mend]}" for one in self.findings]
            lines.append(f"{self.file} is damaged in {len(self.findings)} places; what is as it was written: {read}.")
        return "\n".join(lines)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what if number != 1 else re.sub(r's(?= |$)', '', what, count=1)}"


_MENDS = {"drop": " (a repair leaves it out)", "rewrite": " (a repair makes it anew)", None: ""}


def check(path: str | Path, *, repair: bool = False) -> Checked:
    """Reads everything in a `.latent` or `.lsz` file and says what is not as it was written.

    Check sums, sizes and shapes, references from one part to another, caches, maps, thumbnails, and whether the parts
    make up a space whose model and items fit one another. Nothing is changed unless `repair` is true.

    Parameters
    ----------
    path : path
    repair : bool, default=False
        Mend what costs nothing of the user's: caches, packs and indices that are damaged, of other latents, or that no
        list names are left out or made anew. Items, latents, features, models and maps are never changed; where one of
        these is damaged, only a copy helps.

    Returns
    -------
    Checked
        `whole`, `findings`, `repaired`, `counts`; prints as words.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        If there is no such file, or it cannot be read, or not be written where `repair` has something to mend.
    UnsupportedError
        If the file is of a newer format.
    TimeoutError
        If another process held the file for 30 s.
    CorruptFileError
        If it is neither a `.latent` nor a `.lsz` file, or what it says of itself is lost.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> import latentspace as ls
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = ls.fit(np.eye(8, dtype="float32"), dims=2).save(f"{folder}/eye.latent")
    ...     ls.check(path).whole
    True
    """
    target = Path(path)
    return _check_container(target, repair) if _is_container(target) else _check_space(target, repair)


def _is_container(path: Path) -> bool:
    # By the first bytes only where the name does not say it: opening a .latent file but through SQLite drops its locks.
    if path.suffix.lower() in (".latent", ".lsz") or not path.is_file():
        return path.suffix.lower() == ".lsz"
    with path.open("rb") as file:
        return file.read(len(framing.MAGIC)) == framing.MAGIC


# ---------------------------------------------------------------------- .latent
def _check_space(path: Path, repair: bool) -> Checked:
    found = store.verify(path)
    repaired = store.mend(path, found) if repair and not found.whole else []
    if repaired:
        found = store.verify(path)
    checked = Checked(str(path), "latent", found.counts, list(found.findings), repaired)
    if all(one.mend for one in found.findings):  # else what is wrong with the parts is said already
        checked.findings += _as_a_space(path, checked.counts)
    return checked


def _as_a_space(path: Path, counts: dict[str, int]) -> list[Finding]:
    """What is wrong with parts that each are as they were written, but do not make up one space."""
    findings: list[Finding] = []

    @contextmanager
    def noting(part: str) -> Iterator[None]:
        try:
            yield
        except UnsupportedError:  # a package that is not here: nothing is wrong with the file
            counts["parts that need a package which is not installed"] = 1
        except (CorruptFileError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError) as error:
            findings.append(Finding(part, str(error) or type(error).__name__))

    with noting("space"):
        from .space import LatentSpace

        space = keeping.load(LatentSpace, path)
        with noting("model"):
            _fits_together(space, path)
        with noting("maps"):
            for name, drawn in space.maps.items():
                if not np.isfinite(drawn.coordinates).all() or len(drawn.coordinates) > len(space):
                    raise CorruptFileError(f"its map {name!r} is not of its items.")
        with noting("thumbnails"):
            _open_thumbnails(path)
    return findings


def _fits_together(space: "State", path: Path) -> None:
    """Raises CorruptFileError where the model and the features are not of one space; `load` has seen to the latents."""
    from .compressing import coders

    with store.LatentFile(path) as file:
        kept = file.feature_shape
    shape = tuple(space.modality.shape)
    if kept is not None and np.prod(kept) != np.prod(shape):
        raise CorruptFileError(f"its features have the shape {kept}, its items {shape}.")
    if len(space):
        space.decode(space.latents[:1])
    for name, (facts, arrays) in space._coders.items():
        coders.rebuilt(name, facts, arrays, space.model)


def _open_thumbnails(path: Path) -> None:
    """Raises CorruptFileError for a thumbnail that is no picture."""
    import io

    from PIL import Image

    with store.LatentFile(path) as file:
        for row, data in enumerate(file.thumbnails() or []):
            try:
                Image.open(io.BytesIO(data), formats=["JPEG", "WEBP", "PNG"]).load()
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
                raise CorruptFileError(f"the thumbnail of item {row} is no picture ({error}).") from None


# ---------------------------------------------------------------------- .lsz
_OF_THE_END = ("trailer", "index")


def _check_container(path: Path, repair: bool) -> Checked:
    checked = _read_container(path)
    if repair and any(one.mend for one in checked.findings):
        blocks = reindex(path)
        checked = _read_container(path)
        checked.repaired.append(f"The index was made anew from {blocks:,} blocks.")
    return checked


def _read_container(path: Path) -> Checked:
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}.")
    if path.is_dir():
        raise IsADirectoryError(f"{path.name} is a folder, not a .lsz container.")
    checked = Checked(str(path), "lsz")
    with path.open("rb") as stream:
        try:
            reader = Reader(stream)
        except CorruptFileError as error:
            raise CorruptFileError(f"{path.name} is damaged or no .lsz container: {error}") from None
        names: list[str] = []
        strings = 0
        for block in reader.blocks():
            names += block.directory.names
            checked.counts["blocks"] = checked.counts.get("blocks", 0) + 1
            try:
                strings += len(block.payload()) if block.directory.lengths is None else sum(map(len, block.parts()))
            except CorruptFileError as error:
                reader.lost(block, error)
        reader.check_whole()
        checked.counts |= {"items": len(names), "bytes of items": strings}
        whole_blocks = _can_be_indexed(reader, stream)
        for damage in reader.damage:
            if damage.where == f"block {whole_blocks}":
                continue  # that is what is left of the index, read as if it were a block
            of_the_end = damage.where in _OF_THE_END and whole_blocks is not None
            checked.findings.append(Finding(damage.where, str(damage), "rewrite" if of_the_end else None))
        checked.findings += _of_the_header(reader, names, stream)
    if any(one.mend is None for one in checked.findings):  # a new index would say that what it lists is whole
        checked.findings = [Finding(one.part, one.problem) for one in checked.findings]
    return checked


class _Nowhere:
    """Takes bytes and keeps none."""

    def write(self, data: bytes) -> int:
        return len(data)


def _can_be_indexed(reader: Reader, stream: BinaryIO) -> int | None:
    """How many blocks a new index would list, where the present one is damaged and all before it can be reached."""
    if not any(one.where in _OF_THE_END for one in reader.damage):
        return None
    try:
        return reindexed(stream, _Nowhere())
    except CorruptFileError:
        return None


def _of_the_header(reader: Reader, names: list[str], stream: BinaryIO) -> list[Finding]:
    """What the header promises and the container does not hold."""
    findings = []
    if len(set(names)) != len(names):
        findings.append(Finding("names", f"{len(names) - len(set(names)):,} of its names are there twice."))
    coder = reader.header.get("coder")
    if coder not in CODERS:
        findings.append(Finding("header", f"its coder {str(coder)[:40]!r} is not known to this latentspace."))
    elif reader.header.get("embedded") and reader.model is not None:
        from .compressing.opening import opened

        stream.seek(0)
        try:
            opened(stream)
        except UnsupportedError:
            pass
        except (CorruptFileError, ValueError) as error:
            findings.append(Finding("model", str(error)))
    return findings
