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


def write(odds: Odds, images: np.ndarray) -> list[list[bytes]]:
    """Images (n, h, w, channels) as strings, a list of one for each row that is coded at once, for each image."""
    n, h, w, _ = images.shape
    writer = Writer(rows_at_once(h, w) * n)
    _run(odds, Canvas(images, odds.fill), writer, known=True)
    parts = writer.encoder.finish()
    return [parts[image::n] for image in range(n)]


def costs(odds: Odds, images: np.ndarray) -> np.ndarray:
    """What images cost by the model's odds, bits, float64 (n,)."""
    n, h, w, _ = images.shape
    costs_ = Costs(rows_at_once(h, w) * n)
    _run(odds, Canvas(images, odds.fill), costs_, known=True)
    return costs_.bits.reshape(-1, n).sum(0)


def read(odds: Odds, parts: list[list[bytes]], h: int, w: int) -> np.ndarray:
    """The images of what `write` gave, uint8 (n, h, w, channels); CorruptFileError where a string does not end."""
    n, channels = len(parts), len(odds.fill)
    canvas = Canvas(np.zeros((n, h, w, channels), np.uint8), odds.fill)
    reader = Reader([part for lane in zip(*parts, strict=True) for part in lane])
    _run(odds, canvas, reader, known=False)
    reader.decoder.finish()
    return canvas.images()


def _run(odds: Odds, canvas: Canvas, coder: Answers, known: bool) -> None:
    n, h, w, _ = canvas.shape
    lanes_all = rows_at_once(h, w)
    every = np.arange(n)
    for step in steps(h, w):
        places = canvas.places(step.rows, step.columns)
        lanes = None if lanes_all == 1 else (step.lanes[:, None] * n + every).ravel()
        truth = canvas.pixels[places].transpose(1, 0, 2).reshape(canvas.shape[3], -1) if known else None
        found = _pixels(odds, canvas.near(places), _cells(odds, step, h, w, n), coder, lanes, truth)
        if not known:
            canvas.pixels[places] = found.reshape(canvas.shape[3], len(places), n).transpose(1, 0, 2)


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
        found[:, live] = _values(odds, near[:, :, live], cells[live], coder, _of(lanes, live), _of_truth(truth, live))
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
    odds: Odds, near: np.ndarray, cells: np.ndarray, coder: Answers, lanes: np.ndarray, truth: np.ndarray | None
) -> np.ndarray:
    """Colours that are no copies, channel by channel, uint8 (channels, m)."""
    tree = TREES[odds.tree]
    channels, m = near.shape[1:]
    facts = facts_of(near)
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


def _of_truth(truth: np.ndarray | None, live: np.ndarray) -> np.ndarray | None:
    return None if truth is None else truth[:, live]
