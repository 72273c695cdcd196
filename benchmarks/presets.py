"""Every preset on real digits, and pythae beside those that it has: quality, samples by density, seconds, memory.

pythae 0.1.2 lives in an environment of its own, as `training` says; there

    ENV/bin/pip install psutil
    PYTHAE_PYTHON=ENV/bin/python python -m benchmarks presets

All train on one thread, on the same 4,000 digits, through the same network, for as many epochs in batches as large.
Two jobs run at a time, a core each: ours and pythae's side by side, so that whatever slows one slows the other. Rows
are kept in .cache/ under what they depend on, so a run that was stopped goes on; `--fresh` measures all anew.
"""

import argparse
import hashlib
import inspect
import json
import os
import shutil
import statistics
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from . import frechet
from .digits import CACHE, split
from .harness import ROOT, machine, measure, publish, run, table
from .judging import DRAWN, Book, distances, judged, reason, until
from .presets_peers import DIMS, MODELS, kept

HERE = Path(__file__).parent
KEPT = CACHE / "presets"
HIDDEN = [512]
CORES = min(2, os.cpu_count() or 1)
EPOCHS = 20
BATCH = 64
FEWER = 14  # epochs, for the time to a loss: a schedule reaches its best loss only where it ends
SEEDS = 3
NOT_OF_DIGITS = {"mult-vae", "prodlda", "string-vae", "topic-vae"}  # of counts, of words, of symbols
DENSITIES = ("gaussian", "mixture", "auto")
WITH_PRIOR = {"vae", "beta", "beta-tc", "wae-mmd"}  # pythae's; its others have none to sample from
TABLE_SDS = (1e-3, 1e4)
# The best of four rates and schedules that were tried for pythae's vae; its own default is a rate of 1e-4.
BEST: dict[str, Any] = {"rate": 2e-3, "decay_at": [14, 18]}
# And as many codes an item as ours has by default: its own default network would give it one.
AND_FOR: dict[str, dict[str, Any]] = {"vq": {"groups": 8}}


def train(
    preset: str, files: list[str], seed: int, epochs: int, batch: int, densities: list[str], **options: Any
) -> dict[str, Any]:
    """Fits a preset by its defaults, but for the network and the epochs, and judges it."""
    import torch

    x, x_test, y, y_test = (np.load(path) for path in files)
    x, x_test = (part.reshape(-1, 1, 28, 28) for part in (x, x_test))
    book, networks = Book(preset, x_test), []
    model = made(preset, epochs=epochs, batch_size=batch, random_state=seed, **options)
    build = model._build
    model._build = lambda *given, **named: networks.append(build(*given, **named)) or networks[-1]

    def look(_: dict[str, Any]) -> None:
        book.note(lambda x: _ends_of(networks[0].infer(x)), networks[0].decode)

    book.start()
    _, figures = measure(lambda: model.fit(x, callback=look))
    figures |= book.finish()
    z, z_test = model.transform(x), model.transform(x_test)
    with torch.no_grad():
        book.note(lambda x: _ends_of(model.network_.infer(x)), model.network_.decode)
    figures |= {"loss": figures["rows"].pop()["loss"], "active": int(model.active_dims_.sum())}
    figures |= {"mse": float(np.mean((model.inverse_transform(z_test) - x_test) ** 2))}
    return figures | judged(z, y, z_test, y_test) | _samples(model, z, x_test, densities, seed)


def made(preset: str, **options: Any) -> Any:
    """An estimator of a preset on the benchmark's network."""
    from latentspace.models import make

    return make(preset, **settings(preset, **options))


def settings(preset: str, **options: Any) -> dict[str, Any]:
    """The benchmark's options for a preset, less those that its family does not have."""
    from latentspace.models import class_of

    takes = inspect.signature(class_of(preset).__init__).parameters
    usual = {"dims": DIMS, "network": "dense", "hidden": HIDDEN, "threads": 1} | options
    return {name: value for name, value in usual.items() if name in takes}


