"""The lossy coder of pictures: bits a pixel at 25, 30 and 35 dB beside other formats, learning and coding times.

    python -m benchmarks.codec_images learn mnist     # trains on the training part, and keeps what was learned
    python -m benchmarks.codec_images speed           # coding times of what was learned
    python -m benchmarks.codec_images rivals          # the other formats' curves
    python -m benchmarks.codec_images                 # what is missing of these, ours, and the page

Each step keeps its figures in .cache/benchmarks/codec_images, so that times can be taken alone. JPEG XL needs
pillow-jxl-plugin on the path; without it its rows are left out.
"""

import json
import sys
import time
from typing import Any

import numpy as np

from benchmarks import codec_images_rivals as rivals
from benchmarks.harness import ROOT, machine, publish, table

CACHE = ROOT / ".cache" / "benchmarks" / "codec_images"
SETS = {"mnist": (4000, 400), "fashion-mnist": (4000, 400), "emoji": (6000, 300)}  # training steps, held-out items
WORDS = (
    "Bits a pixel (of all channels) at a PSNR over the set, of held-out pictures (400 digits, 400 clothes, 300 emoji;"
    " the same for all), between settings on a straight line; nan: not reached, or coarser than its coarsest. Files: "
    "one a picture; ours are strings with one byte for their length. Mosaic: all in one picture. JPEG and AVIF "
    "without subsampling of colours, AVIF at speed 5, WebP's method 6, JPEG XL's effort 7. PCA, ideal: all axes, one "
    "step, each axis at its own entropy, its basis not counted, and not counted among the others. Our model is not "
    "counted in these: its bytes, and from how many items it pays beside the best other's files at 30 dB, are below. "
    "Real bytes of one stream beside the coder's own estimate: the worst of eight steps."
)
STEPS = tuple(float(step) for step in np.geomspace(14, 150, 8))
SPEED = 2000  # items that are timed, where there are so many


def images(name: str, most: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The part to train on, and held-out images, uint8; emoji at random (base emoji only: no twins)."""
    from latentspace import datasets

    data, held = datasets.load(name), SETS[name][1]
    if data.n_train < len(data.x):
        return data.x[: data.n_train], data.x[data.n_train :][: most or held]
    order = np.random.default_rng(0).permutation(len(data.x))
    return data.x[order[held:]], data.x[order[:held]]


def _kept(name: str, value: Any = None) -> Any:
    """Figures that an earlier step kept, or None; keeps `value` where one is given."""
    path = CACHE / f"{name}.json"
    if value is not None:
        CACHE.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    return json.loads(path.read_text()) if path.exists() else None


def learn(name: str) -> None:
    """Trains on one thread, and keeps the coder's state and how long it took."""
    import torch

    from latentspace.codec.pictures import PictureCoder
    from latentspace.codec.state import packed_state

    torch.set_num_threads(1)
    train, _ = images(name)
    began, used = time.perf_counter(), time.process_time()
    coder = PictureCoder.fit(list(train), steps=SETS[name][0])
    took = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - used}
    _kept(f"{name}-learned", took | {"steps": SETS[name][0], "items": len(train)})
    (CACHE / f"{name}.model").write_bytes(packed_state(*coder.get_state()))
    print(name, took, file=sys.stderr, flush=True)


def coder_of(name: str) -> Any:
    """The coder that `learn` kept."""
    from latentspace.codec.pictures import PictureCoder
    from latentspace.codec.state import unpacked_state

    if not (CACHE / f"{name}.model").exists():
        learn(name)
    return PictureCoder.from_state(*unpacked_state((CACHE / f"{name}.model").read_bytes()))


def speed(name: str) -> None:
    """Images a second at 30 dB, both ways, by the clock and by the processor's time."""
    coder, (_, x) = coder_of(name), images(name, SPEED)
    step, rows = _step_for(coder, x[:300], 30.0), {}
    shapes = [item.shape for item in x]
    coder.decode(coder.encode(x, step), shapes, step)  # compiled by now, and read from disk
    for way, write, read in (
        ("files", coder.encode, coder.decode),
        ("one stream", coder.encode_block, coder.decode_block),
    ):
        coded, rows[f"{way}, in"] = _timed(lambda write=write: write(x, step), len(x))
        _, rows[f"{way}, out"] = _timed(lambda read=read, coded=coded: read(coded, shapes, step), len(x))
    _kept(f"{name}-speed", rows)
    print(name, rows, file=sys.stderr, flush=True)


def _timed(work: Any, n: int) -> tuple[Any, dict[str, float]]:
    began, used = time.perf_counter(), time.process_time()
    done = work()
    return done, {"clock": n / (time.perf_counter() - began), "cpu": n / (time.process_time() - used)}


def _step_for(coder: Any, x: np.ndarray, decibels: float) -> float:
    low, high = coder.span
    for _ in range(9):
        middle = (low * high) ** 0.5
        good = rivals.decibels(x, np.stack(coder.approximate(x, middle))) > decibels
        low, high = (middle, high) if good else (low, middle)
    return low


