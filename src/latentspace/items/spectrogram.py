"""Samples <-> features: log-mel spectrograms in [0, 1] of one size, and statistics of their frames."""

import math
from collections.abc import Sequence

import numpy as np

from . import phase
from .mel import QUIETEST, Mel, centres

_RANGE = 80.0  # decibels from the loudest down to what counts as silence
_LEAST_RANGE = 20.0  # where all is equally loud
_HEADROOM = 12.0  # decibels above nine sounds in ten: a folder's few broken levels must not push all others down


class Spectrogram:
    """Loudness in mel bands, scaled so that 0 is silence and 1 the loudest.

    Parameters
    ----------
    mel : Mel
        What measures.
    frames : int
        Length of a spectrogram.
    low, high : float
        Decibels that become 0 and 1.
    """

    def __init__(self, mel: Mel, frames: int, low: float, high: float):
        self.mel = mel
        self.frames = frames
        self.low = np.float32(low)
        self.high = np.float32(high)

    def whole(self, samples: np.ndarray) -> np.ndarray:
        """Samples (at most frames * hop,), padded with silence, to float32 (1, bands, frames)."""
        return self._scaled(_padded(samples, self.frames * self.mel.hop))[None]

    def statistics(self, samples: np.ndarray) -> np.ndarray:
        """Samples of any length to the mean, standard deviation and mean change of each band; float32 (3 * bands,)."""
        hop = self.mel.hop
        x = self._scaled(_padded(samples, math.ceil(len(samples) / hop) * hop))
        change = np.abs(np.diff(x, axis=1)).sum(axis=1) / np.float32(max(1, x.shape[1] - 1))
        return np.concatenate([x.mean(axis=1), x.std(axis=1), change])

    def names(self) -> list[str]:
        """Names of the statistics: "mean 440 Hz", "spread 440 Hz", "change 440 Hz"."""
        bands = [f"{centre:.0f} Hz" for centre in centres(self.mel.rate, self.mel.bands)]
        return [f"{what} {band}" for what in ("mean", "spread", "change") for band in bands]

    def sound(self, x: np.ndarray) -> np.ndarray:
        """A spectrogram (1, bands, frames) to samples, float32 (frames * hop,); what is 0 or below is silent."""
        decibels = np.minimum(x[0], 1) * (self.high - self.low) + self.low
        return phase.sound(np.where(x[0] > 0, np.float32(10) ** (decibels / 10), np.float32(0)), self.mel)

    def _scaled(self, samples: np.ndarray) -> np.ndarray:
        return np.clip((self.mel.decibels(samples) - self.low) / (self.high - self.low), 0, 1)


def loudness(mel: Mel, samples: np.ndarray) -> tuple[float, float]:
    """A sound's quietest band, but for a few, and its loudest, in decibels."""
    decibels = mel.decibels(_padded(samples, math.ceil(len(samples) / mel.hop) * mel.hop))
    return float(np.quantile(decibels[decibels > QUIETEST], 0.005)), float(decibels.max())


def common_range(loudnesses: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The decibels from silence to the loudest, for many sounds by their `loudness`.

    The loudest is that of all bands, frames and sounds, but no more than 12 dB above what nine sounds in ten reach.
    Silence is 80 dB below, or less far where half of the sounds have nothing that quiet, so that [0, 1] is used; never
    nearer than 20 dB.
    """
    quietest, loudest = np.array(loudnesses).T
    high = min(float(loudest.max()), float(np.quantile(loudest, 0.9)) + _HEADROOM)
    return min(max(high - _RANGE, float(np.median(quietest))), high - _LEAST_RANGE), high


def _padded(samples: np.ndarray, count: int) -> np.ndarray:
    padded = np.zeros(count, np.float32)  # in a third of the time of np.pad
    padded[: len(samples)] = samples
    return padded
