"""Phases for magnitudes: a sound whose loudness in mel bands is the one asked for.

A spectrogram without phases fits many signals. The search starts from phases that the magnitudes' own slopes tell, and
then goes back and forth between two sets, with momentum: spectra that belong to some signal, and spectra with the right
power in every band. Since only the bands' powers are given, only those are set: the spectrum inside a band is free to
become that of a signal.
"""

import numpy as np

from . import stft
from .mel import Mel

_ROUNDS = 32
_MOMENTUM = np.float32(0.9)
_SLOPE = 0.25645 * stft.OVERLAP  # of the Gaussian nearest to a Hann window, in bins and hops (Prusa et al., table I)
_FLOOR = 1e-6  # of the largest magnitude: 120 dB below it, slopes are those of rounding errors


def sound(power: np.ndarray, mel: Mel, rounds: int = _ROUNDS) -> np.ndarray:
    """Powers in mel bands to samples.

    Parameters
    ----------
    power : float32 array of shape (bands, frames)
        As `10 ** (mel.decibels(samples) / 10)`.
    mel : Mel
        The measures that they were taken with.
    rounds : int, default=32
        Turns of the search; twice as many bring the loudness of bands from 0.31 to 0.26 dB of what was asked for.

    Returns
    -------
    float32 array of shape (frames * hop,)

    References
    ----------
    Perraudin, Balazs and Sondergaard, "A fast Griffin-Lim algorithm", 2013; Griffin and Lim, "Signal estimation from
    modified short-time Fourier transform", 1984.
    """
    magnitudes = np.sqrt(mel.spread(power))
    wanted = magnitudes * np.exp(1j * phases(magnitudes))
    before = None
    for _ in range(rounds):
        real = stft.spectra(stft.samples_of(wanted, mel.hop), mel.hop)
        ahead = real if before is None else real + _MOMENTUM * (real - before)
        before = real
        gain = mel.correction(power, np.square(ahead.real) + np.square(ahead.imag))
        wanted = ahead * np.sqrt(gain)
    return stft.samples_of(wanted, mel.hop)


def phases(magnitudes: np.ndarray) -> np.ndarray:
    """First phases for magnitudes, frame after frame.

    Every peak turns on from where it was, at the frequency that the slope of the logarithm at the peak tells; the bins
    around it keep the distances that the slope over time tells. It is phase gradient integration without its heap:
    along time at the peaks, along frequency around them, so that a frame is a few vector operations.

    Parameters
    ----------
    magnitudes : float32 array of shape (frames, bins)

    Returns
    -------
    float32 array of shape (frames, bins)
        Radians.

    References
    ----------
    Prusa, Balazs and Sondergaard, "A noniterative method for reconstruction of phase from STFT magnitude", 2017;
    Beauregard, Harish and Wyse, "Single pass spectrogram inversion", 2015.
    """
    bins = np.arange(magnitudes.shape[1])
    floor = max(_FLOOR * float(magnitudes.max()), float(np.finfo(np.float32).tiny))
    logs = np.log(np.maximum(magnitudes, floor))
    advance = np.gradient(logs, axis=1) / _SLOPE + (2 * np.pi / stft.OVERLAP) * bins  # radians from frame to frame
    across = np.zeros(logs.shape)  # radians from bin to bin: minus pi, for a window begins where its frame does
    if len(logs) > 1:
        across -= np.gradient(logs, axis=0) * _SLOPE
    across = np.cumsum(across - np.pi, axis=1)
    found = np.zeros(magnitudes.shape, np.float32)
    phase, before = np.zeros(len(bins)), advance[0]
    for frame, row, step, offset in zip(found, magnitudes, advance, across, strict=True):
        inner = row[1:-1]
        peaks = np.flatnonzero((inner > row[:-2]) & (inner >= row[2:])) + 1
        if len(peaks):
            nearest = np.searchsorted((peaks[1:] + peaks[:-1] + 1) // 2, bins, side="right")
            turned = phase[peaks] + (step[peaks] + before[peaks]) / 2
            phase = (turned[nearest] + offset - offset[peaks[nearest]]) % (2 * np.pi)
        before = step
        frame[:] = phase
    return found
