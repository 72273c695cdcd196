"""Goes through the pixels of images side by side: asks a model for odds, and a coder for answers.

Encoder and decoder run this same code; what it is told (`Writer`, `Reader`, `Costs`) alone differs. So what one puts,
the other reads.
"""

from typing import Protocol

import numpy as np

from .entropy import LaneDecoder, LaneEncoder
from .frequencies import PRECISION, TOTAL
from .lossless_context import COPIED, Canvas, Step, facts_of, guess, is_flat, rows_at_once, same, steps
from .lossless_model import Odds, cells_of, zeros_of
from .lossless_trees import TREES


class Answers(Protocol):
    """Where answers come from, or go to."""

    def ask(self, zeros: np.ndarray, lanes: np.ndarray | None, answers: np.ndarray | None) -> np.ndarray:
        """Answers of some lanes, bool; `zeros` are the slots of "no"."""


class Writer:
    """Puts answers that are known into an encoder."""

    def __init__(self, n: int):
        self.encoder = LaneEncoder(n)

    def ask(self, zeros: np.ndarray, lanes: np.ndarray | None, answers: np.ndarray | None) -> np.ndarray:
        assert answers is not None
        self.encoder.put_bits(answers, zeros, lanes)
        return answers


class Costs:
    """Adds up what answers that are known cost, in bits (n,)."""

    def __init__(self, n: int):
        self.bits = np.zeros(n)

    def ask(self, zeros: np.ndarray, lanes: np.ndarray | None, answers: np.ndarray | None) -> np.ndarray:
        assert answers is not None
        slots = np.where(answers, TOTAL - zeros.astype(np.int64), zeros.astype(np.int64))
        self.bits[slice(None) if lanes is None else lanes] += PRECISION - np.log2(slots)
        return answers


class Reader:
    """Reads answers."""

    def __init__(self, parts: list[bytes]):
        self.decoder = LaneDecoder(parts)

    def ask(self, zeros: np.ndarray, lanes: np.ndarray | None, answers: np.ndarray | None) -> np.ndarray:
        return self.decoder.get_bits(zeros, lanes)


def write(odds: Odds, images: np.ndarray, lanes: int | None = None) -> list[bytes]:
    """Images (n, h, w, channels) as strings: image i's are i, i + n, i + 2n, ..., one a row that is coded at once.

    With fewer `lanes` than images, image i comes after image i - lanes in the same strings.
    """
    n, h, w, _ = images.shape
    lanes = lanes or n
    writer = Writer(rows_at_once(h, w) * lanes)
    for first in range(0, n, lanes):
        _run(odds, Canvas(images[first : first + lanes], odds.fill), writer, lanes, known=True)
    return writer.encoder.finish()


def costs(odds: Odds, images: np.ndarray) -> np.ndarray:
    """What images cost by the model's odds, bits, float64 (n,)."""
    n, h, w, _ = images.shape
    costs_ = Costs(rows_at_once(h, w) * n)
    _run(odds, Canvas(images, odds.fill), costs_, n, known=True)
    return costs_.bits.reshape(-1, n).sum(0)


def read(odds: Odds, parts: list[bytes], n: int, h: int, w: int) -> np.ndarray:
    """The n images of what `write` gave, uint8 (n, h, w, channels); CorruptFileError where a string does not end."""
    channels = len(odds.fill)
    lanes = len(parts) // rows_at_once(h, w)
    reader, images = Reader(parts), []
    for first in range(0, n, lanes):
        canvas = Canvas(np.zeros((min(lanes, n - first), h, w, channels), np.uint8), odds.fill)
        _run(odds, canvas, reader, lanes, known=False)
        images.append(canvas.images())
    reader.decoder.finish()
    return np.concatenate(images)


def _run(odds: Odds, canvas: Canvas, coder: Answers, lanes_a_row: int, known: bool) -> None:
    n, h, w, channels = canvas.shape
    every = np.arange(n)
    whole = n == lanes_a_row and rows_at_once(h, w) == 1
    for step in steps(h, w):
        places = canvas.places(step.rows, step.columns)
        lanes = None if whole else (step.lanes[:, None] * lanes_a_row + every).ravel()
        truth = canvas.pixels[places].transpose(1, 0, 2).reshape(channels, -1) if known else None
        found = _pixels(odds, canvas.near(places), _cells(odds, step, h, w, n), coder, lanes, truth)
        if not known:
            canvas.pixels[places] = found.reshape(channels, len(places), n).transpose(1, 0, 2)


