"""From features to what an encoder expects, and from what it gives to one row an item."""

import numpy as np
import torch
from torch import Tensor

from ...progress import Progress
from ..threads import in_chunks
from . import Encoder, Pictures

_ROWS = 16  # items at a time


def brightest(x: np.ndarray) -> float:
    """What is white in pictures (n, c, h, w): 1, or 255.

    Raises
    ------
    ValueError
        If they are in neither range.
    """
    low, high = float(x.min()), float(x.max())
    if low < 0 or high > 255:
        raise ValueError(
            f"a pretrained encoder reads pictures in [0, 1] or [0, 255], but these hold {low:.4g} to {high:.4g}. "
            "Rescale them."
        )
    return 1.0 if high <= 1 else 255.0


def prepared(x: Tensor, pictures: Pictures, white: float) -> Tensor:
    """Pictures (n, c, h, w) as an encoder expects them: its channels, its size, its mean and deviation."""
    x = x / white
    if pictures.channels == 3 and x.shape[1] == 1:
        x = x.expand(-1, 3, -1, -1)
    elif pictures.channels is not None and x.shape[1] != pictures.channels:
        raise ValueError(
            f"the encoder takes pictures of {pictures.channels} channels, but these have {x.shape[1]}. "
            f"Fit with channels={pictures.channels}."
        )
    if pictures.size is not None and tuple(x.shape[2:]) != (pictures.size,) * 2:
        side = (pictures.size, pictures.size)
        x = torch.nn.functional.interpolate(x, side, mode="bilinear", antialias=True)
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (pictures.mean, pictures.std))
    return (x - mean) / std


def seen_rows(encoder: Encoder, X: np.ndarray, pictures: Pictures | None, white: float, threads: int) -> np.ndarray:
    """Items (n, ...) to what the encoder gives, float32 (n, width), in chunks of a fixed size.

    Raises
    ------
    ValueError
        If the encoder cannot take such items, or gives NaN or infinity; the message says for which.
    """
    with Progress("encoding", len(X)) as progress:

        def work(x: Tensor) -> Tensor:
            h = encoded(encoder, x if pictures is None or x.ndim != 4 else prepared(x, pictures, white))
            progress.advance(len(x))
            return h

        h = in_chunks(work, torch.from_numpy(np.asarray(X, dtype=np.float32)), _ROWS, threads).numpy()
    if not np.isfinite(h).all():
        row = int(np.flatnonzero(~np.isfinite(h).all(axis=1))[0])
        raise ValueError(f"the encoder gave NaN or infinity, first for item {row} of {len(h)}. Look at that item.")
    return h


def encoded(encoder: Encoder, x: Tensor) -> Tensor:
    """Items to rows, float32 (n, width); places of a picture and steps of a sequence are averaged.

    Raises
    ------
    ValueError
        If the encoder fails on such items, or gives something else than one finite row of numbers for each.
    """
    try:
        h = encoder.run(x)
    except Exception as error:  # whatever a foreign network raises for items that it was not made for
        raise ValueError(
            f"the encoder cannot take items of shape {tuple(x.shape[1:])}: {type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else ''}"
        ) from error
    if not isinstance(h, Tensor) or h.ndim < 2 or len(h) != len(x):
        found = tuple(h.shape) if isinstance(h, Tensor) else type(h).__name__
        raise ValueError(f"the encoder gave {found} for {len(x)} items of shape {tuple(x.shape[1:])}; expected rows.")
    if h.ndim > 2:  # (n, width, h, w), or (n, steps, width)
        h = h.flatten(2).mean(2) if h.ndim == 4 else h.mean(1)
    return h.float()
