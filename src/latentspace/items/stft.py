"""The short-time Fourier transform and its inverse: samples <-> spectra of overlapping frames."""

from functools import lru_cache

import numpy as np
from scipy import fft

OVERLAP = 4  # frames that a sample lies in: with fewer, magnitudes tell too little of the phases


def spectra(samples: np.ndarray, hop: int) -> np.ndarray:
    """Samples to spectra.

    Frame t is centred on the middle of hop t, under a Hann window of four hops; beyond the ends there is silence.

    Parameters
    ----------
    samples : float32 array of shape (frames * hop,)
        Full scale is 1.
    hop : int
        Samples from one frame to the next.

    Returns
    -------
    complex64 array of shape (frames, 2 * hop + 1)
        In the unit in which the squares of a sine's bins add up to the square of its amplitude.
    """
    window, scale, _ = _measures(hop)
    edge = (len(window) - hop) // 2
    padded = np.zeros(len(samples) + len(window) - hop, np.float32)
    padded[edge : edge + len(samples)] = samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, len(window))[::hop]
    return fft.rfft(frames * (window * scale), axis=1)


def samples_of(spectra: np.ndarray, hop: int) -> np.ndarray:
    """Spectra (frames, 2 * hop + 1) to samples (frames * hop,): the signal whose spectra are nearest in squares.

    For spectra that are those of a signal, that signal (Griffin and Lim, 1984).
    """
    window, scale, cover = _measures(hop)
    count = len(spectra)
    pieces = fft.irfft(spectra, n=len(window), axis=1) * (window / scale)
    total = np.zeros((count + OVERLAP - 1, hop), np.float32)
    weight = np.zeros_like(total)
    for part in range(OVERLAP):
        total[part : part + count] += pieces[:, part * hop : (part + 1) * hop]
        weight[part : part + count] += cover[part * hop : (part + 1) * hop]
    edge = (len(window) - hop) // 2
    whole = slice(edge, edge + count * hop)
    return total.ravel()[whole] / weight.ravel()[whole]


@lru_cache(maxsize=8)
def _measures(hop: int) -> tuple[np.ndarray, np.float32, np.ndarray]:
    """The window, the factor that gives spectra their unit, and what each sample of a frame adds to the cover."""
    count = OVERLAP * hop
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(count) / count)).astype(np.float32)
    cover = np.square(window)
    scale = np.float32(2 / np.sqrt(count * cover.sum(dtype=np.float64)))
    return window, scale, cover
