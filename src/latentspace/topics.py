"""Topics: what each dimension of a space says of its features, as words."""

from typing import TYPE_CHECKING

import numpy as np

from .errors import UnsupportedError
from .items.words import Words, heaviest

if TYPE_CHECKING:
    from .verbs.state import State


class Topics(list[Words]):
    """One `Words` a dimension, heaviest first; prints as a line each."""

    def __repr__(self) -> str:
        return "\n".join(f"{number}: {', '.join(words)}" for number, words in enumerate(self))

    __str__ = __repr__


def topics_of(space: "State", n: int) -> Topics:
    """The n words that weigh most in every dimension; see `LatentSpace.topics`."""
    names = space.modality.feature_names
    weights = getattr(space.model, "topic_weights", None)
    if names is None or weights is None:
        what = f"{space.modality.kind} have no named features" if names is None else _no_topics(space)
        raise UnsupportedError(f"topics() cannot be told here: {what}.")
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"topics(n={n!r}) must be how many words of each topic to give, from 1.")
    return Topics(heaviest(row, names, n) for row in np.asarray(weights(), dtype=np.float64))


def _no_topics(space: "State") -> str:
    name = getattr(space.model, "family", type(space.model).__name__)
    having = "'topic-vae', 'prodlda', 'nmf' and 'lsa' have"
    return f"model={name!r} has no weight of every word in every dimension; {having}"
