"""Back to whole numbers: a float near one becomes it, and none leaves the range of its type."""

import numpy as np


def to_whole(values: np.ndarray, dtype: np.dtype | type | str) -> np.ndarray:
    """Rounds numbers to an integer type, clipped to its range. Integers stay exact.

    >>> to_whole(np.array([254.6, 300.0, -2.0]), "uint8")
    array([255, 255,   0], dtype=uint8)
    """
    limits = np.iinfo(np.dtype(dtype))
    values = np.asarray(values)
    if values.dtype.kind in "ui":
        own = np.iinfo(values.dtype)
        return np.clip(values, max(limits.min, own.min), min(limits.max, own.max)).astype(dtype)
    low, high = float(limits.min), float(limits.max)
    if high > limits.max:  # 2**63 - 1 has no float of its own; the next above it would wrap around to the minimum
        high = float(np.nextafter(high, 0.0))
    return np.clip(np.rint(values.astype(np.float64)), low, high).astype(dtype)
