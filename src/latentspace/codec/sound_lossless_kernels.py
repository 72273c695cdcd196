"""The loops of lossless sounds: predict a sample, code by how much that is wrong, and learn from it.

What is left over is counted in units of 2^k, four to eight of which are usual, in as many questions "more than this?",
each answered with mixed odds; then k bits as they are, and the sign. Units go with the loudness, so that contexts
serve loud and quiet passages alike.
"""

import numpy as np

from . import sound_prediction as prediction
from .compiled import njit
from .sound_bits import WRITES, code, code_large, code_mixed, code_raw, is_past_end, length_of, odds, roomy
from .sound_prediction import EVERY, FILTERS, FRACTION, MOST, OTHER, OWN, PACES

LEAD = MOST  # zeros before the first sample
QUESTIONS = 24  # units that are asked for one by one
_LEVELS, _RATIOS, _SIZES = 96, 32, 6  # of loudness now, against a while ago; of the last two left-overs
_SETS = (0, _LEVELS, _LEVELS + _RATIOS, _LEVELS + _RATIOS + _SIZES**2)
_CONTEXTS = (_SETS[3] + 8 * 8) * QUESTIONS
_MIXED = 4
_SPEED = 6  # at which mixing weights learn
_LOUDEST = 1 << 27  # 256 squares of it still fit into 63 bits
_FRESH, _SLOW = 4, 7  # of loudness: 2^-4 of a sample's and 2^-7
_LARGEST = 1 << 33  # of what is left, also where bytes are damaged
_ROOM = 64  # bytes that a sample takes at most


class Memory:
    """What was learned from samples so far: arrays that the loops change."""

    def __init__(self, channels: int):
        n = OWN + (OTHER if channels > 1 else 0)
        self.known = _first_odds()
        self.mixing = np.full((2, QUESTIONS, _MIXED), 20_000, np.int64)
        self.covariances = np.zeros((channels, n, n), np.int64)
        self.products = np.zeros((channels, n), np.int64)
        self.solution = np.zeros((channels, n), np.int64)
        self.filters = np.zeros((channels, len(FILTERS), MOST), np.int32)
        self.trust = np.full((channels, len(FILTERS) + 1), 1 << 16, np.int64)  # and how large filters' answers are
        self.loudness = np.full((channels, 4), 1 << 12, np.int64)

    def arrays(self) -> tuple[np.ndarray, ...]:
        return (
            self.known, self.mixing, self.covariances, self.products, self.solution, self.filters, self.loudness,
            self.trust,
        )  # fmt: skip


