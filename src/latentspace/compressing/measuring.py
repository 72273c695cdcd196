"""What reports of a compression measure: a sample of the items, its pictures before and after, bytes an item takes."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..codec.protocol import Coder
from ..errors import UnsupportedError
from ..items.protocol import Gathered
from ..reports import Section
from .forms import Coded, Distortion, form_of

if TYPE_CHECKING:
    from ..verbs.state import State

_VALUES = 2**24  # of a sample, at most
_NAMED = 1  # bytes that the length of an item's own string takes, about, for those below 128 one, else two


class Told:
    """A verdict, its evidence, and the same as data, while a report is put together."""

    def __init__(self, verdict: Sequence[str], sections: Sequence[Section], facts: dict[str, Any]):
        self.verdict, self.sections, self.facts = list(verdict), list(sections), facts

    def joined(self, other: "Told") -> "Told":
        return Told(self.verdict + other.verdict, self.sections + other.sections, self.facts | other.facts)


def sampled(space: "State", gathered: Gathered, coder: Coder, most: int) -> Coded:
    """Items spread evenly over the source, as the coder reads them."""
    n = len(gathered)
    rows = sorted(set(np.linspace(0, n - 1, min(n, most)).astype(int).tolist())) if n else []
    form = form_of(coder.reads)(space)
    found = next(form.blocks(gathered.select(rows), "skip", most), Coded([], [], {}))
    values = np.cumsum([math.prod(shape) for shape in found.shapes] or [0])
    keep = max(1, int(np.searchsorted(values, _VALUES))) if len(found) else 0
    return Coded(found.ids[:keep], found.arrays[:keep], {k: v[:keep] for k, v in found.metadata.items()}, [], 0)


def pictures_of(space: "State", sample: Coded, coder: Coder) -> list[np.ndarray]:
    """The sample's originals as uint8 pictures, as large as the space reads them."""
    if coder.reads == "pixels":
        return [np.asarray(array, np.uint8) for array in sample.arrays]
    place = {id_: row for row, id_ in enumerate(space.ids)}
    if space._features is not None and all(id_ in place for id_ in sample.ids):
        x = space._features.rows([place[id_] for id_ in sample.ids])
        return _as_pixels(space.modality.rebuild(x, {}))
    raise UnsupportedError("--report of a space's latents needs items of that space, whose features it keeps.")


def decoded(space: "State", coder: Coder, sample: Coded, step: float) -> list[np.ndarray]:
    """What decoding gives of a sample, as uint8 pictures."""
    parts = coder.encode(sample.arrays, step)
    arrays = coder.decode(parts, sample.shapes, step)
    return _as_pixels(form_of(coder.reads)(space).back(arrays, {}))


def _as_pixels(items: Any) -> list[np.ndarray]:
    found = []
    for item in items:
        if isinstance(item, Image.Image):
            item = np.asarray(item.convert("L" if item.mode in ("1", "L", "I;16") else "RGB"))
        item = np.asarray(item)
        if item.dtype != np.uint8:
            raise UnsupportedError("--report is of pictures of 8 bits.")
        found.append(item[..., 0] if item.ndim == 3 and item.shape[-1] == 1 else item)
    return found


def bytes_of(coder: Coder, arrays: Any, step: float, random_access: bool) -> float:
    """Bytes an item takes in a container, without its name."""
    if not random_access:
        return len(coder.encode_block(arrays, step)) / max(1, len(arrays))
    parts = coder.encode(arrays, step)
    return sum(len(part) + _NAMED + (len(part) > 127) for part in parts) / max(1, len(parts))


def decibels(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> float:
    """PSNR of pictures, all their values together."""
    squares = sum(float(((a.astype(np.float64) - b) ** 2).sum()) for a, b in zip(one, other, strict=True))
    return Distortion(squares, sum(a.size for a in one), 255.0).psnr
