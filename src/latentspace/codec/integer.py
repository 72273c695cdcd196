"""Small networks of whole numbers, whose answer is the same on every machine, at any number of threads.

A float network cannot steer an entropy coder: its sums hang on the order in which a machine adds, and one wrong bit
spoils all that follows (Ballé, Johnston and Minnen, "Integer networks for data compression with latent-variable
models", 2019). Here weights are whole numbers of 8 bits, activations of 0 to 255, and a layer is

    a = clip((W x + b) >> shift, 0, 255)        the last one: (W x + b) >> shift

The products go through float32 matrix multiplication all the same, which is where machines are fast: float32 holds
whole numbers below 2^24 exactly, so any order of adding them gives the same. `IntegerNetwork` computes from its weights
how large a sum can become, and refuses weights that could pass that.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

LARGEST_SUM = 1 << 24
TOP = 255  # of an activation


class Layer(NamedTuple):
    """What a layer computes: weight int8 (out, in), bias int32 (out,), and how many bits its sums are shifted by."""

    weight: np.ndarray
    bias: np.ndarray
    shift: int


class IntegerNetwork:
    """Layers of whole numbers, one after the other.

    Parameters
    ----------
    layers : sequence of Layer
        Each takes what the one before gives.
    top : int, default=255
        The largest magnitude of an input, which `__call__`'s caller keeps to.
    extra : int, default=0
        The largest magnitude of what `__call__` may be told to add to the first layer's sums.

    Raises
    ------
    ValueError
        If the layers do not fit together, or a sum could reach 2^24, where float32 stops being exact.
    """

    def __init__(self, layers: Sequence[Layer], *, top: int = TOP, extra: int = 0):
        self.layers = [Layer(np.asarray(w), np.asarray(b), int(s)) for w, b, s in layers]
        self.top, self.extra = top, extra
        largest, width = top, None
        self._weights, self._biases, self._scales = [], [], []
        for number, (weight, bias, shift) in enumerate(self.layers):
            if weight.ndim != 2 or bias.shape != weight.shape[:1] or width not in (None, weight.shape[1]):
                raise ValueError(
                    f"layer {number} has weights of shape {weight.shape} and biases of shape {bias.shape}, which do "
                    f"not fit what comes before (width {width})."
                )
            if weight.dtype.kind not in "iu" or bias.dtype.kind not in "iu" or not 0 <= shift < 24:
                raise ValueError(f"layer {number} is not of whole numbers with a shift of 0 to 23 bits ({shift}).")
            half = (1 << shift) >> 1
            sums = np.abs(weight.astype(np.int64)).sum(1) * largest + np.abs(bias.astype(np.int64)) + half
            most = int(sums.max(initial=0)) + (extra if number == 0 else 0)
            if most >= LARGEST_SUM:
                raise ValueError(
                    f"layer {number} can reach a sum of {most:,}; up to {LARGEST_SUM - 1:,} float32 is exact. "
                    "Use fewer inputs or smaller weights."
                )
            self._weights.append(np.ascontiguousarray(weight, dtype=np.float32))
            self._biases.append((bias.astype(np.int64) + half).astype(np.float32)[:, None])  # half: it rounds
            self._scales.append(np.float32(2.0**-shift))
            largest, width = TOP, len(weight)

    @property
    def inputs(self) -> int:
        """Numbers that it takes."""
        return self._weights[0].shape[1]

    @property
    def outputs(self) -> int:
        """Numbers that it gives."""
        return len(self._weights[-1])

    def __call__(self, x: np.ndarray, extra: np.ndarray | None = None) -> np.ndarray:
        """The last layer's whole numbers.

        Parameters
        ----------
        x : float32 array of shape (inputs, n)
            Whole numbers, a column an item.
        extra : float32 array of shape (hidden, n) or (hidden, 1), optional
            Whole numbers added to the first layer's sums: what a place or a class adds, looked up in a table.

        Returns
        -------
        float32 array of shape (outputs, n)
            Whole numbers, exact.
        """
        last = len(self._weights) - 1
        for number, (weight, bias, scale) in enumerate(zip(self._weights, self._biases, self._scales, strict=True)):
            x = weight @ x
            x += bias
            if number == 0 and extra is not None:
                x += extra
            # A power of two scales exactly, and floor is exact: an arithmetic shift, without leaving float32.
            x *= scale
            np.floor(x, out=x)
            if number < last:
                np.minimum(np.maximum(x, 0, out=x), TOP, out=x)
        return x

    def state(self, prefix: str = "") -> dict[str, np.ndarray]:
        """Its layers as arrays."""
        arrays = {}
        for number, (weight, bias, shift) in enumerate(self.layers):
            arrays[f"{prefix}weight{number}"] = weight.astype(np.int8)
            arrays[f"{prefix}bias{number}"] = bias.astype(np.int32)
            arrays[f"{prefix}shift{number}"] = np.array([shift], np.uint8)
        return arrays

    @classmethod
    def from_state(
        cls, arrays: Mapping[str, np.ndarray], prefix: str = "", *, top: int = TOP, extra: int = 0
    ) -> "IntegerNetwork":
        """The network whose `state` these arrays are; ValueError or KeyError where they are none."""
        layers: list[Layer] = []
        while f"{prefix}weight{len(layers)}" in arrays:
            number = len(layers)
            weight, bias = arrays[f"{prefix}weight{number}"], arrays[f"{prefix}bias{number}"]
            shift = arrays[f"{prefix}shift{number}"]
            if weight.dtype != np.int8 or bias.dtype != np.int32 or shift.shape != (1,):
                raise ValueError(f"layer {number} has weights of {weight.dtype} and biases of {bias.dtype}.")
            layers.append(Layer(weight, bias, int(shift[0])))
        if not layers:
            raise KeyError(f"{prefix}weight0")
        return cls(layers, top=top, extra=extra)
