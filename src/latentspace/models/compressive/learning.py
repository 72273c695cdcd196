"""What a compressive model learns from pictures: axes and two networks, rounded to what a codec keeps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from ...optional import require
from ...progress import Progress
from .blocks import block_axes, grid, usual_border

AXES_BITS = 14  # after the point
_GREY, _COLOUR = (96, 24, 64), (128, 24, 96)
_LEAST_STEPS, _MOST_STEPS = 120, 6000


def usual_steps(pictures: Sequence[np.ndarray]) -> int:
    """Training steps for so many blocks: 840 for a hundred 28 x 28 pictures, 6,000 from five thousand on."""
    blocks = sum(int(np.prod(grid(*picture.shape[:2]))) for picture in pictures)
    return int(np.clip(12 * blocks**0.5, _LEAST_STEPS, _MOST_STEPS))


def learn(
    pictures: Sequence[np.ndarray],
    *,
    seed: Any = 0,
    steps: int | None = None,
    widths: Sequence[int] | None = None,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Trains on pictures, and gives facts (JSON) and arrays: whole weights of the context, int8 ones of the smoothing.

    Parameters
    ----------
    pictures : sequence of uint8 (h, w, c), c 1 or 3
        Of any sizes; those of one channel count as colour ones where others are. Of none, nothing is learned, and what
        it
        gives codes anything, plainly.
    seed : int or RandomState, default=0
    steps : int or None, default=None
        Training steps of 512 blocks, 15 to 50 ms each on one core; None is `usual_steps`.
    widths : three ints or None, default=None
        Units of the context's layers, of each coefficient's own, and of the smoothing. None is 96, 24, 64 for grey
        pictures (100 kB as they are kept) and 128, 24, 96 for colour ones (330 kB).

    Raises
    ------
    MissingExtraError
        If torch is not installed; reading and writing need none.
    """
    torch = require("torch", "neural", "training a model of pictures")
    from .networks import Context, Smooth
    from .rounded import context_arrays, smooth_arrays
    from .training import smoothing_steps, train

    random_state = check_random_state(seed)
    channels = max((picture.shape[2] for picture in pictures), default=3)
    pictures = [np.repeat(x, channels, axis=2) if x.shape[2] < channels else x for x in pictures]
    wide, narrow, smooths = widths or (_GREY if channels == 1 else _COLOUR)
    if pictures:
        steps = usual_steps(pictures) if steps is None else steps
        some = random_state.permutation(len(pictures))[:256]
        borders = np.stack([usual_border(pictures[at][None]) for at in some])
        ground = np.median(borders, axis=0).astype(np.int16)
        with Progress("learning to code pictures", steps + smoothing_steps(steps, channels)) as progress:
            axes, context, smooth = train(
                pictures,
                ground,
                steps=steps,
                widths=(wide, narrow, smooths),
                random_state=random_state,
                progress=progress,
            )
    else:
        generator = torch.Generator().manual_seed(0)
        ground = np.zeros(channels, np.int16)
        axes = block_axes(np.zeros((0, 16 * channels), np.float32))
        context, smooth = Context(channels, 8, 4, generator), Smooth(channels, 8, generator)
        wide, narrow, smooths = 8, 4, 8
        with torch.no_grad():
            context.last.zero_()
    powers, arrays = context_arrays(context)
    arrays |= smooth_arrays(smooth)
    arrays |= {"ground": ground, "axes": np.rint(axes * 2**AXES_BITS).astype(np.int16)}
    return {"channels": channels, "widths": [wide, narrow, smooths], "powers": powers}, arrays
