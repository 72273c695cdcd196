"""The pitch of a note, to check that it is kept: YIN over frames, and the loud frames' median."""

import numpy as np
from scipy import fft


def fundamental(samples: np.ndarray, rate: int, lowest: float = 25.0, highest: float = 4500.0) -> float:
    """Returns the pitch in Hz (de Cheveigne and Kawahara, "YIN", 2002); nan for silence."""
    size = int(0.12 * rate)
    starts = range(0, max(1, len(samples) - size), size // 2)
    frames = [np.asarray(samples[start : start + size], np.float64) for start in starts]
    power = np.array([float(np.mean(frame**2)) for frame in frames])
    loud = [i for i in range(len(frames)) if power[i] > 0.05 * power.max()]
    if not loud:
        return float("nan")
    pitches = np.array([_pitch(frames[i], rate, lowest, highest) for i in loud])
    order = np.argsort(pitches)
    share = np.cumsum(power[loud][order])
    return float(pitches[order][np.searchsorted(share, share[-1] / 2)])


def _pitch(frame: np.ndarray, rate: int, lowest: float, highest: float) -> float:
    longest = min(int(rate / lowest), len(frame) // 2)
    shortest = int(rate / highest)
    size = len(frame) - longest
    length = fft.next_fast_len(len(frame) + size, real=True)
    products = fft.irfft(fft.rfft(frame, length) * np.conj(fft.rfft(frame[:size], length)), length)[:longest]
    sums = np.concatenate([[0.0], np.cumsum(frame**2)])
    energies = sums[size : size + longest] - sums[:longest]
    difference = energies[0] + energies - 2 * products
    normal = difference * np.arange(longest) / np.maximum(np.cumsum(difference), 1e-12)
    under = np.flatnonzero(normal[shortest:] < 0.15)
    if len(under):
        lag = shortest + int(under[0])
        while lag + 1 < longest and normal[lag + 1] < normal[lag]:
            lag += 1
    else:
        lag = shortest + int(np.argmin(normal[shortest:]))
    if not 0 < lag < longest - 1:
        return rate / lag
    before, at, after = normal[lag - 1 : lag + 2]
    curve = before - 2 * at + after
    return rate / (lag + (0.5 * (before - after) / curve if curve > 0 else 0.0))


def cents(pitch: float, other: float) -> float:
    """The interval between two pitches: 100 a semitone, 1,200 an octave."""
    return 1200 * float(np.log2(pitch / other))
