"""Samples to frequencies and back: the modified discrete cosine transform, and which length of it suits a sound.

Princen and Bradley, "Analysis/synthesis filter bank design based on time domain aliasing cancellation", 1986. With a
sine window it is an orthogonal transform: an error of frequencies is as large in samples.
"""

import numpy as np
from scipy.fft import dct

LENGTHS = (64, 128, 256, 512, 1024, 2048, 4096)  # of frequencies of a moment, from which one is chosen for each sound
ANGLES = 64  # in which two channels can be turned
_BATCH = 4096  # moments at a time
_PIECES, _PIECE = 8, 16_384  # that a length is chosen by, and their samples


def moments_of(frames: int, n: int) -> int:
    """How many moments of n frequencies so many samples have."""
    return -(-frames // n) + 1 if frames else 0


def to_frequencies(x: np.ndarray, n: int) -> np.ndarray:
    """Samples (frames,) to float64 (moments, n)."""
    count = moments_of(len(x), n)
    padded = np.zeros((count + 1) * n)
    padded[n : n + len(x)] = x
    window = np.sin(np.pi / (2 * n) * (np.arange(2 * n) + 0.5))
    halves = padded.reshape(-1, n)
    out = np.empty((count, n))
    for start in range(0, count, _BATCH):
        stop = min(count, start + _BATCH)
        first, second = halves[start:stop] * window[:n], halves[start + 1 : stop + 1] * window[n:]
        a, b = first[:, : n // 2], first[:, n // 2 :]
        c, d = second[:, : n // 2], second[:, n // 2 :]
        folded = np.concatenate([-c[:, ::-1] - d, a - b[:, ::-1]], axis=1)
        out[start:stop] = dct(folded, type=4, norm="ortho", axis=1)
    return out


def to_samples(frequencies: np.ndarray, frames: int) -> np.ndarray:
    """What `to_frequencies` was given, float64 (frames,)."""
    count, n = frequencies.shape
    window = np.sin(np.pi / (2 * n) * (np.arange(2 * n) + 0.5))
    out = np.zeros((count + 1, n))
    for start in range(0, count, _BATCH):
        stop = min(count, start + _BATCH)
        folded = dct(frequencies[start:stop], type=4, norm="ortho", axis=1)
        left, right = folded[:, : n // 2], folded[:, n // 2 :]
        out[start:stop] += np.concatenate([right, -right[:, ::-1]], axis=1) * window[:n]
        out[start + 1 : stop + 1] += np.concatenate([-left[:, ::-1], -left], axis=1) * window[n:]
    return out.ravel()[n : n + frames]


def suited_length(x: np.ndarray, step: float) -> int:
    """The length whose frequencies cost fewest bits, about, at a step; `x` is (channels, frames)."""
    frames = x.shape[1]
    if frames > _PIECES * _PIECE:  # of a long sound, pieces spread over it tell as much
        starts = np.linspace(0, frames - _PIECE, _PIECES).astype(int)
        x = np.concatenate([x[:, start : start + _PIECE] for start in starts], axis=1)
    costs = {}
    for n in LENGTHS:
        if n > LENGTHS[0] and n > 2 * frames:
            continue
        costs[n] = sum(float(np.log2(1 + (to_frequencies(row, n) / step) ** 2).sum()) for row in x)
    return min(costs, key=lambda n: costs[n])


def suited_angle(x: np.ndarray) -> int:
    """By how many 64ths of half a turn two channels (2, frames) are turned, so that one holds most of the sound."""
    covariance = x @ x.T
    angle = 0.5 * np.arctan2(2 * covariance[0, 1], covariance[0, 0] - covariance[1, 1])
    return int(np.rint(angle / np.pi * ANGLES)) % ANGLES


def turned(x: np.ndarray, angle: int, back: bool = False) -> np.ndarray:
    """Two channels (2, frames) turned."""
    a = np.pi * angle / ANGLES
    matrix = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    return (matrix.T if back else matrix) @ x
