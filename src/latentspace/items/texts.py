"""Texts <-> words: each text as one sparse row of the words it holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from scipy.sparse import csr_array, issparse

from ..errors import CorruptFileError
from . import text_sources
from .counting import chosen, count_all, count_known
from .protocol import Batch, Gathered, Modality, OnError, bad
from .words import Words, heaviest

_SHOWN = 30  # words that `restore` gives of each text
_LONGEST = 64  # characters of a word: beyond them it is no word, but a key, an address or a picture in letters
_ENOUGH = 100  # texts, from which a word that one text alone holds tells nothing of others
_MANY = 20  # texts, from which a word that most of them hold is taken for grammar
_MOST_SPARSE = 50_000  # words
_MOST_DENSE, _LEAST_DENSE = 5_000, 500
_VALUES = 2**26  # of dense rows, that a model without sparse ones is trained on: 256 MB


@dataclass
class _Documents:
    """Texts that have been read and counted, and why some could not be."""

    texts: list[str]
    reasons: list[str | None]
    counts: csr_array  # int32 (n, p)

    def __len__(self) -> int:
        return len(self.texts)

    def select(self, positions: Sequence[int]) -> "_Documents":
        rows = np.asarray(positions, dtype=np.int64)
        return _Documents([self.texts[i] for i in rows], [self.reasons[i] for i in rows], self.counts[rows])


class Texts(Modality):
    """Texts as float32 CSR rows of shape (n, p): one column a word.

    By TF-IDF a word that comes f times in a text, and in m of n texts, weighs

        (1 + log f) * (1 + log((1 + n) / (1 + m)))

    and the row is scaled to length 1, so that a long text lies where a short one on the same things does. By counts it
    weighs f: for topic models and likelihoods of counts.

    Words are runs of letters, digits and their marks, in any script, folded by case; where a script has no spaces they
    are the n-grams of its characters (see `tokens`). Files may be UTF-8, UTF-16 or Latin-1.

    `restore` gives each row back as its heaviest words; the text itself is in the metadata, in `text`.

    A text is a bad item if it is no text, holds no word, or none that is known; for a model that reads the texts
    themselves (`suit(raw=True)`), only if it is no text.

    Parameters
    ----------
    weights : "auto", "tfidf" or "counts", default="auto"
        "auto" is counts where the model asks for them, otherwise TF-IDF.
    min_texts : int or None, default=None
        Words in fewer texts are left out. None is 2, or 1 of fewer than 100 texts.
    max_share : float or None, default=None
        Words in a larger share of the texts are left out. None is 0.5, or 1 of fewer than 20 texts.
    max_words : int or None, default=None
        Columns at most; the words in most texts are kept. None is 50,000, or for a model that takes no sparse rows as
        many as keep them under 256 MB, from 500 to 5,000.
    column : str or None, default=None
        The column of a table that holds the texts. None takes the one with the most characters.

    Attributes
    ----------
    words_ : list of str
        The columns' words, in the alphabet's order.
    idf_ : float64 array of shape (p,)
        1 + log((1 + n) / (1 + m)).
    weights_ : "tfidf" or "counts"
    """

    kind = "texts"
    stored_as = "sparse"
    from_words: ClassVar[bool] = True

    def __init__(
        self,
        weights: Literal["auto", "tfidf", "counts"] = "auto",
        min_texts: int | None = None,
        max_share: float | None = None,
        max_words: int | None = None,
        column: str | None = None,
    ):
        self.weights = weights
        self.min_texts = min_texts
        self.max_share = max_share
        self.max_words = max_words
        self.column = column
        self._model_counts = False
        self._model_sparse = True
        self._raw = False

    # ------------------------------------------------------------------ sources
    @classmethod
    def gather(cls, source: Any, *, ids: Any = None) -> Gathered | None:
        """Lists a folder or files of text, a list or Series of strings, or a table's column of text.

        Of a table the longest column is the text, and the others are metadata; `column=` names another.
        """
        return text_sources.gather(source, ids)

    @classmethod
    def is_sure(cls, gathered: Gathered) -> bool:
        """Of a table: whether one column is clearly what it is about."""
        return not isinstance(gathered.raw, text_sources.TextColumn) or gathered.raw.clear

    def gather_new(self, source: Any, *, ids: Any = None) -> Gathered | None:
        """As `gather`; a string that names no file is a text itself."""
        return text_sources.gather_new(source, ids, self.column)

    # ------------------------------------------------------------------ features
    def suit(self, *, counts: bool, sparse: bool, raw: int | bool = False) -> None:
        self._model_counts, self._model_sparse, self._raw = counts, sparse, bool(raw)

    def learn(self, items: Gathered) -> "Texts":
        """Learns the words, in one pass over the texts; `pieces` then gives what was counted.

        Raises
        ------
        ValueError
            If an option is out of range, or no word is left.
        """
        self._check()
        items = text_sources.column_taken(items, self.column)
        read = [text_sources.read(value) for value in items.raw]
        texts, reasons = [text for text, _, _ in read], [reason for _, _, reason in read]
        read_as = [(name, note) for name, (_, note, _) in zip(items.ids, read, strict=True) if note]
        counts, words = count_all(texts)
        n = int((np.diff(counts.indptr) > 0).sum())
        self.weights_ = ("counts" if self._model_counts else "tfidf") if self.weights == "auto" else self.weights
        texts_with = np.bincount(counts.indices, minlength=len(words))
        low = self.min_texts or (2 if n >= _ENOUGH else 1)
        share = self.max_share or (0.5 if n >= _MANY else 1.0)
        places = chosen(words, texts_with, low, share * n, self.max_words or self._most(n), _LONGEST)
        if not places and not (self._raw and any(reason is None for reason in reasons)):
            raise ValueError(_no_words(items, reasons, len(words), n, low, share))
        self.words_ = [words[place] for place in places]
        self.idf_ = 1 + np.log((1 + n) / (1 + texts_with[places].astype(np.float64)))
        self._said = _notes(items.notes, read_as, len(words) - len(places))
        self._settle()
        total = np.asarray(counts.sum(axis=1))
        counts = csr_array(counts[:, places])
        counts.sort_indices()
        documents = _Documents(texts, self._judged(reasons, counts, total), counts)
        self._learned = (items, documents)
        return self

    def pieces(self, items: Gathered) -> Gathered:
        """The texts as they were counted while learning."""
        learned, documents = self.__dict__.pop("_learned", (None, None))
        taken = text_sources.column_taken(items, self.column)
        if documents is None or learned.ids != items.ids:
            return taken
        return Gathered(documents, taken.ids, taken.metadata, taken.origin, taken.skipped, taken.notes)

    def _most(self, n: int) -> int:
        return _MOST_SPARSE if self._model_sparse else max(_LEAST_DENSE, min(_MOST_DENSE, _VALUES // max(1, n)))

    def _settle(self) -> None:
        self._places = {word: place for place, word in enumerate(self.words_)}

    def read(self, items: Gathered, *, on_error: OnError = "skip", block: int = 1024) -> Iterator[Batch]:
        """Yields float32 CSR rows (b, p); the texts join the metadata as `text`."""
        for start in range(0, len(items), block):
            rows = range(start, min(start + block, len(items)))
            given = items.raw
            documents = (
                given.select(rows) if isinstance(given, _Documents) else self._documents([given[i] for i in rows])
            )
            wrong = [(row, reason) for row, reason in enumerate(documents.reasons) if reason is not None]
            skipped = [bad(items, start + row, reason, on_error) for row, reason in wrong]
            if wrong:
                good = [row for row, reason in enumerate(documents.reasons) if reason is None]
                documents, rows = documents.select(good), [start + row for row in good]  # type: ignore[assignment]
            metadata = {name: [column[row] for row in rows] for name, column in items.metadata.items()}
            metadata["text"] = documents.texts
            raw = list(documents.texts) if self._raw else None
            yield Batch(self._weighted(documents.counts), [items.ids[row] for row in rows], metadata, skipped, raw)

    def _documents(self, raw: Sequence[Any]) -> _Documents:
        read = [text_sources.read(value) for value in raw]
        texts = [text for text, _, _ in read]
        counts, total = count_known(texts, self._places)
        return _Documents(texts, self._judged([reason for _, _, reason in read], counts, total), counts)

    def _judged(self, reasons: list[str | None], counts: csr_array, total: np.ndarray) -> list[str | None]:
        """Adds what is wrong with words; a model that reads the texts themselves may know other ones."""
        return reasons if self._raw else _judged(reasons, counts, total)

    def _weighted(self, counts: csr_array) -> csr_array:
        weights = counts.astype(np.float64)
        if self.weights_ == "tfidf":
            weights.data = (1 + np.log(weights.data)) * self.idf_[weights.indices]
            lengths = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)))
            weights.data /= np.repeat(lengths, np.diff(weights.indptr))
        return weights.astype(np.float32)

    def restore(self, x: Any) -> list[Words]:
        """Rows (n, p), sparse or dense, to each one's heaviest words, 30 at most."""
        if x.ndim != 2 or x.shape[1] != len(self.words_):
            raise ValueError(f"restore() got rows of shape {x.shape}, but there are {len(self.words_):,} words.")
        dense = (x[[row]].toarray()[0] if issparse(x) else x[row] for row in range(x.shape[0]))
        return [heaviest(weights, self.words_, _SHOWN) for weights in dense]

    def rebuild(self, x: Any, metadata: Mapping[str, list]) -> list[Any]:
        """The texts themselves, from the metadata."""
        return list(metadata["text"]) if "text" in metadata else self.restore(x)

    def from_metadata(self, ids: Sequence[str], metadata: Mapping[str, list]) -> Gathered | None:
        """The texts that the metadata hold."""
        if "text" not in metadata:
            return None
        return Gathered(list(metadata["text"]), list(ids), dict(metadata), "the space's own texts")

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.words_),)

    @property
    def feature_names(self) -> list[str]:
        return list(self.words_)

    @property
    def notes(self) -> list[str]:
        return list(self._said)

    # ------------------------------------------------------------------ keeping
    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        options = ("weights", "min_texts", "max_share", "max_words", "column")
        facts: dict[str, Any] = {"options": {name: getattr(self, name) for name in options}, "words": list(self.words_)}
        facts |= {"weights": self.weights_, "notes": list(self._said), "raw": self._raw}
        return facts, {"idf": self.idf_}

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Texts":
        """Rebuilds from `state`. Raises CorruptFileError for anything that `state` would not have given."""
        words: Any = facts.get("words")
        notes: Any = facts.get("notes")
        idf = arrays.get("idf")
        whole = all(map(text_sources.are_words, (words, notes))) and facts.get("weights") in ("tfidf", "counts")
        raw = facts.get("raw", False) is True
        if not whole or len(set(words)) != len(words) or not (words or raw):
            raise CorruptFileError("the texts reader's state is damaged: its words are no list of words.")
        if idf is None or idf.shape != (len(words),) or not np.isfinite(idf).all():
            raise CorruptFileError("the texts reader's state is damaged: its words have no weight each.")
        modality = cls(**facts["options"])
        modality._check()
        modality.words_, modality.weights_ = list(words), facts["weights"]
        modality.idf_, modality._said = np.asarray(idf, np.float64), list(notes)
        modality._raw = raw
        modality._settle()
        return modality

    def _check(self) -> None:
        if self.weights not in ("auto", "tfidf", "counts"):
            raise ValueError(f"weights={self.weights!r} is not known. Choose 'auto', 'tfidf' or 'counts'.")
        for name in ("min_texts", "max_words"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ValueError(f"{name}={value!r} is not a count. Give a whole number from 1, or None.")
        share = self.max_share
        if share is not None and (isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1):
            raise ValueError(
                f"max_share={share!r} is not a share of the texts. Give a number above 0, up to 1, or None."
            )


def _judged(reasons: Sequence[str | None], counts: csr_array, total: np.ndarray) -> list[str | None]:
    """Adds to what reading found wrong the texts in which no known word is left."""
    known = np.diff(counts.indptr)
    return [
        reason if reason is not None or have else _wordless(int(words))
        for reason, have, words in zip(reasons, known.tolist(), total.tolist(), strict=True)
    ]


def _wordless(words: int) -> str:
    if words == 0:
        return "holds no word: punctuation, single letters or invisible characters alone"
    return f"none of its {words:,} word{'s' if words > 1 else ''} is known here"


def _no_words(items: Gathered, reasons: Sequence[str | None], words: int, n: int, low: int, share: float) -> str:
    if n:
        return (
            f"none of the {words:,} words of {items.origin} is in {low} to {share:.0%} of its {n:,} texts. "
            "Lower min_texts, or raise max_share."
        )
    first = "; ".join(
        f"{name}: {reason or _wordless(0)}" for name, reason in list(zip(items.ids, reasons, strict=True))[:5]
    )
    first = first or "; ".join(f"{item.id}: {item.reason}" for item in items.skipped[:5])
    return f"none of the {len(items) + len(items.skipped):,} texts of {items.origin} holds a word ({first})."


def _notes(notes: Sequence[str], read_as: Sequence[tuple[str, str]], left_out: int) -> list[str]:
    said = [note for note in notes if note.startswith("texts are")]
    if read_as:
        name, note = read_as[0]
        said.append(f"{len(read_as):,} file{'s' if len(read_as) > 1 else ''} not in UTF-8; {name} was read as {note}")
    return [*said, f"{left_out:,} words left out, in too few texts or too many"] if left_out else said
