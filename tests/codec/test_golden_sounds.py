"""Strings of sounds that were written once are read for ever.

`LATENTSPACE_WRITE_GOLDEN=1 pytest tests/codec/test_golden_sounds.py` writes them anew.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from latentspace.codec.protocol import CODERS

GOLDEN = Path(__file__).with_name("golden") / "sounds.json"
STEP = 20.0


def items() -> list[np.ndarray]:
    """Whole numbers of whole numbers, in all widths and numbers of channels: equal on every machine."""
    t = np.arange(900)
    saw, noise = t * 123 % 2001 - 1000, t * t % 977
    stereo = np.stack([noise * 31 - 9000, saw + t * t % 55], axis=1).astype(np.int16)
    return [
        stereo, saw.astype(np.int16), (saw % 256 - 128).astype(np.int8), (noise * 7919 - 3_000_000).astype(np.int32),
        np.stack([saw * c + noise for c in range(5)], axis=1).astype(np.int16), np.zeros((0, 2), np.int16),
    ]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _write():
    if os.environ.get("LATENTSPACE_WRITE_GOLDEN"):
        found = {}
        for name in ("sound-lossless", "sound"):
            coder = CODERS[name].fit([])
            found[name] = [part.hex() for part in [*coder.encode(items(), STEP), coder.encode_block(items(), STEP)]]
        GOLDEN.write_text(json.dumps(found, indent=0) + "\n")


@pytest.mark.parametrize("name", ["sound-lossless", "sound"])
def test_strings_of_the_first_release_are_read(name):
    coder, x = CODERS[name].fit([]), items()
    *parts, block = (bytes.fromhex(part) for part in json.loads(GOLDEN.read_text())[name])
    shapes = [item.shape for item in x]
    expected = x if coder.lossless else coder.approximate(x, STEP)
    for back in (coder.decode(parts, shapes, STEP), coder.decode_block(block, shapes, STEP)):
        for one, other in zip(expected, back, strict=True):
            # Two machines' cosines may round one sample to the other side, and no more.
            np.testing.assert_allclose(other, one, atol=0 if coder.lossless else 1)


def test_lossless_strings_are_written_as_in_the_first_release():
    *parts, block = json.loads(GOLDEN.read_text())["sound-lossless"]
    coder = CODERS["sound-lossless"].fit([])
    assert [part.hex() for part in coder.encode(items())] == parts
    assert coder.encode_block(items()).hex() == block
