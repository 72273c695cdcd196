"""Lossless images: bits a pixel beside PNG, WebP, AVIF, JPEG XL, xz and zstd, in files and together; times both ways.

    python -m benchmarks.codec_lossless learn mnist   # trains on the training part, and keeps what was learned
    python -m benchmarks.codec_lossless rivals        # the other formats, on the held-out part
    python -m benchmarks.codec_lossless speed         # coding times of what was learned
    python -m benchmarks.codec_lossless               # ours, and the page, from what was kept

JPEG XL needs pillow-jxl-plugin and zstd needs zstandard on the path; without them their rows are left out.
"""

import io
import json
import lzma
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.codec_images_rivals import mosaic
from benchmarks.harness import ROOT, machine, publish, table
from latentspace.codec.lossless import LosslessCoder
from latentspace.codec.lossless_tables import count
from latentspace.codec.state import packed_state, unpacked_state

CACHE = ROOT / ".cache" / "benchmarks" / "codec_lossless"
# Training steps, and held-out images; the first so many of them as files, which do not depend on one another.
SETS = {"mnist": (1200, 2000, 500), "fashion-mnist": (1000, 2000, 500), "emoji": (900, 400, 400)}


def images(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The part to train on, and held-out images, uint8: the split of `codec_images` (base emoji: no twins of skin)."""
    from latentspace import datasets

    data, held = datasets.load(name), SETS[name][1]
    if data.n_train < len(data.x):
        return data.x[: data.n_train], data.x[data.n_train :][:held]
    order = np.random.default_rng(0).permutation(len(data.x))
    return data.x[order[held:]], data.x[order[:held]]


# ---------------------------------------------------------------------- rivals
def _file(picture: np.ndarray, **options: Any) -> int:
    """Bytes of a picture's file, or -1 where it does not hold the very picture."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, **options)
    back = np.asarray(Image.open(file).convert("L" if picture.ndim == 2 else "RGB"))
    return file.tell() if np.array_equal(back, picture) else -1


def formats(colour: bool) -> dict[str, dict[str, Any]]:
    """What Pillow is told for the fewest bits without loss."""
    found: dict[str, dict[str, Any]] = {
        "PNG": {"format": "PNG", "optimize": True},
        "WebP": {"format": "WEBP", "lossless": True, "quality": 100, "method": 6},
        "AVIF": {"format": "AVIF", "quality": 100, "speed": 3, "subsampling": "4:4:4" if colour else "4:0:0"},
    }
    if find_spec("pillow_jxl"):
        import pillow_jxl  # noqa: F401 - registers the format

        found["JPEG XL"] = {"format": "JXL", "lossless": True, "effort": 9}
    return found


def packers(train: np.ndarray) -> dict[str, tuple[Callable[[bytes], int], Callable[[bytes], int]]]:
    """General compressors: bytes of one item's, and of all together."""

    def xz(data: bytes) -> int:
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "pb": 0}]
        return len(lzma.compress(data, format=lzma.FORMAT_RAW, filters=filters))

    found: dict[str, tuple[Callable[[bytes], int], Callable[[bytes], int]]] = {"xz": (xz, xz)}
    if find_spec("zstandard"):
        import zstandard

        samples = [np.ascontiguousarray(item).tobytes() for item in train[:10000]]
        dictionary = zstandard.train_dictionary(110_000, samples)
        dictionary.precompute_compress(level=22)
        alone = zstandard.ZstdCompressor(level=22, dict_data=dictionary, write_content_size=False, write_dict_id=False)
        whole = zstandard.ZstdCompressor(level=22)
        found["zstd -22"] = (lambda data: len(alone.compress(data)), lambda data: len(whole.compress(data)))
    return found


def rivals(name: str) -> dict[str, Any]:
    """Bits a pixel in files and together, by format; None where a format does not keep the pixels."""
    train, x = images(name)
    n, pixels = SETS[name][2], x[0].size // (x.shape[3] if x.ndim == 4 else 1)
    found: dict[str, Any] = {}
    for kind, options in formats(x.ndim == 4).items():
        files, whole = [_file(item, **options) for item in x[:n]], _file(mosaic(x), **options)
        found[kind] = (
            None if min(files) < 0 else 8 * sum(files) / (n * pixels),
            None if whole < 0 else 8 * whole / (len(x) * pixels),
        )
        print(name, kind, found[kind], flush=True)
    for kind, (alone, together) in packers(train).items():
        files = [alone(np.ascontiguousarray(item).tobytes()) for item in x[:n]]
        found[kind] = (8 * sum(files) / (n * pixels), 8 * together(x.tobytes()) / (len(x) * pixels))
        print(name, kind, found[kind], flush=True)
    return found


# ---------------------------------------------------------------------- ours
def learn(name: str) -> None:
    """Trains, and keeps the coder and what that took."""
    train, _ = images(name)
    began, used = time.perf_counter(), time.process_time()
    coder = LosslessCoder.fit(list(train), network=True, steps=SETS[name][0])
    took = {"wall": time.perf_counter() - began, "process": time.process_time() - used}
    (CACHE / f"{name}.state").write_bytes(packed_state(*coder.get_state()))
    _keep(f"{name}-learned", took)
    print(name, took, flush=True)


def coder_of(name: str) -> LosslessCoder:
    return LosslessCoder.from_state(*unpacked_state((CACHE / f"{name}.state").read_bytes()))


