"""Sounds, exactly: samples are told by those before and by the other channels, and only the surprise is written."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from ..errors import CorruptFileError
from ..resources import usable_cores
from . import sound_lossless_kernels as kernels
from .protocol import Items, Shapes, Unlearned
from .sound_bits import check_end, ended, reader, writer
from .varints import read_varints, write_varints

WIDEST = 24  # bits of a sample
MOST_CHANNELS = 64


class LosslessSoundCoder(Unlearned):
    """Whole numbers of up to 24 bits, (frames,) or (frames, channels), each item on its own or all after one another.

    Nothing is learned beforehand: prediction and odds adapt from an item's first sample on, in one string for all from
    the first item's. What samples hold more than they need (8 bits in 16, 16 in 24) takes nothing. Decoded arrays are
    int32.
    """

    name = "sound-lossless"
    reads = "sound"
    lossless = True

    # ------------------------------------------------------------------ coding
    def encode(self, items: Items, step: float = 1.0) -> list[bytes]:
        with ThreadPoolExecutor(usable_cores()) as pool:
            return list(pool.map(lambda item: _written(checked(item), {}), items))

    def decode(self, parts: Sequence[bytes], shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        with ThreadPoolExecutor(usable_cores()) as pool:
            return list(pool.map(lambda pair: _read(pair[0], pair[1], {}), zip(parts, shapes, strict=True)))

    def encode_block(self, items: Items, step: float = 1.0) -> bytes:
        memories: dict[int, kernels.Memory] = {}
        return joined([_written(checked(item), memories) for item in items])

    def decode_block(self, data: bytes, shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        memories: dict[int, kernels.Memory] = {}
        parts = parted(data, len(shapes))
        return [_read(part, shape, memories) for part, shape in zip(parts, shapes, strict=True)]


def _written(item: np.ndarray, memories: dict[int, kernels.Memory]) -> bytes:
    """One item's string, by what the memory of as many channels knows."""
    if not item.size:
        return b""
    x = item.reshape(len(item), -1).T.astype(np.int64)
    used = int(np.bitwise_or.reduce(x, axis=None))
    spare = (used & -used).bit_length() - 1 if used else 0
    x >>= spare
    width = max(0, int(x.max()), int(-1 - x.min())).bit_length() + 1
    coder, data = writer(x.size * width // 8)
    padded = np.pad(x, ((0, 0), (kernels.LEAD, 0)))
    memory = memories.setdefault(len(x), kernels.Memory(len(x)))
    data = kernels.code_sound(padded, width, memory.arrays(), coder, data, kernels.TABLES)
    return bytes([width, spare]) + ended(coder, data)


def _read(part: bytes, shape: tuple[int, ...], memories: dict[int, kernels.Memory]) -> np.ndarray:
    """What `_written` gave, back."""
    channels = checked_channels(shape)
    if not math.prod(shape):
        return np.zeros(shape, np.int32)
    if len(part) < 2 or not 1 <= part[0] <= WIDEST or part[0] + part[1] > WIDEST:
        raise CorruptFileError(f"a sound's string begins with {part[:2].hex() or 'nothing'}: no width of a sample.")
    width, spare = part[0], part[1]
    coder, data = reader(part[2:])
    x = np.zeros((channels, kernels.LEAD + shape[0]), np.int64)
    memory = memories.setdefault(channels, kernels.Memory(channels))
    kernels.code_sound(x, width, memory.arrays(), coder, data, kernels.TABLES)
    check_end(coder, data)
    return np.ascontiguousarray((x[:, kernels.LEAD :] << spare).T.astype(np.int32)).reshape(shape)


# ---------------------------------------------------------------------- what both coders of sounds do
def checked(item: np.ndarray) -> np.ndarray:
    """An item as it must be; ValueError says what it is instead."""
    item = np.asarray(item)
    if item.dtype.kind not in "iu" or item.ndim not in (1, 2) or (item.ndim == 2 and item.shape[1] > MOST_CHANNELS):
        raise ValueError(
            f"a sound must be whole numbers (frames,) or (frames, channels) of at most {MOST_CHANNELS} channels, not "
            f"{item.dtype} {item.shape}."
        )
    most = 1 << (WIDEST - 1)
    if item.size and (item.max() >= most or item.min() < -most):
        raise ValueError(
            f"a sound has samples from {item.min()} to {item.max()}; {WIDEST} bits hold {-most} to {most - 1}. Shift "
            "them to the right, which loses their lowest bits."
        )
    return item


def checked_channels(shape: tuple[int, ...]) -> int:
    """How many channels a shape has; CorruptFileError where it is no sound's."""
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] > MOST_CHANNELS):
        raise CorruptFileError(f"a sound has the shape {tuple(shape)}.")
    return shape[1] if len(shape) == 2 else 1


def joined(parts: Sequence[bytes]) -> bytes:
    """Strings with their lengths before them."""
    return write_varints([len(part) for part in parts]) + b"".join(parts)


def parted(data: bytes, count: int) -> list[bytes]:
    """What `joined` gave, apart."""
    lengths, at = read_varints(data, count)
    ends = np.cumsum([at, *lengths]).tolist()
    if ends[-1] != len(data):
        raise CorruptFileError(f"a block of {len(data):,} bytes says that its items take {ends[-1]:,}.")
    return [data[start:stop] for start, stop in pairwise(ends)]
