"""Texts as UTF-8, and back, exactly."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..items import text_sources
from ..items.protocol import Gathered, OnError, bad, refuse_skipped
from .forms import Coded, Form


class Words(Form):
    """uint8 (t,): a text's UTF-8. Texts come back as they are read: whatever encoding their file had, as str."""

    unit = "byte"

    def blocks(self, gathered: Gathered, on_error: OnError, size: int) -> Iterator[Coded]:
        refuse_skipped(gathered, on_error)
        gathered = text_sources.column_taken(gathered, getattr(self.space.modality, "column", None))
        first = list(gathered.skipped)
        for start in range(0, len(gathered), size):
            kept = [name for name in gathered.metadata if name != "text"]
            coded = Coded([], [], {name: [] for name in kept}, first)
            first = []
            for row in range(start, min(start + size, len(gathered))):
                text, _, wrong = text_sources.read(gathered.raw[row])
                if wrong is not None:
                    coded.skipped.append(bad(gathered, row, wrong, on_error))
                    continue
                data = np.frombuffer(text.encode(), np.uint8)
                coded.ids.append(gathered.ids[row])
                coded.arrays.append(data)
                coded.raw_bytes += data.size
                for name in kept:
                    coded.metadata[name].append(gathered.metadata[name][row])
            yield coded

    def back(self, arrays: Sequence[np.ndarray], metadata: Mapping[str, list]) -> list[str]:
        return [np.asarray(array, np.uint8).tobytes().decode("utf-8", "replace") for array in arrays]
