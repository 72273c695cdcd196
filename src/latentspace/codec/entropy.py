"""Integers to bits and back by asymmetric numeral systems (Duda, 2013), in integer arithmetic alone.

Two coders, for two uses:

- *Lanes*: many strings at once, one an item, each with a state of its own; a step codes one symbol in each of some
  lanes. What is known of a symbol may depend on all that was decoded before it, and numpy does a step for all lanes.
- *A stream*: one string for symbols whose tables are known beforehand, through constriction; millions a second.

Lanes. A state x holds what is not yet written; coding a symbol of `f` slots of 2^16 that begin at `c`:

    x' = (x // f) * 2^16 + x mod f + c        x = f * (x' // 2^16) + x' mod 2^16 - c

States stay in [2^24, 2^40) by 16-bit words. The first symbols start from x = 0, not from 2^24 as is usual: while
little was coded, nothing is read, and a string takes some two bytes beyond what it says. One that says what was
expected, symbols that are the first of their tables, takes none. An ANS coder is a stack: the encoder takes the steps
in reverse, so it keeps them until `finish`.
"""

from collections.abc import Sequence

import numpy as np

from ..errors import CorruptFileError
from .frequencies import PRECISION, TOTAL, Tables
from .varints import read_varints, write_varints

_WORD = np.uint64(16)
_LOW_WORD = np.uint64(0xFFFF)
_LOWEST = np.uint64(1 << 24)  # of a state, once words are written
_TOP = np.uint64(24)  # a state of 2^24 times a symbol's slots has to give up a word first
_BITS = np.uint64(PRECISION)
_RAW = 16  # bits that one step can carry as they are
_MAX_TAIL = 31  # bits of what lies beyond a ladder


class LaneEncoder:
    """Writes symbols into n strings. Steps are put in the order in which they will be read.

    >>> encoder = LaneEncoder(2)
    >>> encoder.put_bits(np.array([0, 1]), np.array([65000, 65000]))
    >>> [len(part) for part in encoder.finish()]
    [0, 2]
    """

    def __init__(self, n: int):
        self.n = n
        self._steps: list[tuple[np.ndarray | None, np.ndarray, np.ndarray]] = []

    def put(self, start: np.ndarray, width: np.ndarray, lanes: np.ndarray | None = None) -> None:
        """One symbol in each of some lanes (all, in order, where None): its first slot and its slots, of 2^16.

        `lanes` are positions, none twice. Slots are 1 to 65,536, and `start + width` at most 65,536.
        """
        self._steps.append((lanes, np.asarray(start, np.uint64), np.asarray(width, np.uint64)))

    def put_symbols(
        self, tables: Tables, index: np.ndarray, symbols: np.ndarray, lanes: np.ndarray | None = None
    ) -> None:
        """One symbol in each lane, by the tables of `index`."""
        self.put(*tables.intervals(index, symbols), lanes)

    def put_bits(self, bits: np.ndarray, zeros: np.ndarray, lanes: np.ndarray | None = None) -> None:
        """One bit in each lane; `zeros` (1 to 65,535) are the slots of a 0."""
        zeros = np.asarray(zeros, np.uint64)
        ones = np.asarray(bits, bool)
        self.put(np.where(ones, zeros, 0), np.where(ones, np.uint64(TOTAL) - zeros, zeros), lanes)

    def put_raw(self, values: np.ndarray, bits: int, lanes: np.ndarray | None = None) -> None:
        """Whole numbers below 2^bits as they are; at most 16 bits."""
        shift = np.uint64(_RAW - bits)
        values = np.asarray(values, np.uint64)
        self.put(values << shift, np.full(len(values), 1 << _RAW - bits, np.uint64), lanes)

    def put_numbers(
        self, tables: Tables, index: np.ndarray, numbers: np.ndarray, lanes: np.ndarray | None = None
    ) -> None:
        """Whole numbers about zero by a ladder's tables, |number| < 2^30; those beyond a table's ends take raw bits."""
        index, numbers = np.asarray(index, np.int64), np.asarray(numbers, np.int64)
        m = (tables.sizes[index] - 2) // 2
        out = np.abs(numbers) > m
        self.put_symbols(tables, index, np.where(out, 2 * m + 1, numbers + m), lanes)
        if not out.any():
            return
        where = np.flatnonzero(out) if lanes is None else np.asarray(lanes)[out]
        beyond = np.abs(numbers[out]) - m[out] - 1
        rest = 2 * beyond + (numbers[out] < 0) + 1  # at least 1: its highest bit is known
        if int(rest.max()) >> _MAX_TAIL:
            raise ValueError(f"{int(np.abs(numbers).max()):,} is too large to code: numbers must lie within 2^29.")
        length = np.frexp(rest.astype(np.float64))[1] - 1
        self.put_raw(length, 5, where)
        for low in (0, 15):
            has = length > low
            take = np.minimum(length[has] - low, 15)
            shift = np.uint64(_RAW) - take.astype(np.uint64)
            value = (rest[has] >> low) & ((1 << take) - 1)
            if has.any():
                self.put(value.astype(np.uint64) << shift, np.uint64(1) << shift, where[has])

    def finish(self) -> list[bytes]:
        """The n strings. What was put is forgotten."""
        x = np.zeros(self.n, np.uint64)
        spilled: list[tuple[np.ndarray, np.ndarray]] = []
        every = np.arange(self.n)
        for lanes, start, width in reversed(self._steps):
            state = x if lanes is None else x[lanes]
            full = np.flatnonzero(state >= width << _TOP)
            if len(full):
                spilled.append((full if lanes is None else lanes[full], (state[full] & _LOW_WORD).astype("<u2")))
                state[full] >>= _WORD
            quotient, rest = np.divmod(state, width)
            x[every if lanes is None else lanes] = (quotient << _BITS) + rest + start
        self._steps = []
        return strings_of(x, spilled)


