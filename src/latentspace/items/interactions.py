"""Interactions <-> sparse rows: what each user met, and how much of it, as one row of all items."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from ..errors import CorruptFileError
from . import array_files, table_files
from .folders import Listing, check_ids
from .frames import is_frame, rows_of
from .histories import Histories, columns_of, from_matrix, from_triplets, from_written, matrix_of
from .protocol import Batch, Gathered, Modality, OnError, bad
from .sparse_rows import Sparse, is_sparse_frame, of_frame

_TUPLES = (2, 3, 4)  # (user, item), with a value, with a time too
_LIKED = 0.8  # of the highest rating: 4 of 5
_ROUNDING = 1e-9
_SHOWN = 20  # items that `restore` gives of each user


class Interactions(Modality):
    """Users' interactions with items as float32 CSR rows of shape (n, p): one row a user, one column an item.

    A value is a rating or a count as given, and 1 where there is none. Rows that come twice are summed where they have
    no values, and of several ratings of one item by one user the last is taken. For a model of counts, ratings become
    what was liked: 1 from four fifths of the highest rating on, 4 of 5 stars, and nothing below, as Mult-VAE's authors
    have it (Liang et al., "Variational autoencoders for collaborative filtering", 2018).

    `restore` gives each row back as a dict of the items that weigh most, heaviest first; what a user met is in their
    metadata, in `history`.

    A user is a bad item if nothing that they met is known, or a value is NaN, infinite or negative.

    Parameters
    ----------
    min_users : int, default=1
        Items that fewer users met are left out of the columns.
    threshold : "auto", float or None, default="auto"
        Values from here on count as 1, and those below are left out. None takes values as they are. "auto" is four
        fifths of the highest where the model is one of counts and the values are ratings: called so, or with halves;
        otherwise None. Any interaction at all counts with a threshold that is at most the lowest value.

    Attributes
    ----------
    items_ : list of str
        The columns' items.
    threshold_ : float or None
    """

    kind = "interactions"
    stored_as = "sparse"

    def __init__(self, min_users: int = 1, threshold: float | str | None = "auto"):
        self.min_users = min_users
        self.threshold = threshold
        self._model_counts = False

    # ------------------------------------------------------------------ sources
    @classmethod
    def gather(cls, source: Any, *, ids: Sequence[str] | None = None) -> Gathered | None:
        """Lists the users of triplets (user, item[, value][, time]), of a sparse matrix, or of dicts {item: value}.

        Triplets are a frame, a table file, or a list of tuples; columns are found by their names (user, userId, item,
        movieId, rating, timestamp, ...). A matrix, or the .npz file of one, is users by items; it is taken for that
        only where `kind` or the model says so, for it could be any array.
        """
        if isinstance(source, Listing):
            return None
        if isinstance(source, str | os.PathLike):
            path = os.fspath(source)
            if os.path.isdir(path):
                return None
            if array_files.is_array_file(path):
                return cls._of_matrix(array_files.load(path).values, ids, path)
            if not table_files.is_table_file(path):
                return None
            loaded = table_files.load(path)
            gathered = cls._of_frame(loaded.frame, ids, path)
            if gathered is not None:
                gathered.skipped += loaded.skipped
            return gathered
        if issparse(source):
            origin = f"sparse matrix of {source.shape[0]:,} users and {source.shape[1]:,} items"
            return cls._of_matrix(Sparse(source), ids, origin)
        if is_sparse_frame(source):
            rows, index = of_frame(source)
            return cls._of_matrix(rows, index if ids is None else ids, "frame of sparse columns")
        if is_frame(source):
            return cls._of_frame(source, ids, "a frame")
        if (
            isinstance(source, list)
            and source
            and all(isinstance(row, tuple) and len(row) in _TUPLES for row in source)
        ):
            names = ("user", "item", "rating", "time")[: len(source[0])]
            if any(len(row) != len(names) for row in source):
                raise ValueError(
                    "a list of interactions has tuples of several lengths. Give all as (user, item, rating)."
                )
            columns = dict(zip(names, map(list, zip(*source, strict=True)), strict=True))
            return cls._of_frame(columns, ids, f"list of {len(source):,} interactions")
        return None

    @classmethod
    def is_sure(cls, gathered: Gathered) -> bool:
        """Triplets have the names of such; a matrix could be of anything."""
        return not gathered.raw.of_matrix

    @classmethod
    def _of_matrix(cls, matrix: Any, ids: Sequence[str] | None, origin: str) -> Gathered | None:
        if not isinstance(matrix, Sparse):
            return None
        return cls._gathered(from_matrix(matrix.matrix, matrix.names), ids, origin, [])

    @classmethod
    def _of_frame(cls, frame: Any, ids: Sequence[str] | None, origin: str) -> Gathered | None:
        found = rows_of(frame)
        if found is None:
            return None
        rows = found[0]
        roles = columns_of(rows.columns)
        if not roles:
            return None
        histories, users, notes = from_triplets(rows, roles)
        said = ", ".join(f"{role} is {name!r}" for role, name in roles.items())
        return cls._gathered(histories, users if ids is None else ids, origin, [said, *notes])

    @classmethod
    def _gathered(cls, histories: Histories, ids: Sequence[str] | None, origin: str, notes: list[str]) -> Gathered:
        n = len(histories)
        names = [str(row) for row in range(n)] if ids is None else check_ids(ids, n, origin)
        notes = [f"{histories.values.nnz:,} interactions with {len(histories.items):,} items", *notes]
        return Gathered(histories, names, _metadata(histories), origin, notes=notes)

    def gather_new(self, source: Any, *, ids: Sequence[str] | None = None) -> Gathered | None:
        """As `gather`; a dict {item: value} or a list of items is one user, and a list of those several."""
        if _is_history(source):
            source = [source]
        if isinstance(source, list | tuple) and source and all(_is_history(one) for one in source):
            return self._gathered(_of_dicts(source), ids, f"{len(source):,} histories", [])
        if issparse(source) or isinstance(source, np.ndarray):
            rows = np.atleast_2d(source) if isinstance(source, np.ndarray) else source
            if rows.shape[1] != len(self.items_):
                return None
            return self._gathered(from_matrix(rows, self.items_), ids, f"{rows.shape[0]:,} rows", [])
        return type(self).gather(source, ids=ids)

    # ------------------------------------------------------------------ features
    def suit(self, *, counts: bool, sparse: bool, raw: int | bool = False) -> None:
        self._model_counts = counts

    def learn(self, items: Gathered) -> "Interactions":
        """Learns which items there are, and from where on a value counts.

        Raises
        ------
        ValueError
            If an option is out of range, or leaves no item.
        """
        if isinstance(self.min_users, bool) or not isinstance(self.min_users, int) or self.min_users < 1:
            raise ValueError(f"min_users={self.min_users!r} is not a count. Give how many users an item needs, from 1.")
        histories: Histories = items.raw
        self.threshold_ = self._threshold(histories)
        there = self._counts(histories.values, histories.unrated)
        self._below = int(histories.values.nnz - there.sum())
        met = np.bincount(histories.values.indices[there], minlength=len(histories.items))
        self.items_ = [name for name, count in zip(histories.items, met, strict=True) if count >= self.min_users]
        if not self.items_:
            raise ValueError(
                f"no item of {items.origin} was met by min_users={self.min_users} users; the most met has "
                f"{int(met.max(initial=0))}. Lower min_users{'' if self.threshold_ is None else ' or threshold'}."
            )
        self._left_out = len(histories.items) - len(self.items_)
        self._settle()
        return self

    def _threshold(self, histories: Histories) -> float | None:
        asked = self.threshold
        if asked is None or (isinstance(asked, int | float) and not isinstance(asked, bool) and 0 < asked < np.inf):
            return None if asked is None else float(asked)
        if asked != "auto":
            raise ValueError(f"threshold={asked!r} is no value that can count. Give a number above 0, 'auto' or None.")
        values = histories.values.data
        if not (self._model_counts and histories.are_ratings):
            return None
        return _LIKED * float(values[np.isfinite(values)].max(initial=0)) or None

    def _counts(self, values: csr_array, unrated: np.ndarray | None) -> np.ndarray:
        """Which stored values count, bool (nnz,): all that are wrong do too, so that they are found to be."""
        if self.threshold_ is None:
            return np.ones(values.nnz, bool)
        data = values.data
        counts = (data >= self.threshold_ - _ROUNDING) | (data < 0) | ~np.isfinite(data)
        return counts if unrated is None else counts | np.repeat(unrated, np.diff(values.indptr))

    def _settle(self) -> None:
        self._places = {name: place for place, name in enumerate(self.items_)}

    def read(self, items: Gathered, *, on_error: OnError = "skip", block: int = 1024) -> Iterator[Batch]:
        """Yields float32 CSR rows (b, p)."""
        histories: Histories = items.raw
        place = np.array([self._places.get(name, -1) for name in histories.items], dtype=np.int64)
        for start in range(0, len(items), block):
            stop = min(start + block, len(items))
            unrated = None if histories.unrated is None else histories.unrated[start:stop]
            rows, wrong = self._rows(histories.values[start:stop], unrated, place)
            skipped = [bad(items, start + row, reason, on_error) for row, reason in sorted(wrong.items())]
            good = [row for row in range(stop - start) if row not in wrong]
            metadata = {name: [column[start + row] for row in good] for name, column in items.metadata.items()}
            yield Batch(rows[good] if wrong else rows, [items.ids[start + row] for row in good], metadata, skipped)

    def _rows(
        self, values: csr_array, unrated: np.ndarray | None, place: np.ndarray
    ) -> tuple[csr_array, dict[int, str]]:
        """Values by the fitted columns, and what is wrong with which row."""
        n = values.shape[0]
        row_of = np.repeat(np.arange(n), np.diff(values.indptr))
        column = place[values.indices]
        data = values.data.astype(np.float32)
        wrong = {int(row): "a value is NaN or infinite" for row in np.unique(row_of[~np.isfinite(data)])}
        wrong |= {int(row): "a value is negative" for row in np.unique(row_of[data < 0])}
        there = self._counts(values, unrated)
        known = (column >= 0) & there
        met, liked = np.diff(values.indptr), np.bincount(row_of[there], minlength=n)
        for row in np.flatnonzero(np.bincount(row_of[known], minlength=n) == 0):
            wrong.setdefault(int(row), self._why_nothing(int(met[row]), int(liked[row])))
        if self.threshold_ is not None:
            data = np.ones_like(data)
        rows = csr_array((data[known], (row_of[known], column[known])), shape=(n, len(self.items_)))
        rows.sort_indices()
        return rows, wrong

    def _why_nothing(self, met: int, liked: int) -> str:
        if met == 0:
            return "met nothing"
        if liked == 0:
            return f"none of the {met:,} values reaches {self.threshold_:g}, from which they count (threshold)"
        return f"none of the {liked:,} items met is known here"

    def restore(self, x: Any) -> list[dict[str, float]]:
        """Rows (n, p), sparse or dense, to each user's heaviest items with their values, 20 at most."""
        rows = x.toarray() if issparse(x) else np.asarray(x, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != len(self.items_):
            raise ValueError(f"restore() got rows of shape {rows.shape}, but there are {len(self.items_)} items.")
        most = min(_SHOWN, rows.shape[1])
        top = np.argpartition(-rows, most - 1, axis=1)[:, :most]
        given = []
        for row, columns in zip(rows, top, strict=True):
            ordered = columns[np.argsort(-row[columns], kind="stable")]
            given.append({self.items_[column]: float(row[column]) for column in ordered if row[column] > 0})
        return given

    def rebuild(self, x: Any, metadata: Mapping[str, list]) -> list[dict[str, float]]:
        """What each user met, whole, from their history."""
        if "history" not in metadata:
            return self.restore(x)
        return [json.loads(text) for text in metadata["history"]]

    def from_metadata(self, ids: Sequence[str], metadata: Mapping[str, list]) -> Gathered | None:
        """The histories that the metadata hold."""
        if "history" not in metadata:
            return None
        try:
            histories = from_written(metadata["history"])
        except (TypeError, ValueError) as error:
            raise CorruptFileError(f"the column 'history' is damaged: {error}.") from None
        return Gathered(histories, list(ids), dict(metadata), "the space's own histories")

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.items_),)

    @property
    def feature_names(self) -> list[str]:
        return list(self.items_)

    @property
    def notes(self) -> list[str]:
        said = []
        if self.threshold_ is not None:
            said.append(f"values from {self.threshold_:g} on count as 1; {self._below:,} below are left out")
        if self._left_out:
            by = "nobody" if self.min_users == 1 else f"fewer than {self.min_users} users"
            how = "met" if self.threshold_ is None else "valued so"
            said.append(f"{self._left_out:,} item{'s' if self._left_out > 1 else ''} {how} by {by} left out")
        return said

    # ------------------------------------------------------------------ keeping
    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        options = {"min_users": self.min_users, "threshold": self.threshold}
        learned = {"items": list(self.items_), "left_out": self._left_out}
        return options | learned | {"counts_from": self.threshold_, "below": self._below}, {}

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Interactions":
        """Rebuilds from `state`. Raises CorruptFileError for anything that `state` would not have given."""
        items, left_out = facts.get("items"), facts.get("left_out")
        items = items if isinstance(items, list) and all(isinstance(name, str) for name in items) else []
        if arrays or not items or len(set(items)) != len(items) or type(left_out) is not int:
            raise CorruptFileError("the interactions reader's state is damaged: its items are no list of names.")
        counts_from, below = facts.get("counts_from"), facts.get("below", 0)  # of files from before: none
        if type(below) is not int or not (counts_from is None or (type(counts_from) is float and counts_from > 0)):
            raise CorruptFileError(f"the interactions reader's state is damaged: values count from {counts_from!r}.")
        modality = cls(facts.get("min_users", 1), facts.get("threshold", "auto"))
        modality.items_, modality._left_out = list(items), left_out
        modality.threshold_, modality._below = counts_from, below
        modality._settle()
        return modality


def _metadata(histories: Histories) -> dict[str, list]:
    return {
        "interactions": np.diff(histories.values.indptr).tolist(),
        "history": [histories.written(row) for row in range(len(histories))],
    }


def _is_history(one: Any) -> bool:
    """A dict {item: number}, or a list of items."""
    if isinstance(one, Mapping):
        return len(one) > 0 and all(isinstance(value, int | float | np.number) for value in one.values())
    return isinstance(one, list | tuple) and len(one) > 0 and all(isinstance(item, str | int) for item in one)


def _of_dicts(histories: Sequence[Any]) -> Histories:
    """Histories of dicts {item: value}, or of lists of items, each of which counts 1."""
    rows, columns, values = [], [], []
    places: dict[str, int] = {}
    for row, history in enumerate(histories):
        pairs = history.items() if isinstance(history, Mapping) else ((item, 1.0) for item in history)
        for item, value in pairs:
            rows.append(row)
            columns.append(places.setdefault(str(item), len(places)))
            values.append(float(value))
    matrix = matrix_of(rows, columns, values, (len(histories), len(places)))
    unrated = np.array([not isinstance(history, Mapping) for history in histories], dtype=bool)
    return Histories(matrix, list(places), unrated=unrated)
