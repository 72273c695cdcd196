"""What stands out in the regions of a map, as a name with its evidence: a label, words, or numbers high or low.

Nothing is named for being there: a value, a word or a mean has to set a region apart from the rest of the map, by more
than chance over all that was looked at would. Words are weighed by class-based TF-IDF (Grootendorst, "BERTopic: neural
topic modeling with a class-based TF-IDF procedure", 2022). No list of stop words is needed: they stand out nowhere.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

_FEW = 12  # different whole numbers: with more they are a measure, not a label
_LONG = 60  # characters: longer ones are texts, not labels
_HALF = 0.5  # of a region's items share the value it is named for
_NATS = 0.15  # an item that the value tells of the region; 60% here and 40% elsewhere are half of that
_CHANCE = 5.0  # nats above the logarithm of what was looked at: one chance name in 150 maps
_APART = 0.8  # standard deviations between a mean here and elsewhere: a large effect (Cohen, 1988)
_REPEATS = 0.8  # of correlation, past which a column of numbers says what another has said
_WORDS, _NUMBERS = 3, 2  # in a name
_HELD, _LIFT = 0.2, 3.0  # share of a region's texts that hold a word, and how many times that of the others
_TEXTS, _READ = 10_000, 2_000  # texts that are read, evenly spread, and characters of each


class Name(NamedTuple):
    """A region's name, "" where nothing stands out; what it rests on; and the column it is from, or None."""

    words: str
    evidence: str
    source: str | None


_NONE = Name("", "", None)


def names_of(
    labels: np.ndarray,
    regions: int,
    metadata: Mapping[str, Sequence[Any]],
    words: Callable[[str], Sequence[str]],
    by: str | None = None,
) -> list[Name]:
    """Names regions, all by one column as far as it goes: what it cannot name, others may.

    By the column of labels that tells most about the regions; of texts rather by their words, unless labels give more
    than every second region a name of its own. Then by numbers. Regions of one name get what else stands out there.

    Parameters
    ----------
    labels : int array of shape (n,)
        The region of each item, -1 for none.
    regions : int
    metadata : mapping of column name to n values, None where there is none
    words : callable(text) -> list of str
    by : str, optional
        Name by this column alone.

    Raises
    ------
    ValueError
        If there is no column `by`.
    """
    if by is not None and by not in metadata:
        raise ValueError(f"by={by!r} is not a column. Columns: {', '.join(sorted(metadata)) or 'none'}.")
    if not regions:
        return []
    columns = {name: column for name, column in metadata.items() if by in (None, name)}
    by_label = _by_labels(labels, regions, columns)
    by_words = [_by_words(labels, regions, *texts, words)] if (texts := _texts(columns)) else []
    numbers = {name: column for name, column in columns.items() if _is_number(column) and not _is_label(column)}
    by_number = [_by_numbers(labels, regions, numbers)] if numbers else []
    own = {name.words for name in by_label[0]} - {""} if by_label else set()
    ranked = by_words + by_label if by_words and len(own) <= regions / 2 else by_label + by_words
    ranked += by_number
    names = [next((way[region] for way in ranked if way[region].words), _NONE) for region in range(regions)]
    return _told_apart(names, ranked)


def _told_apart(names: list[Name], ranked: list[list[Name]]) -> list[Name]:
    """Names that several regions share, each with the first other thing that stands out in its region."""
    shared = Counter(name.words for name in names)
    told = []
    for region, name in enumerate(names):
        more = next((way[region] for way in ranked if way[region].words and way[region].source != name.source), None)
        if shared[name.words] > 1 and name.words and more is not None:
            name = Name(f"{name.words}, {more.words}", f"{name.evidence}; {more.evidence}", name.source)
        told.append(name)
    return told


# ---------------------------------------------------------------------- labels
def _by_labels(labels: np.ndarray, regions: int, columns: Mapping[str, Sequence[Any]]) -> list[list[Name]]:
    """Names by each column of labels that names any region, the most telling column first."""
    found = []
    for name, column in columns.items():
        if not _is_label(column):
            continue
        names, told = _by_label(labels, regions, name, column)
        if told > 0:
            found.append((told, names))
    return [names for _, names in sorted(found, key=lambda pair: -pair[0])]


