"""Trains the networks that tell the odds of a pixel: a few minutes on one thread, on pixels drawn from all images."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from ..progress import Progress
from .integer_training import RoundedMLP
from .lossless_context import COPIED, Canvas, facts_of, guess, is_flat, same
from .lossless_model import STEPS, Networks, cells_of, logits_of, told_of, told_to
from .lossless_tables import fill_of, grid_of
from .lossless_trees import TREES, path

HIDDEN = 64
BATCH = 4096
_MOST = 2**24  # pixels that are looked at
_RATE = 3e-3
_ROUNDED_FROM = 0.6  # of the steps: floats before


class Places(NamedTuple):
    """Pixels of images of one size that are worth training on."""

    canvas: Canvas
    places: np.ndarray
    image: np.ndarray


class Placed(nn.Module):
    """A network, and what each row and column of the grid adds to its first sums."""

    def __init__(self, inputs: int, outputs: int, grid: tuple[int, int], generator: torch.Generator):
        super().__init__()
        self.network = RoundedMLP([inputs, HIDDEN, HIDDEN, outputs], output_step=int(np.log2(STEPS)))
        for weight, bias in zip(self.network.weights, self.network.biases, strict=True):
            limit = weight.shape[1] ** -0.5
            nn.init.uniform_(weight, -limit, limit, generator=generator)
            nn.init.zeros_(bias)
        self.rows = nn.Parameter(torch.zeros(grid[0], HIDDEN))
        self.columns = nn.Parameter(torch.zeros(grid[1], HIDDEN))

    def forward(self, x: np.ndarray, cells: np.ndarray) -> torch.Tensor:
        """Logits (m, outputs) of inputs (inputs, m)."""
        row, column = np.divmod(cells, len(self.columns))
        rows, columns = self.network.rounded_extra(self.rows), self.network.rounded_extra(self.columns)
        extra = rows[torch.from_numpy(row)] + columns[torch.from_numpy(column)]
        return self.network(torch.from_numpy(np.ascontiguousarray(x.T)), extra)

    @torch.no_grad()
    def state(self, prefix: str) -> dict[str, np.ndarray]:
        """The arrays of `Networks`."""
        arrays = self.network.to_integer(extra=8).state(prefix)
        for name, table in (("rows", self.rows), ("columns", self.columns)):
            steps = torch.floor(table * 32 + 0.5).clamp(-128, 127)
            arrays[prefix + name] = steps.to(torch.int8).numpy()
        arrays[prefix + "shift"] = np.array([self.network.extra_shift], np.uint8)
        return arrays


def train(images: Sequence[np.ndarray], channels: int, *, steps: int, seed: int, tree: str) -> Networks:
    """Networks for images (h, w, channels), in so many steps of 4,096 pixels."""
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    fill, grid = fill_of(images, channels), grid_of(images)
    sets, flat = _worth(images, fill, grid, rng)
    copies = Placed(told_of(channels), len(COPIED[channels]), grid, generator)
    values = [Placed(told_of(channels, tree, c), TREES[tree].nodes, grid, generator) for c in range(channels)]
    parts = nn.ModuleList([copies, *values])
    optimiser = torch.optim.Adam(parts.parameters(), lr=_RATE)
    sizes = np.array([len(places.places) for places in sets], dtype=np.float64)
    with Progress("training the lossless coder", steps) as progress:
        for step in range(steps):
            for part in (copies, *values):
                part.network.rounds = step >= _ROUNDED_FROM * steps
            for group in optimiser.param_groups:
                group["lr"] = _RATE * min(1, (step + 1) / 50, max(0.02, (steps - step) / (0.5 * steps)))
            loss = torch.zeros(())
            for places, m in zip(sets, rng.multinomial(BATCH, sizes / sizes.sum()), strict=True):
                if m:
                    loss = loss + _cost(copies, values, places, rng.integers(0, len(places.places), m), grid, tree)
            optimiser.zero_grad()
            (loss / BATCH).backward()
            optimiser.step()
            for part in (copies, *values):
                part.network.clip()
            progress.advance()
    arrays = {"flat": flat, **copies.state("copies/")}
    for channel, part in enumerate(values):
        arrays |= part.state(f"value{channel}/")
    return Networks({"tree": tree, "fill": fill, "grid": list(grid)}, arrays)


def _worth(
    images: Sequence[np.ndarray], fill: list[int], grid: tuple[int, int], rng: np.random.Generator
) -> tuple[list[Places], np.ndarray]:
    """Pixels that are not what all their neighbours are, by images' sizes; and the odds of those places that are."""
    by_shape: dict[tuple[int, ...], list[np.ndarray]] = {}
    looked_at = 0
    for number in rng.permutation(len(images)):
        if looked_at >= _MOST:
            break
        looked_at += images[number].size // images[number].shape[2]
        by_shape.setdefault(images[number].shape, []).append(images[number])
    sets, counts = [], np.zeros((grid[0] * grid[1], 2))
    for (h, w, _), alike in by_shape.items():
        canvas = Canvas(np.stack(alike), fill)
        n = len(alike)
        found = []
        for row in range(h):
            places = canvas.places(np.full(w, row), np.arange(w))
            near = canvas.near(places)
            even = is_flat(near)
            new = (canvas.pixels[places].transpose(1, 0, 2).reshape(near.shape[1:]) != near[0]).any(0)
            cells = np.repeat(cells_of(np.full(w, row), np.arange(w), h, w, grid), n)
            np.add.at(counts, (cells[even], new[even].astype(np.int64)), 1)
            where = np.flatnonzero(new | ~even)
            found.append(places[where // n] * n + where % n)
        places, image = np.divmod(np.concatenate(found), n)
        if len(places):
            sets.append(Places(canvas, places, image))
    share = (counts.sum(0) + np.array([1.0, 0.05])) / (counts.sum() + 1.05)
    counts += 2 * share
    return sets, logits_of(counts[:, 0], counts[:, 1])


def _cost(
    copies: Placed, values: list[Placed], set_: Places, drawn: np.ndarray, grid: tuple[int, int], tree: str
) -> torch.Tensor:
    """Nats of some pixels."""
    places, image = set_.places[drawn], set_.image[drawn]
    near, truth = set_.canvas.near_one(places, image)
    channels = len(truth)
    _, h, w, _ = set_.canvas.shape
    row, column = np.divmod(places, set_.canvas.width)
    cells = cells_of(row - 5, column - 5, h, w, grid)
    facts = facts_of(near)
    even = is_flat(near)
    live, asked, answers = ~even, [], []
    for k, other in enumerate(COPIED[channels]):
        ask = live.copy()
        for before in COPIED[channels][:k]:
            ask &= ~same(near, other, before)
        new = (truth != near[other]).any(0)
        asked.append(ask)
        answers.append(new)
        live &= new
    loss = _bits(copies(facts, cells), np.array(answers).T, np.array(asked).T)
    left = live | even  # even ones that are no copies: those that are were not taken
    left &= (truth != near[0]).any(0)
    if not left.any():
        return loss
    near, truth, facts, cells = near[:, :, left], truth[:, left], facts[:, left], cells[left]
    for channel, part in enumerate(values):
        told = guess(near, truth, channel)
        nodes, columns, said = path(TREES[tree], truth[channel], told)
        logits = part(told_to(tree, near, facts, truth, channel, told), cells)
        picked = logits[torch.from_numpy(columns), torch.from_numpy(nodes)]
        loss = loss + _bits(picked, said, np.ones(len(said), bool))
    return loss


def _bits(logits: torch.Tensor, answers: np.ndarray, asked: np.ndarray) -> torch.Tensor:
    cost = nn.functional.binary_cross_entropy_with_logits(
        logits, torch.from_numpy(answers.astype(np.float32)), reduction="none"
    )
    return (cost * torch.from_numpy(asked.astype(np.float32))).sum()
