"""A report: the verdict first, then sections of evidence, and all of it as plain data."""

import json
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .blocks import Block, inert

_ENDINGS = (".html", ".json", ".md", ".txt")


@dataclass
class Section:
    """A heading, one sentence that says what the section answers, and blocks."""

    title: str
    says: str = ""
    blocks: list[Block] = field(default_factory=list)


@dataclass
class Report:
    """What a verb found. Prints as words; `to_dict()` is plain data; `save()` writes a page, JSON, Markdown or text.

    Parameters
    ----------
    title : str
    verdict : sequence of str
        Sentences, the most important first: what a reader who reads nothing else should know.
    sections : sequence of Section
        The evidence.
    facts : mapping
        The same as plain data. numpy values become plain ones, and NaN None.

    Examples
    --------
    >>> report = Report("digits.latent", ["Keeps 97% of what predicts label."], facts={"kept": 0.97})
    >>> print(report)
    digits.latent
    =============
    Keeps 97% of what predicts label.
    >>> report["kept"]
    0.97
    """

    title: str
    verdict: Sequence[str]
    sections: Sequence[Section] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        """One of the facts by name."""
        return self.facts[name]

    def __str__(self) -> str:
        lines = [self.title, "=" * len(self.title), *self.verdict]
        for section in self.sections:
            body = [line for block in section.blocks for line in block.words()]
            lines += ["", section.title, "-" * len(section.title), *([section.says] if section.says else []), *body]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from .page import fragment

        return fragment(self)

    def to_dict(self) -> dict[str, Any]:
        """Returns the facts as data that JSON can hold, behind `title` and `verdict`."""
        return {"title": self.title, "verdict": list(self.verdict), **plain(dict(self.facts))}

    def to_markdown(self) -> str:
        """Returns the report as Markdown: the verdict, then tables with what their figures mean."""
        lines = [f"# {inert(self.title)}", "", *(f"- {inert(sentence)}" for sentence in self.verdict), ""]
        for section in self.sections:
            lines += [f"## {inert(section.title)}", "", *([inert(section.says), ""] if section.says else [])]
            lines += [line for block in section.blocks for line in block.markdown()]
        return "\n".join(lines).rstrip() + "\n"

    def to_html(self) -> str:
        """Returns the report as one page that makes no request."""
        from .page import page

        return page(self)

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Writes the report as what the path's ending says: `.html`, `.json`, `.md` or `.txt`.

        Raises
        ------
        ValueError
            If the ending is another one.
        FileExistsError
            If the file is there already and `overwrite` is false.
        """
        path = Path(path)
        check_ending(path)
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} is there already. Choose another path, or pass overwrite=True.")
        ending = path.suffix.lower()
        if ending == ".json":
            text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        else:
            text = {".html": self.to_html, ".md": self.to_markdown, ".txt": lambda: f"{self}\n"}[ending]()
        _write(path, text)
        return path


def check_ending(path: str | Path) -> None:
    """Raises ValueError where a report cannot be written as what a path's ending says."""
    if Path(path).suffix.lower() not in _ENDINGS:
        raise ValueError(f"a report cannot be written as {str(path)!r}: end the path in {', '.join(_ENDINGS)}.")


def plain(value: Any) -> Any:
    """Values as JSON holds them: arrays as lists, numpy numbers as numbers, NaN and infinity as None, keys as words."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple | set):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _write(path: Path, text: str) -> None:
    """The old file or the whole new one, never a part."""
    handle, held = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(held, 0o666 & ~umask)  # mkstemp's own mode lets nobody else read
        os.replace(held, path)
    except BaseException:
        Path(held).unlink(missing_ok=True)
        raise
