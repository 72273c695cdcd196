"""What a GAN's samples cover of real digits, and whether its encoder knows them again; one run a loss and seed.

    python -m benchmarks gan            # three seeds of the default loss, one of each other
    python -m benchmarks.gan --quick    # one seed of the default

A fixed classifier that learned the same 4,000 digits (see `frechet`) reads 1,000 samples, and the 1,000 digits that
neither it nor the GAN saw, encoded and decoded. A sheet of samples, of digits beside what came back, and of ways
between digits is left in .cache/benchmarks/ for each run.
"""

import argparse
from functools import partial
from typing import Any

import numpy as np

from .digits import CACHE, split
from .frechet import TRAIN, accuracy, classifier, images, judge
from .harness import machine, measure, publish, run, table

SEEDS = {"relativistic": (0, 1, 2), "wgan-gp": (0,), "hinge": (0,)}
QUICK = {"relativistic": (0,)}
DRAWN = 1000
COVERED = 0.01  # share of the samples from which a class counts as covered
SURE = 0.9  # of the classifier's probability: below, a picture is hardly a digit
COLUMNS = 20


def play(loss: str, seed: int, epochs: int | str = "auto") -> dict[str, Any]:
    """Fits a GAN on real digits and reads what it makes."""
    import torch

    from latentspace.models.gan import GAN

    files = split(TRAIN)
    x, x_test = (np.load(file).reshape(-1, 1, 28, 28) for file in (files.train, files.test))
    y_test = np.load(files.test_labels)
    model = GAN(loss=loss, epochs=epochs, random_state=seed, threads=torch.get_num_threads())
    _, cost = measure(partial(model.fit, x))
    made, z = model.sample(DRAWN, random_state=seed), model.transform(x_test)
    back = model.inverse_transform(z)
    between = model.inverse_transform((z[:-1] + z[1:]) / 2)
    _draw(f"gan-{loss}-{seed}.png", model, made, x_test, back, z)
    shares = np.bincount(_read(made).argmax(1), minlength=10) / DRAWN
    return cost | {
        "epochs": len(model.history_),
        "classes": int((shares >= COVERED).sum()),
        "least": float(shares.min()),
        "kept": float((_read(back).argmax(1) == y_test).mean()),
        "mse": float(((back - x_test) ** 2).mean()),
        "frechet": judge(x_test)(made),
        "coverage": model.coverage_,
        "sure": [_sure(x_test), _sure(made), _sure(between), _sure((x_test[:-1] + x_test[1:]) / 2)],
    }


def _read(x: np.ndarray) -> np.ndarray:
    """The classifier's probabilities, (n, 10)."""
    import torch

    network = classifier()  # outside: where none is kept yet, it is trained here
    with torch.inference_mode():
        return network(images(x)).softmax(1).numpy()


def _sure(x: np.ndarray) -> float:
    return float((_read(x).max(1) >= SURE).mean())


def _draw(name: str, model: Any, made: np.ndarray, real: np.ndarray, back: np.ndarray, z: np.ndarray) -> None:
    from PIL import Image

    from latentspace.generate.sheet import sheet

    pairs = np.stack([real, back], 1)[: 3 * COLUMNS].reshape(3, COLUMNS, 2, 28, 28).swapaxes(1, 2)
    steps = np.linspace(0, 1, COLUMNS, dtype=np.float32)[:, None]
    ways = [model.inverse_transform((1 - steps) * z[i] + steps * z[i + 100]) for i in range(6)]
    rows = [part.reshape(-1, 28, 28) for part in (made[: 8 * COLUMNS], pairs, np.concatenate(ways))]
    pictures = [
        Image.fromarray(np.rint(255 * picture.clip(0, 1)).astype(np.uint8)) for part in rows for picture in part
    ]
    labels = ["made"] * 8 + ["real", "back"] * 3 + ["way"] * 6
    CACHE.mkdir(parents=True, exist_ok=True)
    sheet(pictures, COLUMNS, row_labels=labels, padding=1).save(CACHE / name)


def main(seeds: dict[str, tuple[int, ...]] = SEEDS) -> None:
    """Measures and publishes all."""
    rows = []
    for loss, each in seeds.items():
        runs = [run("benchmarks.gan:play", threads=1, loss=loss, seed=seed) for seed in each]
        mean = {key: float(np.mean([figures[key] for figures in runs])) for key in runs[0] if key != "sure"}
        real, made, between, mixed = np.mean([figures["sure"] for figures in runs], axis=0)
        rows.append(
            {"loss": loss, "seeds": len(runs)}
            | mean
            | {"least": min(figures["least"] for figures in runs), "kept": min(figures["kept"] for figures in runs)}
            | {"sure": f"{made:.2f}", "between": f"{between:.2f}", "pixels": f"{mixed:.2f}", "real": f"{real:.2f}"}
        )
    columns = {
        "loss": "loss", "seeds": "seeds", "classes": "classes of 10", "least": "rarest class", "kept": "class kept",
        "mse": "squared error", "frechet": "Frechet distance", "coverage": "coverage", "sure": "sure: samples",
        "between": "sure: halfway", "pixels": "sure: mixed pixels", "real": "sure: real", "seconds": "seconds",
    }  # fmt: skip
    text = (
        f"{machine('torch', 'numpy', 'scikit-learn')}. {TRAIN:,} MNIST digits, one thread, defaults; means over seeds. "
        f"A fixed classifier, right on {accuracy():.1%} of 1,000 other digits, reads {DRAWN:,} samples: a class is "
        f"covered from {COVERED:.0%} of them. Rarest class: its share, least over seeds. Class kept: share of "
        "the others that are read alike after encoding and decoding, least over seeds. Sure: share that the classifier "
        f"gives {SURE:.0%} to one digit, of samples, of decodes halfway between two digits' latents, of the two's mean "
        "pixels, and of the digits.\n\n"
        + table([{columns[key]: row[key] for key in columns} for row in rows], list(columns.values()))
    )
    publish("GAN", text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed of the default loss")
    main(QUICK if parser.parse_args().quick else SEEDS)
