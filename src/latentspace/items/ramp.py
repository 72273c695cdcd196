"""Colours for one quantity: from night blue over red to cream, equally far apart in lightness."""

import numpy as np

# CIELAB lightness 4 to 96 in equal steps while the hue turns from blue to yellow: a step looks as large wherever it is,
# and the same picture reads in print without colour.
_STOPS = np.array(
    [
        (7, 13, 33), (44, 29, 79), (105, 33, 105), (164, 38, 110), (210, 65, 104), (237, 109, 99), (249, 157, 109),
        (250, 203, 148), (252, 243, 217),
    ]
)  # fmt: skip


def coloured(values: np.ndarray) -> np.ndarray:
    """Values in [0, 1], of any shape, to colours, uint8 (..., 3); what lies beyond gets the end's."""
    levels = np.linspace(0, 1, len(_STOPS))
    colours = np.stack([np.interp(values, levels, channel) for channel in _STOPS.T], axis=-1)
    return np.rint(colours).astype(np.uint8)
