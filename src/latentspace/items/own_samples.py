"""A sound's own samples: as whole numbers at its own rate, in its own channels, and back as they were."""

import os
from typing import Any

import numpy as np

from ..errors import BadItemError
from . import sound_files
from .clips import Clip

WIDTHS = {8: np.int8, 16: np.int16, 24: np.int32}  # bits of a sample, and the type that holds them here
MOST_VALUES = 2**28  # samples of all channels: what a container's item can have
_WIDTH_OF = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "ULAW": 16, "ALAW": 16}


def read(item: Any) -> tuple[np.ndarray, int]:
    """Reads a sound, or a piece of one, as it is stored.

    Samples of 8, 16 and 24 bits are those of the file, and so are 32 bits whose lowest 8 are 0. What is stored as
    floats, or compressed with loss (Ogg, MP3), becomes the nearest of 16 bits, clipped to full scale.

    Parameters
    ----------
    item : path, (samples, rate), or Clip of one
        Of a clip, the samples from the one nearest to its start to the one before that nearest to its end.

    Returns
    -------
    (array of shape (frames,) or (frames, channels), int)
        int8, int16, or int32 which then holds 24 bits; and samples a second.

    Raises
    ------
    BadItemError
        If it cannot be read, holds NaN or infinity, or samples of more than 24 bits; the message is the reason.
    """
    source = item.source if isinstance(item, Clip) else item
    if isinstance(source, tuple):
        head = sound_files._header_in_memory(*source)
        first, last = _ends(item, head)
        return _as_own(source[0][first:last]), head.rate
    with sound_files._opened(source) as (file, head):
        first, last = _ends(item, head)
        return _of_file(file, first, last - first), head.rate


def _ends(item: Any, head: sound_files.Header) -> tuple[int, int]:
    first, last = 0, head.frames
    if isinstance(item, Clip):
        first, last = round(item.start * head.rate), min(last, round(item.end * head.rate))
    if last <= first:
        raise BadItemError(f"it ends at {head.seconds:.2f} s, before the piece from {first / head.rate:.2f} s")
    if (last - first) * head.channels > MOST_VALUES:
        raise BadItemError(
            f"it has {(last - first) * head.channels:,} samples in all channels (limit {MOST_VALUES:,}); cut it, "
            "or fit a space with windows='window'"
        )
    return first, last


def _of_file(file: Any, first: int, count: int) -> np.ndarray:
    width = _WIDTH_OF.get(file.subtype, 0)
    dtype = {0: "float32", 8: "int16", 16: "int16"}.get(width, "int32")
    parts, there = [], 0
    try:
        if first:
            file.seek(first)
        while there < count:  # in pieces: a header cannot make us take more than there is
            block = file.read(min(count - there, sound_files._BLOCK // file.channels), dtype=dtype, always_2d=True)
            if not len(block):
                break
            parts.append(block)
            there += len(block)
    except Exception as error:  # a decoder fails in its own ways on damaged input; each is the file's fault
        words = sound_files._words(error)
        raise BadItemError(f"damaged after {(first + there) / file.samplerate:.2f} s: {words}") from None
    if there < count - (sound_files._TAIL if file.format == "MP3" else 0) or not there:
        raise BadItemError(f"cut off: its header says {file.frames:,} samples, {first + there:,} could be read")
    x = np.concatenate(parts)
    x = x[:, 0] if x.shape[1] == 1 else x
    return (x >> 8).astype(np.int8) if width == 8 else _as_own(x)


def _as_own(samples: np.ndarray) -> np.ndarray:
    """Samples of any type, with a full scale of 1 or of their type, as int8, int16 or int32 of 24 bits."""
    if samples.dtype.kind == "f":
        wrong = int(np.count_nonzero(~np.isfinite(samples)))
        if wrong:
            raise BadItemError(f"{wrong:,} of {samples.size:,} samples are NaN or infinite")
        return np.rint(np.clip(samples.astype(np.float64) * 32768, -32768, 32767)).astype(np.int16)
    width = 8 * samples.dtype.itemsize
    x = samples.astype(np.int64) if width < 64 else samples
    if samples.dtype.kind == "u":
        x = x.astype(np.int64) - (1 << (width - 1)) if width < 64 else (x ^ np.uint64(1 << 63)).view(np.int64)
    if width > 24:
        if np.any(x & (1 << (width - 24)) - 1):
            raise BadItemError(f"its samples use all of {width} bits, and 24 are the most that is kept; convert it")
        x, width = x >> (width - 24), 24
    return x.astype(WIDTHS[width])


def given(samples: np.ndarray, width: int) -> np.ndarray:
    """Samples as decoded, of `width` bits, in the type whose full scale is theirs: uint8, int16, int32.

    >>> given(np.array([-128, 0, 127]), 8), given(np.array([-1]), 24)
    (array([  0, 128, 255], dtype=uint8), array([-256], dtype=int32))
    """
    if width == 8:
        return (np.asarray(samples) + 128).astype(np.uint8)
    return np.asarray(samples).astype(np.int16) if width == 16 else np.asarray(samples).astype(np.int32) << 8


def write(path: str | os.PathLike, samples: np.ndarray, rate: int) -> None:
    """Writes what `given` gave as WAV, each sample as it is; floats as `sound_files.write_wav` does."""
    from ..optional import require

    subtype = {"uint8": "PCM_U8", "int16": "PCM_16", "int32": "PCM_24"}.get(samples.dtype.name)
    if subtype is None:
        sound_files.write_wav(path, samples, rate)
        return
    x = (samples.astype(np.int16) - 128) << 8 if subtype == "PCM_U8" else samples
    require("soundfile", "audio", "writing sound").write(os.fspath(path), x, rate, format="WAV", subtype=subtype)
