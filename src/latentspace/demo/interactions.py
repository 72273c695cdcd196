"""Interactions: people and films in one space, and what somebody who was never seen may want to watch next."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..models.factors.ranking import best, hide, recall_at_k
from .data import first_of

NEEDS = (("pandas", "tables"),)
FILES = {"space": "people.latent", "recommendations": "recommendations.json", "map_page": "map.html"}
_HELD_OUT = 150  # people
_HIDDEN = 0.2  # of each one's films
_NEW: dict[str, dict[str, float]] = {
    "science fiction": {"Star Wars (1977)": 5, "Alien (1979)": 5, "Blade Runner (1982)": 4},
    "for children": {"Toy Story (1995)": 5, "Lion King, The (1994)": 4, "Aladdin (1992)": 4},
}


def run(paths: dict[str, Path], seed: int, say: Callable[[str], None]) -> tuple[dict[str, Any], list[str]]:
    """Fits latent factors on ratings of films, and recommends films to new people; see `demo.run`."""
    import latentspace as ls

    ratings = first_of("movielens")
    frame = ratings.x.assign(item=ratings.metadata["title"])
    people = np.random.default_rng(seed).permutation(frame["user"].unique())
    is_held = frame["user"].isin(people[:_HELD_OUT])
    say(
        f"{ratings.name}: {len(frame):,} ratings by {len(people):,} people, {_HELD_OUT} of them held out "
        f"({ratings.licence})"
    )
    space = ls.fit(frame[~is_held], model="latent-factors", dims=64, seed=seed)
    figures = _figures(space, frame[~is_held], frame[is_held], seed)
    figures["seconds_to_fit"] = space.facts["seconds"]
    say(
        f"fitted {space.dims} factors of {len(space):,} people and {space.modality.shape[0]:,} films in "
        f"{figures['seconds_to_fit']:.0f} s\n"
        f"a fifth of each held-out person's films hidden, the first 20 recommended find {figures['recall_at_20']:.0%} "
        f"of them; the 20 most watched {figures['recall_at_20_popular']:.0%}"
    )
    given = {}
    for name, history in _NEW.items():
        known = {film: value for film, value in history.items() if film in space.modality.items_}
        given[name] = {"history": known, "recommended": _recommended(space, known, 10)}
        say(f"\n{name}: to somebody who watched {', '.join(known)}:\n  " + "\n  ".join(given[name]["recommended"]))
    paths["recommendations"].write_text(json.dumps(given, indent=2) + "\n", encoding="utf-8")
    space.map("tsne", seed=seed).save(paths["map_page"], colour="interactions", overwrite=True)
    space.save(paths["space"], overwrite=True)
    return figures, [f"search {paths['space']} --id {space.ids[0]} -k 5", f"info {paths['space']}"]


def _recommended(space: Any, history: dict[str, float], k: int) -> list[str]:
    """The k films that a history speaks most for and does not hold."""
    scores = space.model.inverse_transform(space.encode(history))
    ranked = best(scores, space.features(history), k)
    return [space.modality.items_[column] for column in ranked[0]]


def _figures(space: Any, fitted: Any, held: Any, seed: int) -> dict[str, float]:
    """Recall@20 of people who were not fitted, beside that of the films that most people watched."""
    seen, hidden = hide(space.features(held), _HIDDEN, np.random.default_rng(seed))
    popular = space.features(fitted).count_nonzero(axis=0)
    scores = {
        "recall_at_20": space.model.inverse_transform(space.model.transform(seen)),
        "recall_at_20_popular": np.tile(popular, (seen.shape[0], 1)),
    }
    return {name: float(np.nanmean(recall_at_k(best(of, seen, 20), hidden, 20))) for name, of in scores.items()}
