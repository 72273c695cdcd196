"""Sounds as their own samples, at their own rate and in their own channels, and back."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import BadItemError, CorruptFileError
from ..items import own_samples
from ..items.protocol import Gathered, OnError, bad, refuse_skipped
from .forms import Coded, Distortion, Form

_AT_ONCE = 2**24  # samples in memory, about, before they are coded
_HIGHEST_RATE = 1_000_000


class Sounds(Form):
    """int8, int16 or int32 (24 bits), (frames,) or (frames, channels): each sound as it is stored.

    WAV, FLAC, AIFF and others of 8, 16 or 24 bits come back to the bit. Files of floats, and those that are compressed
    with loss already (Ogg, MP3), are taken as the 16 bits that decoding them gives: exact is then what is exact of
    these, and the file that they were is smaller. Where windows are the items of a space, an item is its window: the
    samples from the one nearest to its start on, without those that no window holds, and without the silence that the
    space pads the last one with. Where they overlap, samples are coded twice.

    Metadata: `rate`, samples a second, and `sample_bits` of each item, which giving it back needs.
    """

    unit = "sample"

    def blocks(self, gathered: Gathered, on_error: OnError, size: int) -> Iterator[Coded]:
        refuse_skipped(gathered, on_error)
        first = list(gathered.skipped)
        coded = self._empty(gathered, first)
        values = 0
        for row in range(len(gathered)):
            try:
                samples, rate = own_samples.read(gathered.raw[row])
            except BadItemError as error:
                coded.skipped.append(bad(gathered, row, str(error), on_error))
                continue
            if len(coded) and (len(coded) == size or values + samples.size > _AT_ONCE):
                yield coded
                coded, values = self._empty(gathered, []), 0
            width = width_of(samples)
            coded.ids.append(gathered.ids[row])
            coded.arrays.append(samples)
            coded.raw_bytes += samples.size * width // 8
            values += samples.size
            for name, column in gathered.metadata.items():
                coded.metadata[name].append(column[row])
            coded.metadata["rate"][len(coded) - 1 :] = [rate]
            coded.metadata["sample_bits"][len(coded) - 1 :] = [width]
        yield coded

    @staticmethod
    def _empty(gathered: Gathered, skipped: list) -> Coded:
        return Coded([], [], {name: [] for name in (*gathered.metadata, "rate", "sample_bits")}, skipped)

    def back(self, arrays: Sequence[np.ndarray], metadata: Mapping[str, list]) -> Any:
        """(samples, rate) an item: uint8, int16 or int32, whose full scale is that of their type."""
        unknown = [None] * len(arrays)
        rates, widths = metadata.get("rate", unknown), metadata.get("sample_bits", unknown)
        items = []
        for array, rate, width in zip(arrays, rates, widths, strict=True):
            if type(rate) is not int or not 1 <= rate <= _HIGHEST_RATE or width not in own_samples.WIDTHS:
                raise CorruptFileError(
                    f"a sound has a rate of {str(rate)[:40]} and samples of {str(width)[:40]} bits: its container's "
                    f"metadata is damaged, where a rate of 1 to {_HIGHEST_RATE:,} and 8, 16 or 24 belong. Get it again."
                )
            items.append((own_samples.given(array, int(width)), rate))
        return items

    def distortion(self, coded: Coded, decoded: Sequence[np.ndarray]) -> Distortion:
        """Of samples with a full scale of 1."""
        squares, values = 0.0, 0
        for one, other in zip(coded.arrays, decoded, strict=True):
            apart = (np.asarray(one, np.float64) - other) * 2.0 ** (1 - width_of(one))
            squares += float((apart**2).sum())
            values += apart.size
        return Distortion(squares, values, 1.0)


def width_of(samples: np.ndarray) -> int:
    """Bits of a sample, by the type that holds them."""
    return min(8 * samples.dtype.itemsize, 24)
