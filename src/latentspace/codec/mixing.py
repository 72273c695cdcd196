"""Context mixing: odds of one bit at a time, from many contexts at once, learned while coding; in whole numbers.

Each context has a probability that follows what it has seen, and how often it was seen. A small network adds their
log odds, weighted by weights that follow what served so far (Mahoney, "Adaptive weighing of context models for lossless
data compression", 2005). A binary arithmetic coder writes the bit with the probability that comes of it. Encoder and
decoder do the same steps on whole numbers, so they agree on every machine.

Log odds are counted in 256ths of a natural unit and end at 11: a bit that was always expected costs 1/43,000 of a bit.
"""

from decimal import Decimal, localcontext
from functools import lru_cache

import numpy as np

from .compiled import njit

UNIT = 256  # log odds in one natural unit
REACH = 11 * UNIT  # where they end
CONTEXTS = 17  # that are mixed, at most
INPUTS = CONTEXTS + 1  # and a constant
SETS = (1 << 13, 64, 1 << 11)  # sets of weights: by what is coded, by how much the contexts know, and by where it is
NIBBLE = 16  # places of a context that lie together, so that memory is waited for once in four bits
ENCODE, DECODE, COST = 0, 1, 2
_LIMIT = 250  # times a context was seen, from which it follows at one pace
_MASK = (1 << 32) - 1
_START_WEIGHT = 17_000  # of 65,536


@lru_cache(maxsize=1)
def odds_tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probability of 2^16 by log odds, log odds by probability, and the pace of a context by how often it was seen."""
    with localcontext() as context:
        context.prec = 30
        ratio = (Decimal(-1) / UNIT).exp()
        low = Decimal(REACH) / UNIT
        power, chances = low.exp(), []
        for _ in range(2 * REACH + 1):  # 1 / (1 + e^-x), x from -REACH on
            chances.append(int(65536 / (1 + power) + Decimal("0.5")))
            power *= ratio
    squash = np.clip(np.array(chances, np.int64), 2, 65534)
    stretch = np.searchsorted(squash, np.arange(65536), side="left").clip(0, 2 * REACH) - REACH
    # Of equal probabilities the one nearest to even odds, on both sides alike.
    stretch[32768:] = -stretch[32768:0:-1]
    stretch[32768] = 0
    pace = np.array([65536 * 10 // (10 * n + 16) for n in range(_LIMIT + 1)], np.int64)
    return squash, stretch.astype(np.int64), pace


class Mixture:
    """What contexts and weights have learned: arrays that compiled loops change.

    Parameters
    ----------
    bits : int
        2^bits places of contexts are told apart; others share.
    """

    def __init__(self, bits: int):
        self.known = np.full(1 << bits, 1 << 31, np.uint32)  # a chance in 22 bits, then how often it was seen
        self.weights = tuple(np.full((sets, INPUTS), _START_WEIGHT, np.int32) for sets in SETS)
        self.times = np.zeros(SETS[0], np.int32)

    def arrays(self) -> tuple[np.ndarray, ...]:
        """As the loops take them."""
        return self.known, *self.weights, self.times


@njit(cache=True, nogil=True)
def mixed(slots, known, weights, inputs, dots, tables):
    """The chance of a 1, of 65,536; fills `inputs` and `dots`, from which `learn` goes on.

    Parameters
    ----------
    slots : int64 (CONTEXTS,)
        Places in `known`, -1 for a context that knows nothing here.
    weights : tuple of three int32 (INPUTS,)
        Of the chosen sets.
    """
    squash, stretch, _ = tables
    one, two, three = weights
    a, b, c = np.int64(0), np.int64(0), np.int64(0)
    for i in range(CONTEXTS):
        value = np.int64(0)
        if slots[i] >= 0:
            place = np.int64(known[slots[i]])
            if place & 1023:
                value = stretch[place >> 16]
        inputs[i] = value
        a += np.int64(one[i]) * value
        b += np.int64(two[i]) * value
        c += np.int64(three[i]) * value
    inputs[CONTEXTS] = UNIT
    a += np.int64(one[CONTEXTS]) * UNIT
    b += np.int64(two[CONTEXTS]) * UNIT
    c += np.int64(three[CONTEXTS]) * UNIT
    dots[0] = min(max(a >> 16, -REACH), REACH)
    dots[1] = min(max(b >> 16, -REACH), REACH)
    dots[2] = min(max(c >> 16, -REACH), REACH)
    return squash[(dots[0] + dots[1] + dots[2]) // 3 + REACH]


@njit(cache=True, nogil=True)
def learn(bit, slots, known, weights, rates, inputs, dots, tables):
    """Contexts and weights follow what came."""
    squash, _, pace = tables
    goal = (1 << 22) - 1 if bit else 0
    for i in range(CONTEXTS):
        if slots[i] >= 0:
            place = np.int64(known[slots[i]])
            n = place & 1023
            chance = place >> 10
            chance += ((goal - chance) * pace[n]) >> 16
            known[slots[i]] = (chance << 10) | min(n + 1, _LIMIT)
    goal = 65535 if bit else 0
    for which in range(3):
        wrong = (goal - squash[dots[which] + REACH]) * rates[which]
        row = weights[which]
        for i in range(INPUTS):
            row[i] += (inputs[i] * wrong + (1 << 19)) >> 20


# ---------------------------------------------------------------------- the arithmetic coder
@njit(cache=True, nogil=True)
def put(bit, chance, state, out):
    """Writes a bit; `state` is (low, high, -, place)."""
    width = state[1] - state[0]
    middle = state[0] + (width >> 16) * chance + (((width & 0xFFFF) * chance) >> 16)
    if bit:
        state[1] = middle
    else:
        state[0] = middle + 1
    while (state[0] ^ state[1]) & 0xFF000000 == 0:
        out[state[3]] = state[1] >> 24
        state[3] += 1
        state[0] = (state[0] << 8) & _MASK
        state[1] = ((state[1] << 8) & _MASK) | 255


@njit(cache=True, nogil=True)
def get(chance, state, data):
    """Reads a bit; `state` is (low, high, read, place). Past the end there are zeros."""
    width = state[1] - state[0]
    middle = state[0] + (width >> 16) * chance + (((width & 0xFFFF) * chance) >> 16)
    bit = state[2] <= middle
    if bit:
        state[1] = middle
    else:
        state[0] = middle + 1
    while (state[0] ^ state[1]) & 0xFF000000 == 0:
        state[0] = (state[0] << 8) & _MASK
        state[1] = ((state[1] << 8) & _MASK) | 255
        byte = np.int64(data[state[3]]) if state[3] < len(data) else np.int64(0)
        state[2] = ((state[2] << 8) & _MASK) | byte
        state[3] += 1
    return 1 if bit else 0


def start(data: bytes | None = None) -> np.ndarray:
    """The state of a coder before its first bit; with `data`, of a decoder."""
    state = np.array([0, _MASK, 0, 0], np.int64)
    if data is not None:
        state[2] = int.from_bytes(data[:4].ljust(4, b"\0"), "big")
        state[3] = 4
    return state


def ended(state: np.ndarray, out: np.ndarray) -> bytes:
    """What was written, in the fewest bytes that a decoder reads the same: behind them it reads zeros."""
    low, high, at = int(state[0]), int(state[1]), int(state[3])
    tail = b""
    if low:
        for kept in range(1, 5):
            shift = 8 * (4 - kept)
            value = -(-low >> shift) << shift
            if value <= high:
                tail = value.to_bytes(4, "big")[:kept]
                break
    return (out[:at].tobytes() + tail).rstrip(b"\0")
