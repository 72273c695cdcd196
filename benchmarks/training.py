"""Training beside a loop written by hand and beside pythae: items a second, and the time to the same test loss.

pythae 0.1.2 asks for packages that this project does not want, so it lives in an environment of its own:

    python -m venv ENV && ENV/bin/pip install torch==2.13.0 numpy
    ENV/bin/pip install --no-deps pythae==0.1.2
    ENV/bin/pip install pydantic cloudpickle scipy tqdm imageio scikit-learn
    PYTHAE_PYTHON=ENV/bin/python python -m benchmarks.training

Without PYTHAE_PYTHON the table says that it is missing. All on one thread; `--quick` runs each job twice.
"""

import argparse
import os
import time
from functools import partial
from typing import Any

import numpy as np

from .digits import split
from .harness import alternate, machine, publish, run, table

TRAIN = 4500
HIDDEN = {"dense": [400], "conv": [16, 32]}
NETWORKS = {"dense": "dense 784-400-16", "conv": "convolutional 16-32-256-16"}
EPOCHS = {"dense": 6, "conv": 3}
PYTHAE_EPOCHS = 50  # for its final test loss; by then it has stopped falling


def ours(path: str, kind: str, epochs: int, batch: int = 128) -> dict[str, float]:
    """A fit through the estimator: scaling, checks and the choice of the best epoch are in its time."""
    import torch

    from latentspace.models.vae import VAE

    x = np.load(path).reshape(-1, 1, 28, 28)
    model = VAE(16, network=kind, hidden=HIDDEN[kind], epochs=epochs, batch_size=batch, validation=0.0, random_state=0)
    model.set_params(threads=torch.get_num_threads())
    began = time.perf_counter()
    model.fit(x)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "items_per_second": epochs * len(x) / seconds}


def ours_until(path: str, test: str, kind: str, target: float, epochs: int | str) -> dict[str, Any]:
    """Trains until the test loss is at most `target`, within a budget of epochs; looking at it is not counted."""
    import torch

    from latentspace.models.vae import VAE

    from .training_peers import negative_elbo

    held = torch.from_numpy(np.load(test)).reshape(-1, 1, 28, 28)
    x = np.load(path).reshape(-1, 1, 28, 28)
    figures: dict[str, Any] = {"seconds": float("inf"), "epochs": 0, "test_loss": float("inf")}
    looking = 0.0
    networks = []

    class Watched(VAE):
        def _build(self, plan: Any) -> Any:
            networks.append(super()._build(plan))
            return networks[-1]

    def look(row: dict[str, Any]) -> bool:
        nonlocal looking
        now = time.perf_counter()
        loss = negative_elbo(networks[0].encoder, networks[0].decoder, held)
        if loss <= target and figures["epochs"] == 0:
            figures.update(seconds=now - began - looking, epochs=row["epoch"])
        figures["test_loss"] = min(figures["test_loss"], loss)
        looking += time.perf_counter() - now
        return figures["epochs"] > 0

    model = Watched(16, network=kind, hidden=HIDDEN[kind], epochs=epochs, random_state=0)
    model.set_params(threads=torch.get_num_threads())
    began = time.perf_counter()
    model.fit(x, callback=look)
    return figures


def throughput(kind: str, peer: str | None, runs: int) -> list[dict[str, Any]]:
    """Rows of items a second for one network, alternated."""
    arguments = {"path": str(split(TRAIN).train), "kind": kind, "epochs": EPOCHS[kind], "threads": 1}
    jobs = {
        "latentspace VAE": partial(run, "benchmarks.training:ours", **arguments),
        "hand-written loop, Adam": partial(run, "benchmarks.training_peers:bare", **arguments),
        "the same, loss from logits": partial(run, "benchmarks.training_peers:bare", logits=True, **arguments),
    }
    if peer:
        jobs["pythae VAE"] = partial(run, "benchmarks.training_peers:pythae", python=peer, **arguments)
    figures = alternate(jobs, runs)
    own = figures["latentspace VAE"]["seconds"]
    rows = [
        {
            "network": NETWORKS[kind],
            "trained by": name,
            "items/s": row["items_per_second"],
            "seconds": row["seconds"],
            "least to most": f"{row['seconds_min']:.2f} to {row['seconds_max']:.2f}",
            "latentspace is faster by": row["seconds"] / own,
        }
        for name, row in figures.items()
    ]
    return rows if peer else [*rows, {"network": NETWORKS[kind], "trained by": "pythae VAE: not installed"}]


def to_the_same_loss(kind: str, peer: str, runs: int) -> list[dict[str, Any]]:
    """Rows of the time to pythae's final test loss."""
    train, test = (str(path) for path in split(TRAIN)[:2])
    theirs = alternate(
        {"pythae": partial(run, "benchmarks.training_peers:pythae", python=peer, path=train, kind=kind,
                           epochs=PYTHAE_EPOCHS, test=test, threads=1)},
        runs,
    )["pythae"]  # fmt: skip
    rows = [{"network": NETWORKS[kind], "trained by": "pythae VAE", "epochs": PYTHAE_EPOCHS} | theirs]
    for name, epochs in (("latentspace VAE", "auto"), ("latentspace VAE, epochs=25", 25)):
        job = partial(run, "benchmarks.training:ours_until", path=train, test=test, kind=kind,
                      target=theirs["test_loss"], epochs=epochs, threads=1)  # fmt: skip
        rows.append({"network": NETWORKS[kind], "trained by": name} | alternate({name: job}, runs)[name])
    for row in rows:
        row |= {"test loss": f"{row['test_loss']:.2f}", "share of pythae's time": row["seconds"] / theirs["seconds"]}
    return rows


def main(runs: int = 5) -> None:
    """Measures and publishes all."""
    peer = os.environ.get("PYTHAE_PYTHON")
    rows = [row for kind in NETWORKS for row in throughput(kind, peer, runs)]
    columns = ["network", "trained by", "items/s", "seconds", "least to most", "latentspace is faster by"]
    text = (
        f"{machine('torch', 'numpy', 'scikit-learn')}. 4,500 MNIST digits, batches of 128, one thread, medians of "
        f"{runs} alternated runs in fresh processes.\n\n"
        f"### Items a second\n\n{table(rows, columns)}\n\n"
    )
    if peer:
        rows = [row for kind in NETWORKS for row in to_the_same_loss(kind, peer, max(1, runs // 2))]
        columns = ["network", "trained by", "epochs", "seconds", "test loss", "share of pythae's time"]
        text += (
            f"### Time to pythae's final test loss\n\npythae 0.1.2 at a rate of 0.001 for {PYTHAE_EPOCHS} epochs; "
            "latentspace by its defaults, and with half as many epochs, in which its schedule then ends; both stopped "
            "at the first epoch that is as good. Loss: nats an item on 500 other "
            f"digits, lower is better.\n\n{table(rows, columns)}\n"
        )
    else:
        text += (
            "pythae was not measured: PYTHAE_PYTHON names no interpreter that has it (see benchmarks/training.py).\n"
        )
    publish("Training", text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two runs of each job")
    main(2 if parser.parse_args().quick else 5)
