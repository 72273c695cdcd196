"""Emoji and photographs as latent spaces: what looks alike, faces nobody drew, and where in a photograph a piece lies.

Run it from the repository: python examples/images.py [folder for the results]. It writes pictures to look at. The emoji
come from npm on the first run (75 MB, Apache-2.0); where they cannot be had, the digits of scikit-learn stand in for
them. The photographs are the two that scikit-learn brings.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import latentspace
from latentspace import datasets
from latentspace.generate.sheet import sheet

out = Path(sys.argv[1] if len(sys.argv) > 1 else "images-out")


def pictures():
    """Pictures, what each is called, what kind it is, and some to look for and to go between."""
    try:
        found = datasets.load("emoji")
    except datasets.UnavailableError as error:
        from sklearn.datasets import load_digits

        print(f"{error}\nDigits stand in for the emoji.")
        bunch = load_digits()
        images = [Image.fromarray((image * 255 / 16).astype(np.uint8)) for image in bunch.images]
        names = [f"{digit} #{i}" for i, digit in enumerate(bunch.target)]
        return images, names, bunch.target.tolist(), names[:4], names[:2]
    names = [f"{name.lower()} #{i}" for i, name in enumerate(found.metadata["name"])]
    wanted = ["grinning face", "cat face", "red apple", "bus"]
    known = [next((name for name in names if name.startswith(f"{word} #")), None) for word in wanted]
    known = [name for name in known if name is not None] or names[:4]
    return [Image.fromarray(x) for x in found.x], names, list(found.labels), known, known[:2]


def of_drawings():
    """A VAE of small pictures: a sheet of neighbours, a strip between two, samples, and a map."""
    images, names, kinds, looked_for, (a, b) = pictures()
    space = latentspace.fit(
        images, "vae", dims=32, size=32, network="dense", epochs=40, ids=names, metadata={"kind": kinds}
    )
    print(space)
    shown, labels = [], []
    for name in looked_for:
        hits = space.search(id=name, k=7)
        shown += [space.items[name], *hits.items]
        labels += [name.rpartition(" #")[0], *[""] * 7]
        print(f"nearest to {name}:", ", ".join(f"{other} {score:.2f}" for other, score in hits))
    sheet(shown, columns=8, labels=labels).save(out / "alike.png")
    sheet(space.interpolate(a, b, steps=9), columns=9).save(out / "between.png")
    sheet(space.sample(48, seed=0), columns=12).save(out / "samples.png")
    space.map("tsne").save(out / "map.png", colour="kind", overwrite=True)
    space.save(out / "drawings.latent", overwrite=True)


def of_tiles():
    """Photographs cut into tiles, and the tiles that look like one of them."""
    from sklearn.datasets import load_sample_images

    photos = [Image.fromarray(rows) for rows in load_sample_images().images]
    space = latentspace.fit(photos, "pca", dims=48, tiles=40, ids=["temple", "flower"])
    print(space)
    shown = []
    for name in ("temple#2,7", "temple#8,2", "flower#5,8"):
        hits = space.search(id=name, k=9)
        shown += [space.items[name], *hits.items]
        print(f"tiles like {name}:", ", ".join(hits.ids))
    sheet(shown, columns=10).save(out / "tiles.png")


def main():
    out.mkdir(parents=True, exist_ok=True)
    of_drawings()
    of_tiles()
    print(f"{out} holds drawings.latent, and alike, between, samples, map and tiles as .png")


if __name__ == "__main__":
    main()