def _by_label(labels: np.ndarray, regions: int, column: str, values: Sequence[Any]) -> tuple[list[Name], float]:
    there = np.array([value is not None for value in values])
    given = [value for value in values if value is not None]
    kinds = sorted(set(given), key=str)
    number = {value: place for place, value in enumerate(kinds)}
    counts = np.zeros((regions + 1, len(kinds)))  # the last row: items of no region
    np.add.at(counts, (labels[there], [number[value] for value in given]), 1)
    here, elsewhere = counts[:-1], counts.sum(axis=0) - counts[:-1]
    total = here.sum(axis=1)
    inside = here / np.maximum(total[:, None], 1)
    # A value that nobody else has is not infinitely telling: half an item more is allowed for on the other side.
    outside = (elsewhere + 0.5) / (elsewhere.sum(axis=1, keepdims=True) + 1)
    nats = _nats(inside, outside)
    best = np.where(inside > outside, inside, 0).argmax(axis=1)
    names, told = [], 0.0
    for region, value in enumerate(best.tolist()):
        p, q, gain = inside[region, value], outside[region, value], nats[region, value]
        chance = _CHANCE + np.log(regions * len(kinds))
        if p < _HALF or p <= q or gain < _NATS or gain * total[region] < chance:
            names.append(_NONE)
            continue
        told += gain * total[region]
        elsewhere_share = elsewhere[region, value] / max(elsewhere[region].sum(), 1)
        evidence = f"{column} is {kinds[value]} for {p:.0%} here, {elsewhere_share:.0%} elsewhere"
        names.append(Name(_said(column, kinds[value]), evidence, column))
    return names, told


