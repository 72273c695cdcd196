"""Sounds that the tests of both coders take: real ones that come with Python, and drawn ones."""

import io
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

RECORDED = Path(sysconfig.get_path("stdlib")) / "test" / "audiodata"  # a plucked string, 11,025 Hz, stereo
TYPES = {8: np.int8, 16: np.int16, 24: np.int32}
KINDS = ("constant", "noise", "full-scale", "tone", "silence")


def plucked(width: int = 16) -> np.ndarray:
    """The string as whole numbers of this width, (3307, 2); skips where Python comes without its tests' files."""
    soundfile = pytest.importorskip("soundfile")
    path = RECORDED / f"pluck-pcm{width}.{'aiff' if width == 8 else 'wav'}"
    if not path.exists():
        pytest.skip(f"this Python ({sys.base_prefix}) comes without its tests' sounds")
    return (soundfile.read(path, dtype="int32")[0] >> (32 - width)).astype(TYPES[width])


def voices(count: int = 12) -> list[np.ndarray]:
    """Recorded voices, 8,000 Hz and 16 bits; skips where they were never fetched."""
    soundfile = pytest.importorskip("soundfile")
    from latentspace import datasets

    if not datasets.installed("prompts"):
        pytest.skip("the set 'prompts' is not in the cache: latentspace.datasets.load('prompts') fetches it")
    data = datasets.load("prompts")
    paths = data.metadata["path"]
    return [soundfile.read(data.x / paths[row], dtype="int16")[0] for row in range(0, len(paths), len(paths) // count)]


def drawn(rng: np.random.Generator, frames: int, channels: int, width: int, kind: str) -> np.ndarray:
    """A sound of a kind, (frames,) of one channel, else (frames, channels)."""
    shape, most = (frames, channels) if channels > 1 else (frames,), 1 << (width - 1)
    if kind == "constant":
        x = np.full(shape, rng.integers(-most, most))
    elif kind == "noise":
        x = rng.integers(-most, most, shape)
    elif kind == "full-scale":
        x = rng.choice([-most, most - 1], shape)
    elif kind == "silence":
        x = np.zeros(shape, np.int64)
    else:
        turns = np.arange(frames) * rng.uniform(0.01, 1)
        x = np.rint(0.9 * most * np.sin(turns)).astype(np.int64).reshape(frames, *[1] * (len(shape) - 1))
        x = np.clip(np.broadcast_to(x, shape) + rng.integers(-2, 3, shape), -most, most - 1)
    return x.astype(TYPES[width])


def flac_bytes(x: np.ndarray, rate: int, width: int = 16) -> int:
    """Bytes of a FLAC file at its highest level."""
    soundfile = pytest.importorskip("soundfile")
    file = io.BytesIO()
    full = x.astype(np.int32) << (32 - width)
    subtype = "PCM_S8" if width == 8 else f"PCM_{width}"
    soundfile.write(file, full, rate, format="FLAC", subtype=subtype, compression_level=1.0)
    return file.getbuffer().nbytes


def mutated(rng: np.random.Generator, data: bytes) -> bytes:
    """Bytes with some changed, cut off, doubled or added."""
    wrong = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(0, max(1, len(wrong))))
        what = rng.integers(4)
        if what == 0 and wrong:
            wrong[place] ^= int(rng.integers(1, 256))
        elif what == 1:
            del wrong[place:]
        elif what == 2:
            wrong[place:place] = rng.integers(0, 256, int(rng.integers(1, 9)), dtype=np.uint8).tobytes()
        else:
            wrong[place:place] = wrong[place : place + 9]
    return bytes(wrong)
