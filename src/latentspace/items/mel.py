"""Sound <-> its loudness in mel bands: a bank of triangular filters, and the way back to a power spectrum.

A mel spectrogram says how loud a sound is, in decibels, in bands as wide as the ear's, frame by frame. It forgets the
spectrum inside a band, which `Mel.spread` guesses, and the phase, which `phase.py` finds again.
"""

import numpy as np
from scipy import sparse

from . import stft

QUIETEST = -140.0  # decibels: what nothing at all reads as
_NOTHING = np.float32(10 ** (QUIETEST / 10))
_UPDATES = 60  # of `spread`: a third as many cost 0.1 dB


class Mel:
    """Measures loudness in mel bands.

    Parameters
    ----------
    rate : int
        Samples a second.
    hop : int
        Samples from one frame to the next; a frame is a Hann window of four hops.
    bands : int
        Filters between 0 Hz and half the rate.
    """

    def __init__(self, rate: int, hop: int, bands: int):
        self.rate = rate
        self.hop = hop
        self.bands = bands
        weights = filters(rate, stft.OVERLAP * hop, bands)
        reach = np.maximum(weights.sum(axis=0), np.finfo(np.float32).tiny)
        # A bin lies in two bands at most: a sparse product takes an eighth of the dense one's time.
        self._up = sparse.csr_array(weights)  # (bands, bins)
        self._down = sparse.csr_array(np.ascontiguousarray((weights / reach).T))  # (bins, bands)

    def decibels(self, samples: np.ndarray) -> np.ndarray:
        """Samples to loudness.

        Parameters
        ----------
        samples : float32 array of shape (frames * hop,)
            Full scale is 1.

        Returns
        -------
        float32 array of shape (bands, frames)
            Decibels: about 0 for a sine of full scale, -140 for silence.
        """
        spectra = stft.spectra(samples, self.hop)
        power = self._up @ (np.square(spectra.real) + np.square(spectra.imag)).T
        # Twice: the logarithm of the least power is a last bit below the least loudness on some processors.
        return np.maximum(10 * np.log10(np.maximum(power, _NOTHING)), np.float32(QUIETEST))

    def spread(self, power: np.ndarray) -> np.ndarray:
        """Finds a spectrum that has these powers in its bands.

        Multiplicative updates for the Kullback-Leibler divergence (Lee and Seung, 2001), from one that is flat inside
        each band: nothing falls below zero, and a partial between two bands gets the frequency that their ratio tells.

        Parameters
        ----------
        power : float32 array of shape (bands, frames)

        Returns
        -------
        float32 array of shape (frames, bins)
            Powers, with bins from 0 Hz to half the rate.
        """
        spectrum = np.ones((power.shape[1], self._up.shape[1]), np.float32)
        for _ in range(_UPDATES):
            spectrum *= self.correction(power, spectrum)
        return spectrum

    def correction(self, power: np.ndarray, spectrum: np.ndarray) -> np.ndarray:
        """Returns the factor (frames, bins) by which one update brings a power spectrum nearer to its bands' powers."""
        ratio = power / np.maximum(self._up @ spectrum.T, _NOTHING)
        return np.ascontiguousarray((self._down @ ratio).T)


def filters(rate: int, window: int, bands: int) -> np.ndarray:
    """Makes triangles with a peak of 1, equally far apart in mels, each reaching to its neighbours' centres.

    Between the first centre and the last they add up to 1, so no power is lost or counted twice.

    Parameters
    ----------
    rate : int
        Samples a second.
    window : int
        Samples in a frame.
    bands : int
        Number of filters.

    Returns
    -------
    float32 array of shape (bands, window // 2 + 1)

    References
    ----------
    Young et al., "The HTK book", 2006, section 5.4.
    """
    edges = to_hertz(np.linspace(0, to_mels(rate / 2), bands + 2))
    bins = np.arange(window // 2 + 1) * (rate / window)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def centres(rate: int, bands: int) -> np.ndarray:
    """Centre frequencies of the filters, float64 (bands,), in Hz."""
    return to_hertz(np.linspace(0, to_mels(rate / 2), bands + 2))[1:-1]


def most_bands(rate: int, window: int) -> int:
    """The most bands for which each has a bin of the spectrum of its own, even the narrowest, at 0 Hz."""
    return int(to_mels(rate / 2) / to_mels(rate / window)) - 1


def to_mels(hertz):
    """Hz to mels, a scale on which equal steps sound alike: 2595 log10(1 + f / 700) (O'Shaughnessy, 1987).

    It is the one that has bands of 15 Hz at the lowest notes; Slaney's, of 26 Hz, lost the pitch of a tenth of them.

    >>> float(np.round(to_mels(1000.0), 2))
    999.99
    """
    return 2595 * np.log10(1 + np.asarray(hertz, np.float64) / 700)


def to_hertz(mels):
    """Mels to Hz, the inverse of `to_mels`."""
    return 700 * (10 ** (np.asarray(mels, np.float64) / 2595) - 1)
