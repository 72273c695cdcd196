"""Reading folders: images beside Pillow's loops and torchvision's folder, mails beside scikit-learn's TfidfVectorizer.

Digits are 10,000 of MNIST as PNG, emoji the 3,786 files of Google's set, photographs crops of scikit-image's pictures,
500 x 500. All lie in a temporary folder, so that every read finds them in the page cache. Then 50,000 images go through
`latentspace.fit`, and their memory is counted.

torchvision is a peer with an environment of its own (its wheel wants the build of torch that it was made for):

    python -m venv ENV && ENV/bin/pip install torchvision numpy Pillow
    TORCHVISION_PYTHON=ENV/bin/python python -m benchmarks.items

Without it the table says so. Sets are those of `latentspace.datasets`, fetched on first use.
"""

import argparse
import io
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .harness import alternate, machine, publish, run, table
from .items_peers import timed

LIMIT = 2**30  # bytes that 50,000 images may take above their features


# ---------------------------------------------------------------------- data
def digits(folder: Path, n: int = 10_000) -> None:
    from latentspace import datasets

    found = datasets.load("mnist")
    for i in range(n):
        inner = folder / str(found.labels[i])
        inner.mkdir(parents=True, exist_ok=True)
        Image.fromarray(found.x[i]).save(inner / f"{i:05}.png")


def emoji(folder: Path) -> None:
    from latentspace.datasets import sets

    where = sets.SETS["emoji"].source.fetch()  # type: ignore[union-attr]
    shutil.copytree(where / "package/img/google/64", folder / "emoji")


def crops(n: int, side: int, result: int) -> Any:
    """Squares cut at random from photographs, brought to `result` pixels."""
    from latentspace import datasets

    found = datasets.load("photos")
    names = ("astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field", "motorcycle_left", "ihc", "retina")
    paths = [path for path in sorted(Path(found.x).iterdir()) if path.stem in names]
    photos = [Image.open(path).convert("RGB") for path in paths]
    rng = np.random.default_rng(0)
    for i in range(n):
        photo = photos[i % len(photos)]
        one = min(side, *photo.size)
        left, top = (int(rng.integers(0, whole - one + 1)) for whole in photo.size)
        yield i, photo.resize((result, result), box=(left, top, left + one, top + one))


def photographs(folder: Path, suffix: str, n: int) -> None:
    (folder / "photos").mkdir(parents=True)
    for i, photo in crops(n, 500, 500):
        photo.save(folder / "photos" / f"{i:04}{suffix}", **({"quality": 90} if suffix == ".jpg" else {}))


def mails(folder: Path) -> None:
    from latentspace import datasets

    found = datasets.load("mails")
    for label in set(found.labels):
        (folder / label).mkdir(parents=True)
    for i, (text, label) in enumerate(zip(found.x, found.labels, strict=True)):
        (folder / label / f"{i:05}.txt").write_text(text, encoding="utf-8", errors="replace")


# ---------------------------------------------------------------------- ours
def ours(folder: str, size: int) -> dict[str, Any]:
    """Lists, chooses channels, and reads all features in blocks."""
    from latentspace.items import gather

    with tempfile.TemporaryDirectory() as one:  # imports done
        shutil.copy(next(path for path in Path(folder).rglob("*") if path.is_file()), one)
        kind, gathered = gather(one)
        list(kind(size=size).learn(gathered).read(gathered))  # type: ignore[call-arg]

    def work() -> int:
        kind, gathered = gather(folder)
        modality = kind(size=size).learn(gathered)  # type: ignore[call-arg]
        return sum(len(batch) for batch in modality.read(gathered))

    return timed(work)


def our_texts(folder: str) -> dict[str, Any]:
    """Lists, decodes, learns the words and weighs them."""
    from latentspace.items import gather

    with tempfile.TemporaryDirectory() as one:  # imports done
        Path(one, "one.txt").write_text("a text of some words")
        kind, gathered = gather(one)
        list(kind(min_texts=1).learn(gathered).read(gathered))  # type: ignore[call-arg]

    def work() -> int:
        kind, gathered = gather(folder)
        modality = kind().learn(gathered)
        return sum(len(batch) for batch in modality.read(modality.pieces(gathered)))

    return timed(work)


