"""Back to whole numbers: a float near one becomes it, and none leaves the range of its type."""

import numpy as np


def to_whole(values: np.ndarray, dtype: np.dtype | type | str) -> np.ndarray:
    """Rounds floats to an integer type, clipped to its range.

    >>> to_whole(np.array([254.6, 300.0, -2.0]), "uint8")
    array([255, 255,   0], dtype=uint8)
    """
    limits = np.iinfo(np.dtype(dtype))
    low, high = float(limits.min), float(limits.max)
    if high > limits.max:  # 2**63 - 1 has no float of its own; the next above it would wrap around to the minimum
        high = float(np.nextafter(high, 0.0))
    return np.clip(np.rint(np.asarray(values, np.float64)), low, high).astype(dtype)
