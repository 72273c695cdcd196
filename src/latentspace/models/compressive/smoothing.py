"""The smoothing of decoded blocks in numpy: three convolutions over the grid of blocks, as matrix products."""

from collections.abc import Mapping

import numpy as np

from .blocks import LEAK, UNIT, step_features

_AT_ONCE = 2**22  # values that a convolution's patches take at once
_REACH = 3  # rows of blocks that a block's value hangs on, up and down: one a convolution


def smoothed(blocks: np.ndarray, eighths: int, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Pixels of decoded blocks (n, rows, columns, p), counted from the ground, smoothed; float32."""
    n, rows, columns = blocks.shape[:3]
    out = np.empty_like(blocks, dtype=np.float32)
    layers = [
        (arrays[f"smooth{at}"].astype(np.float32) * arrays[f"smooth{at}_scale"], arrays[f"smooth{at}_bias"])
        for at in range(3)
    ]
    told = step_features(eighths).astype(np.float32) / UNIT
    width = max(weights.shape[0] for weights, _ in layers)
    some = max(1, _AT_ONCE // max(1, rows * columns * width))
    strip = max(_REACH, _AT_ONCE // max(1, columns * width))  # rows of a large picture
    for start in range(0, n, some):
        for top in range(0, rows, strip):
            above, below = max(0, top - _REACH), min(rows, top + strip + _REACH)
            x = blocks[start : start + some, above:below] / np.float32(UNIT)
            h = np.concatenate([x, np.broadcast_to(told, (*x.shape[:3], 2))], axis=3)
            for place, (weights, bias) in enumerate(layers):
                h = _patches(h if place == 0 else np.maximum(h, np.float32(LEAK) * h)) @ weights + bias
            kept = slice(top - above, top - above + strip)
            out[start : start + some, top : top + strip] = ((x + h) * np.float32(UNIT))[:, kept]
    return out


def _patches(h: np.ndarray) -> np.ndarray:
    """What each place of (n, rows, columns, a) sees with its eight neighbours: (n, rows, columns, 9 a)."""
    rows, columns = h.shape[1:3]
    padded = np.pad(h, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return np.concatenate([padded[:, y : y + rows, x : x + columns] for y in range(3) for x in range(3)], axis=3)
