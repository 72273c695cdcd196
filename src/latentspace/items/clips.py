"""Long sounds to windows of them: which pieces of which file are items, found from headers alone."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

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

    The first begins at 0 and the last is the one that reaches the end, or the one before where less than half of that
    would hold sound. Metadata: what the file has, and `path` (the file's id), `start` and `end`. Files that cannot be
    read are in `skipped`.
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
        count = _windows(duration, seconds, hop)
        clips += [Clip(source, i * hop, min(i * hop + seconds, duration)) for i in range(count)]
        origins += [position] * count
    paths = [items.ids[position] for position in origins]
    metadata = {name: [column[position] for position in origins] for name, column in items.metadata.items()}
    metadata |= {"path": paths, "start": [clip.start for clip in clips], "end": [clip.end for clip in clips]}
    names = [f"{path}#{clip.start:.2f}-{clip.end:.2f}s" for path, clip in zip(paths, clips, strict=True)]
    return Gathered(clips, distinct(names), metadata, items.origin, skipped, items.notes)


def _windows(duration: float, seconds: float, hop: float) -> int:
    count = 1 + max(0, math.ceil((duration - seconds) / hop - 1e-9))
    while count > 1 and duration - (count - 1) * hop < seconds / 2:
        count -= 1
    return count


def samples_of(item: Any, rate: int, most: float) -> tuple[np.ndarray, sound_files.Header]:
    """A sound or a piece of one as float32 samples (t,) at a rate, up to `most` seconds, and its header."""
    if isinstance(item, Clip):
        return sound_files.read(item.source, rate, min(item.seconds, most), item.start)
    return sound_files.read(item, rate, most)
