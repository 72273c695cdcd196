"""Trains a compressive model's two networks: bits of quantised blocks, then the error of what is decoded from them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ...progress import Progress
from . import blocks as b
from .networks import Context, Smooth, bits, rings

_ROWS = 512  # blocks of a training step: in equal time more steps beat more blocks, by 6% of 1,024 on emoji
_CROP = 64  # pixels: of larger pictures a training step sees pieces
_RATE = 3e-3
_SMOOTH_RATE = 1e-3  # at 3e-3 every unit of the smoothing died on emoji: nearly all inputs have one sign
_SMOOTHING = {1: 0.3, 3: 1.0}  # as many steps as this share of the context's, by channels: grey ones gain little
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
    turned = torch.from_numpy(axes)
    learning = _Learning(context, _RATE, steps)
    for step in range(steps):
        x, eighths = _batch(pictures, ground, _ROWS, random_state)
        _, rate = _judged(context, turned, x, eighths, step / steps >= _CHOOSING, random_state)
        learning.step(rate, step)
        progress.advance(note=f"{float(rate.detach()):.3f} bits a value")
    # The smoothing learns from what an encoder with the finished context would write.
    after = smoothing_steps(steps, c)
    learning = _Learning(smooth, _SMOOTH_RATE, after)
    for step in range(after):
        x, eighths = _batch(pictures, ground, _ROWS, random_state)
        with torch.no_grad():
            k, _ = _judged(context, turned, x, eighths, True, random_state)
        learning.step(_error(smooth, turned, x, eighths, k), step)
        progress.advance(note="smoothing")
    return axes, context.eval(), smooth.eval()


def smoothing_steps(steps: int, channels: int) -> int:
    """Training steps of the smoothing, after so many of the context."""
    return round(_SMOOTHING[channels] * steps)


class _Learning:
    """Adam with decoupled decay, a warm start and a falling rate."""

    def __init__(self, network: nn.Module, rate: float, steps: int):
        self.weights, self.rate, self.steps = list(network.parameters()), rate, steps
        self.optimiser = torch.optim.AdamW(self.weights, lr=rate, weight_decay=1e-4)

    def step(self, loss: Tensor, step: int) -> None:
        """One step down, the `step`-th."""
        loss.backward()
        fall = 0.5 + 0.5 * np.cos(np.pi * step / self.steps)
        self.optimiser.param_groups[0]["lr"] = self.rate * min(1.0, (step + 1) / 50) * fall + 1e-5
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()


def _batch(
    pictures: Sequence[np.ndarray], ground: np.ndarray, rows: int, random_state: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of blocks (m, rows, columns, p) of some pictures, or pieces, of one size; their steps in eighths."""
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
        chosen.append(some[top * b.SIDE : top * b.SIDE + h, left * b.SIDE : left * b.SIDE + w])
    low, high = np.log(8 * b.FINEST), np.log(8 * b.COARSEST)
    eighths = np.rint(np.exp(random_state.uniform(low, high, size=count))).astype(np.int64)
    return b.to_blocks(np.stack(chosen), ground), eighths


def _judged(
    context: Context,
    axes: Tensor,
    x: np.ndarray,
    eighths: np.ndarray,
    choosing: bool,
    random_state: np.random.RandomState,
) -> tuple[Tensor, Tensor]:
    """Quantised coefficients (n, rows, columns, p) of blocks, and their mean bits a value."""
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

    def told_of(k: Tensor) -> tuple[Tensor, Tensor]:
        decoded = ((k * wide) @ axes).reshape(n, rows, columns, b.SIDE, b.SIDE, -1)
        shown = decoded.permute(0, 5, 1, 3, 2, 4).reshape(n, -1, rows * b.SIDE, columns * b.SIDE)
        seen = rings(shown.clamp(-255, 255) / b.UNIT).reshape(n * rows * columns, -1)[who]
        values = (k * wide / b.UNIT).reshape(-1, p)[who]
        return context(seen, *places, told[step_of], values), values

    unit = (step / b.UNIT)[step_of, None]
    if choosing:
        with torch.no_grad():
            parameters, _ = told_of(k)
            flat = k.reshape(-1, p)
            flat[who] = _chosen((c / wide).reshape(-1, p)[who], parameters, unit)
    parameters, values = told_of(k)
    return k, (bits(parameters, values, unit).sum(1) * torch.from_numpy(weight)).sum() / x.size


def _error(smooth: Smooth, axes: Tensor, x: np.ndarray, eighths: np.ndarray, k: Tensor) -> Tensor:
    """The mean squared error of what is smoothed, as a share of the steps' own noise."""
    step = torch.from_numpy((eighths / 8).astype(np.float32))
    told = torch.from_numpy((b.step_features(eighths) / b.UNIT).astype(np.float32))
    planes = ((k * step[:, None, None, None]) @ axes).permute(0, 3, 1, 2) / b.UNIT
    error = (smooth(planes, told) - torch.from_numpy(x).permute(0, 3, 1, 2) / b.UNIT) ** 2
    return (error.mean((1, 2, 3)) * (b.UNIT**2 * 12) / step**2).mean()


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
