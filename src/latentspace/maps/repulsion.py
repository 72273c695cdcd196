"""What pushes all items of a t-SNE map apart: a convolution with the Student kernel, on a grid, by Fourier transform.

    Z = sum over i and j != i of 1 / (1 + |y_i - y_j|^2)
    force_i = sum over j of (y_i - y_j) / (1 + |y_i - y_j|^2)^2

Linderman et al., "Fast interpolation-based t-SNE for improved visualization of single-cell RNA-seq data", 2019, with a
lighter grid: items are spread over its nodes by cubic B-splines, which are as near with 2 nodes a unit as their
parabolas with 3; one charge instead of four, since the force is a convolution itself; Z needs no way back (Parseval);
and the nodes keep their distance while the map grows, so that the kernel is transformed again only when the grid is.
"""

import numpy as np
from scipy import fft

from .tsne_kernels import bounds, spread

_SHARES = 4  # of the items, each spread over a grid of its own: as many threads have work, and the sum keeps its order
_MARGIN = 3  # nodes beyond the outermost item, which splines reach
_GROWTH = 1.1  # of a side when the map no longer fits
_FEWEST = 24  # nodes along a side
_DIMS = 2
_LONGEST = 2000  # nodes along a side; a map that is wider gets a wider grid


class Repulsion:
    """Z and the forces of items at y (n, 2) upon one another.

    Parameters
    ----------
    spacing : float
        Distance of two nodes, in the map's unit.
    threads : int
    """

    def __init__(self, spacing: float, threads: int):
        self._spacing, self._threads = spacing, threads
        self._shape: tuple[int, ...] = (0, 0)

    @property
    def inverse(self) -> np.float32:
        """Nodes a unit."""
        return np.float32(1 / self._spacing)

    @property
    def row(self) -> int:
        """Nodes of a row."""
        return self._shape[1]

    def of(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Returns the grid's origin float32 (2,), the forces at its nodes float32 (2, nodes), and Z."""
        low, high = bounds(y)
        if not np.isfinite(high - low).all():
            raise FloatingPointError("t-SNE ran away to infinity; lower `exaggeration` or `early_exaggeration`.")
        self._fit(high - low)
        origin = ((low + high) / 2 - (np.array(self._shape) - 1) * self._spacing / 2).astype(np.float32)
        spread(y, origin, self.inverse, self.row, self._grids)
        charge = self._there(self._grids.sum(axis=0).reshape(self._shape))
        power = (np.square(charge.real) + np.square(charge.imag)) * self._potential
        return origin, self._back(charge * self._forces), float(power.sum(dtype=np.float64)) - len(y)

    def _fit(self, extent: np.ndarray) -> None:
        """Makes the grid large enough for the map's extent (2,), and transforms the kernel for it."""
        widest = _LONGEST * self._spacing / _GROWTH
        coarser = max(1.0, float(extent.max()) / widest)
        nodes = np.ceil(extent / self._spacing / coarser).astype(int) + 2 * _MARGIN + 1
        if coarser == 1 and (nodes <= self._shape).all():
            return
        self._spacing *= coarser
        self._shape = tuple(
            side if side >= need else fft.next_fast_len(max(_FEWEST, int(need * _GROWTH)), real=True)
            for need, side in zip(nodes, self._shape, strict=True)
        )
        self._grids = np.empty((_SHARES, int(np.prod(self._shape))), np.float32)
        self._potential, self._forces = self._kernels()

    def _kernels(self) -> tuple[np.ndarray, np.ndarray]:
        """Spectra of the kernel, weighed for Parseval's sum, and of the forces: of twice the grid, so it has no ends.

        The influence that errs least, given that splines blur what they spread and read (Hockney and Eastwood,
        "Computer simulation using particles", 1988, chapter 8), with the kernel sampled at half the spacing: what
        its coarse samples would fold into low frequencies is most of the error otherwise.
        """
        sides = [2 * side for side in self._shape]
        apart = np.meshgrid(
            *[(fft.fftfreq(2 * side, 0.5 / side) * (self._spacing / 2)).astype(np.float32) for side in sides],
            indexing="ij", sparse=True,
        )  # fmt: skip
        near = 1 / (1 + sum(d * d for d in apart))  # float32, of 4^dims as many nodes as the grid has
        gain = np.full(1, 0.5**_DIMS)
        waves = [fft.fftfreq(side) for side in sides[:-1]] + [fft.rfftfreq(sides[-1])]
        for wave in np.meshgrid(*waves, indexing="ij", sparse=True):
            gain = gain * _gain_of(wave)
        potential = self._low(near).real * gain / np.prod(sides)
        potential[..., 1:-1] *= 2  # half a spectrum is kept: columns but the first and the last stand for two
        forces = []
        for axis, d in enumerate(apart):
            odd = near * near * d
            odd[(slice(None),) * axis + (sides[axis],)] = 0  # as far one way as the other
            forces.append((self._low(odd) * gain).astype(np.complex64))
        return potential.astype(np.float32), np.stack(forces)

    def _low(self, kernel: np.ndarray) -> np.ndarray:
        """The lower half of a kernel's spectrum along every axis."""
        spectrum = fft.rfftn(kernel, workers=self._threads)[..., : kernel.shape[-1] // 4 + 1]
        for axis, side in enumerate(self._shape[:-1]):
            spectrum = np.delete(spectrum, slice(side, side + 2 * side), axis=axis)
        return spectrum

    def _there(self, grid: np.ndarray) -> np.ndarray:
        """The spectrum of a grid with as many zeros behind each side; rows of zeros alone are not transformed."""
        spectrum = fft.rfft(grid, 2 * grid.shape[-1], axis=-1, workers=self._threads)
        for axis in range(_DIMS - 2, -1, -1):
            spectrum = fft.fft(spectrum, 2 * grid.shape[axis], axis=axis, workers=self._threads)
        return spectrum

    def _back(self, spectra: np.ndarray) -> np.ndarray:
        """The grids (dims, ...) of spectra; what lies behind their sides is left out as soon as it can be."""
        for axis in range(1, _DIMS):
            spectra = fft.ifft(spectra, axis=axis, overwrite_x=True, workers=self._threads)
            spectra = spectra[(slice(None),) * axis + (slice(self._shape[axis - 1]),)]
        grids = fft.irfft(spectra, 2 * self._shape[-1], axis=-1, workers=self._threads)
        return np.ascontiguousarray(grids[..., : self._shape[-1]]).reshape(_DIMS, -1)


def _gain_of(wave: np.ndarray) -> np.ndarray:
    """sinc^8 / B^2 at cycles a node: of cubic B-splines, B being the sum of their squared spectra over aliases."""
    turn = 2 * np.pi * wave
    folded = (2416 + 2382 * np.cos(turn) + 240 * np.cos(2 * turn) + 2 * np.cos(3 * turn)) / 5040
    return np.sinc(wave) ** 8 / folded**2
