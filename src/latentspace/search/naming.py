"""Names for groups of items: by a label that most of them share, by the words or numbers that set them apart."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_WORDS = 3
_WORD = r"(?u)(?<!['’])\b[^\W\d_]{3,}\b(?!['’])"  # three letters and more; neither half of "don't"
_READ = 5_000  # characters of a text
_MOST_LABELS = 0.5  # different values per item: with more a column is a description, not a label
_LONG = 60  # characters: longer words are texts, not labels
_APART = 0.5  # standard deviations by which a group's mean has to differ to be worth a word


def names_of(
    labels: np.ndarray, metadata: Mapping[str, Sequence[Any]], ids: Sequence[str], by: str | None = None
) -> tuple[list[str], str | None]:
    """Names groups, each with a name of its own.

    By a column of few values: the value that most items of a group share, and how many do where some don't. By texts:
    the words that it has most of, beside the others. By numbers: those whose mean lies highest or lowest. Else by the
    most typical item.

    Parameters
    ----------
    labels : int array of shape (n,)
        From 0; -1 for none.
    metadata : dict of column name to list of n values
    ids : sequence of str
        For each group the id of its most typical item.
    by : str, optional
        The column to name by; by default the one that tells most about the groups.

    Returns
    -------
    list of str, one a group; and the column they are from, or None

    Raises
    ------
    ValueError
        If there is no column `by`.
    """
    if by is not None and by not in metadata:
        raise ValueError(f"by={by!r} is not a column. Columns: {', '.join(sorted(metadata)) or 'none'}.")
    groups = len(ids)
    chosen = by if by is not None else _most_telling(labels, metadata)
    if chosen is not None and _is_label(metadata[chosen]):
        names = [_majority(metadata[chosen], labels == group) for group in range(groups)]
    elif (text := chosen if chosen is not None else ("text" if "text" in metadata else None)) and _is_text(
        metadata[text]
    ):
        chosen, names = text, _by_words(labels, metadata[text], groups)
    else:
        numbers = {name: column for name, column in metadata.items() if by in (None, name) and _is_number(column)}
        names = _by_numbers(labels, numbers, groups) if numbers else [""] * groups
    names = [name or f"like {typical}" for name, typical in zip(names, ids, strict=True)]
    return _distinct(names), chosen


def _given(column: Sequence[Any]) -> list[Any]:
    return [value for value in column if value is not None]


def _is_label(column: Sequence[Any]) -> bool:
    values = _given(column)
    if not values or any(isinstance(value, float) and not value.is_integer() for value in values):
        return False
    if any(isinstance(value, str) and len(value) > _LONG for value in values):
        return False
    return 2 <= len(set(values)) <= max(2, _MOST_LABELS * len(values))


def _is_text(column: Sequence[Any]) -> bool:
    values = _given(column)
    return bool(values) and all(isinstance(value, str) for value in values)


def _is_number(column: Sequence[Any]) -> bool:
    values = _given(column)
    return bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _most_telling(labels: np.ndarray, metadata: Mapping[str, Sequence[Any]]) -> str | None:
    """The column of words or yes and no that shares most information with the groups, if it tells anything."""
    best, most = None, 0.1
    for name, column in metadata.items():
        if not _is_label(column) or not all(isinstance(value, str | bool | int) for value in _given(column)):
            continue
        from sklearn.metrics import adjusted_mutual_info_score

        there = [row for row, value in enumerate(column) if value is not None and labels[row] >= 0]
        if len(there) > 5000:
            there = there[:: len(there) // 5000]
        shared = adjusted_mutual_info_score(labels[there], [str(column[row]) for row in there])
        if shared > most:
            best, most = name, shared
    return best


def _majority(column: Sequence[Any], group: np.ndarray) -> str:
    """The value that most share, or the two largest where none is half of them; and their share."""
    values = [column[row] for row in np.flatnonzero(group).tolist() if column[row] is not None]
    if not values:
        return ""
    most = Counter(values).most_common(2)
    most = most[:1] if most[0][1] >= len(values) / 2 else most
    count = sum(times for _, times in most)
    words = ", ".join(str(value) for value, _ in most)
    return words if count == len(values) else f"{words} ({count / len(values):.0%})"


def _by_words(labels: np.ndarray, texts: Sequence[Any], groups: int) -> list[str]:
    """The words that most texts of a group hold, beside the share of all texts that hold them."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

    there = np.flatnonzero(labels >= 0)
    vectorizer = CountVectorizer(
        token_pattern=_WORD, stop_words=list(ENGLISH_STOP_WORDS), max_features=20_000, binary=True
    )
    try:
        counts = vectorizer.fit_transform([str(texts[row] or "")[:_READ] for row in there.tolist()])
    except ValueError:  # no words at all
        return [""] * groups
    words = vectorizer.get_feature_names_out()
    held = np.stack([np.asarray(counts[labels[there] == group].sum(axis=0)).ravel() for group in range(groups)])
    share = held / np.maximum(np.bincount(labels[there], minlength=groups)[:, None], 1)
    # Nats that a word tells of the group: a word that all hold alike tells nothing, nor does one that few hold.
    weights = share * np.log(np.maximum(share, 1e-12) / (held.sum(axis=0) / max(len(there), 1)))
    return [", ".join(words[i] for i in np.argsort(-row, kind="stable")[:_WORDS] if row[i] > 0) for row in weights]


def _by_numbers(labels: np.ndarray, columns: Mapping[str, Sequence[Any]], groups: int) -> list[str]:
    found: list[list[tuple[float, str]]] = [[] for _ in range(groups)]
    for name, column in columns.items():
        values = np.array([np.nan if value is None else float(value) for value in column])
        if not np.isfinite(values).any() or not (spread := np.nanstd(values)) > 0:
            continue
        for group in range(groups):
            here = values[(labels == group) & np.isfinite(values)]
            apart = (here.mean() - np.nanmean(values)) / spread if len(here) else 0.0
            if abs(apart) >= _APART:
                found[group].append((-abs(apart), f"{name} {'high' if apart > 0 else 'low'}"))
    return [", ".join(word for _, word in sorted(words)[:_WORDS]) for words in found]


def _distinct(names: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    told = []
    for name in names:
        bare = name.rsplit(" (", 1)[0]
        seen[bare] += 1
        told.append(name if seen[bare] == 1 else name.replace(bare, f"{bare} #{seen[bare]}", 1))
    return told
