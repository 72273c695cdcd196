"""Draws what every preset makes of digits: ten that it never saw, rebuilt, and samples; for docs/models.md.

    python -m benchmarks.grids [preset ...]      # those named, or all that have no picture yet

A space is fitted on 4,000 real digits through the network, epochs and batches of the table in `presets`. The page's
section of pictures is written anew.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from latentspace.models.presets import PRESETS

from .digits import split
from .frechet import TRAIN
from .harness import ROOT, publish
from .presets import BATCH, EPOCHS, NOT_OF_DIGITS, settings
from .presets_peers import DIMS

PAGE = ROOT / "docs" / "models.md"
FOLDER = PAGE.parent / "pictures" / "models"
WORDS = """Ten digits that no model saw, and below them the same rebuilt; then what the model's own `sample()`
draws, and three rows from a mixture fitted to its latents, as `ls.fit(..., density="mixture")` does. Dense
networks, 20 epochs on 4,000 digits; the GANs by their defaults, convolutions and 32 epochs. None chosen:
`python -m benchmarks.grids` draws them."""
COLUMNS = 10
LEVELS = 16  # of grey: enough to judge by, in a third of the bytes


def draw(preset: str, path: Path) -> None:
    """Fits a preset and writes its picture: real digits, rebuilt, drawn from the model's prior, from the density."""
    from PIL import Image

    import latentspace as ls
    from latentspace.generate.sheet import sheet

    files = split(TRAIN)
    x, x_test = (_pixels(np.load(file)) for file in (files.train, files.test))
    y_test = np.load(files.test_labels)
    shown = x_test[[int(np.flatnonzero(y_test == digit)[0]) for digit in range(COLUMNS)]]
    space = ls.fit(x, model=preset, density="mixture", seed=0, **_options(preset))
    rows = {"real": shown, "rebuilt": space.reconstruct(shown)}
    if hasattr(space.model, "sample"):
        drawn = space.model.sample(COLUMNS, random_state=0).reshape(COLUMNS, *space.modality.shape)
        rows["model"] = space.modality.restore(drawn)
    samples = space.sample(3 * COLUMNS, seed=0)
    rows |= {f"density {row + 1}": samples[row * COLUMNS :][:COLUMNS] for row in range(3)}
    pictures = [Image.fromarray(np.asarray(picture)) for row in rows.values() for picture in row]
    names = [name.split()[0] for name in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet(pictures, COLUMNS, row_labels=names, padding=2).convert("L").quantize(LEVELS).save(path, optimize=True)
    print(f"{preset}: {path.stat().st_size / 1024:.0f} kB, density {space.density.family}", flush=True)


def _options(preset: str) -> dict[str, Any]:
    """The table's network and epochs; a GAN's own, convolutions and more of them, without which it draws nothing."""
    if PRESETS[preset].family == "gan":
        return {"dims": DIMS, "threads": 1}
    return settings(preset, epochs=EPOCHS, batch_size=BATCH)


def _pixels(x: np.ndarray) -> np.ndarray:
    """Features in [0, 1] as uint8 pictures (n, 28, 28)."""
    return np.rint(np.asarray(x) * 255).clip(0, 255).astype(np.uint8).reshape(-1, 28, 28)


def draw_all(names: list[str]) -> None:
    """Draws the named presets, or all that have no picture yet, and shows on the page those that have one."""
    known = [name for name in PRESETS if name not in NOT_OF_DIGITS]
    for name in names or known:
        path = FOLDER / f"{name}.png"
        if names or not path.exists():
            draw(name, path)
    shown = [name for name in known if (FOLDER / f"{name}.png").exists()]
    pictures = [f"### {name}\n\n![{name}: rebuilt, and drawn](pictures/models/{name}.png)" for name in shown]
    publish("Pictures", "\n\n".join([WORDS, *pictures]), PAGE)


if __name__ == "__main__":
    draw_all(sys.argv[1:])