def _ends_of(q: Any) -> tuple[Any, Any]:
    """The mean and, where q is a Gaussian, the log-variance."""
    return q.mean, getattr(q, "log_var", None)


def _samples(model: Any, z: np.ndarray, x_test: np.ndarray, densities: list[str], seed: int) -> dict[str, Any]:
    """Frechet distances by density, and which density "auto" took."""
    from latentspace.models.densities import fit_density

    fitted = {name: fit_density(z, name, seed=seed, model=model) for name in densities}
    draws: dict[str, Callable[[], np.ndarray]] = {
        name: lambda density=density: density.sample(DRAWN, np.random.default_rng(seed))
        for name, density in fitted.items()
    }
    figures: dict[str, Any] = {"auto": fitted["auto"].family if "auto" in fitted else ""}
    if hasattr(model, "sample"):
        judge = frechet.judge(x_test)
        figures["frechet prior"] = judge(np.clip(model.sample(DRAWN, random_state=seed), 0, 1))

    def decode(z: np.ndarray) -> np.ndarray:
        return model.inverse_transform(model.project(z) if hasattr(model, "project") else z)

    return figures | distances(x_test, decode, draws)


# ---------------------------------------------------------------------- features as they come
def unscaled_files() -> dict[str, str]:
    """Writes the digits as pixels from 0 to 255, and a real table whose columns have deviations of 1e-3 to 1e4."""
    from sklearn.datasets import load_breast_cancer

    pixels, columns = CACHE / "pixels.npy", CACHE / "columns.npy"
    if not (pixels.exists() and columns.exists()):
        np.save(pixels, (np.load(split(frechet.TRAIN).train)[:1000] * 255).reshape(-1, 1, 28, 28))
        x = load_breast_cancer().data
        x = (x - x.mean(0)) / x.std(0) * np.geomspace(*TABLE_SDS, x.shape[1])
        np.save(columns, x.astype(np.float32))
    return {"pixels": str(pixels), "columns": str(columns)}


def unscaled(preset: str, path: str, epochs: int) -> dict[str, Any]:
    """Fits on features as they come, and says what came of it."""
    x = np.load(path)
    try:
        model = made(preset, epochs=epochs, random_state=0).fit(x)
        x_hat = model.inverse_transform(model.transform(x))
    except Exception as error:  # the outcome is the figure here
        return {"outcome": reason(error)}
    return {"kept": kept(x, x_hat)} if np.isfinite(x_hat).all() else {"outcome": "NaN in reconstructions"}


# ---------------------------------------------------------------------- rows that are kept
def digest(*sources: Path) -> str:
    """A check sum of source files, so that a figure is never older than what it measures."""
    files = [file for source in sources for file in (sorted(source.rglob("*.py")) if source.is_dir() else [source])]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def figures_of(job: str, python: str, **arguments: Any) -> dict[str, Any]:
    """Runs a job of this benchmark in a fresh process, or reads what it gave before."""
    shared = [HERE / f"{name}.py" for name in ("judging", "frechet", "digits", "presets_peers")]
    own = [] if python != sys.executable else [ROOT / "src" / "latentspace" / "models", HERE / "presets.py"]
    key = json.dumps([job, arguments, digest(*shared, *own)], sort_keys=True)
    file = KEPT / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
    if not file.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        figures = run(job, python=python, threads=1, **arguments)
        words = {key: value for key, value in figures.items() if key != "rows"}
        print(f"  {arguments.get('preset')} {job}: {words}", file=sys.stderr, flush=True)
        file.write_text(json.dumps({"key": key, "figures": figures}))
    return json.loads(file.read_text())["figures"]


def spread(rows: list[dict[str, Any]], name: str, digits: int) -> str:
    """Mean of a figure over seeds, and half the distance between its least and its most."""
    values = [row[name] for row in rows if name in row]
    if not values:
        return ""
    half = (max(values) - min(values)) / 2
    return f"{statistics.mean(values):.{digits}f}" + (f" ± {half:.{digits}f}" if len(values) > 1 else "")


