"""Goes through texts byte by byte and codes each bit by bit, told by the bytes and words before; both sides run it."""

import numpy as np

from .compiled import njit
from .mixing import CONTEXTS, NIBBLE, SETS
from .table_kernels import decide, mingled

_ORDERS = 13  # contexts of a byte
_HISTORY = 1 << 16  # places that remember where a run of bytes came last
_RUN = 5  # bytes of a run
_LONGEST = 15


@njit(cache=True, nogil=True)
def _look(column, at, first, data, words, looks):
    """Fills `looks` with what the contexts of the byte at a place see before it."""
    base = column * 16 + (1 << 24)
    h = np.int64(0)
    for i in range(6):
        byte = data[at - 1 - i] if at - 1 - i >= first else 0
        h = mingled(h + i + 1, byte + 1)
        if i < 6:
            looks[i + 1] = mingled(base + i, h)
    looks[0] = base
    looks[7] = mingled(base + 7, words[0])
    looks[8] = mingled(mingled(base + 8, words[0]), words[1])
    looks[9] = mingled(mingled(base + 9, words[0]), data[at - 1] if at > first else 0)
    looks[10] = mingled(mingled(base + 10, min(at - first, 31)), data[at - 1] if at > first else 0)
    looks[11] = mingled(mingled(base + 11, words[1]), words[2])
    looks[12] = mingled(mingled(base + 12, at - first), words[2])


@njit(cache=True, nogil=True)
def _word(byte, words):
    """Follows words: the letters of this one, the one before, and the one before that."""
    is_letter = byte >= 128 or 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122
    if is_letter:
        words[0] = mingled(words[0] + 1, byte | 32 if byte < 128 else byte)
    elif words[0]:
        words[2] = words[1]
        words[1] = words[0]
        words[0] = 0


@njit(cache=True, nogil=True)
def _byte(byte, column, guess, sure, looks, bases, run, model, tables, work, state, out):
    """Codes one byte; `guess` is what came after the same run the last time, -1 for none."""
    slots, mask = work[0], len(model[0]) - 1
    node = 1
    for depth in range(7, -1, -1):
        if depth == 7 or depth == 3:
            for i in range(_ORDERS):
                bases[i] = (mingled(looks[i], node + 512) & mask) // NIBBLE * NIBBLE
            sub = 1
        for i in range(_ORDERS):
            slots[i] = bases[i] + sub
        expected = -1
        if guess >= 0 and ((guess | 256) >> (depth + 1)) == node:
            expected = (guess >> depth) & 1
        for i in range(_ORDERS, CONTEXTS):
            slots[i] = -1
        if expected >= 0:
            slots[_ORDERS] = mingled((sure * 2 + expected) * 8 + depth, 77 + column) & mask
            slots[_ORDERS + 1] = mingled(guess * 256 + node, 78 + min(sure, 3)) & mask
        bit = (byte >> depth) & 1
        set_a = ((min(sure, 7) if expected >= 0 else 0) * 256 + node) % SETS[0]
        bit = decide(bit, set_a, looks[1] % SETS[2], run, model, tables, work, state, out)
        node = node * 2 + bit
        sub = sub * 2 + bit
    return node & 255


@njit(cache=True, nogil=True)
def walk_texts(run, data, ends, columns, model, tables, work, state, out):
    """Codes texts, one after the other; in DECODE, `data` is filled.

    Parameters
    ----------
    data : uint8 (total,)
        All texts.
    ends : int64 (texts,)
        Where each ends.
    columns : int64 (texts,)
        Of what sort each is: texts of one sort are told by one another.
    """
    looks = np.zeros(CONTEXTS, np.int64)
    bases = np.zeros(CONTEXTS, np.int64)
    words = np.zeros(3, np.int64)
    last = np.full(_HISTORY, -1, np.int64)
    first = np.int64(0)
    match, sure = np.int64(-1), np.int64(0)
    for text in range(len(ends)):
        words[:] = 0
        for at in range(first, ends[text]):
            _look(columns[text], at, first, data, words, looks)
            guess = np.int64(data[match]) if match >= 0 else np.int64(-1)
            byte = _byte(
                np.int64(data[at]), columns[text], guess, sure, looks, bases, run, model, tables, work, state, out
            )
            data[at] = byte
            _word(byte, words)
            if match >= 0 and data[match] == byte:
                match += 1
                sure = min(sure + 1, np.int64(_LONGEST))
            else:
                match, sure = np.int64(-1), np.int64(0)
            if at - first >= _RUN - 1:
                place = looks[_RUN - 1] % _HISTORY
                place = mingled(place, byte) % _HISTORY
                if match < 0:
                    match = last[place]
                    sure = np.int64(0)
                last[place] = at + 1
                if match > at:
                    match = np.int64(-1)
        first = ends[text]
