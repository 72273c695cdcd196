"""Draws what the verbs of making give, for docs/pictures/generate: digits, emoji and notes of instruments.

python -m benchmarks.generation_sheets            # all
python -m benchmarks.generation_sheets digits
"""

import sys
from typing import Any

import numpy as np

from .digits import split
from .frechet import TRAIN
from .generation import marks
from .harness import ROOT

FOLDER = ROOT / "docs" / "pictures" / "generate"
ACROSS = 11


def digits() -> None:
    """Samples by condition and temperature, ways, a grid, moves, an analogy and a blend, of a VAE of digits."""
    import latentspace as ls

    files = split(TRAIN)
    x, y = np.load(files.train).reshape(-1, 28, 28), np.load(files.train_labels)
    metadata = {"label": [str(one) for one in y], **{name: mark.tolist() for name, mark in marks(x).items()}}
    space = ls.fit(
        (x * 255).round().astype(np.uint8), "vae", dims=16, metadata=metadata, network="dense", hidden=[512], epochs=25,
        threads=1, seed=0,
    )  # fmt: skip
    first = {digit: space.ids[int(np.flatnonzero(y == int(digit))[0])] for digit in "0123456789"}
    rows = {
        "any": space.sample(ACROSS, seed=1),
        "temperature 0.5": space.sample(ACROSS, temperature=0.5, seed=1),
        "on the manifold": space.sample(ACROSS, on_manifold=True, seed=1),
        "label = 3": space.sample(ACROSS, where={"label": "3"}, seed=1),
        "label = 7, much ink": space.sample(ACROSS, where={"label": "7", "ink": (120, None)}, seed=1),
        "near a 4": space.sample(ACROSS, near=first["4"], spread=0.7, seed=1),
    }
    _sheet(rows, "digits-samples.png")
    ways = {}
    for a, b in (("1", "0"), ("4", "6"), ("3", "7")):
        for path, even in (("linear", "latent"), ("geodesic", "latent"), ("geodesic", "seen")):
            way = space.interpolate(first[a], first[b], steps=ACROSS, path=path, even=even)  # type: ignore[arg-type]
            ways[f"{a} to {b}, {path}" + (", seen" if even == "seen" else "")] = way
    _sheet(ways, "digits-ways.png")
    lean, ink = space.axis("lean"), space.axis("ink")
    space.axis("three", where={"label": "3"}, orthogonal_to=[lean, ink])
    amounts = np.linspace(-2, 2, ACROSS).tolist()
    moves = {
        f"{name}, a {digit}": space.move(first[digit], name, amounts) for name in ("ink", "lean") for digit in "25"
    }
    moves |= {f"three, a {digit}": space.move(first[digit], "three", np.linspace(0, 1.2, ACROSS)) for digit in "058"}
    _sheet(moves, "digits-moves.png")
    grid = space.traverse(first["2"], ["lean", "ink"], steps=9, span=2)
    _sheet({f"{amount:g}": grid[9 * row : 9 * row + 9] for row, amount in enumerate(np.linspace(-2, 2, 9))},
           "digits-grid.png")  # fmt: skip
    for axis in space.axes.values():
        print(axis)


def emoji() -> None:
    """Ways and moves of coloured pictures in a linear space."""
    import latentspace as ls
    from latentspace.datasets import load

    data = load("emoji")
    space = ls.fit(data.x, "pca", dims=128, metadata=data.metadata | {"category": [str(one) for one in data.labels]})
    names = data.metadata["name"]
    rows: dict[str, Any] = {"any": space.sample(ACROSS, seed=3)}
    faces = [row for row, name in enumerate(names) if "FACE" in str(name).upper()][:60]
    a, b, c = (space.ids[row] for row in (faces[0], faces[7], faces[20]))
    for path in ("linear", "geodesic"):
        rows[f"face to face, {path}"] = space.interpolate(a, b, steps=ACROSS, path=path, even="seen")
    for category in list(dict.fromkeys(str(one) for one in data.labels))[:3]:
        rows[f"like {category}"] = space.sample(ACROSS, where={"category": category}, temperature=0.8, seed=2)
    axis = space.axis("category=Flags")
    print(axis)
    rows["towards Flags"] = space.move(a, axis, np.linspace(0, 1, ACROSS).tolist())
    rows["a blend, 0 to 1"] = [space.blend([a, c], [1 - w, w])[0] for w in np.linspace(0, 1, ACROSS)]
    _sheet(rows, "emoji.png")


def notes() -> None:
    """Spectrograms between notes of two instruments, and what is decoded to be heard."""
    import latentspace as ls
    from latentspace import looking
    from latentspace.datasets import load

    data = load("notes")
    space = ls.fit(data.x, "pca", dims=24)
    by = {name: [row for row, each in enumerate(space.ids) if name in each] for name in ("piano", "violin")}
    a, b = (space.ids[rows[len(rows) // 2]] for rows in by.values())
    rows = {path: space.interpolate(a, b, steps=7, path=path) for path in ("linear", "geodesic")}
    rows["any"] = space.sample(7, seed=0)
    _sheet({name: looking.pictures(space, sounds) for name, sounds in rows.items()}, "notes.png")


def _sheet(rows: dict[str, Any], name: str) -> None:
    from PIL import Image

    from latentspace.generate.sheet import sheet

    cells = [each if hasattr(each, "save") else Image.fromarray(np.asarray(each).clip(0, 255).astype(np.uint8))
             for row in rows.values() for each in row]  # fmt: skip
    FOLDER.mkdir(parents=True, exist_ok=True)
    sheet(cells, len(next(iter(rows.values()))), row_labels=list(rows)).save(FOLDER / name)
    print(f"wrote {FOLDER / name}")


SHEETS = {"digits": digits, "emoji": emoji, "notes": notes}

if __name__ == "__main__":
    for name in sys.argv[1:] or SHEETS:
        SHEETS[name]()
