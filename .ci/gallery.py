"""The gallery of the documents, drawn by real runs on real data: make gallery

Each picture is what one verb gave; the page docs/gallery.md says which. A few minutes on two cores.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import latentspace as ls
from latentspace import datasets
from latentspace.writing import write_items


def _shrunk(path: Path, width: int = 760) -> None:
    """A picture small enough for a page, as WebP."""
    picture = Image.open(path).convert("RGB")
    if picture.width > width:
        picture = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
    elif picture.width < width // 2:  # pixels stay pixels
        times = width // picture.width
        picture = picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)
    picture.save(path.with_suffix(".webp"), quality=82)
    path.unlink()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    digits = datasets.load("digits")
    labels = {"label": [str(label) for label in digits.labels]}
    space = ls.fit(digits.x, "vae", dims=8, epochs=60, seed=0, metadata=labels)

    def put(items: object, name: str, **options: int) -> None:
        _shrunk(write_items(space, items, folder / f"{name}.png", overwrite=True, **options))

    put([*digits.x[:12], *space.reconstruct(list(digits.x[:12]))], "reconstructions", columns=12)
    put(space.sample(36, seed=1), "samples", columns=12)
    put(space.interpolate(space.ids[0], space.ids[1], steps=12), "interpolation", columns=12)
    put(
        space.traverse(space.ids[3], axis=int(np.argmax(np.var(space.latents, axis=0))), steps=12),
        "traversal",
        columns=12,
    )
    hits = space.search(id=space.ids[3], k=11)
    put([digits.x[3], *[digits.x[int(id_)] for id_ in hits.ids]], "search", columns=12)
    for method in ("pca", "tsne", "umap"):
        space.map(method).save(folder / f"map-{method}.png", colour="label", overwrite=True)
        _shrunk(folder / f"map-{method}.png")
    pictures = ls.fit(digits.x, dims=24, seed=0, metadata=labels)
    odd = pictures.outliers()
    put([digits.x[int(row["id"])] for row in odd.to_dict()["items"][:12]], "outliers", columns=12)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "gallery-out"))
