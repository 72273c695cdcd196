"""Tables without loss: rows of whole numbers and texts by context mixing, each told by what is before and above it."""

# ruff: noqa: ARG003 - a coder takes what the protocol gives it
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import CorruptFileError
from . import table_plan
from .mixing import CONTEXTS, COST, DECODE, ENCODE, INPUTS, Mixture, ended, odds_tables, start
from .protocol import Coder, Items, Shapes, State
from .state import packed_state, unpacked_state
from .table_kernels import walk
from .table_plan import HOLE, Plan
from .text_kernels import walk_texts
from .varints import read_varints, write_varints

_CELLS = 2**18  # of the rows that a coder for single rows keeps as examples
_ROWS = 4096
_TEXTS = 2**18  # bytes of examples' texts: who opens the coder learns from them first
_A_COLUMN = 2**16  # bytes of a column's plan, at most
_SMALLEST, _LARGEST = 16, 24  # log2 of how many places of contexts are told apart
_A_CELL = 288  # bytes that a cell can take at most, 4 a bit; memory that is not written to is not taken
_A_BYTE = 40


class TableCoder(Coder):
    """Rows (columns + bytes,) of int64, `table_plan.HOLE` where a cell is missing; bytes are those of the row's texts.

    All rows together are coded while the contexts learn from them; a row alone by what the contexts learned from
    examples, which are kept as they are coded, for nothing is smaller.

    Attributes
    ----------
    columns_ : int
    texts_ : list of int
        Columns whose numbers are how many bytes a text has.
    form_ : dict
        How columns were read of the rows that it learned from, for whoever reads more of them.
    plan_ : Plan or None
    examples_ : bytes
        Rows as `encode_block` gives them.
    """

    name = "table"
    reads = "table"
    lossless = True
    adapts = True

    def __init__(self, columns: int, texts: Sequence[int] = (), form: Mapping[str, Any] | None = None):
        self.columns_, self.texts_, self.form_ = columns, list(texts), dict(form or {})
        self.examples_, self.tails_ = b"", np.empty(0, np.int64)
        self.plan_: Plan | None = None
        self._known: tuple[Mixture, Mixture] | None = None

    # ------------------------------------------------------------------ learning
    @classmethod
    def fit(
        cls, items: Items, *, model: Any = None, seed: int = 0, columns: int = 0, texts: Sequence[int] = (),
        form: Mapping[str, Any] | None = None, **options: Any,
    ) -> "TableCoder":  # fmt: skip
        """Keeps up to 4,096 rows as examples, an eighth of those it is given at most."""
        coder = cls(columns, texts, form)
        if not len(items):
            return coder
        n = min(len(items), _ROWS, max(64, len(items) // 8), max(1, _CELLS // max(1, columns)))
        rows = np.sort(np.random.default_rng(seed).permutation(len(items))[:n])
        long = np.cumsum([np.size(items[row]) - columns for row in rows])
        examples = [items[row] for row in rows[: int(np.searchsorted(long, _TEXTS, side="right"))]]
        if not examples:
            return coder
        coder.examples_ = coder._adapted(*coder._parts(examples), use_above=False)
        coder.tails_ = coder._tails([np.shape(example) for example in examples])
        return cls.from_state(*coder.get_state())

    def get_state(self) -> State:
        facts = {"columns": self.columns_, "texts": self.texts_, "form": self.form_}
        return facts, {"coded": np.frombuffer(self.examples_, np.uint8), "tails": self.tails_.astype(np.int32)}

    @classmethod
    def from_state(
        cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, model: Any = None
    ) -> "TableCoder":
        columns, texts, form = facts["columns"], facts["texts"], facts["form"]
        coded, tails = arrays["coded"], arrays["tails"]
        if not all(type(number) is int and number >= 0 for number in (columns, *texts)) or columns > 2**20:
            raise ValueError(f"{columns!r} columns")
        if texts != sorted(set(texts)) or (texts and texts[-1] >= columns) or not isinstance(form, dict):
            raise ValueError("texts that are no columns")
        if coded.dtype != np.uint8 or coded.ndim != 1 or tails.dtype != np.int32 or tails.ndim != 1:
            raise ValueError(f"examples of types {coded.dtype} and {tails.dtype}")
        count, size = len(tails), int(tails.sum(dtype=np.int64))
        if count > _ROWS or columns * count > 2 * max(_CELLS, columns) or size > _TEXTS or (tails < 0).any():
            raise ValueError(f"{count:,} examples of {columns:,} columns and {size:,} bytes")
        coder = cls(columns, texts, form)
        coder.examples_, coder.tails_ = coded.tobytes(), tails.astype(np.int64)
        if count:
            coder.plan_, coder._known, _, _ = coder._read(coder.examples_, coder.tails_, use_above=False)
        return coder

    def together(self, random_access: bool) -> int:
        """All rows that memory is spent on: what they have in common is learned once."""
        return super().together(True) if random_access else max(1, min(2**18, 2**22 // max(1, self.columns_)))

    # ------------------------------------------------------------------ all rows
    def encode_block(self, items: Items, step: float = 1.0) -> bytes:
        return self._adapted(*self._parts(items), use_above=True)

    def decode_block(self, data: bytes, shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        tails = self._tails(shapes)
        _, _, values, texts = self._read(data, tails, use_above=True)
        return self._items(values, texts, tails)

    def _adapted(self, values: np.ndarray, data: np.ndarray, use_above: bool) -> bytes:
        plan = table_plan.learned(self._without_last(values))
        bits = [_bits_for(40 * values.size), _bits_for(60 * len(data))]
        words = packed_state({"bits": bits}, plan.state())
        known = (Mixture(bits[0]), Mixture(bits[1]))
        codes = plan.codes(self._without_last(values))
        stream, _ = self._coded(ENCODE, values, codes, data, plan, known, False, use_above)
        return write_varints([len(words)]) + words + stream

    def _read(
        self, data: bytes, tails: np.ndarray, use_above: bool
    ) -> tuple[Plan, tuple[Mixture, Mixture], np.ndarray, np.ndarray]:
        (length,), at = read_varints(data, 1)
        facts, arrays = unpacked_state(data[at : at + length], _A_COLUMN * (self.columns_ + 1))
        try:
            plan, bits = Plan.from_state(arrays), facts["bits"]
            if not all(type(one) is int and _SMALLEST <= one <= _LARGEST for one in bits) or len(bits) != 2:
                raise ValueError(f"{bits!r} bits")
            if len(plan.kinds) != self.columns_:
                raise ValueError(f"{len(plan.kinds)} columns, where {self.columns_} belong")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorruptFileError(f"a table's plan is damaged ({type(error).__name__}: {error}).") from error
        known = (Mixture(bits[0]), Mixture(bits[1]))
        values, texts = self._unwalk(data[at + length :], tails, plan, known, use_above)
        return plan, known, values, texts

    # ------------------------------------------------------------------ rows alone
    def encode(self, items: Items, step: float = 1.0) -> list[bytes]:
        if self.plan_ is None or self._known is None:
            return [self._adapted(*self._parts([item]), use_above=False) for item in items]
        return [stream for stream, _ in self._each(ENCODE, items)]

    def _each(self, job: int, items: Items) -> Iterator[tuple[bytes, float]]:
        """Each row's string and bits, by what the examples taught."""
        assert self.plan_ is not None
        assert self._known is not None
        values, data = self._parts(items)
        codes = self.plan_.codes(self._without_last(values))  # of all at once: a row alone takes as long
        ends = np.cumsum([0, *self._tails([np.shape(item) for item in items])])
        for row in range(len(values)):
            own = slice(row, row + 1), data[ends[row] : ends[row + 1]]
            yield self._coded(job, values[own[0]], codes[own[0]], own[1], self.plan_, self._known, True, False)

    def decode(self, parts: Sequence[bytes], shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        tails = self._tails(shapes)
        if self.plan_ is None or self._known is None:
            read = [self._read(part, tails[i : i + 1], use_above=False)[2:] for i, part in enumerate(parts)]
            values = np.concatenate([values for values, _ in read]) if read else np.empty((0, self.columns_), np.int64)
            return self._items(values, np.concatenate([*(t for _, t in read), np.empty(0, np.uint8)]), tails)
        split = [self._split(part) for part in parts]
        codes = np.zeros((len(parts), self.columns_), np.int64)
        strange = np.zeros_like(codes)
        for row, (stream, _) in enumerate(split):
            own = slice(row, row + 1)
            self._read_cells(stream, codes[own], strange[own], self.plan_, self._known[0], True, False)
        values = self.plan_.values(codes, strange)
        texts = np.zeros(int(tails.sum()), np.uint8)
        if self.texts_:
            self._put_last(values, tails)
            ends = np.cumsum([0, *tails])
            for row, (_, rest) in enumerate(split):
                own = slice(row, row + 1)
                self._read_texts(rest, texts[ends[row] : ends[row + 1]], values[own], self._known[1], True)
        return self._items(values, texts, tails)

    def bits(self, items: Items, step: float = 1.0) -> np.ndarray:
        if self.plan_ is None or self._known is None:
            return super().bits(items, step)
        return np.array([bits for _, bits in self._each(COST, items)])

    # ------------------------------------------------------------------ the loops
    def _coded(
        self, job: int, values: np.ndarray, codes: np.ndarray, data: np.ndarray, plan: Plan,
        known: tuple[Mixture, Mixture], frozen: bool, use_above: bool,
    ) -> tuple[bytes, float]:  # fmt: skip
        cost = np.zeros(1)
        state, out = start(), np.empty(_A_CELL * (values.size + 1) if job == ENCODE else 1, np.uint8)
        walk(
            (job, frozen), use_above, codes, values.copy(), plan.kernel(), known[0].arrays(), odds_tables(),
            _room(cost), state, out,
        )  # fmt: skip
        stream = ended(state, out)
        if not self.texts_:
            return stream, float(cost[0])
        state, out = start(), np.empty(_A_BYTE * (len(data) + 2) if job == ENCODE else 1, np.uint8)
        walk_texts(
            (job, frozen), data.copy(), *self._ends(values), known[1].arrays(), odds_tables(), _room(cost), state, out
        )
        return write_varints([len(stream)]) + stream + ended(state, out), float(cost[0]) + 8

    def _unwalk(
        self, data: bytes, tails: np.ndarray, plan: Plan, known: tuple[Mixture, Mixture], use_above: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        codes = np.zeros((len(tails), self.columns_), np.int64)
        strange = np.zeros_like(codes)
        stream, rest = self._split(data)
        self._read_cells(stream, codes, strange, plan, known[0], False, use_above)
        values = plan.values(codes, strange)
        texts = np.zeros(int(tails.sum()), np.uint8)
        if self.texts_:
            self._put_last(values, tails)
            self._read_texts(rest, texts, values, known[1], False)
        return values, texts

    def _split(self, data: bytes) -> tuple[bytes, bytes]:
        """The string of cells and that of texts."""
        if not self.texts_:
            return data, b""
        (length,), at = read_varints(data, 1)
        return data[at : at + length], data[at + length :]

    @staticmethod
    def _read_cells(
        stream: bytes, codes: np.ndarray, strange: np.ndarray, plan: Plan, known: Mixture, frozen: bool, use_above: bool
    ) -> None:
        """Fills codes and strange cells."""
        walk(
            (DECODE, frozen), use_above, codes, strange, plan.kernel(), known.arrays(), odds_tables(),
            _room(np.zeros(1)), start(stream), np.frombuffer(stream, np.uint8).copy(),
        )  # fmt: skip

    def _read_texts(self, stream: bytes, texts: np.ndarray, values: np.ndarray, known: Mixture, frozen: bool) -> None:
        """Fills bytes of texts."""
        walk_texts(
            (DECODE, frozen), texts, *self._ends(values), known.arrays(), odds_tables(), _room(np.zeros(1)),
            start(stream), np.frombuffer(stream, np.uint8).copy(),
        )  # fmt: skip

    # ------------------------------------------------------------------ items and their parts
    def _parts(self, items: Items) -> tuple[np.ndarray, np.ndarray]:
        """Numbers (n, columns) and all bytes of texts of items."""
        c = self.columns_
        if not self.texts_:
            values = np.ascontiguousarray(np.asarray(items, np.int64).reshape(len(items), c))
            return values, np.empty(0, np.uint8)
        values = np.stack([item[:c] for item in items]) if len(items) else np.empty((0, c), np.int64)
        tails = [np.asarray(item[c:]).astype(np.uint8) for item in items]
        return values.astype(np.int64), np.concatenate([*tails, np.empty(0, np.uint8)])

    def _items(self, values: np.ndarray, texts: np.ndarray, tails: np.ndarray) -> list[np.ndarray]:
        if not self.texts_ or not len(values):
            return list(values)
        split = np.split(texts.astype(np.int64), np.cumsum(tails)[:-1])
        return [np.concatenate([row, tail]) for row, tail in zip(values, split, strict=True)]

    def _tails(self, shapes: Shapes) -> np.ndarray:
        """How many bytes of texts each item has."""
        wrong = next((s for s in shapes if len(s) != 1 or s[0] < self.columns_), None)
        wrong = wrong or next((s for s in shapes if not self.texts_ and s != (self.columns_,)), None)
        if wrong is not None:
            raise CorruptFileError(f"a row has the shape {wrong}; the coder's have {self.columns_} cells.")
        return np.array([shape[0] - self.columns_ for shape in shapes], np.int64)

    def _without_last(self, values: np.ndarray) -> np.ndarray:
        """Numbers to code: the last text's length is what the others leave of the row's."""
        if not self.texts_:
            return values
        values = values.copy()
        last = values[:, self.texts_[-1]]
        values[:, self.texts_[-1]] = np.where(last == HOLE, HOLE, 0)
        return values

    def _put_last(self, values: np.ndarray, tails: np.ndarray) -> None:
        """Gives the last texts their lengths, or raises CorruptFileError where lengths do not add up."""
        lengths = np.where(values[:, self.texts_] == HOLE, 0, values[:, self.texts_])
        last = tails - lengths[:, :-1].sum(axis=1)
        hole = values[:, self.texts_[-1]] == HOLE
        if (lengths < 0).any() or (last < 0).any() or (lengths > tails[:, None]).any() or last[hole].any():
            raise CorruptFileError("a row's texts are longer than the row.")
        values[:, self.texts_[-1]] = np.where(hole, HOLE, last)

    def _ends(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where each text ends, row by row, and its column."""
        lengths = np.where(values[:, self.texts_] == HOLE, 0, values[:, self.texts_])
        columns = np.tile(np.array(self.texts_, np.int64), len(values))
        return np.cumsum(lengths.ravel()).astype(np.int64), columns


def _bits_for(size: int) -> int:
    return min(max(int(max(1, size) - 1).bit_length(), _SMALLEST), _LARGEST)


def _room(cost: np.ndarray) -> tuple[np.ndarray, ...]:
    """Where the loops keep places, inputs, sums, costs and paces."""
    return (
        np.full(CONTEXTS, -1, np.int64),
        np.empty(INPUTS, np.int64),
        np.empty(3, np.int64),
        cost,
        np.full(3, 3, np.int64),
    )
