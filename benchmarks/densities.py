"""What to draw latents from after training: each density's likelihood on held-out latents, its samples and its time.

Models learn 4,000 real digits by their defaults, but for a dense network and 20 epochs, on one thread. Samples are
judged by the Frechet distance to 1,000 digits that no one saw, on a small classifier's features (see `frechet`; not
FID). An autoencoder is trained without a prior; a standard normal stands in its row, as in pythae's NormalSampler.
"""

import statistics
import sys
import time
from typing import Any

import numpy as np

from . import frechet
from .digits import split
from .harness import machine, publish, run, table

PRESETS = ("autoencoder", "beta", "wae-mmd")
DENSITIES = ("gaussian", "mixture", "flow", "flow-matching", "two-stage", "auto")
DRAWN = 1000
SEEDS = 3
DIMS, HIDDEN, EPOCHS = 16, [512], 20


def judge(preset: str, files: list[str], seed: int) -> dict[str, Any]:
    """Fits a preset, and every density to its latents: nats of held-out latents, Frechet distance, seconds."""
    from latentspace.models import make
    from latentspace.models.densities import fit_density

    x, x_test = (np.load(path).reshape(-1, 1, 28, 28) for path in files)
    model = make(preset, dims=DIMS, network="dense", hidden=HIDDEN, epochs=EPOCHS, threads=1, random_state=seed).fit(x)
    z, z_test = model.transform(x), model.transform(x_test)
    to_real = frechet.judge(x_test)

    def far(drawn: np.ndarray) -> float:
        return to_real(np.clip(model.inverse_transform(drawn), 0, 1))

    rng = np.random.default_rng(seed)
    figures = {"reconstructions": far(z_test), "prior": far(rng.standard_normal((DRAWN, DIMS)).astype(np.float32))}
    for name in DENSITIES:
        began = time.perf_counter()
        density = fit_density(z, name, seed=seed, model=model)
        figures[f"{name} seconds"] = time.perf_counter() - began
        figures[name] = far(density.sample(DRAWN, np.random.default_rng(seed)))
        figures[f"{name} nats"] = float(density.log_prob(z_test).mean())
        if name == "auto":
            figures["chosen"] = density.family
    return figures


def main(presets: tuple[str, ...] = PRESETS) -> None:
    """Prints and publishes nats, Frechet distances and seconds by density, a section a preset."""
    files = split(frechet.TRAIN)
    given = [str(files.train), str(files.test)]
    for preset in presets:
        found = [
            run("benchmarks.densities:judge", threads=1, preset=preset, files=given, seed=seed) for seed in range(SEEDS)
        ]
        print(f"  {preset}: {found}", file=sys.stderr, flush=True)
        text = (
            f"{__doc__.split(chr(10) + chr(10), 1)[1].strip()} Means of {SEEDS} seeds, with the standard deviation of "
            f"the distance. The classifier names {frechet.accuracy():.1%} of unseen digits.\n\n"
            f"{table(_rows(preset, found), ['model', 'density', 'nats', 'frechet', '+-', 'seconds'])}\n\n"
            "nats: mean log-density of held-out latents, higher is better; two-stage's is a lower bound. frechet: "
            f"lower is better; `reconstructions` is as far as held-out digits come through the model itself.\n\n"
            f"{machine('torch', 'zuko')}; one thread."
        )
        publish(f"Densities of {preset}", text)


def _rows(preset: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for name in ("reconstructions", "prior", *DENSITIES):
        far = [row[name] for row in found]
        chosen = f" ({', '.join(sorted({row['chosen'] for row in found}))})" if name == "auto" else ""
        rows.append({"model": preset, "density": name + chosen, "frechet": statistics.mean(far)})
        rows[-1]["+-"] = statistics.stdev(far) if len(far) > 1 else 0.0
        for figure in ("nats", "seconds"):
            if f"{name} {figure}" in found[0]:
                rows[-1][figure] = statistics.mean(row[f"{name} {figure}"] for row in found)
    return rows


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or PRESETS)
