"""Texts: counting words beside scikit-learn's TfidfVectorizer, and topics beside its LDA and NMF by their coherence.

Coherence is NPMI: over the ten first words of every topic, how much oftener two of them share a text than chance would
have it, from -1 (never together) through 0 to 1 (only together); higher is better (Lau, Newman and Baldwin, 2014; in
windows of ten words, Roeder, Both and Hinneburg, 2015). The texts are SpamAssassin's mails, fetched from npm on first
use, and fortune cookies, from Debian. `--quick` leaves the topics out.
"""

import argparse
import itertools
import json
import shutil
import sys
from functools import partial
from typing import Any

import numpy as np

from .harness import ROOT, alternate, machine, measure, publish, run, table

TOPICS, TOP, WINDOW, SEEDS = 20, 10, 10, 3
CACHE = ROOT / ".cache" / "benchmarks" / "topics"
SHARES = {"mails": 0.3, "fortunes": 0.05}  # of the texts: words in more are grammar
SAYS = {"mails": "SpamAssassin's 6,017 mails", "fortunes": "14,173 fortune cookies"}
MODELS = ("topic-vae", "prodlda", "scikit-learn LDA", "scikit-learn NMF", "scikit-learn NMF of counts")
FIGURES = ("npmi", "in unseen", "in windows", "diversity", "seconds")


def mails() -> list[str]:
    """The bodies that hold anything."""
    from latentspace import datasets

    return [text for text in datasets.load("mails").x if text.strip()]


def ours() -> dict[str, Any]:
    """Learns the words of all mails and weighs them."""
    from latentspace.items.texts import Texts

    texts = mails()

    def work() -> Any:
        gathered = Texts.gather(texts)
        modality = Texts().learn(gathered)
        return sum(len(batch) for batch in modality.read(modality.pieces(gathered)))

    count, cost = measure(work)
    return {"texts": count, **cost}


def theirs() -> dict[str, Any]:
    """The same by scikit-learn."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = mails()
    x, cost = measure(lambda: TfidfVectorizer(sublinear_tf=True, min_df=2, max_df=0.5).fit_transform(texts))
    return {"texts": x.shape[0], **cost}


def npmi(first: np.ndarray, present: Any) -> float:
    """Mean coherence of topics' first words (k, top), columns of `present`, sparse bool (n, p)."""
    scores = []
    for words in first:
        there = present[:, words].toarray().astype(float)
        share, together = there.mean(0), there.T @ there / len(there)
        for i, j in itertools.combinations(range(len(words)), 2):
            p = together[i, j]
            scores.append(-1.0 if p == 0 else 1.0 if p == 1 else np.log(p / (share[i] * share[j])) / -np.log(p))
    return float(np.mean(scores))


def counted(corpus: str) -> tuple[Any, Any]:
    """Counts (n, 2000) of the words in most texts but for those in too many, and which are in each window of ten."""
    from scipy.sparse import csr_array, vstack

    from latentspace import datasets
    from latentspace.items.texts import Texts
    from latentspace.items.tokens import words_of

    gathered = Texts.gather([text for text in datasets.load(corpus).x if text.strip()])
    modality = Texts(weights="counts", max_words=2000, max_share=SHARES[corpus]).learn(gathered)
    batches = list(modality.read(modality.pieces(gathered)))
    places = {word: place for place, word in enumerate(modality.words_)}
    rows = [
        {places[word] for word in words[start : start + WINDOW] if word in places}
        for words in (words_of(text) for batch in batches for text in batch.metadata["text"])
        for start in range(0, max(1, len(words) - WINDOW + 1))
    ]
    ends = np.cumsum([0, *map(len, rows)])
    columns = np.fromiter(itertools.chain.from_iterable(rows), np.int32, ends[-1])
    windows = csr_array((np.ones(len(columns), bool), columns, ends), shape=(len(rows), len(places)))
    return vstack([batch.x for batch in batches]).tocsr(), windows


