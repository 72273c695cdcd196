"""Mixtures of logistics in whole numbers: the place and the share of every quantised value, the same on any machine."""

import numpy as np

from .frequencies import PRECISION, TOTAL

MIXTURE = 3
_EDGE = 2048  # 16 scales: beyond it a logistic is 0 or 1
_LOWEST, _HIGHEST = -112, 48  # scales of a logistic: 64 exp(i / 16) grey levels
_ONE = 24  # bits of a cumulative probability

# The tables' entries are far enough from halves that no rounding of exp can change one; a test looks.
_SIGMOID = np.rint(2.0**_ONE / (1 + np.exp(-np.arange(-_EDGE, _EDGE + 1) / 128))).astype(np.int64)
_WEIGHT = np.rint(2.0**12 * np.exp(-np.arange(256) / 16)).astype(np.int64)
_INVERSE = np.rint(2.0**23 / (64 * np.exp(np.arange(_LOWEST, _HIGHEST + 1) / 16))).astype(np.int64)


class Mixtures:
    """Distributions over the whole numbers from `least` to `most`, of m coefficients.

    F(k) = sum_i w_i sigmoid(((k - 1/2) step - mean_i) / scale_i) is shared out over 2^16 less one for every value,
    plus one
    for every value before: so each has a share of at least 2^-16.

    Parameters
    ----------
    out : int32 (m, 9)
        Logarithms of weights, means, logarithms of scales, in 2^(6 + power)-ths of a nat, of 64 grey levels, of a nat.
    power : int
    eighths : int
        The step, in eighths of a grey level.
    least, most : int
    """

    def __init__(self, out: np.ndarray, power: int, eighths: int, least: int, most: int):
        logits = out[:, :MIXTURE] >> (power + 2)  # in 16ths
        self._weights = _WEIGHT[np.minimum(logits.max(axis=1, keepdims=True) - logits, 255)]
        self._means = (out[:, MIXTURE : 2 * MIXTURE].astype(np.int64) << 4) >> power  # in 16ths of a grey level
        scales = np.clip(out[:, 2 * MIXTURE :] >> (power + 2), _LOWEST, _HIGHEST) - _LOWEST
        self._inverses = _INVERSE[scales]
        self._sum = self._weights.sum(axis=1) << _ONE
        self._eighths, self._least, self._most = eighths, least, most
        self._spread = TOTAL - (most - least + 1)

    def low(self, k: np.ndarray, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """The place where value k begins, of least to most + 1, for some of the coefficients."""
        edges = (2 * k - 1) * self._eighths
        at = ((edges[:, None] - self._means[rows]) * self._inverses[rows]) >> 20
        mass = (self._weights[rows] * _SIGMOID[np.clip(at, -_EDGE, _EDGE) + _EDGE]).sum(axis=1)
        place = mass * self._spread // self._sum[rows] + (k - self._least)
        return np.where(k <= self._least, 0, np.where(k > self._most, TOTAL, place))

    def guess(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Nearly each one's likeliest value: what its heaviest logistic is centred on; its place and its end."""
        heaviest = self._weights.argmax(axis=1)
        mean = self._means[np.arange(len(heaviest)), heaviest]
        k = np.clip((mean + self._eighths) // (2 * self._eighths), self._least, self._most)
        return k, self.low(k), self.low(k + 1)

    def find(
        self, slots: np.ndarray, rows: np.ndarray, guess: tuple[np.ndarray, np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The values whose shares hold these numbers, for some of the coefficients; each one's place and its end."""
        k, low, high = (part[rows] for part in guess)
        rest = np.flatnonzero((slots < low) | (slots >= high))
        if rest.size:
            wanted, who = slots[rest], rows[rest]
            under = wanted < low[rest]
            below = np.where(under, self._least, k[rest] + 1)  # a value whose place is not above
            above = np.where(under, k[rest], self._most + 1)  # and one whose place is
            near = 1  # most are a step or two away
            while (above - below > 1).any():
                half = (below + above) >> 1
                middle = np.where(under, np.maximum(above - near, half), np.minimum(below + near, half))
                right = self.low(middle, who) <= wanted
                below, above = np.where(right, middle, below), np.where(right, above, middle)
                near *= 2
            k[rest], low[rest], high[rest] = below, self.low(below, who), self.low(below + 1, who)
        return k, low, high


def bits_of(width: np.ndarray) -> np.ndarray:
    """Bits of symbols with these shares of 2^16."""
    return PRECISION - np.log2(width)
