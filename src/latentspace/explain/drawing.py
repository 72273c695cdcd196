"""Effects drawn on an image or a spectrogram: red where a feature rises, blue where it falls, over what is usual."""

from typing import Any

import numpy as np

_UP, _DOWN = np.array([214, 62, 38], np.float64), np.array([36, 99, 189], np.float64)
_LOUD = 0.995  # quantile of the effects' sizes that gets the full colour: one pixel must not fade all others
_FAINT = 0.35  # of the usual item's contrast that stays to be seen


def drawn(effect: np.ndarray, usual: np.ndarray, upward: bool = False, scale: float | None = None) -> Any:
    """Draws one dimension's effect as a PIL image.

    Parameters
    ----------
    effect : float array of shape (c, h, w) or (h, w)
        Summed over channels.
    usual : float array of the same shape
        The mean item, in grey below the colours.
    upward : bool, default=False
        The first row is at the bottom, as frequencies are drawn.
    scale : float, optional
        The effect that gets the full colour; by default the 99.5th percentile of this one's.

    Returns
    -------
    RGB PIL image of size (w, h)
    """
    from PIL import Image

    flat = effect.sum(axis=0) if effect.ndim == 3 else effect
    grey = usual.mean(axis=0) if usual.ndim == 3 else usual
    low, high = float(grey.min()), float(grey.max())
    grey = (grey - low) / (high - low) if high > low else np.zeros(grey.shape)
    top = float(np.quantile(np.abs(flat), _LOUD)) if scale is None else scale
    weight = np.clip(np.abs(flat) / top, 0, 1)[..., None] if top > 0 else np.zeros((*flat.shape, 1))
    base = (255 - _FAINT * 255 * (1 - grey))[..., None] * np.ones(3)
    ink = np.where(flat[..., None] >= 0, _UP, _DOWN)
    mixed = np.rint(base * (1 - weight) + ink * weight).astype(np.uint8)
    return Image.fromarray(mixed[::-1] if upward else mixed)
