"""Reading folders of images: ours beside a plain Pillow loop, on one thread and on two.

Small images are 10,000 PNG files of 28 x 28 drawn from scikit-learn's digits, large ones 600 JPEG files of 1280 x 854
cut from its two photographs. Both are written to a temporary folder first, so every read finds them in the page cache.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from . import harness

SIZE = {"small": 28, "large": 64}
MODE = {"small": "L", "large": "RGB"}


def write_small(folder: Path, n: int = 10_000) -> None:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    rng = np.random.default_rng(0)
    for i in range(n):
        k = i % len(bunch.images)
        rows = (bunch.images[k] * 255 / 16).astype(np.uint8)
        digit = Image.fromarray(rows).resize((28, 28), Image.Resampling.BICUBIC).rotate(float(rng.uniform(-15, 15)))
        inner = folder / str(bunch.target[k])
        inner.mkdir(parents=True, exist_ok=True)
        digit.save(inner / f"{i:05}.png")


def write_large(folder: Path, n: int = 600) -> None:
    from sklearn.datasets import load_sample_images

    folder.mkdir(parents=True)
    photos = [Image.fromarray(rows).resize((1600, 1067)) for rows in load_sample_images().images]
    rng = np.random.default_rng(0)
    for i in range(n):
        left, top = int(rng.integers(0, 320)), int(rng.integers(0, 213))
        photos[i % 2].crop((left, top, left + 1280, top + 854)).save(folder / f"{i:04}.jpg", quality=90)


def ours(folder: str, size: int) -> dict[str, Any]:
    """Lists, chooses channels, and reads all features in blocks."""
    from latentspace.items import gather

    def work() -> int:
        kind, gathered = gather(folder)
        modality = kind(size=size).learn(gathered)
        return sum(len(batch) for batch in modality.read(gathered))

    count, figures = harness.measure(work)
    return {"images": count, **figures}


def _one(path: Path, size: int, mode: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert(mode).resize((size, size), Image.Resampling.BICUBIC))


def pillow(folder: str, size: int, mode: str, workers: int) -> dict[str, Any]:
    """The loop that one would write by hand: open, convert, resize, stack to float32."""

    def work() -> int:
        paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        if workers == 1:
            rows = [_one(path, size, mode) for path in paths]
        else:
            with ThreadPoolExecutor(workers) as pool:
                rows = list(pool.map(partial(_one, size=size, mode=mode), paths))
        return len(np.stack(rows).astype(np.float32) / 255)

    count, figures = harness.measure(work)
    return {"images": count, **figures}


def main(runs: int = 5) -> None:
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for name, write in (("small", write_small), ("large", write_large)):
            folder = Path(place) / name
            write(folder)
            given = {"folder": str(folder), "size": SIZE[name]}
            jobs = {"latentspace": partial(harness.run, "benchmarks.items:ours", **given)}
            for workers in (1, 2):
                loop = {**given, "mode": MODE[name], "workers": workers}
                label = f"Pillow loop, {workers} thread{'s' if workers > 1 else ''}"
                jobs[label] = partial(harness.run, "benchmarks.items:pillow", **loop)
            medians = harness.alternate(jobs, runs)
            for job, figures in medians.items():
                rows.append(
                    {
                        "data": "PNG 28 x 28, grey" if name == "small" else "JPEG 1280 x 854 to 64 x 64",
                        "reader": job,
                        "images": int(figures["images"]),
                        "seconds": figures["seconds"],
                        "images a second": figures["images"] / figures["seconds"],
                        "extra MB": figures["extra_mb"],
                    }
                )
    columns = ["data", "reader", "images", "seconds", "images a second", "extra MB"]
    harness.publish(
        "Reading items",
        f"{harness.machine('Pillow', 'numpy')}. Medians of {runs} alternated runs, each in a process of its own.\n\n"
        f"{harness.table(rows, columns)}\n\n"
        "Ours lists the folder with its labels, looks at headers to choose the channels, turns images upright, and "
        "leaves bad files out; the loop does none of that. Pillow decodes small files under Python's lock, so threads "
        "do not help there; large JPEG files are decoded at a fraction of their size, on all cores.",
    )


if __name__ == "__main__":
    main()