def bounded(folder: str, model: str, path: str) -> dict[str, Any]:
    """Fits on a folder and saves; tells the peak memory of the whole process, and what the features take of it."""
    import latentspace as ls

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    began = time.perf_counter()
    space = ls.fit(folder, model, dims=32, density="gaussian")
    fitted = time.perf_counter()
    space.save(path, overwrite=True)
    saved = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    features = len(space) * int(np.prod(space.modality.shape))  # a byte each: what was read, and what is kept
    return {
        "images": len(space), "fit, s": fitted - began, "save, s": saved - fitted, "features, MB": features / 2**20,
        "at the start, MB": before / 2**20, "peak, MB": peak / 2**20,
        "above the features, MB": (peak - features) / 2**20, "file, MB": Path(path).stat().st_size / 2**20,
    }  # fmt: skip


# ---------------------------------------------------------------------- tables
def reading(place: Path, peer: str | None, runs: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the reading table, and why sets are missing from it."""
    rows, missing = [], []
    sets: dict[str, tuple[Callable[[Path], None], int, str]] = {
        "digits: 10,000 PNG of 28 x 28, grey": (digits, 28, "L"),
        "emoji: 3,786 PNG of 64 x 64, transparent": (emoji, 64, "RGB"),
        "photographs: 600 JPEG of 500 x 500 to 64": (partial(photographs, suffix=".jpg", n=600), 64, "RGB"),
        "photographs: 200 PNG of 500 x 500 to 64": (partial(photographs, suffix=".png", n=200), 64, "RGB"),
    }
    for name, (write, size, mode) in sets.items():
        folder = place / name.split(":")[0] / str(len(rows))
        try:
            write(folder)
        except Exception as error:
            missing.append(f"{name}: {error}")
            continue
        given = {"folder": str(folder), "size": size}
        jobs = {"latentspace": partial(run, "benchmarks.items:ours", **given)}
        by_hand = partial(run, "benchmarks.items_peers:pillow", **given, mode=mode)
        jobs["Pillow, a loop"] = partial(by_hand, workers=1)
        jobs["Pillow, 2 threads"] = partial(by_hand, workers=2)
        jobs["Pillow, 2 processes"] = partial(by_hand, workers=2, processes=True)
        if peer:
            theirs = partial(run, "benchmarks.items_peers:torchvision", python=peer, **given, mode=mode)
            jobs["torchvision, no workers"] = partial(theirs, workers=0)
            jobs["torchvision, 2 workers"] = partial(theirs, workers=2)
        rows += beside(name, alternate(jobs, runs))
    return rows, missing


def beside(name: str, medians: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of one set: each reader's time, and as a share of the best other's."""
    best = min(row["seconds"] for job, row in medians.items() if job != "latentspace")
    least = min(row["processor"] for job, row in medians.items() if job != "latentspace")
    return [
        {
            "folder": name, "reader": job, "seconds": row["seconds"], "of the best other": row["seconds"] / best,
            "processor seconds": row["processor"], "of the least other": row["processor"] / least,
        }
        for job, row in medians.items()
    ]  # fmt: skip


def texts(place: Path, runs: int) -> list[dict[str, Any]]:
    """Rows of the mails."""
    mails(place / "mails")
    jobs = {
        "latentspace": partial(run, "benchmarks.items:our_texts", folder=str(place / "mails"), threads=1),
        "scikit-learn": partial(run, "benchmarks.items_peers:tfidf", folder=str(place / "mails"), threads=1),
    }
    return beside("mails: 6,046 texts to TF-IDF", alternate(jobs, runs))


def memory(place: Path) -> list[dict[str, Any]]:
    """Rows of the table of 50,000 images."""
    digits(place / "many" / "digits", 50_000)
    colour = place / "many" / "crops"
    colour.mkdir()
    for i, crop in crops(50_000, 96, 64):
        crop.save(colour / f"{i:05}.png", compress_level=1)
    rows = []
    for name, what in (("digits", "28 x 28, grey"), ("crops", "64 x 64, colour")):
        figures = run(
            "benchmarks.items:bounded", folder=str(place / "many" / name), model="pca", path=str(place / "x.latent")
        )
        kept = "under" if figures["above the features, MB"] * 2**20 < LIMIT else "OVER"
        rows.append({"images of": what, **figures, "1 GB above the features": kept})
    return rows


def encoders() -> list[dict[str, Any]]:
    """Rows of the table of thumbnails: emoji as colour images of 64 x 64."""
    from latentspace import datasets, thumbnails

    pictures = [Image.fromarray(x) for x in datasets.load("emoji").x[::4]]

    def by(kind: str, **options: Any) -> Callable[[Any], bytes]:
        def encode(picture: Any) -> bytes:
            held = io.BytesIO()
            picture.save(held, kind, **options)
            return held.getvalue()

        return encode

    ways = {"ours (JPEG, quality 85, 4:4:4)": thumbnails.encode, "JPEG, quality 80": by("JPEG", quality=80),
            "WebP, quality 80": by("WEBP", quality=80), "WebP, its fastest": by("WEBP", quality=80, method=0),
            "PNG": by("PNG")}  # fmt: skip
    rows = []
    for name, encode in ways.items():
        began = time.process_time()
        encoded = [encode(picture.copy()) for picture in pictures]
        spent = time.process_time() - began
        back = [np.asarray(Image.open(io.BytesIO(one)).convert("RGB"), float) for one in encoded]
        error = np.mean([np.mean((b - np.asarray(p)) ** 2) for b, p in zip(back, pictures, strict=True)])
        rows.append(
            {
                "encoded as": name, "ms each": 1000 * spent / len(pictures),
                "bytes each": float(np.mean([*map(len, encoded)])),
                "PSNR, dB": "lossless" if error == 0 else 10 * np.log10(255**2 / error),
            }
        )  # fmt: skip
    return rows


def main(runs: int = 5, quick: bool = False) -> None:
    """Measures and publishes all."""
    peer = os.environ.get("TORCHVISION_PYTHON")
    with tempfile.TemporaryDirectory() as place:
        rows, missing = reading(Path(place), peer, runs)
        rows += texts(Path(place), runs)
        columns = ["folder", "reader", "seconds", "of the best other", "processor seconds", "of the least other"]
        text = (
            f"{machine('Pillow', 'numpy', 'scikit-learn')}. From a folder to float32 features; medians of {runs} "
            f"alternated runs, each in a process of its own, imports before the clock.\n\n{table(rows, columns)}\n\n"
            "Ours also finds the labels and the size, turns images upright, puts transparent ones on white, and leaves "
            "bad files out; the others do none of that.\n\n"
        )
        if not peer:
            text += (
                "torchvision was not measured: TORCHVISION_PYTHON names no interpreter that has it "
                "(benchmarks/items.py).\n\n"
            )
        text += "".join(f"Left out: {words}\n\n" for words in missing)
        if not quick:
            found = memory(Path(place))
            text += (
                "### 50,000 images\n\n`latentspace.fit(folder, 'pca', dims=32)` and `save`, in a process of its own; "
                "peak memory as the system counts it (ru_maxrss), Python and all libraries included. Colour images are "
                f"too many for a file's features: they get thumbnails while they are read.\n\n"
                f"{table(found, list(found[0]))}\n\n"
            )
        found = encoders()
        text += f"### Thumbnails\n\nEmoji of 64 x 64 in colour, processor time.\n\n{table(found, list(found[0]))}\n"
    publish("Reading items", text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two runs of each job, and not 50,000 images")
    quick = parser.parse_args().quick
    main(2 if quick else 5, quick)
