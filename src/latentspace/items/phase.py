"""Phases for magnitudes: a sound whose loudness in mel bands is the one asked for.

A spectrogram without phases fits many signals. The search starts from the phases that sines at the spectrum's peaks
would have, and then goes back and forth between two sets, with momentum: spectra that belong to some signal, and
spectra with the right power in every band. Since only the bands' powers are given, only those are set, and the
spectrum inside a band is free to become that of a signal.
"""

import numpy as np

from . import stft
from .mel import Mel

_ROUNDS = 32
_MOMENTUM = 0.99  # as in the paper: half the error of none for the same rounds


def sound(power: np.ndarray, mel: Mel, rounds: int = _ROUNDS) -> np.ndarray:
    """Powers in mel bands to samples.

    Parameters
    ----------
    power : float32 array of shape (bands, frames)
        As `10 ** (mel.decibels(samples) / 10)`.
    mel : Mel
        The measures that they were taken with.
    rounds : int, default=32
        Turns of the search.

    Returns
    -------
    float32 array of shape (frames * hop,)

    References
    ----------
    Perraudin, Balazs and Sondergaard, "A fast Griffin-Lim algorithm", 2013; Griffin and Lim, 1984.
    """
    spectrum = mel.spread(power)
    wanted = np.sqrt(spectrum) * np.exp(1j * phases(np.sqrt(spectrum)))
    before = None
    for _ in range(rounds):
        real = stft.spectra(stft.samples_of(wanted, mel.hop), mel.hop)
        ahead = real if before is None else real + np.float32(_MOMENTUM) * (real - before)
        before = real
        gain = mel.correction(power, np.square(ahead.real) + np.square(ahead.imag))
        wanted = ahead * np.sqrt(gain)
    return stft.samples_of(wanted, mel.hop)


def phases(magnitudes: np.ndarray) -> np.ndarray:
    """First phases for magnitudes, frame after frame: a peak turns on at its own frequency, and its slopes with it.

    Parameters
    ----------
    magnitudes : float32 array of shape (frames, bins)

    Returns
    -------
    float32 array of shape (frames, bins)
        Radians.

    References
    ----------
    Beauregard, Harish and Wyse, "Single pass spectrogram inversion", 2015.
    """
    count = magnitudes.shape[1]
    bins = np.arange(count)
    turns = np.zeros(count)  # full turns: they stay exact where radians would have to be wrapped
    found = np.empty(magnitudes.shape, np.float32)
    for frame, row in zip(found, magnitudes, strict=True):
        inner = row[1:-1]
        peaks = np.flatnonzero((inner > row[:-2]) & (inner >= row[2:])) + 1
        if len(peaks):
            left, top, right = row[peaks - 1], row[peaks], row[peaks + 1]
            offset = 0.5 * (left - right) / (left - 2 * top + right)  # of a parabola's top; its curve is below zero
            after = (turns[peaks] + (peaks + offset) / stft.OVERLAP) % 1  # a bin turns once in a window of four hops
            nearest = np.searchsorted((peaks[1:] + peaks[:-1] + 1) // 2, bins, side="right")
            # Under a window that begins at its frame, the bins of one sine alternate in sign.
            turns = (after[nearest] + 0.5 * ((bins - peaks[nearest]) % 2)) % 1
        frame[:] = turns
    return found * np.float32(2 * np.pi)
