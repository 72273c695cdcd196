"""Pictures as bytes of their own size, grey or colour, and back."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from ..errors import BadItemError
from ..items import decode, tiles
from ..items.protocol import Gathered, OnError, bad, refuse_skipped
from .forms import Coded, Form

_DEEP = (0.0, 65535.0)  # black and white of deeper pictures, where no space has learned it


class Pixels(Form):
    """uint8 (h, w) or (h, w, 3): each picture upright, of its own size; transparent pixels are on white.

    Arrays (n, h, w) or (n, h, w, 3) of bytes are pictures as well.
    """

    unit = "pixel"

    def __init__(self, space: Any, facts: Mapping[str, Any] | None = None):
        super().__init__(space, facts)
        self.is_array = space.modality.kind == "array"

    def blocks(self, gathered: Gathered, on_error: OnError, size: int) -> Iterator[Coded]:
        refuse_skipped(gathered, on_error)
        first = list(gathered.skipped)
        if self.is_array:
            for start in range(0, len(gathered), size):
                rows = np.asarray(gathered.raw[start : start + size])
                if rows.ndim == 4 and rows.shape[-1] == 1:
                    rows = rows[..., 0]
                stop = start + len(rows)
                metadata = {name: column[start:stop] for name, column in gathered.metadata.items()}
                yield Coded(gathered.ids[start:stop], rows, metadata, first, rows.nbytes)
                first = []
            return
        deep = getattr(self.space.modality, "deep_range_", _DEEP)
        opened = tiles.Opened()
        for start in range(0, len(gathered), size):
            coded = Coded([], [], {name: [] for name in gathered.metadata}, first)
            first = []
            for row in range(start, min(start + size, len(gathered))):
                source = gathered.raw[row]
                pixels = read(opened.of(source) if isinstance(source, tiles.Tile) else source, deep)
                if isinstance(pixels, str):
                    coded.skipped.append(bad(gathered, row, pixels, on_error))
                    continue
                coded.ids.append(gathered.ids[row])
                coded.arrays.append(pixels)
                coded.raw_bytes += pixels.nbytes
                for name, column in gathered.metadata.items():
                    coded.metadata[name].append(column[row])
            yield coded

    def back(self, arrays: Sequence[np.ndarray], metadata: Mapping[str, list]) -> Any:
        if self.is_array:
            return np.stack(arrays) if len(arrays) else np.empty((0, *self.space.modality._item_shape), np.uint8)
        return [Image.fromarray(array) for array in arrays]

    def units(self, shapes: Sequence[tuple[int, ...]]) -> int:
        return sum(shape[0] * shape[1] for shape in shapes)

    def peak(self, largest: float) -> float:
        return 255.0


def read(source: Any, deep_range: tuple[float, float]) -> np.ndarray | str:
    """A picture's pixels, or the reason why it has none."""
    try:
        image, _ = decode.decoded(source)
        grey = decode._is_grey(image) and not (image.mode in ("LA", "La") or "transparency" in image.info)
        flat = decode.flattened(image, 1 if grey else 3, deep_range)
    except (BadItemError, ValueError, OSError) as error:
        return str(error)
    return np.asarray(flat)
