"""The coder's innermost loops, compiled by numba: a front's coefficients, one after the other, with their coding.

They do in whole numbers what `pictures_mixture` and `entropy` do, in the same order, and so give and read the same
bytes. They hold no lock of Python's: threads run side by side.
"""

from math import log2

import numpy as np

from .compiled import njit
from .frequencies import PRECISION, TOTAL
from .pictures_mixture import _EDGE, _HIGHEST, _INVERSE, _LOWEST, _ONE, _SIGMOID, _WEIGHT, MIXTURE

_MOST_HIDDEN = 1023
_LARGEST = 2047  # of a coefficient in whole grey levels
_WORD = 16
_FIRST_WORD = 1 << 24  # of a state, once words are written
_TOP = 24


@njit(cache=True, nogil=True)
def _mixture(hidden, seen, j, chain, last, last_bias, third_power, power, sums, out, mixture):
    """Fills `mixture` (3, 3) with weights, means and inverse scales of one coefficient; the weights' sum.

    Products of float32 are exact here: `pictures_network` has checked that no sum passes 2^24.
    """
    sums[:] = 0
    for i in range(j):
        value = seen[i]
        if value != 0:
            for h in range(len(sums)):
                sums[h] += value * chain[j, i, h]
    out[:] = 0
    half = 1 << third_power >> 1
    for h in range(len(sums)):
        unit = (np.int64(hidden[h]) + np.int64(sums[h]) + half) >> third_power
        if unit > 0:
            value = np.float32(min(unit, _MOST_HIDDEN))
            for o in range(3 * MIXTURE):
                out[o] += value * last[j, h, o]
    largest = np.int64(out[0]) + last_bias[j, 0] >> power + 2
    for i in range(1, MIXTURE):
        largest = max(largest, np.int64(out[i]) + last_bias[j, i] >> power + 2)
    total = np.int64(0)
    for i in range(MIXTURE):
        logit = np.int64(out[i]) + last_bias[j, i] >> power + 2
        mixture[0, i] = _WEIGHT[min(largest - logit, 255)]
        total += mixture[0, i]
        mean = np.int64(out[MIXTURE + i]) + last_bias[j, MIXTURE + i]
        mixture[1, i] = mean << 4 >> power
        scale = np.int64(out[2 * MIXTURE + i]) + last_bias[j, 2 * MIXTURE + i] >> power + 2
        mixture[2, i] = _INVERSE[min(max(scale, _LOWEST), _HIGHEST) - _LOWEST]
    return total << _ONE


@njit(cache=True, nogil=True)
def _low(k, mixture, total, eighths, least, most):
    """The place where value k begins."""
    if k <= least:
        return np.int64(0)
    if k > most:
        return np.int64(TOTAL)
    edge = (2 * k - 1) * eighths
    mass = np.int64(0)
    for i in range(MIXTURE):
        at = (edge - mixture[1, i]) * mixture[2, i] >> 20
        mass += mixture[0, i] * _SIGMOID[min(max(at, -_EDGE), _EDGE) + _EDGE]
    return mass * (TOTAL - (most - least + 1)) // total + (k - least)


@njit(cache=True, nogil=True)
def _guess(mixture, eighths, least, most):
    heaviest = 0
    for i in range(1, MIXTURE):
        if mixture[0, i] > mixture[0, heaviest]:
            heaviest = i
    k = (mixture[1, heaviest] + eighths) // (2 * eighths)
    return min(max(k, least), most)


