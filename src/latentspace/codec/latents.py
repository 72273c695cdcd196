"""Latents of any model with a decoder: quantised as finely as the decoder feels each dimension, and coded."""

# ruff: noqa: ARG003 - a coder takes what the protocol gives it
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import CorruptFileError
from .protocol import Coder, Items, Shapes, State
from .rows import OCTAVE, RowModel

_PROBED = 64  # latents that the decoder is felt at
_NUDGE = 0.25  # of a dimension's spread, to each side: the size of the errors that matter
_DEADZONE = 0.10  # of a step by which rounding leans towards zero: costs little, saves more (Sullivan, 1996)
_FINEST, _COARSEST = -14 * OCTAVE, 2 * OCTAVE  # of the largest spread
_MOST = 2.0**28


class LatentCoder(Coder):
    """z to whole numbers and back.

    Each dimension i has its own step, `step / g_i`, where g_i^2 is the squared error of the decoded features that a
    unit of error in z_i makes, on average over latents of the space. Errors of all dimensions then weigh alike, which
    is best at a given rate: for PCA it is reverse water-filling (Cover and Thomas, "Elements of information theory",
    section 10.3.3), since dimensions whose spread is below the step fall to zero by themselves.

    Attributes
    ----------
    centre_ : float32 array of shape (dims,)
        Taken off before quantisation: the median.
    gain_ : float32 array of shape (dims,)
        g_i, in units of features for a unit of z.
    rows_ : RowModel
    """

    name = "latents"
    reads = "latents"

    def __init__(self, centre: np.ndarray, gain: np.ndarray, rows: RowModel):
        self.centre_, self.gain_, self.rows_ = centre, gain, rows
        top = int(rows.scales.max(initial=0))
        self.span = (2.0 ** ((top + _FINEST) / OCTAVE), 2.0 ** ((top + _COARSEST) / OCTAVE))

    @classmethod
    def fit(cls, items: Items, *, model: Any = None, seed: int = 0, **options: Any) -> "LatentCoder":
        """Learns from latents (n, dims) of a fitted model with a decoder."""
        z = np.asarray(items, np.float32)
        if z.ndim != 2:
            z = z.reshape(len(z), getattr(model, "dims_", 1))
        centre = np.median(z, axis=0).astype(np.float32) if len(z) else np.zeros(z.shape[1], np.float32)
        gain = sensitivity(model, z, seed).astype(np.float32)
        return cls(centre, gain, RowModel.learn((z - centre).astype(np.float64) * gain))

    def get_state(self) -> State:
        return {}, {"centre": self.centre_, "gain": self.gain_, **self.rows_.state()}

    @classmethod
    def from_state(
        cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, model: Any = None
    ) -> "LatentCoder":
        rows = RowModel.from_state(arrays)
        centre, gain = arrays["centre"], arrays["gain"]
        for array in (centre, gain):
            if array.dtype != np.float32 or array.shape != rows.scales.shape or not np.isfinite(array).all():
                raise ValueError(f"a centre or gain of type {array.dtype} and shape {array.shape}")
        if (gain <= 0).any():
            raise ValueError("a gain that is not positive")
        return cls(centre, gain, rows)

    # ------------------------------------------------------------------ numbers
    def snapped(self, step: float) -> float:
        """The nearest step that whole numbers know: 24 an octave."""
        return float(2.0 ** (_k_of(step) / OCTAVE))

    def _quantised(self, items: Items, k: int) -> np.ndarray:
        z = np.asarray(items, np.float64).reshape(len(items), len(self.centre_))
        v = (z - self.centre_) * self.gain_ / 2.0 ** (k / OCTAVE)
        return (np.sign(v) * np.floor(np.minimum(np.abs(v), _MOST - 1) + 0.5 - _DEADZONE)).astype(np.int64)

    def _restored(self, q: np.ndarray, k: int) -> list[np.ndarray]:
        # Within a bin of a falling density the mean lies nearer to zero: by about step^2 / (12 scale) of a logistic's
        # tail, where e^(-1/scale) is the fall over one step.
        scale = np.maximum(self.rows_.scale(k), 1e-3)
        with np.errstate(over="ignore"):
            towards = 0.5 / np.tanh(np.minimum(0.5 / scale, 350.0)) - scale
        away = np.sign(q) * (np.abs(q) - np.clip(towards - _DEADZONE / 2, 0, 0.35) * (q != 0))
        z = self.centre_ + away * 2.0 ** (k / OCTAVE) / self.gain_
        return list(z.astype(np.float32))

    # ------------------------------------------------------------------ coding
    def encode(self, items: Items, step: float = 1.0) -> list[bytes]:
        k = _k_of(step)
        return self.rows_.encode(self._quantised(items, k), k)

    def decode(self, parts: Sequence[bytes], shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        self._check(shapes)
        k = _k_of(step)
        return self._restored(self.rows_.decode(parts, k), k)

    def encode_block(self, items: Items, step: float = 1.0) -> bytes:
        k = _k_of(step)
        return self.rows_.encode_block(self._quantised(items, k), k)

    def decode_block(self, data: bytes, shapes: Shapes, step: float = 1.0) -> list[np.ndarray]:
        self._check(shapes)
        k = _k_of(step)
        return self._restored(self.rows_.decode_block(data, len(shapes), k), k)

    def _check(self, shapes: Shapes) -> None:
        wrong = next((shape for shape in shapes if shape != self.centre_.shape), None)
        if wrong is not None:
            raise CorruptFileError(f"a latent has the shape {wrong}; the coder's have {self.centre_.shape}.")

    def bits(self, items: Items, step: float = 1.0) -> np.ndarray:
        k = _k_of(step)
        return self.rows_.bits(self._quantised(items, k), k)

    def approximate(self, items: Items, step: float = 1.0) -> list[np.ndarray]:
        k = _k_of(step)
        return self._restored(self._quantised(items, k), k)


def _k_of(step: float) -> int:
    return int(np.clip(np.rint(OCTAVE * np.log2(step)), -(2**14), 2**14))


def sensitivity(model: Any, z: np.ndarray, seed: int = 0) -> np.ndarray:
    """How far decoded features move with each dimension: g_i, the root of the mean squared norm of dx / dz_i.

    Parameters
    ----------
    model : estimator with `inverse_transform`
    z : float32 array of shape (n, dims)
    seed : int
        Chooses the latents that are nudged.

    Returns
    -------
    float64 array of shape (dims,)
        Positive; dimensions that move nothing have 10^-6 of the largest.
    """
    dims = z.shape[1]
    if len(z) == 0 or not hasattr(model, "inverse_transform"):
        return np.ones(dims)
    spread = z.std(axis=0, dtype=np.float64)
    spread = np.where(spread > 0, spread, spread.max(initial=0) or 1.0)
    chosen = z[np.random.default_rng(seed).permutation(len(z))[:_PROBED]]
    gain = np.empty(dims)
    for i in range(dims):
        ends = np.repeat(chosen[None], 2, axis=0)
        ends[0, :, i] -= _NUDGE * spread[i]
        ends[1, :, i] += _NUDGE * spread[i]
        low, high = (np.asarray(model.inverse_transform(end), np.float64).reshape(len(end), -1) for end in ends)
        gain[i] = np.sqrt(((high - low) ** 2).sum(axis=1).mean()) / (2 * _NUDGE * spread[i])
    gain = np.where(np.isfinite(gain), gain, 0.0)
    return np.maximum(gain, 1e-6 * gain.max(initial=0)) if gain.max(initial=0) > 0 else np.ones(dims)
