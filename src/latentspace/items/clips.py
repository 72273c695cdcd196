"""Long sounds to windows of them: which pieces of which file are items, found from headers alone."""

from dataclasses import dataclass
from typing import Any

from ..errors import BadItemError
from . import sound_files
from .folders import distinct
from .protocol import Gathered, Skipped


@dataclass(frozen=True)
class Clip:
    """A piece of a sound, from `start` to `end` in seconds; `source` is a path or (samples, rate)."""

    source: Any
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.start


def cut(items: Gathered, seconds: float, hop: float) -> Gathered:
    """Cuts every sound into windows of `seconds`, `hop` seconds apart.

    A window begins wherever at least half of it would hold sound, and at 0 in any case; the last one may end early.
    Metadata: what the file has, and `path` (the file's id), `start` and `end`. Files that cannot be read are in
    `skipped`.
    """
    clips: list[Clip] = []
    origins: list[int] = []
    skipped = list(items.skipped)
    for position, source in enumerate(items.raw):
        try:
            duration = sound_files.header(source).seconds
        except BadItemError as error:
            skipped.append(Skipped(items.ids[position], str(error)))
            continue
        count = 1 + max(0, int((duration - seconds / 2) / hop + 1e-9))
        clips += [Clip(source, i * hop, min(i * hop + seconds, duration)) for i in range(count)]
        origins += [position] * count
    paths = [items.ids[position] for position in origins]
    metadata = {name: [column[position] for position in origins] for name, column in items.metadata.items()}
    metadata |= {"path": paths, "start": [clip.start for clip in clips], "end": [clip.end for clip in clips]}
    names = [f"{path}#{clip.start:.2f}-{clip.end:.2f}s" for path, clip in zip(paths, clips, strict=True)]
    return Gathered(clips, distinct(names), metadata, items.origin, skipped, items.notes)