@njit(cache=True, nogil=True)
def write_front(hidden, wanted, order, told, slope, k, seen, starts, widths, spent):
    """Chooses the values of a front's m blocks.

    `hidden` is int32 (m, p, narrow), `wanted` float32 (m, p) coefficients in steps, `order` (m,) the pairs in the order
    in which they are coded, `told` the network's layers, their powers, the step and all ranges. Fills `k` int32 and
    `seen` float32 (m, p), `starts` and `widths` int32 (p, m) in that order, and adds each block's bits to `spent` (m,).
    """
    chain, last, last_bias, powers, eighths, least, most = told
    m, p = wanted.shape
    sums, out = np.empty(hidden.shape[2], np.float32), np.empty(3 * MIXTURE, np.float32)
    mixture = np.empty((3, MIXTURE), np.int64)
    for j in range(p):
        for t in range(m):
            q = order[t]
            total = _mixture(hidden[q, j], seen[q], j, chain, last, last_bias, powers[0], powers[1], sums, out, mixture)
            at = np.float64(wanted[q, j])
            value = min(max(np.int64(np.rint(at)), least[j]), most[j])
            # Of 0 the next one nearer to zero is none.
            other = value - 1 if value > 0 else value + 1
            low = _low(value, mixture, total, eighths, least[j], most[j])
            width = _low(value + 1, mixture, total, eighths, least[j], most[j]) - low
            bits = PRECISION - log2(width)
            if value != 0:
                other_low = _low(other, mixture, total, eighths, least[j], most[j])
                other_width = _low(other + 1, mixture, total, eighths, least[j], most[j]) - other_low
                other_bits = PRECISION - log2(other_width)
                cost, other_cost = (at - value) ** 2 + slope * bits, (at - other) ** 2 + slope * other_bits
                # Where both cost the same, the smaller one.
                if other_cost < cost or (other_cost == cost and other < value):
                    value, low, width, bits = other, other_low, other_width, other_bits
            first = _low(_guess(mixture, eighths, least[j], most[j]), mixture, total, eighths, least[j], most[j])
            k[q, j] = value
            seen[q, j] = min(max(value * eighths + 4 >> 3, -_LARGEST), _LARGEST)
            starts[j, t] = (low - first) % TOTAL
            widths[j, t] = width
            spent[q] += bits


@njit(cache=True, nogil=True)
def read_front(hidden, order, lanes, told, k, seen, string):
    """Reads the values of a front's m blocks, which are on `lanes` (m,): fills `k` and `seen`.

    `string` are a `LaneDecoder`'s arrays.
    """
    chain, last, last_bias, powers, eighths, least, most = told
    states, words, at, ends = string
    m, p = k.shape
    sums, out = np.empty(hidden.shape[2], np.float32), np.empty(3 * MIXTURE, np.float32)
    mixture = np.empty((3, MIXTURE), np.int64)
    for j in range(p):
        lowest, highest = least[j], most[j]
        for t in range(m):
            q = order[t]
            total = _mixture(hidden[q, j], seen[q], j, chain, last, last_bias, powers[0], powers[1], sums, out, mixture)
            value = _guess(mixture, eighths, lowest, highest)
            low = first = _low(value, mixture, total, eighths, lowest, highest)
            end = _low(value + 1, mixture, total, eighths, lowest, highest)
            state = states[lanes[q]]
            slot = ((state & 0xFFFF) + first) % TOTAL
            if slot < low or slot >= end:
                value = _found(slot, value, low, mixture, total, eighths, lowest, highest)
                low = _low(value, mixture, total, eighths, lowest, highest)
                end = _low(value + 1, mixture, total, eighths, lowest, highest)
            k[q, j] = value
            seen[q, j] = min(max(value * eighths + 4 >> 3, -_LARGEST), _LARGEST)
            state = (end - low) * (state >> _WORD) + (state & 0xFFFF) - (low - first) % TOTAL
            lane = lanes[q]
            if state < _FIRST_WORD and at[lane] < ends[lane]:
                state = state << _WORD | words[at[lane]]
                at[lane] += 1
            states[lane] = state


@njit(cache=True, nogil=True)
def _found(slot, value, low, mixture, total, eighths, least, most):
    """The value whose share holds a slot, from one that is not it: away by 1, 2, 4, ..., then by halves."""
    if slot < low:
        above, away = value, 1
        below = value - 1
        while below > least and _low(below, mixture, total, eighths, least, most) > slot:
            above, away = below, 2 * away
            below = max(least, value - away)
    else:
        below, away = value + 1, 1
        above = value + 2
        while above <= most and _low(above, mixture, total, eighths, least, most) <= slot:
            below, away = above, 2 * away
            above = min(most + 1, value + 1 + away)
    while above - below > 1:
        middle = (below + above) >> 1
        if _low(middle, mixture, total, eighths, least, most) <= slot:
            below = middle
        else:
            above = middle
    return below


@njit(cache=True, nogil=True)
def push_back(states, lanes, order, starts, widths, who, spilled):
    """Codes a front, the last symbol first, into `states` (n,); how many words it spilled into `who` and `spilled`."""
    p, m = starts.shape
    count = 0
    for j in range(p - 1, -1, -1):
        for t in range(m - 1, -1, -1):
            lane, width = lanes[order[t]], np.int64(widths[j, t])
            state = states[lane]
            if state >= width << _TOP:
                who[count], spilled[count] = lane, state & 0xFFFF
                count += 1
                state >>= _WORD
            states[lane] = (state // width << PRECISION) + state % width + starts[j, t]
    return count
