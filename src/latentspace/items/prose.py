"""A column of texts inside a table as a few features: latent semantic analysis of its words, and words again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .columns import Encoded
from .dtypes import Dtype
from .frames import Cells
from .tokens import words_of

_DIMS = 16  # features of one column: more would outweigh the other columns
_WORDS = 2000  # of the vocabulary, the most frequent
_GIVEN = 8  # words that stand for a text
_LEAST = 0.05  # of the heaviest word's weight, below which a word is none of a text's


@dataclass
class Prose:
    """Texts as their scores on the leading axes of TF-IDF (Deerwester et al., 1990), over one scale for all of them.

    A text comes back as its heaviest words, heaviest first: features do not know their order or grammar. Where missing
    cells were seen, a last feature says so.

    Attributes
    ----------
    words : list of str
        The vocabulary.
    rarity : float32 array of shape (words,)
        log((1 + n) / (1 + texts with the word)) + 1.
    axes : float32 array of shape (k, words)
        Orthonormal rows.
    scale : float
        Standard deviation of the first score.
    """

    name: str
    dtype: Dtype
    words: list[str]
    rarity: np.ndarray
    axes: np.ndarray
    scale: float
    indicator: bool

    @property
    def names(self) -> list[str]:
        topics = [f"{self.name}: {'/'.join(self._heaviest(axis, 3))}" for axis in self.axes]
        return topics + [f"{self.name} missing"] * self.indicator

    @property
    def plan(self) -> list[dict[str, Any]]:
        """Its features as `likelihoods.Columns` takes them."""
        numbers = [{"kind": "number", "missing": False}] * len(self.axes)
        return numbers + [{"kind": "boolean", "missing": False}] * self.indicator

    @classmethod
    def learn(cls, name: str, cells: Cells) -> "Prose | None":
        """Learns vocabulary and axes; None where no word comes in two texts."""
        from scipy.sparse.linalg import svds

        texts = [value for value in cells.values() if value is not None]
        counts: dict[str, int] = {}
        for text in texts:
            for word in set(words_of(text)):
                counts[word] = counts.get(word, 0) + 1
        kept = sorted((word for word in counts if counts[word] > 1), key=lambda word: (-counts[word], word))[:_WORDS]
        k = min(_DIMS, len(kept) - 1, len(texts) - 1)
        if k < 1:
            return None
        rarity = np.log((1 + len(texts)) / (1 + np.array([counts[word] for word in kept]))) + 1
        made = cls(name, cells.dtype, kept, rarity.astype(np.float32), np.zeros((0, len(kept)), np.float32), 1.0, False)
        weights = made._weighed(texts)
        # ARPACK starts from a vector of its own: a fixed one, so that the same texts give the same axes.
        _, values, axes = svds(weights, k=k, v0=np.ones(min(weights.shape)))
        axes = axes[np.argsort(-values)]
        made.axes = (axes * np.sign(axes.sum(axis=1, keepdims=True) + 1e-12)).astype(np.float32)
        spread = float((weights @ made.axes[0]).std())
        made.scale, made.indicator = spread if spread > 0 else 1.0, bool(cells.missing.any())
        return made

    def encode(self, cells: Cells) -> Encoded:
        values = cells.values()
        x = np.zeros((len(values), len(self.names)), np.float32)
        x[:, : len(self.axes)] = self._weighed(["" if value is None else str(value) for value in values]) @ (
            self.axes.T / self.scale
        )
        if self.indicator:
            x[:, -1] = cells.missing
            return Encoded(x, {})
        reason = f"column {self.name!r} is missing, which it never was where this was fitted"
        return Encoded(x, {int(row): reason for row in np.flatnonzero(cells.missing)})

    def decode(self, x: np.ndarray) -> tuple[Any, np.ndarray]:
        missing = x[:, -1] > 0.5 if self.indicator else np.zeros(len(x), bool)
        weights = (x[:, : len(self.axes)] * self.scale) @ self.axes
        return [
            None if gone else " ".join(self._heaviest(row)) for row, gone in zip(weights, missing, strict=True)
        ], missing

    def _heaviest(self, weights: np.ndarray, most: int = _GIVEN) -> list[str]:
        order = np.argsort(-weights, kind="stable")[:most]
        return [self.words[place] for place in order if weights[place] > max(_LEAST * weights[order[0]], 1e-6)]

    def _weighed(self, texts: Sequence[str]) -> Any:
        """Rows of TF-IDF with logarithmic counts, each of length 1 or 0: CSR (n, words)."""
        from scipy.sparse import csr_array

        place = {word: position for position, word in enumerate(self.words)}
        data: list[float] = []
        columns: list[int] = []
        ends = [0]
        for text in texts:
            counts: dict[int, int] = {}
            for word in words_of(text):
                if word in place:
                    counts[place[word]] = counts.get(place[word], 0) + 1
            row = (1 + np.log(list(counts.values()))) * self.rarity[list(counts)] if counts else np.empty(0)
            data.extend((row / np.linalg.norm(row)).tolist() if counts else ())
            columns.extend(counts)
            ends.append(len(columns))
        return csr_array((np.array(data), np.array(columns, dtype=np.int64), ends), shape=(len(texts), len(self.words)))

    def facts(self) -> dict[str, Any]:
        return {"words": self.words, "scale": self.scale, "indicator": self.indicator}

    def arrays(self) -> dict[str, np.ndarray]:
        """What JSON does not hold."""
        return {"axes": self.axes, "rarity": self.rarity}

    @classmethod
    def from_facts(cls, name: str, dtype: Dtype, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Prose":
        words, axes, rarity = facts["words"], arrays["axes"], arrays["rarity"]
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"column {name!r}: words that are no list of words")
        fits = axes.ndim == 2 and 1 <= len(axes) <= _DIMS and axes.shape[1:] == rarity.shape == (len(words),)
        if not fits or not (np.isfinite(axes).all() and np.isfinite(rarity).all()):
            raise ValueError(f"column {name!r}: axes of shape {axes.shape} over {len(words)} words")
        scale, indicator = facts["scale"], facts["indicator"]
        if type(scale) not in (int, float) or not 0 < scale < np.inf or type(indicator) is not bool:
            raise ValueError(f"column {name!r}: scale {scale!r}, indicator {indicator!r}")
        return cls(name, dtype, words, rarity.astype(np.float32), axes.astype(np.float32), float(scale), indicator)