def quality(rows: list[dict[str, Any]]) -> dict[str, str]:
    """The cells that both tables share."""
    cells = {
        "test MSE": ("mse", 4),
        "probe": ("probe", 3),
        "NMI": ("nmi", 2),
        "s": ("cpu", 1),
        "MB": ("extra_mb", 0),
    }
    cells |= {f"Frechet, {name}": (f"frechet {name}", 0) for name in ("prior", *DENSITIES)}
    return {title: spread(rows, name, digits) for title, (name, digits) in cells.items()}


def ours(preset: str, files: list[str], seed: int, epochs: int = EPOCHS) -> dict[str, Any]:
    """Our row of a seed; choosing among all densities is left to the first, as it takes as long as training."""
    densities = [*DENSITIES] if (seed, epochs) == (0, EPOCHS) else ["mixture"]
    return figures_of(
        "benchmarks.presets:train", sys.executable, preset=preset, files=files, seed=seed, epochs=epochs, batch=BATCH,
        densities=densities,
    )  # fmt: skip


def theirs(preset: str, files: list[str], seed: int, python: str) -> dict[str, Any]:
    """pythae's row of a seed."""
    figures = figures_of(
        "benchmarks.presets_peers:train", python, preset=preset, files=files, seed=seed, epochs=EPOCHS, batch=BATCH,
        **BEST, **AND_FOR.get(preset, {}),
    )  # fmt: skip
    return {name: value for name, value in figures.items() if name != "frechet prior" or preset in WITH_PRIOR}


def beside(peer: str, files: list[str], seeds: int) -> list[dict[str, Any]]:
    """Rows of the presets that pythae has too: ours and theirs side by side, each seed in turn."""
    turns = [(name, seed) for seed in range(seeds) for name in MODELS]
    with ThreadPoolExecutor(CORES) as pool:
        jobs = {
            turn: (
                pool.submit(ours, turn[0], files, turn[1]),
                pool.submit(theirs, turn[0], files, turn[1], peer),
                pool.submit(ours, turn[0], files, turn[1], FEWER),
            )
            for turn in turns
        }
    rows = []
    for name in MODELS:
        mine, others, fewer = ([jobs[name, seed][side].result() for seed in range(seeds)] for side in range(3))
        for who, values in (("latentspace", mine), ("pythae", others), (f"latentspace, {FEWER} epochs", fewer)):
            row = {"preset": name, "by": who, "test loss": spread(values, "loss", 1)} | quality(values)
            if who != "pythae":
                row |= {"to their loss": share(values, others, "loss"), "to their MSE": share(values, others, "mse")}
            rows.append(row)
    return rows


def share(ours: list[dict[str, Any]], theirs: list[dict[str, Any]], key: str) -> str:
    """Our processor time to the loss that they ended with, as a share of theirs: the mean, least and most of seeds."""
    shares = [until(a["rows"], key, b[key], "cpu") / b["cpu"] for a, b in zip(ours, theirs, strict=True)]
    if not np.isfinite(shares).all():
        return f"reached by {np.isfinite(shares).sum()} of {len(shares)}"
    return f"{statistics.mean(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})"


def all_of_ours(files: list[str]) -> list[dict[str, Any]]:
    """Rows of every preset, one seed."""
    from latentspace.models.presets import PRESETS

    names = [name for name in PRESETS if name not in NOT_OF_DIGITS]
    with ThreadPoolExecutor(CORES) as pool:
        jobs = {name: pool.submit(ours, name, files, 0) for name in names}
    rows = []
    for name, job in jobs.items():
        if error := job.exception():  # one preset that fails must not take the table with it
            print(error, file=sys.stderr)
            rows.append({"preset": name, "test MSE": reason(error)})
            continue
        figures = job.result()
        active = f"{figures['active']} of {DIMS}"
        rows.append({"preset": name, "active": active, "auto": figures["auto"]} | quality([figures]))
    return rows