def ours(name: str) -> dict[str, Any]:
    """Bits a pixel of strings of their own and of one block, checked by decoding; the estimate; and tables alone."""
    train, every = images(name)
    coder, x = coder_of(name), list(every)
    channels = every.shape[3] if every.ndim == 4 else 1
    pixels, shapes = every.size // channels, [item.shape for item in x]
    parts, block = coder.encode(x), coder.encode_block(x)
    for back in (coder.decode(parts, shapes), coder.decode_block(block, shapes)):
        assert np.array_equal(np.stack(back), every)
    few = train[:300].reshape(300, *train.shape[1:3], channels)
    tables = LosslessCoder({**coder.odds, channels: count(list(few), channels)})
    return {
        "files": 8 * sum(len(part) for part in parts) / pixels,
        "block": 8 * len(block) / pixels,
        "estimate": float(coder.bits(x).sum()) / pixels,
        "tables": 8 * sum(len(part) for part in tables.encode(x)) / pixels,
        "model": coder.model_bytes(),
        "n": len(x),
        "pixels": pixels // len(x),
    }


def speed() -> None:
    """Images a second both ways, by the clock and by the processor's time; 4,096 of 28 x 28, 400 emoji."""
    for name in SETS:
        x = images(name)[1]
        x = np.concatenate([x] * 3)[:4096] if x.ndim == 3 else x
        coder, runs, items = coder_of(name), [], list(x)
        for _ in range(3):
            marks = [(time.perf_counter(), time.process_time())]
            parts = coder.encode(items)
            marks.append((time.perf_counter(), time.process_time()))
            coder.decode(parts, [item.shape for item in items])
            marks.append((time.perf_counter(), time.process_time()))
            runs.append(np.diff(np.array(marks), axis=0))
        best = len(x) / np.min(runs, axis=0)  # (encode, decode) by (wall, process)
        _keep(f"{name}-speed", best.tolist())
        print(name, best, flush=True)


def _keep(name: str, figures: Any) -> None:
    (CACHE / f"{name}.json").write_text(json.dumps(figures))


def _kept(name: str) -> Any:
    path = CACHE / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


# ---------------------------------------------------------------------- the page
INTRO = """Bits a pixel (all channels), without loss, of images that no model was trained on. *Alone*: a string or a
file for each, zstd with a dictionary of 110 kB that is not counted; *together*: one block, one mosaic, one stream. Ours
is trained on the other part; every image was decoded and compared. Our strings have no header: the container has one
for all. A PNG's or a WebP's is in its file. AVIF does not keep colours exactly."""


def page() -> None:
    words = [INTRO]
    for name, (_, held, alone) in SETS.items():
        mine, others = ours(name), _kept(f"{name}-rivals")
        print(name, mine, flush=True)
        bits = {"latentspace, networks": (mine["files"], mine["block"])}
        bits |= {"latentspace, tables of 300 images": (mine["tables"], None), **others}
        rows = [{"": kind, "alone": _shown(one), "together": _shown(all_)} for kind, (one, all_) in bits.items()]
        best = min(b for both in others.values() for b in both if b is not None)
        pays = {way: mine["model"] * 8 / mine["pixels"] / (best - mine[way]) for way in ("files", "block")}
        words.append(
            f"### {name}: {held:,} images, others alone: the first {alone:,}\n\n"
            + table(rows, ["", "alone", "together"])
            + f"\n\nAlone, ours take {mine['files'] / best:.3f} of the best of the others in any way ({best:.3f}), in "
            f"a block {mine['block'] / best:.3f}. The model's own estimate is {mine['estimate']:.3f}: real bytes are "
            f"{mine['files'] / mine['estimate'] - 1:+.2%} alone, {mine['block'] / mine['estimate'] - 1:+.2%} in a "
            f"block. The model takes {mine['model'] / 1000:.1f} kB, which pays from {int(np.ceil(pays['files'])):,} "
            f"images against that best ({int(np.ceil(pays['block'])):,} in a block). {_times(name)}"
        )
    publish("Images without loss", "\n\n".join([*words, machine("numpy", "torch", "Pillow")]))


def _shown(bits: float | None) -> str:
    return "-" if bits is None else f"{bits:.3f}"


def _times(name: str) -> str:
    learned, rate = _kept(f"{name}-learned"), _kept(f"{name}-speed")
    words = f"Learned in {learned['process']:.0f} s of a processor's time."
    if rate:
        (wall_in, cpu_in), (wall_out, cpu_out) = rate
        words += (
            f" Images a second: coding {wall_in:,.0f} by the clock, beside other work on this machine, and "
            f"{2 * cpu_in:,.0f} on two cores by the processors' time; decoding {wall_out:,.0f} and {2 * cpu_out:,.0f}."
        )
    return words


def main() -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    if what == "learn":
        for name in sys.argv[2:] or SETS:
            learn(name)
    elif what == "rivals":
        for name in sys.argv[2:] or SETS:
            _keep(f"{name}-rivals", rivals(name))
    elif what == "speed":
        speed()
    else:
        for name in SETS:
            if not (CACHE / f"{name}.state").exists():
                learn(name)
            if _kept(f"{name}-rivals") is None:
                _keep(f"{name}-rivals", rivals(name))
        page()


if __name__ == "__main__":
    main()
