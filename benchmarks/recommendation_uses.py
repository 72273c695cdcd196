"""What `recommend` does on real data: the future, things that nobody met yet, several tastes, and the two knobs.

    python -m benchmarks.recommendation_uses [--quick]

MovieLens 100k and the small set of 2016; digits, emoji, tissues and fortunes by their labels. Under a minute a part.
"""

import argparse
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .harness import machine, publish, table

DATA = {"movielens": "MovieLens 100k", "movielens-small": "MovieLens small, 2016"}
TASTES = {"mnist-5k": "mnist-5k", "emoji": "emoji", "tissues": "tissues", "fortunes": "fortunes"}
TRIALS = 200

_FUTURE = """### What comes next

The last fifth of all interactions hidden, `ls.evaluate_recommenders(ratings)` as it comes; in brackets the middle 95%
when users are drawn anew."""
_COLD = """### Films that nobody met yet

A fifth of the films that five people rated kept from the model, and ranked among themselves, by genres and words of the
title"""
_KNOBS = """### Knobs

MovieLens 100k, 150 people kept from LatentFactors of 64 dims, the first 20 films. Unlike each other: 1 less the mean
cosine of a list's factors. Blend: with a space of genres and titles"""
_TASTES = f"""### Tastes

Share of the first 20 that are of the liked kinds, mean of {TRIALS} draws. One kind: five liked. Two kinds: four liked
of one, two of another; beside it the share of the second. One disliked: two and two liked, one of a third kind, and two
of that third kind disliked. Soft maximum: `search.recommend.liking` as it comes."""


def films_of(data: str) -> tuple[csr_array, np.ndarray, Any, list[str]]:
    """Who rated what; how many rated each film; a space of the films by genres and titles (LSA); their names."""
    import latentspace as ls
    from latentspace import datasets

    d = datasets.load(data)
    users, items = (np.unique(d.x[name], return_inverse=True)[1] for name in ("user", "item"))
    x = csr_array((np.ones(len(d.x), np.float32), (users, items)))
    words = [""] * x.shape[1]
    for place, title, genres in zip(items, d.metadata["title"], d.metadata["genres"], strict=True):
        words[place] = f"{genres.replace('-', '').replace(chr(39), '')} {title}".strip() or "unknown"
    names = [str(place) for place in range(len(words))]
    space = ls.fit(words, model="lsa", dims=64, kind="texts", ids=names, density="gaussian")
    return x, np.bincount(items, minlength=len(words)), space, names


# ---------------------------------------------------------------------- the future
def future() -> list[dict[str, Any]]:
    """Everything after one moment hidden: `ls.evaluate_recommenders` as it comes."""
    import latentspace as ls
    from latentspace import datasets

    rows = []
    for data, said in DATA.items():
        report = ls.evaluate_recommenders(datasets.load(data).x, split="time")
        asked = f"{said}, {report.facts['asked']} users asked"
        rows += [{"data": asked} | _cells(row) for row in sorted(report.rows, key=lambda row: -row["ndcg"])]
    return rows


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "recommender": row["recommender"],
        "Recall@20": f"{row['recall']:.3f} ({row['recall_low']:.3f} to {row['recall_high']:.3f})",
        "NDCG@100": f"{row['ndcg']:.3f} ({row['ndcg_low']:.3f} to {row['ndcg_high']:.3f})",
        "things shown": f"{row['coverage']:.0%}",
        "met by, median": int(row["popularity"]),
    }


