"""Trains a compressive model's two networks: bits of quantised blocks, and the error of what is decoded from them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...progress import Progress
from . import blocks as b
from .networks import Context, Smooth, bits, rings

_ROWS = 512  # blocks of a training step: in equal time more steps beat more blocks, by 6% of 1,024 on emoji
_CROP = 64  # pixels: of larger pictures a training step sees pieces
_RATE = 3e-3
_SMOOTH_RATE = 1e-3  # at 3e-3 every unit of the smoothing died on emoji: nearly all inputs have one sign
_OFTEN = 4  # times that each picture would be seen, from which colour ones are seen mirrored too
_QUIET = 20  # blocks of ground for which one is asked about
_CHOOSING = 0.5  # share of training after which values are chosen as an encoder does
SLOPE = 0.1  # of rate, in squared steps a bit: what the encoder trades; 0.1155 is the slope at fine steps


def train(
    pictures: Sequence[np.ndarray],
    ground: np.ndarray,
    *,
    steps: int,
    widths: tuple[int, int, int],
    random_state: np.random.RandomState,
    progress: Progress,
) -> tuple[np.ndarray, Context, Smooth]:
    """Learns axes float32 (p, p) and both networks from pictures uint8 (h, w, c).

    `widths` are of the context's layers, of a coefficient's, of the smoothing.
    """
    generator = torch.Generator().manual_seed(int(random_state.randint(2**31)))
    c = pictures[0].shape[-1]
    sample = _batch(pictures, ground, 256 * _ROWS, random_state)[0]
    axes = b.block_axes(sample.reshape(-1, sample.shape[-1])[: 256 * _ROWS]).astype(np.float32)
    context, smooth = Context(c, widths[0], widths[1], generator), Smooth(c, widths[2], generator)
    groups = [list(context.parameters()), list(smooth.parameters())]
    optimisers = [torch.optim.AdamW(group, lr=_RATE, weight_decay=1e-4) for group in groups]
    turned = torch.from_numpy(axes)
    blocks = sum(int(np.prod(b.grid(*picture.shape[:2]))) for picture in pictures)
    mirrored = c == 3 and steps * _ROWS > _OFTEN * blocks
    for step in range(steps):
        share = step / steps
        choosing = share >= _CHOOSING
        x, eighths = _batch(pictures, ground, _ROWS, random_state, mirrored)
        rate, error = _losses(context, smooth, turned, x, eighths, choosing, random_state)
        (rate if error is None else rate + error / 2).backward()
        # The smoothing learns fast, and only from what an encoder would write: it starts with the choosing.
        for optimiser, some, began, most in zip(
            optimisers, groups, (0.0, _CHOOSING), (_RATE, _SMOOTH_RATE), strict=True
        ):
            if share < began:
                continue
            fall = 0.5 + 0.5 * np.cos(np.pi * (share - began) / (1 - began))
            optimiser.param_groups[0]["lr"] = most * min(1.0, (step + 1 - began * steps) / 50) * fall + 1e-5
            torch.nn.utils.clip_grad_norm_(some, 1.0)
            optimiser.step()
            optimiser.zero_grad()
        progress.advance(note=f"{float(rate.detach()):.3f} bits a value")
    return axes, context.eval(), smooth.eval()


def _batch(
    pictures: Sequence[np.ndarray],
    ground: np.ndarray,
    rows: int,
    random_state: np.random.RandomState,
    mirrored: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of blocks (m, rows, columns, p) of some pictures, or pieces, of one size; their steps in eighths.

    `mirrored` turns every other one's left to its right.
    """
    first = pictures[random_state.randint(len(pictures))]
    h, w = (min(side, _CROP) for side in first.shape[:2])
    down, across = b.grid(h, w)
    count = min(max(2, rows // (down * across)), max(64, 4 * len(pictures)))
    chosen: list[np.ndarray] = []
    while len(chosen) < count:
        some = pictures[random_state.randint(len(pictures))]
        if some.shape[0] < h or some.shape[1] < w:
            some = first
        top, left = (random_state.randint((some.shape[axis] - side) // b.SIDE + 1) for axis, side in ((0, h), (1, w)))
        piece = some[top * b.SIDE : top * b.SIDE + h, left * b.SIDE : left * b.SIDE + w]
        chosen.append(piece[:, ::-1] if mirrored and random_state.uniform() < 0.5 else piece)
    low, high = np.log(8 * b.FINEST), np.log(8 * b.COARSEST)
    # Steps near the middle, 31, are asked for most.
    eighths = np.rint(np.exp(low + (high - low) * random_state.beta(1.5, 1.5, size=count))).astype(np.int64)
    return b.to_blocks(np.stack(chosen), ground), eighths


def _losses(
    context: Context,
    smooth: Smooth,
    axes: Tensor,
    x: np.ndarray,
    eighths: np.ndarray,
    choosing: bool,
    random_state: np.random.RandomState,
) -> tuple[Tensor, Tensor | None]:
    """Mean bits a value; where values are chosen also the mean squared error, as a share of the steps' own noise."""
    n, rows, columns, p = x.shape
    pixels, step = torch.from_numpy(x), torch.from_numpy((eighths / 8).astype(np.float32))
    told = torch.from_numpy((b.step_features(eighths) / b.UNIT).astype(np.float32))
    wide = step[:, None, None, None]
    c = pixels @ axes.T
    # Where a coefficient is nearly between two values, the one nearer zero is cheaper.
    k = torch.sign(c) * torch.floor(c.abs() / wide + 0.5 - 0.08)
    asked, weight = _asked(x, random_state)
    picture, row, column = np.unravel_index(asked, (n, rows, columns))
    places = [torch.from_numpy(b.bins(count)[at]) for count, at in ((rows, row), (columns, column))]
    who, step_of = torch.from_numpy(asked), torch.from_numpy(picture)

    def judged(k: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        decoded = ((k * wide) @ axes).reshape(n, rows, columns, b.SIDE, b.SIDE, -1)
        pictures = decoded.permute(0, 5, 1, 3, 2, 4).reshape(n, -1, rows * b.SIDE, columns * b.SIDE)
        seen = rings(pictures.clamp(-255, 255) / b.UNIT).reshape(n * rows * columns, -1)[who]
        values = (k * wide / b.UNIT).reshape(-1, p)[who]
        return decoded, context(seen, *places, told[step_of], values), values

    unit = (step / b.UNIT)[step_of, None]
    if choosing:
        with torch.no_grad():
            _, parameters, _ = judged(k)
            flat = k.reshape(-1, p)
            flat[who] = _chosen((c / wide).reshape(-1, p)[who], parameters, unit)
    decoded, parameters, values = judged(k)
    rate = (bits(parameters, values, unit).sum(1) * torch.from_numpy(weight)).sum() / x.size
    if not choosing:
        return rate, None
    planes = decoded.reshape(n, rows, columns, p).permute(0, 3, 1, 2) / b.UNIT
    error = (smooth(planes, told) - pixels.permute(0, 3, 1, 2) / b.UNIT) ** 2
    return rate, (error.mean((1, 2, 3)) * (b.UNIT**2 * 12) / step**2).mean()


def _asked(x: np.ndarray, random_state: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """Which blocks of (n, rows, columns, p) the context is asked about, and what each counts, float32.

    Ground amid ground costs nothing soon, and is most of many sets: one in twenty is asked about, and counts for all.
    """
    busy = np.pad((x != 0).any(axis=3), ((0, 0), (1, 0), (1, 1)))
    rows, columns = x.shape[1:3]
    seen = [(1, 1), (1, 0), (0, 0), (0, 1), (0, 2)]  # a block, and those that its ring lies in
    live = np.logical_or.reduce([busy[:, down : down + rows, right : right + columns] for down, right in seen]).ravel()
    asked = np.flatnonzero(live | (random_state.uniform(size=live.size) < 1 / _QUIET))
    return asked, np.where(live[asked], 1, _QUIET).astype(np.float32)


def _chosen(at: Tensor, parameters: Tensor, unit: Tensor) -> Tensor:
    """What the encoder would choose for coefficients in steps: the nearest value, or the next nearer to zero."""
    near = torch.round(at)
    lower = near - torch.sign(near)

    def cost(k: Tensor) -> Tensor:
        return (at - k) ** 2 + SLOPE * bits(parameters, k * unit, unit)

    return torch.where(cost(lower) < cost(near), lower, near)