def topics(model: str, corpus: str, seed: int) -> dict[str, Any]:
    """Coherence of 20 topics of four fifths of the texts: in all of them, and in the fifth that was left out."""
    x, windows = counted(corpus)
    order = np.random.default_rng(7).permutation(x.shape[0])
    unseen, seen = np.sort(order[: len(order) // 5]), np.sort(order[len(order) // 5 :])
    weights, cost = measure(lambda: _weights(model, x[seen], seed))
    first = np.argsort(-weights, axis=1, kind="stable")[:, :TOP]
    return {
        "npmi": npmi(first, x > 0),
        "in unseen": npmi(first, x[unseen] > 0),
        "in windows": npmi(first, windows),
        "diversity": len(np.unique(first)) / first.size,
        **cost,
    }


def _weights(model: str, x: Any, seed: int) -> np.ndarray:
    """Weights (20, p) of the words in every topic of counts x, by a model at its defaults."""
    from sklearn.decomposition import NMF, LatentDirichletAllocation
    from sklearn.feature_extraction.text import TfidfTransformer

    from latentspace.models import make

    def weighed() -> Any:
        return TfidfTransformer(sublinear_tf=True).fit_transform(x).astype(np.float32)

    if model in ("topic-vae", "prodlda"):
        ours = make(model, dims=TOPICS, random_state=seed, threads=1)
        return ours.fit(weighed() if model == "topic-vae" else x).topic_weights()
    if model == "scikit-learn LDA":
        return LatentDirichletAllocation(TOPICS, random_state=seed).fit(x).components_
    return NMF(TOPICS, random_state=seed).fit(x if model.endswith("counts") else weighed()).components_


def judge(corpus: str, seeds: int = SEEDS) -> None:
    """Measures and publishes the topics of one corpus."""
    rows = []
    for model in MODELS:
        found = [_figures(model, corpus, seed) for seed in range(seeds)]
        print(f"  {corpus} {model}: {found}", file=sys.stderr, flush=True)
        rows.append({"topics by": model} | {name: _spread([row[name] for row in found]) for name in FIGURES})
        rows[-1]["npmi x diversity"] = _spread([row["npmi"] * row["diversity"] for row in found])
    columns = ["topics by", *FIGURES[:-1], "npmi x diversity", "seconds"]
    text = (
        f"{machine('numpy', 'scikit-learn', 'torch')}; one thread. {TOPICS} topics of four fifths of {SAYS[corpus]}, "
        f"the 2,000 words in most texts but for those in over {SHARES[corpus]:.0%}; means of {seeds} seeds, half the "
        f"range. NPMI over the {TOP} first words by the texts that they share; in unseen: in the fifth left out; in "
        f"windows: by windows of {WINDOW} words. Diversity: share of those words that differ (Dieng, Ruiz "
        "and Blei, 2020). All at their defaults; higher is better but for seconds.\n\n"
        f"{table(rows, columns)}\n"
    )
    publish(f"Topics of {corpus}", text)


def _figures(model: str, corpus: str, seed: int) -> dict[str, Any]:
    """What `topics` gives: kept in .cache/benchmarks, so that a run that was stopped goes on."""
    kept = CACHE / f"{corpus}-{model.replace(' ', '-')}-{seed}.json"
    if not kept.exists():
        row = run("benchmarks.texts:topics", threads=1, model=model, corpus=corpus, seed=seed)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(row))
    return json.loads(kept.read_text())


def _spread(values: list[float]) -> str:
    digits = 0 if max(values) > 10 else 3
    return f"{np.mean(values):.{digits}f} ± {(max(values) - min(values)) / 2:.{digits}f}"


def main(runs: int = 5, quick: bool = False) -> None:
    """Measures and publishes all."""
    speed(runs)
    if not quick:
        for corpus in SAYS:
            judge(corpus)


def speed(runs: int) -> None:
    """Measures and publishes the counting of words."""
    job = "benchmarks.texts:{}".format
    names = {"latentspace": "ours", "scikit-learn": "theirs"}
    found = alternate({name: partial(run, job(function), threads=1) for name, function in names.items()}, runs)
    rows = [{"words counted by": name, **figures} for name, figures in found.items()]
    text = (
        f"{machine('numpy', 'scipy', 'scikit-learn')}; one thread. SpamAssassin's mails to rows of TF-IDF; "
        f"medians of {runs} alternated runs in fresh processes.\n\n"
        f"{table(rows, ['words counted by', 'texts', 'seconds', 'seconds_min', 'seconds_max', 'extra_mb'])}\n"
    )
    publish("Texts", text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two runs of each job, and no topics")
    parser.add_argument("--topics", choices=list(SAYS), help="the topics of one corpus alone")
    parser.add_argument("--anew", action="store_true", help="measure topics again that were measured before")
    arguments = parser.parse_args()
    if arguments.anew:
        shutil.rmtree(CACHE, ignore_errors=True)
    if arguments.topics:
        judge(arguments.topics)
    else:
        main(2 if arguments.quick else 5, arguments.quick)
