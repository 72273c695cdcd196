"""How much of what matters survives a compression: a fixed classifier's accuracy on what was decoded.

The classifier is a multinomial logistic regression on pixels, trained on the originals of one half of the items with a
fixed seed, and asked about the other half: as they were, as this coder gives them back, and as other formats do in no
more bytes.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..codec.protocol import Coder
from ..errors import UnsupportedError
from ..items.protocol import Gathered
from ..reports import Section, Table
from . import rivals
from .forms import Coded
from .measuring import Told, bytes_of, decoded, pictures_of, sampled

if TYPE_CHECKING:
    from ..verbs.state import State
    from . import Asked, Written

_MOST = 1_500  # items, half of them to train on
_LEAST = 40
_SIDE = 32  # pixels that pictures of unlike sizes are brought to, for the classifier alone


def section(
    space: "State", gathered: Gathered, coder: Coder, asked: "Asked", written: "Written", target: str
) -> Told:  # fmt: skip
    """The verdict's sentence, the table and the facts of a target's survival."""
    labels = gathered.metadata.get(target)
    if labels is None:
        known = ", ".join(map(repr, gathered.metadata)) or "none"
        raise ValueError(f"--target {target}: the items have no such column. Their columns: {known}.")
    if coder.reads == "text":
        raise UnsupportedError("--target asks a classifier of pictures; texts come back exactly.")
    known_rows = [row for row, label in enumerate(labels) if label is not None]
    sample = sampled(space, gathered.select(known_rows), coder, _MOST)
    told = np.array([str(label) for label in sample.metadata.get(target, [])])
    if len(told) < _LEAST or len(set(told)) < 2:
        raise ValueError(f"--target {target}: {len(told):,} items of {len(set(told))} classes tell nothing.")
    order = np.random.default_rng(0).permutation(len(told))
    train, test = order[: len(told) // 2], order[len(told) // 2 :]
    originals = pictures_of(space, sample, coder)
    model = _classifier([originals[row] for row in train], told[train])
    asked_of = [originals[row] for row in test]

    def accuracy(pictures: list[np.ndarray]) -> float:
        return float(np.mean(model.predict(_features(pictures)) == told[test]))

    kept = Coded([sample.ids[row] for row in test], [sample.arrays[row] for row in test], {})
    each = bytes_of(coder, kept.arrays, written.step, asked.random_access)
    whole = accuracy(asked_of)
    ours = whole if coder.lossless else accuracy(decoded(space, coder, kept, written.step))
    rows: list[list[Any]] = [
        ["the originals", None, whole, 0.0],
        [f"latentspace ({coder.name})", each, ours, whole - ours],
    ]
    facts: dict[str, Any] = {"originals": whole, "ours": ours, "bytes_an_item": each, "rivals": {}}
    for name, points in {} if coder.lossless else rivals.lossy_pictures(asked_of).items():
        found = None
        for point in points():
            if found is None or point.bytes <= each:
                found = point
            if point.bytes > each:
                break
        assert found is not None
        score = accuracy(found.items)
        over = found.bytes > each
        rows.append([f"{name}{', at its coarsest' if over else ''}", found.bytes, score, whole - score])
        facts["rivals"][name] = {"bytes_an_item": found.bytes, "accuracy": score, "fits": not over}
    error = float(np.sqrt(whole * (1 - whole) / len(test)))
    verdict = (
        f"Of {target}, a classifier tells {100 * whole:.1f}% of originals that it has not seen, and {100 * ours:.1f}% "
        f"of what comes back ({100 * (whole - ours):.1f} points lost; one standard error is {100 * error:.1f})."
    )
    table = Table(
        ["as", "bytes an item", f"share of {target} told", "lost"], rows,
        f"A logistic regression on pixels, trained on {len(train):,} originals, asked about {len(test):,} others. More "
        "told and less lost is better. Other formats stand at the finest setting that takes no more bytes than this.",
        [1],
    )  # fmt: skip
    return Told([verdict], [Section(f"What is left of {target}", "", [table])], {"target": {target: facts}})


def _classifier(pictures: list[np.ndarray], labels: np.ndarray) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(with_std=False), LogisticRegression(C=0.1, max_iter=300)).fit(
        _features(pictures), labels
    )


def _features(pictures: list[np.ndarray]) -> np.ndarray:
    if len({picture.shape for picture in pictures}) > 1 or pictures[0].size > 3 * _SIDE**2 * 4:
        pictures = [np.asarray(Image.fromarray(picture).convert("L").resize((_SIDE, _SIDE))) for picture in pictures]
    return np.stack([picture.reshape(-1) for picture in pictures]).astype(np.float32) / 255
