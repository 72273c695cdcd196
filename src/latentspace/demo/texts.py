"""Texts: mails by what they are about, found by a sentence, with a word list for every topic."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .data import first_of

NEEDS = ()
FILES = {"space": "texts.latent", "topics": "topics.txt", "hits": "hits.txt", "map_page": "map.html"}
_MOST = 1500  # texts
_HELD_OUT = 200
_DIMS = 20
_QUERIES = ("how to install a package on linux", "lose weight fast, money back", "a mortgage at a low rate")


def run(paths: dict[str, Path], seed: int, say: Callable[[str], None]) -> tuple[dict[str, Any], list[str]]:
    """Fits topics of texts by non-negative factors, and searches them by sentences; see `demo.run`."""
    import latentspace as ls

    texts = first_of("mails", "fortunes")
    assert texts.labels is not None
    there = np.array([row for row, text in enumerate(texts.x) if text.strip()])
    order = np.random.default_rng(seed).permutation(there)[: _MOST + _HELD_OUT]
    test, train = order[:_HELD_OUT], order[_HELD_OUT:]
    say(f"{texts.name}: {len(train):,} texts to fit, {len(test)} held out ({texts.licence})")
    space = ls.fit(
        [texts.x[i] for i in train], kind="texts", model="nmf", dims=_DIMS, seed=seed,
        ids=[f"text-{i}" for i in train], metadata={"label": [str(texts.labels[i]) for i in train]},
    )  # fmt: skip
    labels = np.array(space.metadata["label"])
    same = [
        np.mean(labels[[space.position(id_) for id_ in hits.ids]] == str(texts.labels[i]))
        for i, hits in zip(test, space.search([texts.x[i] for i in test], k=10), strict=True)
    ]
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    figures = {
        "neighbours_same_label": float(np.mean(same)),
        "by_chance": float((shares**2).sum()),
        "seconds_to_fit": space.facts["seconds"],
    }
    topics = space.topics(8)
    say(
        f"fitted {space.dims} topics of {space.modality.shape[0]:,} words in {figures['seconds_to_fit']:.0f} s\n"
        f"of the 10 texts nearest to a held-out one, {figures['neighbours_same_label']:.0%} have its label "
        f"({figures['by_chance']:.0%} by chance)\n\ntopics:\n{topics}"
    )
    paths["topics"].write_text(f"{topics}\n", encoding="utf-8")
    found = "\n".join(_found(space, query) for query in _QUERIES)
    say(f"\n{found}")
    paths["hits"].write_text(found, encoding="utf-8")
    space.map("tsne", seed=seed).save(paths["map_page"], colour="label", overwrite=True)
    space.save(paths["space"], overwrite=True)
    return figures, [f"search {paths['space']} 'free money' -k 5", f"info {paths['space']}"]


def _found(space: Any, query: str) -> str:
    """A query and the texts nearest to it, their beginnings on a line each."""
    lines = [f"{query!r}:"]
    for id_, cosine in space.search(query, k=3):
        row = space.position(id_)
        begins = " ".join(space.metadata["text"][row].split())[:70]
        lines.append(f"  {cosine:.2f}  {space.metadata['label'][row]:<5} {begins}")
    return "\n".join(lines) + "\n"