# ---------------------------------------------------------------------- nobody met it yet
def cold(seeds: range) -> list[dict[str, Any]]:
    """A fifth of the films that five people rated kept from the model, and asked for among themselves."""
    from latentspace.models.factors.cold import predicted_factors
    from latentspace.models.factors.latent_factors import LatentFactors
    from latentspace.search.recommend import liking, standard

    rows = []
    for data, said in DATA.items():
        x, counts, films, _ = films_of(data)
        content, figures = films.latents, {}
        for seed in seeds:
            rng = np.random.default_rng(seed)
            pool = np.flatnonzero(counts >= 5)
            new = rng.choice(pool, len(pool) // 5, replace=False)
            old = np.setdiff1d(np.arange(len(counts)), new)
            model = LatentFactors(random_state=seed).fit(x[:, old])
            factors = predicted_factors(content, old, model.item_factors_, counts[old])
            by_factors = model.transform(x[:, old]) @ factors[new].T
            seen = x[:, old]
            centre = content.mean(axis=0)
            by_content = np.stack(
                [liking(content[new], content[old[seen[[u]].indices]], centre=centre) for u in range(x.shape[0])]
            )
            among = np.ones(len(new), bool)
            both = [standard(a, among) + standard(b, among) for a, b in zip(by_factors, by_content, strict=True)]
            for name, scores in {
                "factors predicted from content": by_factors, "content alone": by_content, "both": np.stack(both),
                "chance": rng.random(by_factors.shape),
            }.items():  # fmt: skip
                figures.setdefault(name, []).append(_judged(scores, x[:, new]))
        for name, found in figures.items():
            recall, gain = np.mean(found, axis=0)
            rows.append({"data": said, "scored by": name, "Recall@20": f"{recall:.3f}", "NDCG@100": f"{gain:.3f}"})
    return rows


def _judged(scores: np.ndarray, hidden: csr_array, seen: csr_array | None = None) -> tuple[float, float]:
    from latentspace.models.factors.ranking import best, ndcg_at_k, recall_at_k

    ranked = best(scores, csr_array(hidden.shape) if seen is None else seen, 100)
    recall, gain = recall_at_k(ranked, hidden, 20), ndcg_at_k(ranked, hidden, 100)
    return float(np.nanmean(recall)), float(np.nanmean(gain))


# ---------------------------------------------------------------------- knobs
def knobs(seeds: range) -> list[dict[str, Any]]:
    """What `diversity`, `popularity` and `blend` cost in the first 20 of people kept from the model."""
    rows = []
    settings: list[tuple[str, dict[str, float]]] = [("as it comes", {})]
    settings += [(f"diversity {d:g}", {"diversity": d}) for d in (0.1, 0.2, 0.3, 0.5)]
    settings += [(f"popularity {p:g}", {"popularity": p}) for p in (-0.5, -0.2, 0.2, 0.5)]
    settings += [(f"blend {b:g}", {"blend": b}) for b in (0.1, 0.2, 0.5)]
    prepared = [_prepared("movielens", seed) for seed in seeds]
    for name, setting in settings:
        figures = np.mean([_listed(*parts, **setting) for parts in prepared], axis=0)
        recall, unlike, met, shown = figures
        rows.append(
            {
                "setting": name, "Recall@20": f"{recall:.3f}", "unlike each other": f"{unlike:.2f}",
                "met by, median": round(met), "things shown": f"{shown:.0%}",
            }
        )  # fmt: skip
    return rows


def _prepared(data: str, seed: int) -> tuple[Any, ...]:
    from latentspace.models.factors.latent_factors import LatentFactors
    from latentspace.models.factors.ranking import hide

    x, _, films, _ = films_of(data)
    rng = np.random.default_rng(seed)
    people = rng.permutation(x.shape[0])
    seen, hidden = hide(x[people[:150]], 0.2, rng)
    train = x[people[150:]]
    model = LatentFactors(random_state=seed).fit(train)
    counts = np.bincount(train.indices, minlength=x.shape[1])
    return model, films.latents, counts, seen, hidden, model.inverse_transform(model.transform(seen))


def _listed(
    model: Any, content: np.ndarray, counts: np.ndarray, seen: csr_array, hidden: csr_array, scores: np.ndarray,
    diversity: float = 0.0, popularity: float = 0.0, blend: float = 0.0,
) -> tuple[float, float, float, float]:  # fmt: skip
    """Recall@20, mean unlikeness of a list's films, how many met them, share of all films in any list."""
    from latentspace.models.factors.ranking import recall_at_k
    from latentspace.search.diversity import diverse, spread_of
    from latentspace.search.recommend import liking, standard

    vectors = model.item_factors_
    centre = vectors.mean(axis=0)
    lists = []
    for row in range(seen.shape[0]):
        own = seen[[row]].indices
        allowed = np.ones(len(counts), bool)
        allowed[own] = False
        score = standard(scores[row], allowed)
        if blend:
            by_content = liking(content, content[own], centre=content.mean(axis=0))
            score = (1 - blend) * score + blend * standard(by_content, allowed)
        score = score + popularity * standard(np.log1p(counts), allowed)
        lists.append(diverse(np.where(allowed, score, -np.inf), vectors, 20, diversity, centre))
    ranked = np.stack(lists)
    return (
        float(np.nanmean(recall_at_k(ranked, hidden, 20))),
        float(np.mean([spread_of(vectors[row] - centre) for row in ranked])),
        float(np.median(counts[ranked])),
        len(np.unique(ranked)) / len(counts),
    )


# ---------------------------------------------------------------------- tastes
def tastes() -> list[dict[str, Any]]:
    """Ways to score by examples, on labelled items: the share of the first 20 that are of the liked kinds."""
    import latentspace as ls
    from latentspace import datasets

    rows = []
    for name, said in TASTES.items():
        d = datasets.load(name)
        if name == "fortunes":
            space = ls.fit(list(d.x[:6000]), model="lsa", dims=64, kind="texts", density="gaussian")
            labels = np.asarray(d.labels)[[int(id_) for id_ in space.ids]]
        else:
            space = ls.fit(d.x, model="pca", dims=16 if name == "tissues" else 32, density="gaussian")
            labels = np.asarray(d.labels)
        rows += [{"items": said} | row for row in _tried(space.latents, labels)]
    return rows


def _tried(z: np.ndarray, labels: np.ndarray) -> list[dict[str, Any]]:
    from latentspace.search.recommend import liking

    centre = z.mean(axis=0)
    ways = {
        "mean cosine": {"temperature": 1e3}, "nearest example": {"temperature": 0.005},
        "soft maximum": {}, "soft maximum, disliked in full": {"dislike": 1.0},
    }  # fmt: skip
    figures: dict[str, list[list[float]]] = {way: [] for way in ways}
    rng = np.random.default_rng(0)
    kinds = [kind for kind in np.unique(labels) if (labels == kind).sum() >= 15]
    for _ in range(TRIALS):
        a, b, c = rng.choice(kinds, 3, replace=False)
        of = {kind: rng.choice(np.flatnonzero(labels == kind), 5, replace=False) for kind in (a, b, c)}
        alone, two = of[a], np.concatenate([of[a][:4], of[b][:2]])
        mixed, bad = np.concatenate([of[a][:2], of[b][:2], of[c][:1]]), of[c][1:3]
        for way, options in ways.items():

            def first(good: np.ndarray, not_good: np.ndarray | None = None, options: Any = options) -> np.ndarray:
                told = None if not_good is None else z[not_good]
                scores = liking(z, z[good], told, centre=centre, **options).astype(float)
                scores[good if not_good is None else np.concatenate([good, not_good])] = -np.inf
                return labels[np.argsort(-scores, kind="stable")[:20]]

            found = first(two)
            figures[way].append(
                [(first(alone) == a).mean(), np.isin(found, [a, b]).mean(), (found == b).mean(),
                 np.isin(first(mixed, bad), [a, b]).mean()]
            )  # fmt: skip
    columns = ("one kind", "two kinds, 4 and 2", "of the second", "two kinds, one disliked")
    return [
        {"scored by": way} | {column: f"{value:.3f}" for column, value in zip(columns, np.mean(f, axis=0), strict=True)}
        for way, f in figures.items()
    ]


def main() -> None:
    """Measures the four parts and writes docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one split of each, nothing written")
    quick = parser.parse_args().quick
    seeds = range(1 if quick else 5)
    splits = f"means over {len(seeds)} splits"
    parts = [f"{machine('numpy', 'scipy', 'scikit-learn')}."]
    for words, rows in (
        (_FUTURE, future()),
        (f"{_COLD}; {splits}.", cold(seeds)),
        (f"{_KNOBS}; {splits}.", knobs(seeds)),
        (_TASTES, tastes()),
    ):
        parts += [words, table(rows, [*rows[0]])]
    if quick:
        print("\n\n".join(parts))
        return
    publish("Recommend", "\n\n".join(parts))


if __name__ == "__main__":
    main()