def _cells(odds: Odds, step: Step, h: int, w: int, n: int) -> np.ndarray:
    return np.repeat(cells_of(step.rows, step.columns, h, w, odds.grid), n)


def _pixels(
    odds: Odds, near: np.ndarray, cells: np.ndarray, coder: Answers, lanes: np.ndarray | None, truth: np.ndarray | None
) -> np.ndarray:
    """The colours of pixels, uint8 (channels, m), asked for where `truth` has them not."""
    m = near.shape[2]
    found = near[0].copy()  # most are equal to the one before
    rough = np.flatnonzero(~is_flat(near))
    logits = odds.flat(cells).astype(np.float32)
    facts = np.empty((0, 0), np.float32)
    copies = np.empty((0, 0), np.float32)
    if len(rough):
        near_rough = near[:, :, rough]
        facts = facts_of(near_rough)
        copies = odds.copies(near_rough, facts, cells[rough])
        logits[rough] = copies[0]
    answers = None if truth is None else (truth != found).any(0)
    new = coder.ask(zeros_of(logits), lanes, answers)
    if not new.any():
        return found
    live = np.flatnonzero(new)
    if near.shape[1] > 1 and len(rough):
        where = np.full(m, -1)
        where[rough] = np.arange(len(rough))
        live = _copied(near, copies, where, live, coder, lanes, truth, found)
    if len(live):
        at = np.searchsorted(rough, live)  # what was worked out for them is not worked out again
        all_rough = len(rough) > 0 and at[-1] < len(rough) and bool((rough[at] == live).all())
        facts = facts[:, at] if all_rough else facts_of(near[:, :, live])
        truth = None if truth is None else truth[:, live]
        found[:, live] = _values(odds, near[:, :, live], facts, cells[live], coder, _of(lanes, live), truth)
    return found


def _copied(
    near: np.ndarray, copies: np.ndarray, where: np.ndarray, live: np.ndarray,
    coder: Answers, lanes: np.ndarray | None, truth: np.ndarray | None, found: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Asks whether pixels are equal to others of COPIED, fills in those that are, and gives the rest."""
    order = COPIED[near.shape[1]]
    flat = live[where[live] < 0]
    live = live[where[live] >= 0]
    for k in range(1, len(order)):
        told_apart = np.ones(len(live), bool)
        for before in order[:k]:
            told_apart &= ~same(near[:, :, live], order[k], before)
        asked = live[told_apart]
        if not len(asked):
            continue
        candidate = near[order[k]][:, asked]
        answers = None if truth is None else (truth[:, asked] != candidate).any(0)
        new = coder.ask(zeros_of(copies[k, where[asked]]), _of(lanes, asked), answers)
        equal = asked[~new]
        found[:, equal] = near[order[k]][:, equal]
        live = np.concatenate([live[~told_apart], asked[new]])
        live.sort()
    live = np.concatenate([live, flat])
    live.sort()
    return live


def _values(
    odds: Odds, near: np.ndarray, facts: np.ndarray, cells: np.ndarray,
    coder: Answers, lanes: np.ndarray, truth: np.ndarray | None,
) -> np.ndarray:  # fmt: skip
    """Colours that are no copies, channel by channel, uint8 (channels, m)."""
    tree = TREES[odds.tree]
    channels, m = near.shape[1:]
    known = np.zeros((channels, m), np.uint8) if truth is None else truth
    for channel in range(channels):
        told = guess(near, known, channel)
        logits = odds.values(near, facts, known, channel, told, cells)

        def ask(nodes: np.ndarray, columns: np.ndarray, answers: np.ndarray | None, logits=logits) -> np.ndarray:
            return coder.ask(zeros_of(logits[nodes, columns]), lanes[columns], answers)

        value = tree.walk(ask, m, None if truth is None else truth[channel].astype(np.int64), told)
        if truth is None:
            known[channel] = value
    return known


def _of(lanes: np.ndarray | None, live: np.ndarray) -> np.ndarray:
    return live if lanes is None else lanes[live]