def as_they_come(peer: str | None) -> list[dict[str, Any]]:
    """Rows of what becomes of features that nobody scaled."""
    rows = []
    for name in MODELS:
        row: dict[str, Any] = {"preset": name}
        for data, path in unscaled_files().items():
            for who, job, python in (
                ("latentspace", "benchmarks.presets:unscaled", sys.executable),
                ("pythae", "benchmarks.presets_peers:unscaled", peer),
            ):
                if python:
                    figures = figures_of(job, python, preset=name, path=path, epochs=10)
                    row[f"{data}, {who}"] = f"{figures['kept']:.1%}" if "kept" in figures else figures["outcome"]
        rows.append(row)
    return rows


SETTING = """{machine}. 4,000 MNIST digits to learn and 1,000 to test; a dense network 784-512-16 and back, {epochs}
epochs in batches of {batch}, one thread, a fresh process each, two at a time. Probe: accuracy of a logistic
regression on z. NMI: of ten k-means clusters of z with the digits. Frechet: distance of 1,000 samples to the 1,000
test digits on the 64 features of a small classifier of digits (right for {accuracy:.1%} of the test digits; not
Inception, so not FID), by the density that z is drawn from; 1,000 real training digits are {floor:.0f} away. s:
processor seconds of training, for other work may run beside it. MB: peak memory over the start. Lower is better but
for probe and NMI.
"""
BESIDE = """### Beside pythae

pythae 0.1.2 with cross-entropy where it has it, at the settings that served it best (`BEST` in benchmarks/presets.py;
by default a rate of 1e-4); means of {seeds} seeds and half the range. Test loss: nats an item with the preset's
weights where the posterior is Gaussian, else squared error of an item. To their loss: our processor time to the loss
that pythae ended with, as a share of pythae's, counted at ends of epochs.

{table}
"""
ALONE = "pythae was not measured: PYTHAE_PYTHON names no interpreter that has it (see benchmarks/training.py).\n"
EVERY = """### Every preset

One seed. Active: dimensions that carry anything.

{table}
"""
AS_THEY_COME = """### Features as they come

1,000 digits as pixels from 0 to 255, and the 30 columns of breast cancer with standard deviations from 0.001 to
10,000. Share of variance that reconstructions keep, the median over features, after 10 epochs; pythae with its own
default loss.

{table}
"""


def main(seeds: int = SEEDS, fresh: bool = False) -> None:
    """Measures and publishes all."""
    if fresh:
        shutil.rmtree(KEPT, ignore_errors=True)
    peer = os.environ.get("PYTHAE_PYTHON")
    files = [str(path) for path in split(frechet.TRAIN)]
    floor = frechet.judge(np.load(files[1]))(np.load(files[0])[:DRAWN])
    packages = machine("torch", "numpy", "scikit-learn")
    text = [SETTING.format(machine=packages, epochs=EPOCHS, batch=BATCH, accuracy=frechet.accuracy(), floor=floor)]
    if peer:
        columns = ["preset", "by", "test loss", "test MSE", "probe", "NMI", "Frechet, prior", "Frechet, mixture", "s"]
        rows = table(beside(peer, files, seeds), [*columns, "MB", "to their loss", "to their MSE"])
        text.append(BESIDE.format(seeds=seeds, table=rows))
    else:
        text.append(ALONE)
    columns = ["preset", "test MSE", "probe", "NMI", "active", *(f"Frechet, {name}" for name in ("prior", *DENSITIES))]
    text.append(EVERY.format(table=table(all_of_ours(files), [*columns, "auto", "s", "MB"])))
    columns = ["preset", *(f"{data}, {who}" for data in unscaled_files() for who in ("latentspace", "pythae"))]
    text.append(AS_THEY_COME.format(table=table(as_they_come(peer), columns)))
    publish("Presets", "\n".join(text))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fresh", action="store_true", help="forget the rows that are kept")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds beside pythae")
    given = parser.parse_args()
    main(given.seeds, given.fresh)
