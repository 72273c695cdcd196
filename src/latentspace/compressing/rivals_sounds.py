"""What a report of compressed sounds stands beside: FLAC and xz without loss; Opus, Vorbis and MP3 with it."""

import io
import lzma
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy.signal import correlate

from ..optional import require
from .rivals import Point

_LEVELS = (1.0, 0.9, 0.75, 0.6, 0.45, 0.3, 0.15, 0.0)  # libsndfile's, from the fewest bits to the most
_LOSSY = {"Opus": ("OGG", "OPUS"), "Vorbis": ("OGG", "VORBIS"), "MP3": ("MP3", "MPEG_LAYER_III")}
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)  # it has no others
_APART = 4608  # samples by which a decoder may be late or early

Sound = tuple[np.ndarray, int, int]  # whole numbers (frames,) or (frames, channels), samples a second, bits of each


def exact(sounds: Sequence[Sound]) -> dict[str, float]:
    """Bytes an item without loss: FLAC and WAV, a file each, FLAC at its highest level; xz, all in one stream."""
    n = max(1, len(sounds))
    together = b"".join(_packed(x, width) for x, _, width in sounds)
    return {
        "FLAC, files": sum(flac_bytes(*sound) for sound in sounds) / n,
        "WAV, files": sum(44 + x.size * width // 8 for x, _, width in sounds) / n,
        "xz, one stream": len(lzma.compress(together, preset=9 | lzma.PRESET_EXTREME)) / n,
    }


def flac_bytes(x: np.ndarray, rate: int, width: int) -> int:
    """Bytes of a FLAC file at its highest level."""
    soundfile = require("soundfile", "audio", "writing sound")
    file = io.BytesIO()
    subtype = "PCM_S8" if width == 8 else f"PCM_{width}"
    full = np.asarray(x).astype(np.int32) << (32 - width)
    soundfile.write(file, full, rate, format="FLAC", subtype=subtype, compression_level=1.0)
    return file.getbuffer().nbytes


def _packed(x: np.ndarray, width: int) -> bytes:
    """Samples in as few bytes as they have, the lowest first."""
    plain = np.ascontiguousarray(x).astype("<i4").reshape(-1, 1).view(np.uint8)
    return plain[:, : width // 8].tobytes()


def lossy(sounds: Sequence[Sound]) -> dict[str, Callable[[], Iterator[Point]]]:
    """Formats with loss that are here: name -> its points, from coarse to fine; what cannot hold all has none."""
    return {name: (lambda name=name: _points(name, sounds)) for name in _LOSSY}  # type: ignore[misc]


def _points(name: str, sounds: Sequence[Sound]) -> Iterator[Point]:
    soundfile = require("soundfile", "audio", "writing sound")
    for level in _LEVELS:
        try:
            coded = [_coded(name, level, full_scale(x, width), rate) for x, rate, width in sounds]
        except (soundfile.SoundFileError, ValueError, RuntimeError):
            continue  # this libsndfile lacks it, or it has no such rate or so many channels
        yield Point(1 - level, sum(size for size, _ in coded) / max(1, len(coded)), [back for _, back in coded])


def full_scale(x: np.ndarray, width: int) -> np.ndarray:
    """Samples with a full scale of 1, float64."""
    return np.asarray(x, np.float64) * 2.0 ** (1 - width)


def _coded(name: str, level: float, x: np.ndarray, rate: int) -> tuple[int, np.ndarray]:
    """Bytes of a sound's file, and what it gives back, moved to where it fits best."""
    soundfile: Any = require("soundfile", "audio", "writing sound")
    kind, subtype = _LOSSY[name]
    sent, its_rate = x, rate
    if name == "Opus" and rate not in _OPUS_RATES:
        sent, its_rate = require("soxr", "audio", "resampling sound").resample(x, rate, 48000), 48000
    file = io.BytesIO()
    soundfile.write(file, sent, its_rate, format=kind, subtype=subtype, compression_level=level)
    size = file.getbuffer().nbytes
    file.seek(0)
    back, _ = soundfile.read(file, always_2d=x.ndim == 2)
    if its_rate != rate:
        back = require("soxr", "audio", "resampling sound").resample(back, its_rate, rate)
    return size, _moved(back, x)


def _moved(back: np.ndarray, x: np.ndarray) -> np.ndarray:
    """What came back, shifted by up to four frames of MP3 to where it is most like x, and as long."""
    one, other = (a if a.ndim == 1 else a.sum(axis=1) for a in (back, x))
    alike = correlate(one, other, mode="full")
    middle = len(other) - 1
    low, high = max(0, middle - _APART), min(len(alike), middle + _APART + 1)
    shift = low + int(np.argmax(alike[low:high])) - middle if high > low else 0
    moved = back[shift:] if shift >= 0 else np.pad(back, [(-shift, 0), *[(0, 0)] * (back.ndim - 1)])
    moved = moved[: len(x)]
    return np.pad(moved, [(0, len(x) - len(moved)), *[(0, 0)] * (x.ndim - 1)])


def signal_to_noise(originals: Sequence[np.ndarray], decoded: Sequence[np.ndarray]) -> float:
    """SNR in dB, all samples together; higher is better."""
    signal = sum(float((x**2).sum()) for x in originals)
    noise = sum(float(((x - y) ** 2).sum()) for x, y in zip(originals, decoded, strict=True))
    return float(10 * np.log10(signal / noise)) if noise and signal else float("inf")
