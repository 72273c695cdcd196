"""Tables <-> scaled columns: numbers, categories, booleans and dates, learned, encoded, given back with their types."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import CorruptFileError
from . import table_files
from .columns import Constant, Encoded, LeftOut
from .dtypes import Dtype, build
from .folders import Listing, walk
from .frames import Rows, is_frame, names_of, rows_of
from .prose import Prose
from .protocol import Batch, Gathered, Modality, OnError, bad
from .roles import KINDS, Column, Feature, column_from, from_plain, learned, varying, why_left_out

_CHUNK = 65_536  # rows encoded at a time: columns are fast in bulk, and this bounds what they take
_WIDE = 256  # columns: past that, numbers live in the features alone and not in the metadata too
_MAX_COLUMNS = 1_000_000


class Table(Modality):
    """Rows of a table as float32 features of shape (n, p).

    Numbers, dates and durations are standardised (less their mean, by their standard deviation); booleans are 0 or 1; a
    category is one feature a level, of many levels the most frequent, and the rest by a code behind "another level". A
    date has its place in the year, the week and the day beside its trend, where it goes through them. Texts of several
    words are scores on the leading axes of their words, and come back as words. Where missing cells were seen, a
    further feature says so, and a missing number enters as the mean. `restore` undoes all of it: original columns in
    their order, with their types, categories among those that exist, whole numbers whole, dates to the day or hour or
    second that all of them were, cells missing where their feature says so. Values come back to float32 precision of a
    column's spread, so whole numbers and dates are exact while they spread over less than about 8 million steps.

    What is no feature, and why, is in `notes`: columns that are all equal (given back as they were), identifiers (by
    name, with no value twice), words that are rarely the same twice, and what is no number, word or date. All of them
    stay in the metadata.

    A row is a bad item if it has no cell at all, an infinite number, a category that was never seen, or a missing cell
    in a column that never had one: nothing is made up in its place.

    Parameters
    ----------
    exclude : str or list of str, optional
        Columns that shall be no features.
    include : str or list of str, optional
        Columns that shall be features although a rule would leave them out.
    levels : int, default=50
        Levels of a category with a feature each; the rarer ones share a code of 0 and 1.

    Attributes
    ----------
    columns_ : list
        What was learned of each column, in order.
    backend_ : "pandas" or "polars"
        Whose frames `restore` gives.
    """

    kind = "table"

    def __init__(
        self, exclude: str | Sequence[str] | None = None, include: str | Sequence[str] | None = None, levels: int = 50
    ):
        self.exclude = exclude
        self.include = include
        self.levels = levels

    # ------------------------------------------------------------------ sources
    @classmethod
    def gather(cls, source: Any, *, ids: Any = None) -> Gathered | None:
        """Lists the rows of a file, a folder with one table, a frame, a list of dicts, a dict of columns, or one dict.

        Names are `ids` (a list, or a column's name), otherwise the column that is called id where it has no value
        twice, otherwise the frame's own index, otherwise 0, 1, 2. Metadata holds every column (past 256 columns: all
        but numbers).
        """
        if isinstance(source, str | os.PathLike) and os.path.isdir(source):
            source = walk(source)
        if isinstance(source, Listing):
            return cls._in_folder(source, ids)
        if isinstance(source, str | os.PathLike):
            path = os.fspath(source)
            if not table_files.is_table_file(path):
                return None
            loaded = table_files.load(path)
            found = rows_of(loaded.frame)
            assert found is not None
            return cls._gathered(*found, ids, path, loaded)
        found = rows_of(source)
        if found is None:
            return None
        rows, index = found
        what = "frame" if is_frame(source) else type(source).__name__
        return cls._gathered(rows, index, ids, f"{what} of {len(rows):,} rows and {len(rows.columns):,} columns", None)

    @classmethod
    def _in_folder(cls, listing: Listing, ids: Any) -> Gathered | None:
        paths = [path for path in listing.paths if table_files.is_table_file(path)]
        if not paths:
            return None
        if len(paths) > 1:
            names = ", ".join(os.path.basename(path) for path in paths[:8])
            raise ValueError(f"{listing.root} holds {len(paths):,} tables: {names}. Pass the one you mean.")
        gathered = cls.gather(paths[0], ids=ids)
        if gathered is not None:
            gathered.origin = listing.root
        return gathered

    @classmethod
    def _gathered(cls, rows: Rows, index: list[str] | None, ids: Any, origin: str, loaded: Any) -> Gathered:
        names = names_of(rows, index, ids, origin)
        kept = rows.columns
        if len(kept) > _WIDE:
            kept = [name for name in kept if rows.kind(name) != "number"]
        metadata = {name: rows.cells(name).plain() for name in kept}
        return Gathered(rows, names, metadata, origin, loaded.skipped if loaded else [], loaded.notes if loaded else [])

    # ------------------------------------------------------------------ features
    def learn(self, items: Gathered) -> "Table":
        """Learns each column's type, scale and levels from all rows that are no bad items.

        Raises
        ------
        ValueError
            If an option names a column that is not there, or no column can be a feature.
        """
        rows: Rows = items.raw
        exclude, include = self._checked_options(rows, items.origin)
        self.backend_ = rows.backend
        self.labels_ = list(rows.labels)
        roles: dict[str, str | None] = {}
        usable = np.zeros(len(rows), bool)
        broken = np.zeros(len(rows), bool)
        for name in rows.columns:
            cells = rows.cells(name)
            if name in exclude or cells.dtype.kind == "other":
                roles[name] = "excluded" if name in exclude else "what it holds is neither numbers, words nor dates"
            else:
                roles[name] = None if name in include else why_left_out(name, cells)
            if roles[name] is None:
                usable |= ~cells.missing
                if cells.dtype.kind == "number":
                    broken |= np.isinf(cells.numbers())
        good = usable & ~broken
        if not good.any() and not all(roles.values()):
            raise ValueError(
                f"no row of {items.origin} can be read: all {len(rows):,} are empty or hold infinite numbers. "
                "Give it rows with finite cells."
            )
        if not good.all() and good.any():
            rows = rows.select(np.flatnonzero(good))
        self.columns_: list[Column] = [
            learned(name, rows.cells(name), roles[name], self.levels) for name in rows.columns
        ]
        if not any(column.names for column in self.columns_):
            # All rows are equal, or there is one: what never varies is still what these items are.
            self.columns_ = [
                varying(c.name, rows.cells(c.name), self.levels)
                if isinstance(c, Constant) and c.value is not None
                else c
                for c in self.columns_
            ]
        if not any(column.names for column in self.columns_):
            raise ValueError(f"no column of {items.origin} can be a feature: {'; '.join(self.notes)}.")
        self._settle()
        return self

    def _checked_options(self, rows: Rows, origin: str) -> tuple[set[str], set[str]]:
        chosen = []
        for option, value in (("exclude", self.exclude), ("include", self.include)):
            names = {value} if isinstance(value, str) else {str(name) for name in value or ()}
            unknown = sorted(names - set(rows.columns))
            if unknown:
                there = ", ".join(rows.columns[:20]) + (", ..." if len(rows.columns) > 20 else "")
                raise ValueError(f"{option}= names {unknown[0]!r}, which is not a column of {origin}. It has: {there}.")
            chosen.append(names)
        if type(self.levels) is not int or self.levels < 1:
            raise ValueError(f"levels={self.levels!r} is not a count. Give the most categories a column may have.")
        return chosen[0], chosen[1] - chosen[0]

    def _settle(self) -> None:
        self._names = [name for column in self.columns_ for name in column.names]
        if len(set(self._names)) != len(self._names):  # a column may be called "a=b" beside a column a
            self._names = [f"{name} ({place})" for place, name in enumerate(self._names)]

    def read(self, items: Gathered, *, on_error: OnError = "skip", block: int = 1024) -> Iterator[Batch]:
        """Yields float32 (b, p)."""
        rows: Rows = items.raw
        there = set(rows.columns)
        missing = [c.name for c in self.columns_ if c.names and c.name not in there]
        if missing:
            raise ValueError(
                f"{items.origin} lacks {len(missing)} of the columns: {', '.join(map(repr, missing[:10]))}. "
                f"It has: {', '.join(rows.columns[:20])}. Give it every column that was fitted on."
            )
        for begin in range(0, len(items), _CHUNK):
            end = min(begin + _CHUNK, len(items))
            encoded = self._encode(rows.between(begin, end))
            for start in range(begin, end, block):
                stop = min(start + block, end)
                places = [place for place in range(start, stop) if place - begin not in encoded.wrong]
                skipped = [
                    bad(items, place, encoded.wrong[place - begin], on_error)
                    for place in range(start, stop)
                    if place - begin in encoded.wrong
                ]
                x = encoded.x[start - begin : stop - begin]
                if skipped:
                    x = encoded.x[np.asarray(places, dtype=np.int64) - begin]
                metadata = {name: [column[place] for place in places] for name, column in items.metadata.items()}
                yield Batch(np.ascontiguousarray(x), [items.ids[place] for place in places], metadata, skipped)

    def _encode(self, rows: Rows) -> Encoded:
        x = np.empty((len(rows), len(self._names)), np.float32)
        wrong: dict[int, str] = {}
        empty = np.ones(len(rows), bool)
        at = 0
        for column in self.columns_:
            if not isinstance(column, Feature):
                continue
            cells = rows.cells(column.name)
            try:
                one = column.encode(cells)
            except TypeError as error:
                raise ValueError(f"column {column.name!r} {error}. Give it the type that was fitted on.") from None
            x[:, at : at + one.x.shape[1]] = one.x
            at += one.x.shape[1]
            empty &= cells.missing
            wrong = one.wrong | wrong
        wrong |= {int(row): "every cell is missing" for row in np.flatnonzero(empty)}
        return Encoded(x, wrong)

    # ------------------------------------------------------------------ back to rows
    def restore(self, x: np.ndarray) -> Any:
        """Features (n, p) to a frame of the columns that features and constants know; others are not made up."""
        x = np.asarray(x, dtype=np.float32)
        if x.ndim != 2 or x.shape[1:] != self.shape:
            raise ValueError(f"restore() got features of shape {x.shape}, but these rows have (n, {self.shape[0]}).")
        if not np.isfinite(x).all():
            raise ValueError("restore() got NaN or infinity; rows need numbers. Look at the model that gave them.")
        return build(self._decoded(x, {}), len(x), self.backend_)

    def rebuild(self, x: np.ndarray, metadata: Mapping[str, list]) -> Any:
        """The rows as they were: cells from metadata where it has the column, from features otherwise."""
        x = np.asarray(x, dtype=np.float32)
        return build(self._decoded(x, metadata), len(x), self.backend_)

    def _decoded(self, x: np.ndarray, metadata: Mapping[str, list]) -> list[tuple[Any, Dtype, Any, np.ndarray]]:
        columns: list[tuple[Any, Dtype, Any, np.ndarray]] = []
        at = 0
        for label, column in zip(self.labels_, self.columns_, strict=True):
            width = len(column.names)
            if column.name in metadata:
                columns.append((label, column.dtype, *from_plain(metadata[column.name], column.dtype)))
            elif isinstance(column, Constant):
                columns.append((label, column.dtype, *from_plain([column.value] * len(x), column.dtype)))
            elif isinstance(column, Feature):
                columns.append((label, column.dtype, *column.decode(x[:, at : at + width])))
            at += width
        return columns

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self._names),)

    @property
    def feature_names(self) -> list[str]:
        return list(self._names)

    @property
    def plan(self) -> list[dict[str, Any]] | None:
        """The columns' blocks of features where they are of several kinds, None where all are numbers."""
        blocks = [block for column in self.columns_ if isinstance(column, Feature) for block in column.plan]
        return None if all(block == {"kind": "number", "missing": False} for block in blocks) else blocks

    @property
    def notes(self) -> list[str]:
        left = [f"column {c.name!r} left out: {c.reason}" for c in self.columns_ if isinstance(c, LeftOut)]
        same = [f"column {c.name!r} is always {c.value!r}" for c in self.columns_ if isinstance(c, Constant)]
        return left + same

    # ------------------------------------------------------------------ keeping
    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        options = {name: _plain_option(getattr(self, name)) for name in ("exclude", "include")}
        columns = [
            {
                "name": column.name,
                "label": label,
                "role": next(role for role, cls in KINDS.items() if type(column) is cls),
                "dtype": column.dtype.facts(),
                **column.facts(),
            }
            for label, column in zip(self.labels_, self.columns_, strict=True)
        ]
        arrays = {
            f"{place}/{name}": array
            for place, column in enumerate(self.columns_)
            if isinstance(column, Prose)
            for name, array in column.arrays().items()
        }
        return {"options": options | {"levels": self.levels}, "backend": self.backend_, "columns": columns}, arrays

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Table":
        """Rebuilds from `state`. Raises CorruptFileError for anything that `state` would not have given."""
        try:
            options = facts["options"]
            modality = cls(options["exclude"], options["include"], options["levels"])
            modality.backend_ = facts["backend"]
            if modality.backend_ not in ("pandas", "polars"):
                raise ValueError(f"backend {modality.backend_!r}")
            columns = facts["columns"]
            if not isinstance(columns, list) or not 1 <= len(columns) <= _MAX_COLUMNS:
                raise ValueError("columns are no list of columns")
            theirs = [_of(arrays, place) for place in range(len(columns))]
            if sum(map(len, theirs)) != len(arrays):
                raise ValueError(f"arrays {sorted(arrays)}, where none belong")
            modality.columns_ = [column_from(*both) for both in zip(columns, theirs, strict=True)]
            modality.labels_ = [column["label"] for column in columns]
            for label, column in zip(modality.labels_, modality.columns_, strict=True):
                if type(label) not in (str, int) or str(label) != column.name:
                    raise ValueError(f"label {label!r} of column {column.name!r}")
            if len({column.name for column in modality.columns_}) != len(columns):
                raise ValueError("column names that come twice")
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise CorruptFileError(f"the table reader's state is damaged: {error}.") from None
        modality._settle()
        if not modality._names:
            raise CorruptFileError("the table reader's state is damaged: no column is a feature.")
        return modality


def _of(arrays: Mapping[str, np.ndarray], place: int) -> dict[str, np.ndarray]:
    prefix = f"{place}/"
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _plain_option(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else [str(name) for name in value]
