"""Fortune cookies as a latent space: searched by words, what the dimensions are about, and a map.

Run it from the repository: python examples/texts.py [folder for the results]. The texts come from Debian on the first
run (1 MB); where they cannot be had, the descriptions of scikit-learn's sets stand in for them.
"""

import sys
import warnings
from pathlib import Path

import latentspace
from latentspace import datasets
from latentspace.errors import SkippedItemsWarning

out = Path(sys.argv[1] if len(sys.argv) > 1 else "texts-out")


def texts():
    """Texts and their labels."""
    try:
        found = datasets.load("fortunes")
    except datasets.UnavailableError as error:
        print(f"{error}\nscikit-learn's descriptions stand in for the fortunes.")
        return descriptions()
    return found.x[::4], list(found.labels[::4])


def descriptions():
    """Paragraphs of the descriptions of scikit-learn's installed sets."""
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

    parts, labels = [], []
    for load in (load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine):
        found = [part for part in load().DESCR.split("\n\n") if len(part) > 40]
        parts += found
        labels += [load.__name__.removeprefix("load_")] * len(found)
    return parts, labels


def main():
    out.mkdir(parents=True, exist_ok=True)
    cookies, labels = texts()
    warnings.simplefilter("ignore", SkippedItemsWarning)  # what was left out is said below
    # Short texts are half grammar: words in more than one of twenty tell little of what they are about.
    space = latentspace.fit(cookies, kind="texts", model="lsa", dims=50, max_share=0.05, metadata={"label": labels})
    print(space, *space.modality.notes, sep="; ")
    print(f"{len(space.skipped)} are left out: {space.skipped[0].reason}" if space.skipped else "none is left out")

    for query in ("a program without bugs", "to love is to suffer"):
        print(f"\n{query}:")
        for id_, score in space.search(query, k=3):
            print(f"  {score:.2f} {' '.join(space.items[id_].split())[:100]}")

    (words,) = space.reconstruct("the computer is down again")
    print(f"\nthe computer is down again, decoded: {words}\nnearest real sentence: {words.witness}")

    parts = latentspace.fit(cookies, kind="texts", model="nmf", dims=12, max_share=0.05)
    print(f"\nwhat NMF finds them to be about:\n{parts.topics(8)}")

    drawn = space.map("tsne")
    drawn.save(out / "map.html", colour="label", overwrite=True)
    drawn.save(out / "map.png", colour="label", names=True, overwrite=True)
    space.save(out / "texts.latent", overwrite=True)
    print(f"\nthe map and texts.latent are in {out}/")


if __name__ == "__main__":
    main()
