"""The loops of sounds with loss: whole numbers of frequencies, moment after moment, coded by what is near them.

A number is asked about in order: is it 0, is its size above 1, above 2, ...; each answer has mixed odds by how large
its neighbours are, in frequency below it, in time before it, and in the channel before it.
"""

import numpy as np

from .compiled import njit
from .sound_bits import WRITES, code, code_large, code_mixed, is_past_end, length_of, roomy

QUESTIONS = 18  # sizes that are asked for one by one
PAD = 3  # zeros around frequencies
LARGEST = 1 << 24
_NEAR, _WIDE, _BANDS, _BESIDE = 40, 24, 24, 8
_SETS = (0, _NEAR * 3, _NEAR * 3 + _WIDE * _BANDS, _NEAR * 3 + _WIDE * _BANDS + 12 * 12)
_CONTEXTS = (_SETS[3] + _BESIDE * 12) * QUESTIONS
_MIXED = 4
_SPEED = 5
_ROOM = 64


class Memory:
    """What was learned from numbers so far: arrays that the loops change."""

    def __init__(self) -> None:
        self.known = np.full(_CONTEXTS, (1 << 22) // 3 << 10, np.int64)
        self.mixing = np.full((3, QUESTIONS, _MIXED), 20_000, np.int64)


@njit(cache=True, nogil=True)
def level(size, most):
    """A size in steps that widen: one by one up to 8, then four a doubling."""
    if size < 8:
        return min(size, most)
    bits = length_of(size)
    return min(8 + 4 * (bits - 4) + ((size >> (bits - 3)) & 3), most)


@njit(cache=True, nogil=True)
def place(slots, sizes, c, f, k, bands):
    """Fills in the contexts of number k of moment f, from the sizes (channels, 3, PAD + n + PAD) of those before."""
    now, before, earlier = sizes[c, f % 3], sizes[c, (f + 2) % 3], sizes[c, (f + 1) % 3]
    at = k + PAD
    low1, low2, low3 = now[at - 1], now[at - 2], now[at - 3]
    old, old_low, old_high = before[at], before[at - 1], before[at + 1]
    near = 3 * low1 + 2 * low2 + 3 * old + old_low + 2 * old_high + earlier[at]
    wide = low1 + low2 + low3 + old_low + old + old_high + before[at - 2] + before[at + 2] + before[at + 3]
    wide += earlier[at - 1] + 2 * earlier[at] + earlier[at + 1]
    beside = sizes[c - 1, f % 3]
    other = 2 * beside[at] + beside[at - 1] + beside[at + 1] if c else np.int64(0)
    slots[0] = (level(near, _NEAR - 1) * 3 + min(c, 1) + (1 if c and other else 0)) * QUESTIONS
    slots[1] = (_SETS[1] + level(wide, _WIDE - 1) * _BANDS + bands[k]) * QUESTIONS
    slots[2] = (_SETS[2] + level(low1 + low2, 11) * 12 + level(old + (old_low + old_high >> 1), 11)) * QUESTIONS
    slots[3] = (
        _SETS[3] + level(other, _BESIDE - 1) * 12 + level((near + 4) // 12 + (1 if near else 0), 11)
    ) * QUESTIONS
    return min(near, 1) + (1 if near > 8 else 0)


@njit(cache=True, nogil=True)
def code_number(value, kind, slots, memory, inputs, coder, data, tables):
    """Writes or reads one number; gives it."""
    known, mixing = memory
    size, asked = abs(value), np.int64(0)
    while asked < QUESTIONS:
        more = 1 if size > asked else 0
        more = code_mixed(more, slots, known, mixing[kind, asked], inputs, _SPEED, coder, data, tables)
        if not more:
            break
        asked += 1
        slots += 1
    if asked == QUESTIONS:
        asked += min(code_large(size - QUESTIONS, coder, data), LARGEST)
    if asked and code(1 if value < 0 else 0, 1 << 15, coder, data):
        return -asked
    return asked


@njit(cache=True, nogil=True)
def code_frequencies(q, bands, memory, coder, data, tables):
    """Writes or reads q (channels, moments, n), int32, where `bands` (n,) says in which band each frequency is.

    Gives the bytes, which may have moved.
    """
    channels, moments, n = q.shape
    sizes = np.zeros((channels, 3, n + 2 * PAD), np.int64)
    slots, inputs = np.zeros(_MIXED, np.int64), np.zeros(_MIXED, np.int64)
    for f in range(moments):
        if is_past_end(coder, data):
            break
        for c in range(channels):
            now = sizes[c, f % 3]
            now[:] = 0
            for k in range(n):
                if coder[WRITES]:
                    data = roomy(data, coder, _ROOM)
                kind = place(slots, sizes, c, f, k, bands)
                value = code_number(np.int64(q[c, f, k]), kind, slots, memory, inputs, coder, data, tables)
                if not coder[WRITES]:
                    q[c, f, k] = value
                now[k + PAD] = min(abs(value), LARGEST)
    return data
