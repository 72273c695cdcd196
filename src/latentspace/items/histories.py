"""Interactions as rows: each user's items and values, from triplets in a table or a sparse matrix."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from .frames import Rows

# What columns of interactions are called, in this order; compared without case, spaces, _ and -.
_NAMES = {
    "user": ("user", "userid", "username", "uid", "customer", "customerid", "visitor", "visitorid", "session"),
    "item": (
        "item", "itemid", "movie", "movieid", "product", "productid", "song", "songid", "track", "trackid", "book",
        "bookid", "isbn", "article", "articleid", "video", "videoid", "artist", "artistid", "iid", "asin",
    ),
    "value": ("rating", "score", "stars", "value", "count", "plays", "playcount", "weight", "quantity", "clicks"),
    "time": ("time", "timestamp", "date", "datetime", "unixtime", "when"),
}  # fmt: skip
_RATINGS = ("rating", "score", "stars")


@dataclass
class Histories:
    """Users' interactions.

    Attributes
    ----------
    values : csr_array (n, p), float64
        A user's value for an item: a rating, a count, or 1; NaN and infinity are still in it.
    items : list of str
        Names of the p columns.
    of_matrix : bool
        Whether they came as a matrix, which does not say that it is of users and items.
    are_ratings : bool
        Whether the values are called ratings, or are no whole numbers and so cannot be counts.
    unrated : bool array of shape (n,) or None
        Users whose items came as a list, without values; their 1 is no rating. None where all have values.
    times : csr_array (n, p) or None
        The last time of each interaction, of the same pattern; None where nobody said when.
    """

    values: csr_array
    items: list[str]
    of_matrix: bool = False
    are_ratings: bool = False
    unrated: np.ndarray | None = None
    times: csr_array | None = None

    def __len__(self) -> int:
        return self.values.shape[0]

    def select(self, positions: Sequence[int]) -> "Histories":
        rows = np.asarray(positions, dtype=np.int64)
        unrated, times = (None if part is None else part[rows] for part in (self.unrated, self.times))
        return replace(self, values=self.values[rows], unrated=unrated, times=times)

    def written(self, row: int) -> str:
        """One user's interactions as JSON: {"item": value}, or ["item"] without values."""
        start, stop = self.values.indptr[row : row + 2]
        if self.unrated is not None and self.unrated[row]:
            return json.dumps([self.items[column] for column in self.values.indices[start:stop].tolist()])
        columns, values = self.values.indices[start:stop].tolist(), self.values.data[start:stop].tolist()
        return json.dumps({self.items[column]: _short(value) for column, value in zip(columns, values, strict=True)})


def from_written(texts: Sequence[str]) -> Histories:
    """Reads back what `written` gave of each user.

    Raises
    ------
    ValueError
        If one is no such JSON.
    """
    places: dict[str, int] = {}
    rows, columns, values = [], [], []
    unrated = np.zeros(len(texts), bool)
    for row, text in enumerate(texts):
        history = json.loads(text)
        if isinstance(history, list):
            unrated[row], history = True, dict.fromkeys(history, 1)
        if not isinstance(history, dict) or not all(isinstance(v, int | float) for v in history.values()):
            raise ValueError(f"history {text[:60]!r} is not a JSON object of item: number")
        for item, value in history.items():
            rows.append(row)
            columns.append(places.setdefault(item, len(places)))
            values.append(float(value))
    return Histories(matrix_of(rows, columns, values, (len(texts), len(places))), list(places), unrated=unrated)


def from_matrix(matrix: Any, items: Sequence[str] | None) -> Histories:
    """A sparse matrix or an array, users by items."""
    values = csr_array(matrix) if issparse(matrix) else csr_array(np.asarray(matrix, dtype=np.float64))
    names = [str(column) for column in range(values.shape[1])] if items is None else [str(name) for name in items]
    values = values.astype(np.float64)
    return Histories(values, names, of_matrix=True, are_ratings=not _whole(values.data))


def from_triplets(rows: Rows, found: dict[str, str]) -> tuple[Histories, list[str], list[str]]:
    """Triplets to histories, users' names, and notes; users and items in the order in which they first come."""
    users, of_user = _factorised(rows.cells(found["user"]).plain())
    items, of_item = _factorised(rows.cells(found["item"]).plain())
    values = rows.cells(found["value"]).numbers() if "value" in found else np.ones(len(rows))
    notes = []
    there = (of_user >= 0) & (of_item >= 0)
    if not there.all():
        notes.append(f"{int((~there).sum()):,} rows without a user or an item left aside")
    moments = _moments(rows, found["time"]) if "time" in found else None
    if moments is not None:  # of several ratings the last one counts
        order = np.argsort(moments, kind="stable")
        of_user, of_item, values, there = of_user[order], of_item[order], values[order], there[order]
        moments = moments[order][there]
    pairs = of_user[there] * max(1, len(items)) + of_item[there]
    values = values[there]
    times = None if moments is None else _last(pairs, moments, (len(users), len(items)))
    if "value" in found:
        last = len(pairs) - 1 - np.unique(pairs[::-1], return_index=True)[1]
        if len(last) < len(pairs):
            notes.append(f"{len(pairs) - len(last):,} repeated pairs: the last value of each was taken")
        pairs, values = pairs[last], values[last]
    matrix = matrix_of(pairs // max(1, len(items)), pairs % max(1, len(items)), values, (len(users), len(items)))
    are_ratings = "value" in found and (_plain(found["value"]) in _RATINGS or not _whole(values))
    return Histories(matrix, items, are_ratings=are_ratings, times=times), users, notes


def _last(pairs: np.ndarray, moments: np.ndarray, shape: tuple[int, int]) -> csr_array:
    """The last moment of each pair of user and item, which come in time's order; an unknown one counts as first."""
    last = len(pairs) - 1 - np.unique(pairs[::-1], return_index=True)[1]
    first = np.nanmin(moments) if np.isfinite(moments).any() else 0.0
    times = np.where(np.isfinite(moments), moments, first)[last]
    return matrix_of(pairs[last] // max(1, shape[1]), pairs[last] % max(1, shape[1]), times, shape)


def columns_of(names: Sequence[str]) -> dict[str, str]:
    """Which column is the user, the item, the value and the time, by its name; without both of the first, none is."""
    plain = {_plain(name): name for name in names}
    found = {}
    for role, known in _NAMES.items():
        for candidate in known:
            if candidate in plain:
                found[role] = plain[candidate]
                break
    return found if {"user", "item"} <= found.keys() else {}


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]", "", name).lower()


def _whole(values: np.ndarray) -> bool:
    finite = values[np.isfinite(values)]
    return bool((finite == np.rint(finite)).all())


def _moments(rows: Rows, name: str) -> np.ndarray:
    cells = rows.cells(name)
    return cells.epochs(cells.dtype.unit or "s")[0] if cells.dtype.kind == "moment" else cells.numbers()


def _factorised(values: list) -> tuple[list[str], np.ndarray]:
    places: dict[str, int] = {}
    codes = [-1 if value is None else places.setdefault(_spelled(value), len(places)) for value in values]
    return list(places), np.array(codes, dtype=np.int64)


def _spelled(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _short(value: float) -> float | int:
    return int(value) if value.is_integer() else value


def matrix_of(rows: Any, columns: Any, values: Any, shape: tuple[int, int]) -> csr_array:
    """Sums what comes twice; a value of 0 stays stored."""
    matrix = csr_array((np.asarray(values, dtype=np.float64), (np.asarray(rows), np.asarray(columns))), shape)
    matrix.sum_duplicates()
    return matrix
