"""Words of a text, in any script: what is counted.

Texts are folded (NFKC, then case), and a word is a run of letters, digits and the marks upon them. Scripts that put no
spaces between words, found by their characters, give their n-grams: pairs of Chinese characters and kana, as search
engines do it, and triples of the letters of Thai, Lao, Khmer and Burmese, whose words are longer.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache

_UNSPACED = {
    2: (  # Han, kana and their extensions
        "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
        "\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U000323af"
    ),
    3: "\u0e00-\u0e4e\u0e80-\u0ece\u1000-\u1049\u1050-\u109d\u1780-\u17d3\ua9e0-\ua9ff\uaa60-\uaa7f",
}
_ASCII = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}
_PLAIN = re.compile(r"[^\W_]{2,}")  # in Latin letters, where NFKC leaves no marks
_BEYOND = re.compile(r"[\u0300-\u1fff\u2c00-\U0010ffff]")  # where marks begin, and all scripts but Latin are


def words_of(text: str) -> Sequence[str]:
    """Splits a text into its words, folded, in order.

    A single letter or digit of a script with spaces is no word: it tells next to nothing.

    Examples
    --------
    >>> words_of("The Ｃat's naïve; 東京タワー")
    ['the', 'cat', 'naïve', '東京', '京タ', 'タワ', 'ワー']
    """
    if text.isascii():
        return [word for word in text.translate(_ASCII).split() if len(word) > 1]
    folded = folded_of(text)
    if not _BEYOND.search(folded):  # eight times as fast as what all scripts need
        return _PLAIN.findall(folded)
    split, unspaced = _patterns()
    found: list[str] = split.findall(folded)
    if not unspaced.search(folded):
        return found
    out: list[str] = []
    for word in found:
        _cut(word, unspaced, out.append)
    return out


def folded_of(text: str) -> str:
    """A text with its compatibility forms composed (NFKC) and its case folded, twice where the one undoes the other."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@cache
def _patterns() -> tuple[re.Pattern, re.Pattern]:
    """A word: two letters or more, with their marks, which `\\w` leaves out; and a run of a script without spaces."""
    marks = "".join(_ranges(lambda c: unicodedata.category(c)[0] == "M" or c in "\u200c\u200d"))
    letter = rf"[^\W_][{marks}]*"
    unspaced = "".join(_UNSPACED.values())
    word = rf"(?:{letter}){{2,}}|[{unspaced}][{marks}]*"
    runs = "|".join(f"([{characters}][{characters}{marks}]*)" for characters in _UNSPACED.values())
    return re.compile(word), re.compile(runs)


def _ranges(wanted: Callable[[str], bool]) -> list[str]:
    """The characters of the first two planes that are wanted, as ranges of a character class."""
    out, start = [], None
    for code in range(0x300, 0x20000):
        if wanted(chr(code)):
            start = code if start is None else start
        elif start is not None:
            out.append(f"{chr(start)}-{chr(code - 1)}")
            start = None
    return out


def _cut(word: str, unspaced: re.Pattern, give: Callable[[str], None]) -> None:
    """Gives the n-grams of a word's runs without spaces, and the rest of it as it is."""
    end = 0
    for run in unspaced.finditer(word):
        if run.start() > end + 1:
            give(word[end : run.start()])
        length = (2, 3)[(run.lastindex or 1) - 1]
        characters = run.group()
        for start in range(max(1, len(characters) - length + 1)):
            give(characters[start : start + length])
        end = run.end()
    if len(word) > end + 1:
        give(word[end:])
