"""Emoji and their names in one space: names find pictures, pictures find names, and pictures find pictures.

Run it from the repository: python examples/paired.py [folder for the results]. It prints how often held-out partners
find each other, and writes a sheet of what a few words find. The emoji come from npm on the first run (75 MB,
Apache-2.0); where they cannot be had, the digits of scikit-learn and their names stand in for them.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

import latentspace
from latentspace import datasets
from latentspace.generate.sheet import sheet

out = Path(sys.argv[1] if len(sys.argv) > 1 else "paired-out")
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def pairs():
    """Real pictures, what each is called, and words to look for."""
    try:
        found = datasets.load("emoji")
        pictures = [Image.fromarray(x).resize((32, 32)) for x in found.x]
        return pictures, [name.lower() for name in found.metadata["name"]], ["smiling face", "cat", "flag", "hand"]
    except datasets.UnavailableError as error:
        from sklearn.datasets import load_digits

        print(f"{error}\nDigits stand in for the emoji.")
        bunch = load_digits()
        pictures = [Image.fromarray((image * 255 / 16).astype(np.uint8)) for image in bunch.images]
        return pictures, [DIGITS[label] for label in bunch.target], ["three", "eight"]


def recall(space, pictures, names, k=10):
    """How often a held-out partner is among the first k of its own kind, both ways, and by chance."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names of unknown words alone are left out, and counted
        ids, texts = space.encode({"text": names}, with_ids=True)
    images = space.encode({"image": [pictures[int(id_.removeprefix("text:"))] for id_ in ids]})
    likeness = (images / np.linalg.norm(images, axis=1)[:, None]) @ (texts / np.linalg.norm(texts, axis=1)[:, None]).T
    ranks = [(matrix > np.diag(likeness)[:, None]).sum(axis=1) for matrix in (likeness, likeness.T)]
    return [float((rank < k).mean()) for rank in ranks], k / len(ids), len(ids)


def main():
    out.mkdir(parents=True, exist_ok=True)
    pictures, names, words = pairs()
    order = np.random.default_rng(0).permutation(len(pictures))
    learned, held = order[:1500], order[1500:]
    for model in ("contrastive", "cca"):
        source = {"image": [pictures[i] for i in learned], "text": [names[i] for i in learned]}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            space = latentspace.fit(source, model, kind="pairs", density="gaussian", seed=0)
        (there, back), chance, count = recall(space, [pictures[i] for i in held], [names[i] for i in held])
        print(f"{model}: of {count} held-out pairs, partners among the first 10: image to name {there:.0%}, "
              f"name to image {back:.0%}; by chance {chance:.1%}")  # fmt: skip

    space.save(out / "pairs.latent", overwrite=True)
    space = latentspace.load(out / "pairs.latent")
    shown, labels = [], []
    for word in words:
        hits = space.search(word, k=8, where={"side": "image"})
        shown += list(hits.items)
        labels += [word, *[""] * (len(hits.items) - 1)]
    sheet(shown, columns=8, labels=labels).save(out / "found.png")
    print(f"{out} holds pairs.latent and found.png, what {', '.join(words)} find among the learned pictures.")


if __name__ == "__main__":
    main()