def ours(name: str) -> dict[str, list[rivals.Point]]:
    """Our curves: a string an image with one byte for its length, all in one stream, and its own estimate."""
    coder, x = coder_of(name), images(name)[1]
    shapes, pixels = [item.shape for item in x], len(x) * x.shape[1] * x.shape[2]
    curves: dict[str, list[rivals.Point]] = {"files": [], "one stream": [], "own estimate": []}
    for step in STEPS:
        parts, block = coder.encode(x, step), coder.encode_block(x, step)
        x_hat = np.stack(coder.decode(parts, shapes, step))
        assert np.array_equal(x_hat, np.stack(coder.decode_block(block, shapes, step)))
        psnr = rivals.decibels(x, x_hat)
        sizes = {
            "files": 8 * sum(len(part) + 1 for part in parts),
            "one stream": 8 * len(block),
            "own estimate": float(coder.bits(x, step).sum()),
        }
        for way, size in sizes.items():
            curves[way].append((step, size / pixels, psnr))
        print(name, step, psnr, {way: size / pixels for way, size in sizes.items()}, file=sys.stderr, flush=True)
    _kept(f"{name}-ours", curves)
    return curves


def others(name: str) -> dict[str, dict[str, list[rivals.Point]]]:
    """The other formats' curves; what is kept already is not made again."""
    train, x = images(name)
    kept = _kept(f"{name}-rivals") or {}
    for kind in ("JPEG", "WebP", "AVIF", "JPEG XL"):
        for way in ("files", "mosaic"):
            if way in kept.get(kind, {}):
                continue
            try:
                points = [point for point, _ in rivals.curve(kind, way, x)]
            except ImportError:
                print(f"{kind} is left out: pillow-jxl-plugin is not installed.", file=sys.stderr)
                break
            kept.setdefault(kind, {})[way] = points
            _kept(f"{name}-rivals", kept)
            told = [round(rivals.bits_at(points, d), 3) for d in rivals.DECIBELS]
            print(name, kind, way, told, file=sys.stderr, flush=True)
    if "PCA, ideal" not in kept and x.ndim == 3:
        kept["PCA, ideal"] = {"files": rivals.pca_curve(train[:10_000], x)}
        _kept(f"{name}-rivals", kept)
    return kept


def rows_of(name: str) -> list[dict[str, Any]]:
    """The table of one set: every way's bits a pixel at each PSNR, and ours as a share of the best other format."""
    our, their = _kept(f"{name}-ours") or ours(name), others(name)
    rows = []
    for way, beside in (("files", "files"), ("one stream", "mosaic")):
        best = dict.fromkeys(rivals.DECIBELS, np.nan)
        for kind, ways in their.items():
            if beside in ways:
                bits = {d: rivals.bits_at(ways[beside], d) for d in rivals.DECIBELS}
                rows.append({"set": name, "by": kind, "way": beside} | {f"{d:g} dB": bits[d] for d in bits})
                if "ideal" not in kind:
                    best = {d: float(np.fmin(best[d], bits[d])) for d in bits}
        mine = {d: rivals.bits_at(our[way], d) for d in rivals.DECIBELS}
        rows.append({"set": name, "by": "**ours**", "way": way} | {f"{d:g} dB": mine[d] for d in mine})
        rows.append({"by": f"ours / best other {beside}"} | {f"{d:g} dB": mine[d] / best[d] for d in mine})
    return rows


def facts_of(name: str) -> dict[str, Any]:
    """The model's bytes, from how many items on it pays, what learning took, images a second, real bytes and told."""
    _, x = images(name)
    pixels, our = x.shape[1] * x.shape[2], _kept(f"{name}-ours")
    other = np.nanmin([rivals.bits_at(ways["files"], 30) for kind, ways in others(name).items() if "ideal" not in kind])
    saved = (other - rivals.bits_at(our["files"], 30)) * pixels / 8
    size, took, quick = (CACHE / f"{name}.model").stat().st_size, _kept(f"{name}-learned"), _kept(f"{name}-speed")
    real = [block[1] / told[1] - 1 for block, told in zip(our["one stream"], our["own estimate"], strict=True)]
    row = {
        "set": name, "model bytes": size, "pays from": int(np.ceil(size / saved)), "learned in, s": took["cpu_seconds"],
        "stream over estimate": f"{100 * max(real):.2f}%",
    }  # fmt: skip
    return row | {f"{way}, a s": f"{each['clock']:,.0f} ({each['cpu']:,.0f})" for way, each in quick.items()}


def main() -> None:
    """Measures what is missing, and publishes."""
    from benchmarks.codec_images_plot import draw

    rows, facts = [], []
    for name in SETS:
        if _kept(f"{name}-learned") is None:
            learn(name)
        rows += rows_of(name)
        if _kept(f"{name}-speed") is None:
            speed(name)
        facts.append(facts_of(name))
        draw(name, _kept(f"{name}-ours"), others(name), ROOT / "docs" / "pictures" / "codec" / f"{name}.png")
    columns = ["set", "by", "way", *(f"{d:g} dB" for d in rivals.DECIBELS)]
    pictures = "\n".join(f"![{name}: bits a pixel and PSNR of each format](pictures/codec/{name}.png)" for name in SETS)
    publish(
        "Lossy pictures",
        WORDS + "\n\n" + table(rows, columns) + "\n\nPictures a second at 30 dB by the clock on 2 cores, and in "
        "brackets for each second of one core; learning by seconds of one core.\n\n" + table(facts, list(facts[0]))
        + "\n\n" + pictures
        + "\n\nMeasured on " + machine("numpy", "numba", "Pillow", "torch") + ".",
    )  # fmt: skip


if __name__ == "__main__":
    what, *names = sys.argv[1:] or ["all"]
    steps = {"learn": learn, "speed": speed, "ours": ours, "rivals": others}
    if what == "all":
        main()
    else:
        for each in names or SETS:
            steps[what](each)