def _first_odds() -> np.ndarray:
    """Odds before anything was heard: where the mean is six units, one more is 6 / 7 likely."""
    known = np.full(_CONTEXTS, (6 << 22) // 7 << 10, np.int64)
    quiet = known[: 48 * QUESTIONS].reshape(48, QUESTIONS)  # below four units, which are then samples themselves
    for level in range(48):
        mean = (8 + level % 8) << level // 8  # of 128
        quiet[level] = (mean << 22) // (128 + mean) << 10
    return known


@njit(cache=True, nogil=True)
def level_of(value):
    """A number's logarithm, in eighths of a doubling, from 1 on."""
    bits = length_of(value)
    return 8 * (bits - 1) + (((value << 3) >> (bits - 1)) & 7)


@njit(cache=True, nogil=True)
def contexts_of(slots, k, loud, beside):
    """Fills in where the odds of "more than 0 units?" are, for each context."""
    level = level_of(max(loud[0] + loud[1], 32) >> 1) - 32
    if k > 0:
        level = 48 + (level & 7)
    slots[0] = level * QUESTIONS
    against = 16 + level_of(max(loud[1], 16)) - level_of(max(loud[0], 16))
    slots[1] = (_SETS[1] + min(max(against, 0), _RATIOS - 1)) * QUESTIONS
    one, two = length_of(loud[2] >> k), length_of(loud[3] >> k)
    slots[2] = (_SETS[2] + min(one, _SIZES - 1) * _SIZES + min(two, _SIZES - 1)) * QUESTIONS
    slots[3] = (_SETS[3] + min(length_of(beside >> k), 7) * 8 + (level & 7)) * QUESTIONS


@njit(cache=True, nogil=True)
def code_left(left, loud, beside, memory, coder, data, work, tables):
    """Writes or reads what a prediction left over, and keeps its size in mind."""
    known, mixing = memory[0], memory[1]
    slots, inputs = work
    k = max(length_of((loud[0] + loud[1]) >> 9) - 3, 0)
    contexts_of(slots, k, loud, beside)
    size = abs(left)
    units = size >> k
    asked = np.int64(0)
    which = 1 if k == 0 else 0
    while asked < QUESTIONS:
        more = code_mixed(
            1 if units > asked else 0, slots, known, mixing[which, asked], inputs, _SPEED, coder, data, tables
        )
        if not more:
            break
        asked += 1
        slots += 1
    if asked == QUESTIONS:
        asked = min(asked + code_large(units - QUESTIONS, coder, data), _LARGEST >> k)
    size = asked << k | code_raw(size & ((1 << k) - 1), k, coder, data)
    negative = size > 0 and code(1 if left < 0 else 0, 1 << 15, coder, data)
    loud[0] += ((size << 8) - loud[0]) >> _FRESH
    loud[1] += ((size << 8) - loud[1]) >> _SLOW
    loud[3] = loud[2]
    loud[2] = size
    return -size if negative else size


@njit(cache=True, nogil=True)
def follow(rest, expects, filters, past, at, energy):
    """Filters learn from what least squares left of a sample, each from what those before it left."""
    for s in range(len(expects)):
        rest = min(max(rest, -_LOUDEST), _LOUDEST)
        past[s, at] = rest
        seen = past[s, at - FILTERS[s] : at]
        prediction.adapt(filters[s, : FILTERS[s]], seen, rest - expects[s], energy[s], PACES[s])
        gone = np.int64(past[s, at - FILTERS[s]])
        energy[s] += rest * rest - gone * gone
        rest -= expects[s]


@njit(cache=True, nogil=True)
def code_sound(x, width, memory, coder, data, tables):
    """Writes or reads x (channels, LEAD + frames), int64, samples of `width` bits behind LEAD zeros.

    Gives the bytes, which may have moved.
    """
    covariances, products, solution, filters, loudness = memory[2], memory[3], memory[4], memory[5], memory[6]
    trust = memory[7]
    channels, end = x.shape
    fraction = FRACTION if width <= 16 else 0
    shrink = max(0, width - 16)
    least, most = -(np.int64(1) << (width - 1)), (np.int64(1) << (width - 1)) - 1
    stages = len(FILTERS)
    past = np.zeros((channels, stages, end), np.int32)
    energy = np.zeros((channels, stages), np.int64)
    n_most = OWN + OTHER
    v, d = np.zeros(n_most, np.int64), np.zeros(n_most, np.int64)
    triangle, u = np.zeros((n_most, n_most), np.int64), np.zeros((n_most, n_most), np.int64)
    expects = np.zeros(stages, np.int64)
    work = (np.zeros(_MIXED, np.int64), np.zeros(_MIXED, np.int64))
    for at in range(LEAD, end):
        if is_past_end(coder, data):
            break
        for c in range(channels):
            data = roomy(data, coder, _ROOM)
            n = prediction.gather(v, x, c, at)
            first = np.int64(0)
            for i in range(n):
                first += solution[c, i] * v[i]
            first >>= 20 - fraction
            total = np.int64(0)
            for s in range(stages):
                expects[s] = prediction.filtered(filters[c, s, : FILTERS[s]], past[c, s, at - FILTERS[s] : at])
                total += trust[c, s] * expects[s]
            total = first + (total >> 16)
            rounded = min(max((total + (1 << fraction >> 1)) >> fraction, least), most)
            beside = loudness[c - 1, 2] if c else loudness[channels - 1, 2]
            left = code_left(x[c, at] - rounded, loudness[c], beside, memory, coder, data, work, tables)
            if not coder[WRITES]:
                x[c, at] = min(max(rounded + left, least), most)
            prediction.observe(covariances[c], products[c], v, n, x[c, at], shrink)
            if at % EVERY == 0:
                prediction.solve(covariances[c], products[c], n, triangle, d, u, solution[c])
            rest = (x[c, at] << fraction) - first
            prediction.weigh(trust[c], expects, (x[c, at] << fraction) - total)
            follow(rest, expects, filters[c], past[c], at, energy[c])
    return data


TABLES = odds()
