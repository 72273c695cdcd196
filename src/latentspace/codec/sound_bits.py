"""Bits of sounds: several contexts' odds mixed by weights that learn, and a binary arithmetic coder, in whole numbers.

A context keeps a chance and how often it was asked; the mixture adds their log odds, weighted by what served so far
(Mahoney, "Adaptive weighing of context models for lossless data compression", 2005). Encoder and decoder take the same
steps, and both are one function, which `coder[WRITES]` turns around.

Log odds are counted in 256ths of a natural unit and end at 8.
"""

from decimal import Decimal, localcontext
from functools import lru_cache

import numpy as np

from ..errors import CorruptFileError
from .compiled import njit

UNIT = 256
REACH = 8 * UNIT - 1
LOW, HIGH, VALUE, AT, WRITES = range(5)  # what `coder` holds
AHEAD = 4  # bytes that a reader is ahead of the writer
_MASK = (1 << 32) - 1
_LIMIT = 255  # times asked, from which on a context follows at one pace
_EVEN = 1 << 15


@lru_cache(maxsize=1)
def odds() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chance of 2^16 by log odds, log odds by chance of 2^12, and the pace of a context by how often it was asked.

    In decimal arithmetic, which rounds alike everywhere, where two C libraries' `exp` may differ.
    """
    with localcontext() as context:
        context.prec = 30
        ratio, power = (Decimal(-1) / UNIT).exp(), (Decimal(REACH) / UNIT).exp()
        chances = []
        for _ in range(2 * REACH + 1):
            chances.append(int(65536 / (1 + power) + Decimal("0.5")))
            power *= ratio
    squash = np.clip(np.array(chances, np.int64), 16, 65520)
    stretch = np.searchsorted(squash, np.arange(4096) * 16 + 8).clip(0, 2 * REACH).astype(np.int64) - REACH
    pace = np.array([65536 * 2 // (2 * n + 3) for n in range(_LIMIT + 1)], np.int64)
    return squash, stretch, pace


def writer(room: int) -> tuple[np.ndarray, np.ndarray]:
    """A coder before its first bit, and bytes for it to write to."""
    return np.array([0, _MASK, 0, 0, 1], np.int64), np.empty(max(64, room), np.uint8)


def reader(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """A coder that reads what another wrote, and its bytes."""
    first = int.from_bytes(data[:4].ljust(4, b"\0"), "big")
    return np.array([0, _MASK, first, AHEAD, 0], np.int64), np.frombuffer(data, np.uint8).copy()


def ended(coder: np.ndarray, data: np.ndarray) -> bytes:
    """What was written, in the fewest bytes that read the same: behind them zeros are read."""
    low, high, at = int(coder[LOW]), int(coder[HIGH]), int(coder[AT])
    tail = b""
    for kept in range(1, 5 if low else 1):
        shift = 8 * (4 - kept)
        value = -(-low >> shift) << shift
        if value <= high:
            tail = value.to_bytes(4, "big")[:kept]
            break
    return data[:at].tobytes() + tail


def check_end(coder: np.ndarray, data: np.ndarray) -> None:
    """Raises CorruptFileError where what was read is not about what was there."""
    took = int(coder[AT]) - AHEAD
    if not took <= len(data) <= took + AHEAD:
        raise CorruptFileError(f"a sound's string has {len(data):,} bytes, and was read to byte {took:,}.")


@njit(cache=True, nogil=True)
def code(bit, chance, coder, data):
    """Writes a bit whose chance of being 1 is `chance` of 65,536, or reads one; gives it."""
    low, high = coder[LOW], coder[HIGH]
    width = high - low
    middle = low + (width >> 16) * chance + (((width & 0xFFFF) * chance) >> 16)
    if not coder[WRITES]:
        bit = 1 if coder[VALUE] <= middle else 0
    if bit:
        high = middle
    else:
        low = middle + 1
    while (low ^ high) & 0xFF000000 == 0:
        at = coder[AT]
        if coder[WRITES]:
            data[at] = high >> 24
        else:
            byte = np.int64(data[at]) if at < len(data) else np.int64(0)
            coder[VALUE] = (coder[VALUE] << 8) & _MASK | byte
        coder[AT] = at + 1
        low, high = (low << 8) & _MASK, (high << 8) & _MASK | 255
    coder[LOW], coder[HIGH] = low, high
    return bit


@njit(cache=True, nogil=True)
def code_raw(value, bits, coder, data):
    """Writes or reads the lowest `bits` of a number as they are."""
    got = np.int64(0)
    for place in range(bits - 1, -1, -1):
        got = got << 1 | code((value >> place) & 1, _EVEN, coder, data)
    return got


@njit(cache=True, nogil=True)
def code_large(value, coder, data):
    """Writes or reads a whole number from 0 on that may be large: how many bits it has, and these (Elias, 1975)."""
    value += 1
    bits = np.int64(0)
    while bits < 40 and code(1 if value >> (bits + 1) else 0, _EVEN, coder, data):
        bits += 1
    return (np.int64(1) << bits | code_raw(value, bits, coder, data)) - 1


@njit(cache=True, nogil=True)
def code_mixed(bit, slots, known, weights, inputs, speed, coder, data, tables):
    """Writes or reads a bit with the mixed odds of contexts, which learn from it.

    Parameters
    ----------
    slots : int64 (contexts,)
        Where in `known` they are: int64, a chance of 2^22, then in ten bits how often it was asked.
    weights : int64 (contexts,)
        Of 65,536, as this kind of bit has learned them.
    inputs : int64 (contexts,)
        Room to work in.
    """
    squash, stretch, pace = tables
    dot = np.int64(0)
    for i in range(len(slots)):
        inputs[i] = stretch[known[slots[i]] >> 20]
        dot += weights[i] * inputs[i]
    dot >>= 16
    if dot > REACH:
        dot = np.int64(REACH)
    elif dot < -REACH:
        dot = np.int64(-REACH)
    chance = squash[dot + REACH]
    bit = code(bit, chance, coder, data)
    wrong = ((bit << 16) - chance) * speed
    goal = (1 << 22) - 1 if bit else 0
    for i in range(len(slots)):
        weights[i] += (inputs[i] * wrong + (1 << 19)) >> 20
        place = known[slots[i]]
        n, odd = place & 1023, place >> 10
        odd += ((goal - odd) * pace[n]) >> 16
        known[slots[i]] = odd << 10 | min(n + 1, _LIMIT)
    return bit


@njit(cache=True, nogil=True)
def is_past_end(coder, data):
    """Whether a reader is farther than any string that is whole would lead it."""
    return not coder[WRITES] and coder[AT] > len(data) + AHEAD


@njit(cache=True, nogil=True)
def roomy(data, coder, more):
    """Bytes to write to with room for `more`."""
    if coder[WRITES] and coder[AT] + more > len(data):
        grown = np.empty(2 * len(data) + more, np.uint8)
        grown[: coder[AT]] = data[: coder[AT]]
        return grown
    return data


@njit(cache=True, nogil=True)
def length_of(value):
    """How many bits a whole number from 0 on has."""
    bits = np.int64(0)
    while value >> bits > 0:
        bits += 1
    return bits
