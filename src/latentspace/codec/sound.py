"""Sounds with loss, for the least squared error at a rate: frequencies in steps, coded by their neighbours."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ..errors import CorruptFileError
from ..resources import usable_cores
from . import sound_kernels as kernels
from . import sound_transform as transform
from .protocol import Items, Shapes, Unlearned
from .sound_bits import check_end, ended, odds, reader, writer
from .sound_lossless import WIDEST, checked, checked_channels, joined, parted

_HEADER = 5  # bytes: width of samples, length of moments, turn of two channels, and where numbers of 1 and above lie
_DEAD = 0.36  # rounding adds so much and cuts off: less than 0.5, for small numbers cost less
_BANDS = 24


class SoundCoder(Unlearned):
    """Whole numbers of up to 24 bits, (frames,) or (frames, channels), by their MDCT in steps.

    `step` is one of a full scale of 65,536: 1 is a step of samples of 16 bits. All frequencies have the same, which is
    best for squared error; nothing is shaped for the ear. Each sound has one length of moments, 64 to 4,096
    frequencies, chosen for its rate and kind, and its two channels are turned into one that holds most and the rest.
    The coder learns nothing beforehand. Decoded arrays are int32, in the width that came in.
    """

    name = "sound"
    reads = "sound"
    span = (0.5, 16384.0)

    # ------------------------------------------------------------------ coding
    def encode(self, items: Items, step: float = 1.0) -> list[bytes]:
        return _each(lambda item: _written(item, step, {}), items)

    def decode(self, parts: Sequence[bytes], shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        return _each(lambda pair: _read(pair[0], pair[1], step, {}), list(zip(parts, shapes, strict=True)))

    def encode_block(self, items: Items, step: float = 1.0) -> bytes:
        memories: dict[int, kernels.Memory] = {}
        return joined([_written(item, step, memories) for item in items])

    def decode_block(self, data: bytes, shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        memories: dict[int, kernels.Memory] = {}
        return [
            _read(part, shape, step, memories) for part, shape in zip(parted(data, len(shapes)), shapes, strict=True)
        ]

    def approximate(self, items: Items, step: float = 1.0) -> list[np.ndarray]:
        def work(item: np.ndarray) -> np.ndarray:
            return _sound(*_chosen(item, step), item.shape, step) if item.size else np.zeros(item.shape, np.int32)

        return _each(work, items)


def _each(work: Any, items: Sequence[Any]) -> list[Any]:
    with ThreadPoolExecutor(usable_cores()) as pool:
        return list(pool.map(work, items))


def width_of(item: np.ndarray) -> int:
    """Bits of a sample, by the type: 8, 16, or 24 of int32."""
    return min(8 * np.asarray(item).dtype.itemsize, WIDEST)


def _in_samples(step: float, width: int) -> float:
    return step * 2.0 ** (width - 16)


def _chosen(item: np.ndarray, step: float) -> tuple[bytes, np.ndarray]:
    """What is told of an item, and its numbers, int32 (channels, moments, n)."""
    width = width_of(item)
    x = checked(item).reshape(len(item), -1).T.astype(np.float64)
    size = _in_samples(step, width)
    angle = transform.suited_angle(x) if len(x) == 2 else 0
    x = transform.turned(x, angle) if angle else x
    n = transform.suited_length(x, size)
    y = np.stack([transform.to_frequencies(row, n) for row in x]) / size
    sizes = np.floor(np.abs(y) + _DEAD).clip(0, kernels.LARGEST)
    off = []
    for which in (sizes == 1, sizes > 1):
        # Where in their steps numbers are, on average, in 256ths below the middle.
        below = float((sizes[which] - np.abs(y)[which]).mean()) if which.any() else 0.0
        off.append(int(np.clip(np.rint(128 + 256 * below), 0, 255)))
    q = np.copysign(sizes, y).astype(np.int32)
    return bytes([width, transform.LENGTHS.index(n), angle, *off]), q


def _sound(told: bytes, q: np.ndarray, shape: tuple[int, ...], step: float) -> np.ndarray:
    """The samples of numbers, int32."""
    width, angle = told[0], told[2]
    y = np.abs(q).astype(np.float64)
    y -= np.where(y == 1, (told[3] - 128) / 256, np.where(y > 1, (told[4] - 128) / 256, 0.0))
    y = np.copysign(y, q) * _in_samples(step, width)
    x = np.stack([transform.to_samples(rows, shape[0]) for rows in y])
    x = transform.turned(x, angle, back=True) if angle else x
    most = 1 << (width - 1)
    return np.ascontiguousarray(np.rint(x).clip(-most, most - 1).T.astype(np.int32)).reshape(shape)


def _bands(n: int) -> np.ndarray:
    """In which of 24 bands, four a doubling of frequency, each of n frequencies is."""
    k = np.arange(n, dtype=np.int64) * (transform.LENGTHS[-1] // n) + 16
    bits = np.array([int(value).bit_length() for value in k])
    return np.clip(4 * (bits - 7) + (k >> (bits - 3) & 3) + 1, 0, _BANDS - 1)


def _written(item: np.ndarray, step: float, memories: dict[int, kernels.Memory]) -> bytes:
    item = checked(item)
    if not item.size:
        return b""
    told, q = _chosen(item, step)
    coder, data = writer(q.size // 4)
    memory = memories.setdefault(len(q), kernels.Memory())
    data = kernels.code_frequencies(q, _bands(q.shape[2]), (memory.known, memory.mixing), coder, data, odds())
    return told + ended(coder, data)


def _read(part: bytes, shape: tuple[int, ...], step: float, memories: dict[int, kernels.Memory]) -> np.ndarray:
    channels = checked_channels(shape)
    if not math.prod(shape):
        return np.zeros(shape, np.int32)
    told = part[:_HEADER]
    if (
        len(told) < _HEADER
        or told[0] not in (8, 16, WIDEST)
        or told[1] >= len(transform.LENGTHS)
        or told[2] >= (transform.ANGLES if channels == 2 else 1)
    ):
        raise CorruptFileError(f"a sound's string begins with {told.hex() or 'nothing'}, which no coder writes.")
    n = transform.LENGTHS[told[1]]
    if n > transform.LENGTHS[0] and n > 2 * shape[0]:
        raise CorruptFileError(f"a sound of {shape[0]:,} samples has moments of {n:,}.")
    q = np.zeros((channels, transform.moments_of(shape[0], n), n), np.int32)
    coder, data = reader(part[_HEADER:])
    memory = memories.setdefault(channels, kernels.Memory())
    kernels.code_frequencies(q, _bands(n), (memory.known, memory.mixing), coder, data, odds())
    check_end(coder, data)
    return _sound(told, q, shape, step)
