"""Words with weights: what a text looks like once it has been a point in a latent space."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from .tokens import words_of

_SHOWN = 12  # words that are printed
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？।])|\n\s*\n")


class Words(dict[str, float]):
    """Words and their weights, heaviest first; prints as words.

    Attributes
    ----------
    witness : str or None
        A real sentence that says the most of it, from the text of the space that is nearest; found when asked for.

    Examples
    --------
    >>> Words({"tea": 0.8, "milk": 0.5})
    tea 0.8, milk 0.5
    """

    testify: Callable[["Words"], str] | None = None

    @property
    def witness(self) -> str | None:
        return None if self.testify is None else self.testify(self)

    def __repr__(self) -> str:
        shown = ", ".join(f"{word} {weight:.3g}" for word, weight in list(self.items())[:_SHOWN])
        return f"{shown}, and {len(self) - _SHOWN:,} more" if len(self) > _SHOWN else shown or "(no words)"

    __str__ = __repr__


def best_sentence(text: str, words: Words) -> str:
    """The sentence of a text whose words weigh most, each counted once, for the root of how many it has.

    Examples
    --------
    >>> best_sentence("It rained. We had tea with milk. Then we left.", Words({"tea": 0.8, "milk": 0.5}))
    'We had tea with milk.'
    """
    sentences = [sentence.strip() for sentence in _SENTENCE.split(text) if sentence.strip()] or [text]

    def worth(sentence: str) -> float:
        found = words_of(sentence)
        return sum(words.get(word, 0.0) for word in set(found)) / max(1, len(found)) ** 0.5

    return max(sentences, key=worth)


def heaviest(weights: np.ndarray, names: Sequence[str], most: int) -> Words:
    """The names of the largest weights (p,) above 0, heaviest first; equal ones in the names' order."""
    most = min(most, len(weights))
    if most == 0:
        return Words()
    least = np.partition(weights, -most)[-most]
    top = np.flatnonzero(weights >= max(least, np.finfo(np.float32).tiny))
    top = top[np.argsort(-weights[top], kind="stable")][:most]
    return Words((names[place], float(weights[place])) for place in top.tolist())