def strings_of(x: np.ndarray, spilled: list[tuple[np.ndarray, np.ndarray]]) -> list[bytes]:
    """Each lane's state in the fewest bytes, then its words, the last spilled first.

    `spilled` are lanes and their words, in the order of being spilled; those of one array of lanes come to stand in its
    order.
    """
    spilled.reverse()
    lanes = np.concatenate([lane for lane, _ in spilled]) if spilled else np.empty(0, np.int64)
    words = np.concatenate([word for _, word in spilled]) if spilled else np.empty(0, "<u2")
    data = words[np.argsort(lanes, kind="stable")].astype("<u2").tobytes()
    ends = np.cumsum(np.bincount(lanes, minlength=len(x))).tolist()
    parts, at = [], 0
    for state, end in zip(x.tolist(), ends, strict=True):
        parts.append(state.to_bytes((state.bit_length() + 7) // 8, "big") + data[2 * at : 2 * end])
        at = end
    return parts


class LaneDecoder:
    """Reads what a `LaneEncoder` wrote, step by step.

    Whatever the strings hold, each step takes its time and no more, and reads nothing outside them; `finish` says
    whether they were whole.

    >>> encoder = LaneEncoder(1)
    >>> encoder.put_raw(np.array([77]), 8)
    >>> decoder = LaneDecoder(encoder.finish())
    >>> decoder.get_raw(8, 1)
    array([77])
    """

    def __init__(self, parts: Sequence[bytes]):
        self.n = len(parts)
        # A state of 0 to 3 bytes has no words; else it has 4 bytes or 5, and which of them the length's parity says.
        heads = [len(part) if len(part) < 4 else 4 + len(part) % 2 for part in parts]
        self._x = np.array([int.from_bytes(p[:h], "big") for p, h in zip(parts, heads, strict=True)], dtype=np.uint64)
        tails = [part[head:] for part, head in zip(parts, heads, strict=True)]
        self._words = np.frombuffer(b"".join(tails) + b"\0\0", dtype="<u2").astype(np.uint64)
        self._end = np.cumsum([len(tail) // 2 for tail in tails], dtype=np.int64)
        self._at = np.concatenate([[0], self._end[:-1]]).astype(np.int64)

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Its states, its words, at which each lane is and where each ends, int64: compiled loops change them."""
        return self._x.view(np.int64), self._words.view(np.int64), self._at, self._end

    def slots(self, lanes: np.ndarray | None = None) -> np.ndarray:
        """The slots, 0 to 65,535, that the next symbols of some lanes (all where None) lie in; uint64."""
        return (self._x if lanes is None else self._x[lanes]) & _LOW_WORD

    def drop(self, start: np.ndarray, width: np.ndarray, lanes: np.ndarray | None = None) -> None:
        """Passes the next symbols: their first slots and slots, as they were put."""
        state = self._x if lanes is None else self._x[lanes]
        state = width * (state >> _BITS) + (state & _LOW_WORD) - start
        low = np.flatnonzero(state < _LOWEST)
        if len(low):
            who = low if lanes is None else lanes[low]
            at = self._at[who]
            has = at < self._end[who]
            low, who, at = low[has], who[has], at[has]
            state[low] = state[low] << _WORD | self._words[at]
            self._at[who] = at + 1
        if lanes is None:
            self._x = state
        else:
            self._x[lanes] = state

    def get_symbols(self, tables: Tables, index: np.ndarray, lanes: np.ndarray | None = None) -> np.ndarray:
        """One symbol of each lane, int64."""
        symbols = tables.symbols(index, self.slots(lanes))
        self.drop(*tables.intervals(index, symbols), lanes)
        return symbols

    def get_bits(self, zeros: np.ndarray, lanes: np.ndarray | None = None) -> np.ndarray:
        """One bit of each lane, bool; `zeros` as they were put."""
        zeros = np.asarray(zeros, np.uint64)
        ones = self.slots(lanes) >= zeros
        self.drop(np.where(ones, zeros, 0), np.where(ones, np.uint64(TOTAL) - zeros, zeros), lanes)
        return ones

    def get_raw(self, bits: int, n: int, lanes: np.ndarray | None = None) -> np.ndarray:
        """Whole numbers below 2^bits of n lanes, int64."""
        shift = np.uint64(_RAW - bits)
        values = self.slots(lanes) >> shift
        self.drop(values << shift, np.full(n, 1 << _RAW - bits, np.uint64), lanes)
        return values.astype(np.int64)

    def get_numbers(self, tables: Tables, index: np.ndarray, lanes: np.ndarray | None = None) -> np.ndarray:
        """Whole numbers about zero, int64, as `put_numbers` put them."""
        index = np.asarray(index, np.int64)
        m = (tables.sizes[index] - 2) // 2
        symbols = self.get_symbols(tables, index, lanes)
        numbers = symbols - m
        out = symbols > 2 * m
        if out.any():
            where = np.flatnonzero(out) if lanes is None else np.asarray(lanes)[out]
            length = self.get_raw(5, len(where), where)
            rest = np.int64(1) << length
            for low in (0, 15):
                has = length > low
                if not has.any():
                    break
                take = np.minimum(length[has] - low, 15)
                shift = np.uint64(_RAW) - take.astype(np.uint64)
                value = self.slots(where[has]) >> shift
                self.drop(value << shift, np.uint64(1) << shift, where[has])
                rest[has] |= value.astype(np.int64) << low
            beyond = (rest - 1) >> 1
            numbers[out] = np.where((rest - 1) & 1, -1, 1) * (beyond + m[out] + 1)
        return numbers

    def finish(self) -> None:
        """Says whether all was read that there was.

        Raises
        ------
        CorruptFileError
            If a lane's state is not the one that an encoder starts from, or words of it are left.
        """
        wrong = np.flatnonzero((self._x != 0) | (self._at != self._end))
        if len(wrong):
            raise CorruptFileError(
                f"coded item {wrong[0]} of {self.n} is damaged: it does not end where its symbols do."
            )


# ---------------------------------------------------------------------- one stream
def encode_stream(tables: Tables, index: np.ndarray, symbols: np.ndarray) -> bytes:
    """Writes symbols, each by the table of its index, as one string.

    Parameters
    ----------
    tables : Tables
    index, symbols : integer arrays of one shape
        The table of each symbol, and the symbol within it.

    Returns
    -------
    bytes
        4 bytes at most beyond what the symbols cost by their tables, and nothing of how many there are.

    References
    ----------
    Bamler, "Understanding entropy coding with asymmetric numeral systems", 2022: constriction's paper.

    Examples
    --------
    >>> from latentspace.codec.frequencies import whole_frequencies
    >>> tables = Tables([whole_frequencies(np.array([3, 1]))])
    >>> data = encode_stream(tables, np.zeros(9, int), np.array([0, 0, 1, 0, 0, 0, 0, 1, 0]))
    >>> decode_stream(data, tables, np.zeros(9, int))
    array([0, 0, 1, 0, 0, 0, 0, 1, 0])
    """
    import constriction

    index, symbols = np.ravel(index), np.ravel(symbols).astype(np.int32)
    coder = constriction.stream.stack.AnsCoder()
    # Symbols of one table together: a call of constriction's takes one table, or a row of floats a symbol.
    groups = _groups(index)
    for table, where in reversed(groups):
        if tables.sizes[table] > 1:  # a table of one symbol costs nothing, and constriction has none
            coder.encode_reverse(symbols[where], _categorical(tables, table))
    data = coder.get_compressed().astype("<u4").tobytes()
    return data.rstrip(b"\0")  # the last word is never 0, its high bytes may be


def decode_stream(data: bytes, tables: Tables, index: np.ndarray) -> np.ndarray:
    """The symbols of `encode_stream`, int64, in the shape of `index`.

    Raises
    ------
    CorruptFileError
        If the string does not end where the symbols do.
    """
    import constriction

    shape, index = np.shape(index), np.ravel(index)
    if data.endswith(b"\0"):
        raise CorruptFileError("a coded stream ends with a zero, which none does.")
    words = np.frombuffer(data + bytes(-len(data) % 4), dtype="<u4").astype(np.uint32)
    coder = constriction.stream.stack.AnsCoder(words)
    symbols = np.zeros(len(index), dtype=np.int64)
    for table, where in _groups(index):
        if tables.sizes[table] > 1:
            symbols[where] = coder.decode(_categorical(tables, table), len(where))
    if not coder.is_empty():
        raise CorruptFileError("a coded stream is damaged: it does not end where its symbols do.")
    return symbols.reshape(shape)


def encode_numbers(tables: Tables, index: np.ndarray, numbers: np.ndarray) -> bytes:
    """Writes whole numbers about zero by a ladder's tables as one string; |number| < 2^62."""
    index, numbers = np.ravel(index), np.ravel(numbers).astype(np.int64)
    m = (tables.sizes[index] - 2) // 2
    out = np.abs(numbers) > m
    stream = encode_stream(tables, index, np.where(out, 2 * m + 1, numbers + m))
    beyond = (np.abs(numbers[out]) - m[out] - 1) * 2 + (numbers[out] < 0)
    return write_varints([len(stream)]) + stream + write_varints(beyond.tolist())


def decode_numbers(data: bytes, tables: Tables, index: np.ndarray) -> np.ndarray:
    """The numbers of `encode_numbers`, int64, in the shape of `index`; CorruptFileError for what is none."""
    shape, index = np.shape(index), np.ravel(index)
    (length,), at = read_varints(data, 1)
    m = (tables.sizes[index] - 2) // 2
    symbols = decode_stream(data[at : at + length], tables, index)
    numbers = symbols - m
    out = symbols > 2 * m
    rest, end = read_varints(data, int(out.sum()), at + length)
    if end != len(data):
        raise CorruptFileError(f"{len(data) - end:,} bytes follow the last coded number.")
    beyond = np.array(rest, dtype=np.int64)
    numbers[out] = np.where(beyond & 1, -1, 1) * ((beyond >> 1) + m[out] + 1)
    return numbers.reshape(shape)


def _groups(index: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """The tables in use and where, in order."""
    order = np.argsort(index, kind="stable")
    tables, first = np.unique(index[order], return_index=True)
    return list(zip(tables.tolist(), np.split(order, first[1:]), strict=True)) if len(tables) else []


def _categorical(tables: Tables, table: int):
    """constriction's own form of a table. It counts in 2^-24: multiples of 2^-16 are kept exactly, with `perfect`."""
    import constriction

    return constriction.stream.model.Categorical(tables.frequencies(table) / float(TOTAL), perfect=True)
