"""Counting words: texts to a sparse matrix of how often each word comes, in one pass."""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from scipy.sparse import csr_array

from .tokens import words_of

_UNKNOWN = -1


def count_all(texts: Iterable[str]) -> tuple[csr_array, list[str]]:
    """Counts every word of texts: int32 CSR (n, p), and the p words, in the order in which they first come."""
    places: dict[str, int] = defaultdict()
    places.default_factory = places.__len__  # type: ignore[attr-defined]
    indices, ends = _places(texts, places.__getitem__)
    return _matrix(indices, ends, len(places)), list(places)


def count_known(texts: Iterable[str], places: Mapping[str, int]) -> tuple[csr_array, np.ndarray]:
    """Counts the words that have a place: int32 CSR (n, p), and how many words each text has, known or not."""
    indices, ends = _places(texts, lambda word: places.get(word, _UNKNOWN))
    known = indices >= 0
    before = np.concatenate([[0], np.cumsum(known)])
    return _matrix(indices[known], before[ends], len(places)), np.diff(ends)


def _places(texts: Iterable[str], place: Callable[[str], int]) -> tuple[np.ndarray, np.ndarray]:
    """The words' places, one text after the other, int32; and where each text ends, from 0, int64 (n + 1,)."""
    found = array("i")
    ends = array("q", [0])
    for text in texts:
        found.extend(map(place, words_of(text)))
        ends.append(len(found))
    return np.frombuffer(found, dtype=np.int32) if found else np.empty(0, np.int32), np.frombuffer(ends, dtype=np.int64)


def _matrix(indices: np.ndarray, ends: np.ndarray, p: int) -> csr_array:
    ones = np.ones(len(indices), np.int32)
    matrix = csr_array((ones, indices.copy(), ends.astype(np.int64)), shape=(len(ends) - 1, p))
    matrix.sum_duplicates()
    return matrix


def chosen(words: Sequence[str], texts_with: np.ndarray, low: int, high: float, most: int, longest: int) -> list[int]:
    """Which words become columns, in the alphabet's order.

    Parameters
    ----------
    words : sequence of str, length p
    texts_with : int array of shape (p,)
        How many texts have each word.
    low, high : int, float
        A word is kept if from `low` to `high` texts have it.
    most : int
        How many words are kept at most: those in most texts, and of equal ones the alphabet's first.
    longest : int
        Characters of a word at most.
    """
    kept = np.flatnonzero((texts_with >= low) & (texts_with <= high))
    places = sorted((place for place in kept.tolist() if len(words[place]) <= longest), key=words.__getitem__)
    if len(places) > most:
        order = np.argsort(-texts_with[places], kind="stable")[:most]
        places = [places[i] for i in sorted(order.tolist())]
    return places