def _nats(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Kullback-Leibler divergence of yes or no with chance p from chance q, in nats."""
    p, q = np.clip(p, 1e-9, 1 - 1e-9), np.clip(q, 1e-9, 1 - 1e-9)
    return p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))


def _said(column: str, value: Any) -> str:
    """A value as a name: words stand for themselves, while "2" or "yes" say nothing without their column."""
    if column.lower() in ("label", "target", "class", "category", "kind") or (
        isinstance(value, str) and len(value) > 2
    ):
        return str(value)
    if isinstance(value, bool):
        return column if value else f"not {column}"
    return f"{column} {value:g}" if isinstance(value, float) else f"{column} {value}"


def _is_label(column: Sequence[Any]) -> bool:
    given = [value for value in column if value is not None]
    kinds = set(given)
    if not 2 <= len(kinds) <= max(2, len(given) / 2):
        return False
    if all(isinstance(value, str) for value in kinds):
        return max(map(len, kinds)) <= _LONG
    if all(isinstance(value, bool) for value in kinds):
        return True
    whole = all(isinstance(value, int | float) and float(value).is_integer() for value in kinds)
    return whole and len(kinds) <= _FEW


# ---------------------------------------------------------------------- words
def _texts(columns: Mapping[str, Sequence[Any]]) -> tuple[str, Sequence[Any]] | None:
    """The column of texts: "text", or the one of strings that are longest and mostly different."""
    best, longest = None, 8.0  # characters: below that they are codes
    for name, column in columns.items():
        some = [value for value in column[:: max(1, len(column) // 500)] if value is not None]
        if not some or not all(isinstance(value, str) for value in some) or _is_label(column):
            continue
        if name == "text":
            return name, column
        length = float(np.mean([len(value) for value in some]))
        if length > longest:
            best, longest = (name, column), length
    return best


def _by_words(
    labels: np.ndarray, regions: int, column: str, texts: Sequence[Any], split: Callable[[str], Sequence[str]]
) -> list[Name]:
    often = [Counter[str]() for _ in range(regions + 1)]  # how often a word stands in a region; the last: in none
    held = [Counter[str]() for _ in range(regions + 1)]  # how many texts hold it
    read = np.zeros(regions + 1)
    for row in range(0, len(texts), max(1, -(-len(texts) // _TEXTS))):
        counts = Counter(word for word in split(str(texts[row] or "")[:_READ]) if _tells(word))
        often[labels[row]].update(counts)
        held[labels[row]].update(counts.keys())
        read[labels[row]] += 1
    every, any_held = Counter[str](), Counter[str]()
    for some, texts_held in zip(often, held, strict=True):
        every.update(some)
        any_held.update(texts_held)
    mean = sum(every.values()) / len(often)
    return [
        _best_words(column, often[region], held[region], read[region], every, any_held, read.sum(), mean)
        for region in range(regions)
    ]


def _best_words(
    column: str, often: Counter, held: Counter, n: float, every: Counter, any_held: Counter, n_all: float, mean: float
) -> Name:
    def elsewhere(word: str) -> float:
        return (any_held[word] - held[word]) / max(n_all - n, 1)

    length = max(often.total(), 1)
    # Times the word's lift: by frequency alone, what everybody writes somewhat more of here would come first.
    weights = {
        word: count / length * np.log1p(mean / every[word]) * np.log(held[word] / n / max(elsewhere(word), 0.5 / n_all))
        for word, count in often.items()
        if held[word] >= max(3, _HELD * n) and held[word] / n >= _LIFT * elsewhere(word)
    }
    chosen: list[str] = []
    for word in sorted(weights, key=lambda word: (-weights[word], word)):
        if not any(word.startswith(other) or other.startswith(word) for other in chosen):  # one of "file" and "files"
            chosen.append(word)
        if len(chosen) == _WORDS:
            break
    if not chosen:
        return _NONE
    shares = [f"{word} in {held[word] / n:.0%} of texts here, {elsewhere(word):.0%} elsewhere" for word in chosen]
    return Name(", ".join(chosen), "; ".join(shares), column)


def _tells(word: str) -> bool:
    return not any(letter.isdigit() for letter in word) and (len(word) > 2 or not word.isascii())


# ---------------------------------------------------------------------- numbers
def _is_number(column: Sequence[Any]) -> bool:
    given = [value for value in column if value is not None]
    return bool(given) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in given)


@np.errstate(over="ignore", invalid="ignore")  # numbers near 1e308 have no spread to speak of, and name nothing
def _by_numbers(labels: np.ndarray, regions: int, columns: Mapping[str, Sequence[Any]]) -> list[Name]:
    found: list[list[tuple[float, str, str, str]]] = [[] for _ in range(regions)]
    measures = {
        column: np.array([np.nan if value is None else float(value) for value in cells])
        for column, cells in columns.items()
    }
    for column, values in measures.items():
        there = np.isfinite(values)
        if not there.any() or not (spread := values[there].std()) > 0:
            continue
        for region in range(regions):
            here = there & (labels == region)
            rest = there & ~here
            if min(here.sum(), rest.sum()) < 2:
                continue
            inside, outside = values[here].mean(), values[rest].mean()
            apart = (inside - outside) / spread
            if abs(apart) >= _APART:
                evidence = f"{column} averages {inside:.3g} here, {outside:.3g} elsewhere"
                found[region].append((-abs(apart), f"{column} {'high' if apart > 0 else 'low'}", evidence, column))
    best = [_unlike(sorted(each), measures)[:_NUMBERS] for each in found]
    return [
        Name(", ".join(each[1] for each in some), "; ".join(each[2] for each in some), some[0][3]) if some else _NONE
        for some in best
    ]


def _unlike(found: list[tuple[float, str, str, str]], measures: Mapping[str, np.ndarray]) -> list:
    """Of columns that say the same, as length and width repeat what weight says, the first in the table."""
    place = {column: number for number, column in enumerate(measures)}
    kept: list[tuple[float, str, str, str]] = []
    while found:
        alike = [each for each in found if _correlation(measures[found[0][3]], measures[each[3]]) > _REPEATS]
        kept.append(min(alike or found[:1], key=lambda each: place[each[3]]))
        found = [each for each in found[1:] if each not in alike]
    return kept


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Without its sign, over the items that have both."""
    there = np.isfinite(one) & np.isfinite(other)
    if not there.any():
        return 0.0
    one, other = one[there], other[there]
    one, other = one - one.mean(), other - other.mean()
    return abs(float((one * other).sum())) / max(float(np.sqrt((one**2).sum() * (other**2).sum())), 1e-300)
