"""A pixel's value as yes-or-no questions, each with a node of a tree, whose odds a model tells.

`walk(ask, m, truth, guess)` goes through the questions of m pixels: `ask(nodes, columns, answers)` gives the answers of
these columns, which in encoding are the `answers` that it is given and in decoding are read.
"""

from collections.abc import Callable

import numpy as np

Ask = Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray]
_LONGEST = 7  # bits of a difference below its highest: 255 is 8 bits


class Values:
    """The eight bits of the value, the highest first: each of the 255 nodes may know that its values are common."""

    nodes = 255

    @staticmethod
    def walk(ask: Ask, m: int, truth: np.ndarray | None, guess: np.ndarray) -> np.ndarray:  # noqa: ARG004 - as Differences
        """The values, int64 (m,)."""
        every, node = np.arange(m), np.zeros(m, np.int64)
        for bit in range(7, -1, -1):
            answers = None if truth is None else (truth >> bit & 1).astype(bool)
            node = 2 * node + 1 + ask(node, every, answers)
        return node - 255


class Differences:
    """How far the value is from a guess: none, to which side, how many bits, and these (as FLIF's; Sneyers, 2016)."""

    nodes = 130 + 64

    @staticmethod
    def walk(ask: Ask, m: int, truth: np.ndarray | None, guess: np.ndarray) -> np.ndarray:
        """The values, int64 (m,)."""
        guess = guess.astype(np.int64)
        away = None if truth is None else truth - guess
        size = None if away is None else np.abs(away)
        differs = ask(np.zeros(m, np.int64), np.arange(m), None if away is None else away != 0)
        live = np.flatnonzero(differs)
        below = np.zeros(m, bool)
        below[live] = ask(np.ones(len(live), np.int64), live, None if away is None else away[live] < 0)
        side = 8 * below
        length = np.zeros(m, np.int64)
        for k in range(_LONGEST):
            answers = None if size is None else size[live] >> k + 1 > 0
            live = live[ask(2 + side[live] + k, live, answers)]
            if not len(live):
                break
            length[live] = k + 1
        found = differs.astype(np.int64)
        kind = side + length
        for j in range(int(length.max(initial=0))):
            live = np.flatnonzero(length > j)
            # The first three bits below the highest have odds by those before them, the rest by their place.
            first = found[live] - (1 << j)
            node = (18, 34, 66)[j] + (kind[live] << j) + first if j < 3 else 130 + 8 * length[live] + j
            answers = None if size is None else (size[live] >> length[live] - 1 - j & 1).astype(bool)
            found[live] = 2 * found[live] + ask(node, live, answers)
        return np.clip(guess + np.where(below, -found, found), 0, 255)


TREES: dict[str, type[Values] | type[Differences]] = {"values": Values, "differences": Differences}


def path(tree: type[Values] | type[Differences], truth: np.ndarray, guess: np.ndarray) -> tuple[np.ndarray, ...]:
    """All questions of known values: nodes int64, columns int64, answers bool, each of shape (questions,)."""
    asked: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def ask(nodes: np.ndarray, columns: np.ndarray, answers: np.ndarray | None) -> np.ndarray:
        assert answers is not None
        asked.append((nodes, columns, answers))
        return answers

    tree.walk(ask, len(truth), truth.astype(np.int64), guess)
    nodes, columns, answers = (np.concatenate(part) for part in zip(*asked, strict=True))
    return nodes, columns, answers
