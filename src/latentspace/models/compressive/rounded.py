"""Networks as whole numbers: weights that a codec may multiply exactly, and the bytes that the smoothing is kept in.

A product of whole numbers in float32 is exact, in any order and on any number of threads, while no sum passes 2^24.
Each
layer's weights are scaled by the largest power of two for which that is sure.
"""

from typing import Any

import numpy as np

from .blocks import UNIT
from .networks import CEILING, MIXTURE, Context, Smooth

MOST = 2**24 - 1  # a float32 holds every whole number to here
PIXEL, COEFFICIENT = 255, 2047  # the largest inputs
HIDDEN = round(CEILING * UNIT)
_FINEST = 8  # bits after the point that weights are given at most; 10 changed rates by less than 0.1%


def context_arrays(context: Context) -> tuple[dict[str, int], dict[str, np.ndarray]]:
    """The context's weights int16 (int32 for biases), and each layer's power of two."""
    weights = {name: value.detach().numpy().astype(np.float64) for name, value in context.named_parameters()}
    p = context.p
    weights["chain"] = (weights["chain"] * context.before.numpy()).reshape(p, -1)
    last = weights["last"]
    # float32 sums of both products of a layer are exact apart; they are added as whole numbers.
    powers = {
        "first": _power([(weights["first"], PIXEL)]),
        "second": _power([(weights["second"], HIDDEN)]),
        "third": _power([(weights["third"], HIDDEN), (weights["chain"], COEFFICIENT)]),
        "last": _power([(last.transpose(1, 0, 2).reshape(context.narrow, p * 3 * MIXTURE), HIDDEN)]),
    }
    layer = {"row": "first", "column": "first", "step": "first", "chain": "third"}
    arrays = {}
    for name, value in weights.items():
        bias = name.endswith("_bias")
        of = layer.get(name, name.removesuffix("_bias"))
        scaled = np.rint(value * 2.0 ** powers[of] * (UNIT if bias or name in ("row", "column") else 1))
        arrays[name] = scaled.astype(np.int32 if bias or name in ("row", "column") else np.int16)
    return powers, arrays


def _power(products: list[tuple[np.ndarray, int]]) -> int:
    """The largest power of two for which these weights fit 16 bits and no sum with inputs so large passes 2^24."""
    for power in range(_FINEST, -1, -1):
        whole = [(np.rint(np.abs(weights) * 2.0**power), most) for weights, most in products]
        if all(w.max(initial=0) < 2**15 and (w.sum(axis=0) * most).max(initial=0) <= MOST for w, most in whole):
            return power
    raise ValueError("The context's weights are too large for whole numbers: training ran away. Fit again, or on more.")


def smooth_arrays(smooth: Smooth) -> dict[str, np.ndarray]:
    """The smoothing's weights as int8 (9 inputs, outputs) with a float32 scale an output, and its float32 biases."""
    arrays: dict[str, Any] = {}
    for place, (weight, bias) in enumerate(zip(smooth.weights, smooth.biases, strict=True)):
        flat = weight.detach().numpy().transpose(2, 3, 1, 0).reshape(-1, weight.shape[0])
        scale = np.maximum(np.abs(flat).max(axis=0), 1e-12) / 127
        arrays[f"smooth{place}"] = np.rint(flat / scale).astype(np.int8)
        arrays[f"smooth{place}_scale"] = scale.astype(np.float32)
        arrays[f"smooth{place}_bias"] = bias.detach().numpy().astype(np.float32)
    return arrays
