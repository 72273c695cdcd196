"""The context of a block in whole numbers: the same mixtures from the same decoded pixels, on any machine.

Products run in float32, where they are exact in any order while no sum passes 2^24; weights are refused that could.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..models.compressive.blocks import BINS, SIDE, ring_size, step_features
from .pictures_mixture import MIXTURE, Mixtures

_MOST = 2**24 - 1
_PIXEL, _COEFFICIENT, _HIDDEN = 255, 2047, 1023
_LARGEST = 2048  # of any layer's width: what a file may ask for
_AXES = 14  # bits after the point of the axes


class Blocks:
    """What encoder and decoder share: axes, ground and the context's layers, checked when they are made."""

    def __init__(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        self.channels = c = int(facts["channels"])
        if c not in (1, 3):
            raise ValueError(f"pictures of {c} channels are not known.")
        self.p = p = SIDE**2 * c
        wide, narrow = int(facts["widths"][0]), int(facts["widths"][1])
        if not (0 < wide <= _LARGEST and 0 < narrow <= _LARGEST):
            raise ValueError(f"layers of {wide} and {narrow} units are not possible.")
        self.narrow = narrow
        self.powers = {name: int(facts["powers"][name]) for name in ("first", "second", "third", "last")}
        if not all(0 <= power <= 12 for power in self.powers.values()):
            raise ValueError("its layers' powers are not 0 to 12.")
        shapes = {
            "ground": (c,), "axes": (p, p), "first": (ring_size(c), wide), "first_bias": (wide,),
            "row": (BINS, wide), "column": (BINS, wide), "step": (2, wide), "second": (wide, wide),
            "second_bias": (wide,), "third": (wide, p * narrow), "third_bias": (p * narrow,),
            "chain": (p, p * narrow), "last": (p, narrow, 3 * MIXTURE), "last_bias": (p, 3 * MIXTURE),
        }  # fmt: skip
        for name, shape in shapes.items():
            if arrays[name].shape != shape or arrays[name].dtype.kind != "i":
                raise ValueError(f"{name} is {arrays[name].dtype} {arrays[name].shape}, not whole numbers {shape}.")
        self.ground = arrays["ground"].astype(np.int32)
        # Ten bits after the point: 2047 of every coefficient of a colour block stay below 2^24.
        self.axes = _exact((arrays["axes"].astype(np.int32) + 8) >> 4, _COEFFICIENT)
        self.float_axes = arrays["axes"].astype(np.float32) / np.float32(2**_AXES)
        self._first = _exact(arrays["first"], _PIXEL)
        self._second = _exact(arrays["second"], _HIDDEN)
        self._third = _exact(arrays["third"], _HIDDEN)
        chain = arrays["chain"].reshape(p, p, narrow)
        self._chain = [_exact(chain[:j, j], _COEFFICIENT) for j in range(p)]
        self._last = [_exact(arrays["last"][j], _HIDDEN) for j in range(p)]
        ordered = np.ascontiguousarray(chain.transpose(1, 0, 2), np.float32)
        last = np.ascontiguousarray(arrays["last"], np.float32)
        powers = np.array([self.powers["third"], self.powers["last"]], np.int64)
        self._compiled = (ordered, last, _bias(arrays["last_bias"]), powers)
        whole = {name: _bias(arrays[name]) for name in shapes if name.endswith("_bias") or name in ("row", "column")}
        self._biases, self._step = whole, arrays["step"].astype(np.int64)
        # Between these is every coefficient of pixels between black and white, in whole grey levels.
        darkest = np.tile(-self.ground, p // c).astype(np.int64)
        whole_axes = self.axes.astype(np.int64)
        lowest: np.ndarray = np.minimum(whole_axes, 0) @ (darkest + 255) + np.maximum(whole_axes, 0) @ darkest
        highest: np.ndarray = np.maximum(whole_axes, 0) @ (darkest + 255) + np.minimum(whole_axes, 0) @ darkest
        self._range = (lowest >> 10) - 1, (highest >> 10) + 2

    def hidden(self, rings: np.ndarray, rows: np.ndarray, columns: np.ndarray, eighths: int) -> np.ndarray:
        """The last layer before the coefficients' own, int32 (m, p, narrow), from whole rings float32 (m, r)."""
        told = self._biases["first_bias"] + (step_features(eighths) @ self._step).astype(np.int32)
        h = (rings @ self._first).astype(np.int32) + told + self._biases["row"][rows] + self._biases["column"][columns]
        h = _shifted(h, self.powers["first"])
        h = _shifted((h @ self._second).astype(np.int32) + self._biases["second_bias"], self.powers["second"])
        h = (h @ self._third).astype(np.int32) + self._biases["third_bias"]
        return h.reshape(-1, self.p, self.narrow)

    def mixtures(self, hidden: np.ndarray, seen: np.ndarray, j: int, eighths: int) -> Mixtures:
        """Coefficient j of each block, given those before it in `seen`, float32 (m, p) whole numbers."""
        h = hidden[:, j] + (seen[:, :j] @ self._chain[j]).astype(np.int32)
        out = (_shifted(h, self.powers["third"]) @ self._last[j]).astype(np.int32) + self._biases["last_bias"][j]
        return Mixtures(out, self.powers["last"], eighths, *self.range(j, eighths))

    def layers(self) -> tuple[np.ndarray, ...]:
        """What compiled loops read: the chain (p, p, narrow), the last layer, its biases, and both layers' powers."""
        return self._compiled

    def ranges(self, eighths: int) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest values of all coefficients, int64 (p,)."""
        least, most = (end * 8 for end in self._range)
        return -((-least + eighths // 2) // eighths), (most + eighths // 2) // eighths

    def range(self, j: int, eighths: int) -> tuple[int, int]:
        """The least and the largest value that coefficient j is quantised to."""
        least, most = self.ranges(eighths)
        return int(least[j]), int(most[j])

    def pixels(self, c: np.ndarray) -> np.ndarray:
        """Whole pixels of blocks, int16 (..., p), from whole coefficients float32 (..., p)."""
        sums = (c @ self.axes).astype(np.int32)
        lowest = np.tile(-self.ground, self.p // self.channels)
        return np.clip((sums + 512) >> 10, lowest, lowest + 255).astype(np.int16)


def whole_coefficients(k: np.ndarray, eighths: int) -> np.ndarray:
    """Quantised coefficients as whole grey levels, float32."""
    return np.clip((k * eighths + 4) >> 3, -_COEFFICIENT, _COEFFICIENT).astype(np.float32)


def _exact(weights: np.ndarray, most: int) -> np.ndarray:
    """Weights (a, b) as float32, once no sum of products with inputs of at most `most` can pass 2^24."""
    if np.abs(weights.astype(np.int64)).sum(axis=0).max(initial=0) * most > _MOST:
        raise ValueError("its weights are too large for exact sums.")
    return np.ascontiguousarray(weights, np.float32)


def _bias(values: np.ndarray) -> np.ndarray:
    if np.abs(values.astype(np.int64)).max(initial=0) > _MOST:
        raise ValueError("its biases are too large for exact sums.")
    return values.astype(np.int32)


def _shifted(h: np.ndarray, power: int) -> np.ndarray:
    """Rounds a layer's sums to 64ths, none below 0 or above 1023, as float32 for the next product."""
    return np.clip((h + (1 << power >> 1)) >> power, 0, _HIDDEN).astype(np.float32)
