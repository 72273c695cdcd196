"""Fronts of blocks to symbols and back, in numpy or in compiled loops: both give and read the same bytes."""

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

from .entropy import LaneDecoder, LaneEncoder, strings_of
from .frequencies import TOTAL
from .pictures_mixture import Mixtures, bits_of
from .pictures_network import Blocks, whole_coefficients
from .pictures_walk import Front, Walk

SLOPE = 0.1  # squared steps that a bit may cost
_WORTH = 2**16  # coefficients from which loading compiled code takes less time than it saves


class Writer:
    """Chooses values of coefficients, and keeps what codes them.

    Parameters
    ----------
    blocks : Blocks
    eighths : int
        The step, in eighths of a grey level.
    walk : Walk
    wanted : float32 (n, rows, columns, p)
        Coefficients, in steps.
    keeps : bool
        Whether strings will be asked for.
    """

    def __init__(self, blocks: Blocks, eighths: int, walk: Walk, wanted: np.ndarray, keeps: bool):
        self.blocks, self.eighths, self.wanted = blocks, eighths, wanted
        self.bits = np.zeros(len(wanted))  # of each picture
        self.k = np.empty(0, np.int32)  # all values, once they are chosen
        self.encoder = LaneEncoder(walk.lanes) if keeps else None

    def front(self, hidden: np.ndarray, front: Front) -> np.ndarray:
        """The values of a front's blocks, int32 (m, p)."""
        p = self.blocks.p
        wanted = self.wanted[:, front.rows, front.columns].reshape(-1, p)
        k, seen = np.zeros(wanted.shape, np.int32), np.zeros(wanted.shape, np.float32)
        for j in range(p):
            mixtures = self.blocks.mixtures(hidden, seen, j, self.eighths)
            k[:, j], low, width = _chosen(wanted[:, j], mixtures, *self.blocks.range(j, self.eighths))
            seen[:, j] = whole_coefficients(k[:, j], self.eighths)
            self.bits += bits_of(width).reshape(len(self.bits), -1).sum(axis=1)
            if self.encoder is not None:
                low = (low - mixtures.guess()[1]) % TOTAL  # see `Reader`
                for rank in front.ranks:
                    self.encoder.put(low[rank], width[rank], front.lanes[rank])
        return k

    def strings(self) -> list[bytes]:
        """One string a lane."""
        assert self.encoder is not None
        return self.encoder.finish()


def _chosen(at: np.ndarray, mixtures: Mixtures, least: int, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nearest value or the next one nearer to zero, whichever costs less in all; its place and its share."""
    near = np.clip(np.rint(at), least, most).astype(np.int64)
    first = near - (near > 0)
    places = [mixtures.low(first + more) for more in range(3)]
    widths = [places[1] - places[0], np.maximum(places[2] - places[1], 1)]
    costs = [(at - first - more) ** 2 + SLOPE * bits_of(widths[more]) for more in range(2)]
    # Of 0 the next one is 1, which is no candidate, nor is what lies beyond the last.
    second = (costs[1] < costs[0]) & (near != 0) & (first < most)
    return first + second, np.where(second, places[1], places[0]), np.where(second, widths[1], widths[0])


class Reader:
    """Reads values of coefficients from strings, one a lane."""

    def __init__(self, blocks: Blocks, eighths: int, strings: Sequence[bytes]):
        self.blocks, self.eighths, self.decoder = blocks, eighths, LaneDecoder(strings)

    def front(self, hidden: np.ndarray, front: Front) -> np.ndarray:
        """The values of a front's blocks, int32 (m, p)."""
        p, decoder = self.blocks.p, self.decoder
        k, seen = np.zeros((len(hidden), p), np.int32), np.zeros((len(hidden), p), np.float32)
        for j in range(p):
            mixtures = self.blocks.mixtures(hidden, seen, j, self.eighths)
            guess = mixtures.guess()
            for rank in front.ranks:
                # Places count from the likeliest value's: where a lane is still empty, what was expected takes no bits.
                lanes, first = front.lanes[rank], guess[1][rank]
                slots = (decoder.slots(lanes).astype(np.int64) + first) % TOTAL
                k[rank, j], low, end = mixtures.find(slots, rank, guess)
                decoder.drop(((low - first) % TOTAL).astype(np.uint64), (end - low).astype(np.uint64), lanes)
            seen[:, j] = whole_coefficients(k[:, j], self.eighths)
        return k

    def finish(self) -> None:
        """Says whether all was read; CorruptFileError where not."""
        self.decoder.finish()


class CompiledWriter(Writer):
    """`Writer` in compiled loops."""

    def __init__(self, blocks: Blocks, eighths: int, walk: Walk, wanted: np.ndarray, keeps: bool):
        super().__init__(blocks, eighths, walk, wanted, False)
        self.told = (*blocks.layers(), eighths, *blocks.ranges(eighths))
        self.steps: list[tuple[np.ndarray, ...]] | None = [] if keeps else None
        self.lanes = walk.lanes

    def front(self, hidden: np.ndarray, front: Front) -> np.ndarray:
        from .pictures_kernels import write_front

        p = self.blocks.p
        wanted = self.wanted[:, front.rows, front.columns].reshape(-1, p)
        k, seen = np.zeros(wanted.shape, np.int32), np.zeros(wanted.shape, np.float32)
        starts, widths = np.empty(wanted.T.shape, np.int32), np.empty(wanted.T.shape, np.int32)
        spent, order = np.zeros(len(wanted)), front.order()
        write_front(hidden, wanted, order, self.told, SLOPE, k, seen, starts, widths, spent)
        self.bits += spent.reshape(len(self.bits), -1).sum(axis=1)
        if self.steps is not None:
            self.steps.append((front.lanes, order, starts, widths))
        return k

    def strings(self) -> list[bytes]:
        from .pictures_kernels import push_back

        assert self.steps is not None
        states, spilled = np.zeros(self.lanes, np.int64), []
        for lanes, order, starts, widths in reversed(self.steps):
            who, words = np.empty(starts.size, np.int64), np.empty(starts.size, "<u2")
            count = push_back(states, lanes, order, starts, widths, who, words)
            spilled.append((who[:count][::-1], words[:count][::-1]))
        self.steps = []
        return strings_of(states, spilled)


class CompiledReader(Reader):
    """`Reader` in compiled loops."""

    def __init__(self, blocks: Blocks, eighths: int, strings: Sequence[bytes]):
        super().__init__(blocks, eighths, strings)
        self.told = (*blocks.layers(), eighths, *blocks.ranges(eighths))

    def front(self, hidden: np.ndarray, front: Front) -> np.ndarray:
        from .pictures_kernels import read_front

        k = np.zeros((len(hidden), self.blocks.p), np.int32)
        seen, string = np.zeros(k.shape, np.float32), self.decoder.arrays()
        read_front(hidden, front.order(), front.lanes, self.told, k, seen, string)
        return k


def coding(coefficients: int) -> tuple[type[Writer], type[Reader]]:
    """What codes so many coefficients soonest: compiled loops where numba is installed and they are worth loading."""
    compiled = coefficients >= _WORTH and find_spec("numba") is not None
    return (CompiledWriter, CompiledReader) if compiled else (Writer, Reader)
