"""What a sound's next sample will be, from those before it and from its other channel's, in whole numbers.

First least squares: the best weights for the last samples, older ones counting less, found anew every 32 samples by
Cholesky's way in fixed point. What is left goes through filters that learn from sample to sample (normalised least mean
squares; Widrow and Hoff, 1960), long ones first, each on what the one before it left: Huang, Yu, Rahardja and
Ghido ("Sound-specific lossless compression: RLS-LMS", 2006) do so with floats. Sums of whole numbers have no order, so
all machines agree.
"""

import numpy as np

from .compiled import njit
from .sound_bits import length_of

FRACTION = 4  # bits behind the point of what is predicted
OWN, OTHER = 24, 12  # samples of a channel itself, and of another, that least squares look at
EVERY = 32  # samples from one solution to the next
FADES = 4  # of what was seen before, 1 / 2^FADES is forgotten at each
FILTERS = (256, 32, 16)  # taps
MOST = max(FILTERS)
PACES = (6, 5, 4)  # of the filters: 2^-pace
TRUST = 10  # 2^(TRUST - 16): how fast filters are trusted
_WEIGHT = 20  # bits behind the point of weights
_LARGEST = 1 << 26
_COVARIANCE = 30  # bits that covariances are brought to
_RATIO = 22  # bits behind the point of Cholesky's triangle
_DAMPING = 20  # of the mean square, 1 / 2^DAMPING is taken for noise


@njit(cache=True, nogil=True)
def gather(v, x, c, at):
    """Fills `v` with what least squares look at for channel c's sample x[c, at]; how many numbers that is."""
    for i in range(OWN):
        v[i] = x[c, at - 1 - i]
    if x.shape[0] == 1:
        return OWN
    other = c - 1 if c else x.shape[0] - 1
    newest = at if c else at - 1  # of a channel that comes before, this moment's sample is known
    for i in range(OTHER):
        v[OWN + i] = x[other, newest - i]
    return OWN + OTHER


@njit(cache=True, nogil=True)
def observe(a, b, v, n, sample, shrink):
    """Adds a sample, its lowest bits left out, to covariances a (n, n), their lower triangle, and b (n,)."""
    sample >>= shrink
    for i in range(n):
        v[i] >>= shrink
    for i in range(n):
        vi = v[i]
        for j in range(i + 1):
            a[i, j] += vi * v[j]
        b[i] += vi * sample


@njit(cache=True, nogil=True)
def solve(a, b, n, triangle, d, u, w):
    """Weights w (n,) of the least squares a w = b, by a = L D L^T; and lets what was seen fade."""
    largest = np.int64(1)
    for i in range(n):
        largest = max(largest, a[i, i])
    shift = 0
    while largest >> shift >= 1 << _COVARIANCE:
        shift += 1
    up = 0
    while shift == 0 and largest << up < 1 << (_COVARIANCE - 1):
        up += 1
    noise = (1 << _COVARIANCE >> _DAMPING) + 1
    most = np.int64(1) << 30
    for i in range(n):
        for j in range(i):
            value = (a[i, j] << up) >> shift
            for k in range(j):
                value -= (u[i, k] * triangle[j, k]) >> _RATIO
            u[i, j] = min(max(value, -most), most)
            triangle[i, j] = min(max((u[i, j] << _RATIO) // d[j], -(most << 1)), most << 1)
        value = ((a[i, i] << up) >> shift) + noise
        for k in range(i):
            value -= (u[i, k] * triangle[i, k]) >> _RATIO
        d[i] = max(value, noise)
    for i in range(n):
        value = (b[i] << up) >> shift
        for k in range(i):
            value -= (triangle[i, k] * w[k]) >> _RATIO
        w[i] = min(max(value, -most), most)
    for i in range(n):
        w[i] = min(max((w[i] << _WEIGHT) // d[i], -most), most)
    for i in range(n - 1, -1, -1):
        value = w[i]
        for k in range(i + 1, n):
            value -= (triangle[k, i] * w[k]) >> _RATIO
        w[i] = min(max(value, -_LARGEST), _LARGEST)
    for i in range(n):
        for j in range(i + 1):
            a[i, j] -= a[i, j] >> FADES
        b[i] -= b[i] >> FADES


@njit(cache=True, nogil=True)
def filtered(weights, past):
    """What a filter expects after what it looks at."""
    total = np.int64(0)
    for i in range(len(weights)):
        total += np.int64(weights[i]) * np.int64(past[i])
    return total >> _WEIGHT


@njit(cache=True, nogil=True)
def adapt(weights, past, wrong, energy, pace):
    """A filter learns from by how much it was wrong, in measure of what it looked at."""
    wrong = min(max(wrong, -_LARGEST), _LARGEST)
    # Its own square counts as well: a click after silence would else throw weights far off.
    gain = (wrong << 36) // (energy + wrong * wrong + (len(weights) << 8))
    # In 30 bits, for the processor's own products of two whole numbers of 32.
    cut = min(max(length_of(abs(gain)) - 30, 0), 15 + pace)
    narrow = np.int32(min(max(gain >> cut, -(1 << 30)), 1 << 30))
    shift = 16 + pace - cut
    half = np.int64(1) << (shift - 1)
    for i in range(len(weights)):
        moved = np.int64(weights[i]) + ((np.int64(narrow) * np.int64(past[i]) + half) >> shift)
        weights[i] = min(max(moved, -_LARGEST), _LARGEST)


@njit(cache=True, nogil=True)
def weigh(trust, expects, wrong):
    """Trusts each filter as far as it served; the last of `trust` is how large their answers are, squared."""
    stages = len(expects)
    wrong = min(max(wrong, -_LARGEST), _LARGEST)
    power = np.int64(0)
    for s in range(stages):
        expects[s] = min(max(expects[s], -_LARGEST), _LARGEST)
        power += expects[s] * expects[s]
    trust[stages] += (power - trust[stages]) >> 6
    for s in range(stages):
        moved = trust[s] + ((wrong * expects[s]) << TRUST) // (max(trust[stages], power) + 64)
        trust[s] = min(max(moved, 0), 1 << 17)
