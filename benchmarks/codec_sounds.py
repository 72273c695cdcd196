"""Sounds into bytes: without loss beside FLAC, xz and WAV; with loss beside Opus, Vorbis and MP3; times both ways.

    python -m benchmarks.codec_sounds          # all of it, and the page
    python -m benchmarks.codec_sounds prompts  # one set, printed only

Real sounds: a telephone's prompts (8 kHz voices), notes of instruments (MP3, taken as the 16 bits that decoding them
gives, so what a lossy format left is coded), musical one-shots (FLAC).
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import machine, publish, table
from latentspace.codec.sound import SoundCoder
from latentspace.codec.sound_lossless import LosslessSoundCoder
from latentspace.compressing import rivals_sounds as rivals
from latentspace.compressing.honest import bytes_at
from latentspace.compressing.sounds import width_of
from latentspace.items import own_samples

SETS = {"prompts": (150, 50), "notes": (40, 20), "one-shots": (80, 40)}  # items without loss; of them, with loss
STEPS = 4.0 * 2.0 ** np.arange(0, 11.5)
SNRS = (10, 15, 20, 25, 30, 40)


def sounds(name: str) -> list[rivals.Sound]:
    """Sounds spread over a set, as they are stored."""
    from latentspace import datasets

    data, count = datasets.load(name), SETS[name][0]
    paths = data.metadata["path"]
    found = []
    for row in np.linspace(0, len(paths) - 1, count).astype(int):
        x, rate = own_samples.read(Path(data.x) / paths[row])
        found.append((x, rate, width_of(x)))
    return found


def _timed(work: Any) -> tuple[Any, float]:
    """What `work` gives, and the processor's seconds."""
    began = time.process_time()
    return work(), time.process_time() - began


def exact(found: list[rivals.Sound]) -> dict[str, Any]:
    """Bytes in all, by format, checked by decoding; and seconds of sound in a second of a core."""
    coder, items = LosslessSoundCoder(), [x for x, _, _ in found]
    shapes, seconds = [x.shape for x in items], sum(len(x) / rate for x, rate, _ in found)
    coder.decode(coder.encode([items[0][:200]]), [items[0][:200].shape])  # compiles
    parts, writing = _timed(lambda: coder.encode(items))
    back, reading = _timed(lambda: coder.decode(parts, shapes))
    block = coder.encode_block(items)
    for some in (back, coder.decode_block(block, shapes)):
        assert all(np.array_equal(a, b) for a, b in zip(items, some, strict=True))
    n = len(items)
    bytes_ = {"latentspace, each": sum(map(len, parts)), "latentspace, a block": len(block)}
    bytes_ |= {name: each * n for name, each in rivals.exact(found).items()}
    smaller = sum(len(part) < rivals.flac_bytes(*sound) for part, sound in zip(parts, found, strict=True))
    return {"bytes": bytes_, "smaller": smaller, "seconds": seconds, "speed": (seconds / writing, seconds / reading)}


def lossy(found: list[rivals.Sound]) -> dict[str, Any]:
    """Bits a sample at each SNR, by format, on a straight line between settings; and speed at the middle step."""
    coder, items = SoundCoder(), [x for x, _, _ in found]
    originals = [rivals.full_scale(x, width) for x, _, width in found]
    shapes, values = [x.shape for x in items], sum(x.size for x in items)
    curves: dict[str, list[tuple[float, float]]] = {"latentspace": []}
    speed = (0.0, 0.0)
    for step in STEPS:
        parts, writing = _timed(lambda step=step: coder.encode(items, step))
        back, reading = _timed(lambda step=step, parts=parts: coder.decode(parts, shapes, step))
        decoded = [rivals.full_scale(y, width) for y, (_, _, width) in zip(back, found, strict=True)]
        curves["latentspace"].append((8 * sum(map(len, parts)) / values, rivals.signal_to_noise(originals, decoded)))
        if step == STEPS[5]:
            seconds = sum(len(x) / rate for x, rate, _ in found)
            speed = (seconds / writing, seconds / reading)
    for name, points in rivals.lossy(found).items():
        curves[name] = [
            (8 * point.bytes * len(items) / values, rivals.signal_to_noise(originals, point.items))
            for point in points()
        ]
        print(name, curves[name], flush=True)
    return {"bits": {name: {snr: bytes_at(c, snr) for snr in SNRS} for name, c in curves.items()}, "speed": speed}


def one(name: str) -> str:
    """The page's words of one set."""
    found = sounds(name)
    some = found[:: max(1, len(found) // SETS[name][1])]
    plain, rated = exact(found), lossy(some)
    rates = sorted({rate for _, rate, _ in found})
    least = min(size for kind, size in plain["bytes"].items() if not kind.startswith("latentspace"))
    rows = [
        {"": kind, "bytes": f"{size:,.0f}", "of the best other": f"{size / least:.3f}"}
        for kind, size in plain["bytes"].items()
    ]
    curves = [
        {"": kind, **{f"{snr} dB": "-" if bits[snr] is None else f"{bits[snr]:.2f}" for snr in SNRS}}
        for kind, bits in rated["bits"].items()
    ]
    words = (
        f"### {name}: {len(found)} sounds of {plain['seconds']:,.0f} s, {rates[0]:,} to {rates[-1]:,} Hz\n\n"
        + table(rows, ["", "bytes", "of the best other"])
        + f"\n\nOf {len(found)}, {plain['smaller']} are smaller than their FLAC. A core codes {plain['speed'][0]:.0f} "
        f"times as fast as they sound, and decodes {plain['speed'][1]:.0f} times.\n\nWith loss, bits a sample by SNR, "
        f"of {len(some)} of them, a file or string each:\n\n"
        + table(curves, ["", *(f"{snr} dB" for snr in SNRS)])
        + f"\n\nA core codes {rated['speed'][0]:.0f} times as fast as they sound, and decodes {rated['speed'][1]:.0f} "
        "times."
    )
    print(words, flush=True)
    return words


INTRO = """Real sounds. Without loss all were decoded and compared; FLAC at its highest level (libsndfile's 1.0), a file
each; xz -9e over the samples of all. Our strings have no header: the container has one for all, with names and rates,
some 30 bytes an item. With loss, bits a sample at an SNR of all samples together, between settings on a straight line;
a dash where no setting comes to it, and where a format's lowest is above, that one. **SNR is what ours is made for and
the others are not**: they put their errors where ears miss them, and by ear they stand better than here. What they
decode was moved to where it fits best; Opus got 48 kHz where it has not the rate. MP3, Opus and Vorbis files have
headers of some hundred to thousands of bytes, which count, since short sounds pay them.
Times are a core's own, of threads that ran beside other work."""


def main() -> None:
    chosen = sys.argv[1:] if sys.argv[1:] and sys.argv[1] in SETS else []
    if chosen:
        for name in chosen:
            one(name)
        return
    publish(
        "Sounds in few bytes",
        "\n\n".join([INTRO, *(one(name) for name in SETS), machine("numpy", "numba", "soundfile")]),
    )


if __name__ == "__main__":
    main()
