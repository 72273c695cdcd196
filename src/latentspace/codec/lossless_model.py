"""The odds of a pixel's answers, as whole numbers: told by networks, or by tables where little was there to learn from.

Odds are logits in steps of 1/32, -512 to 512: log(p(yes) / p(no)) * 32. `zeros_of` turns them into slots of the coder.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from .frequencies import TOTAL
from .integer import IntegerNetwork
from .lossless_context import COPIED, OFFSETS, activity, differences_of, facts_of
from .lossless_trees import TREES

STEPS = 32  # of a logit
MOST = 512
CELLS = 32  # an image's place is told by 32 parts of its height and of its width at most
LEVELS = 11  # of `activity`


@lru_cache(maxsize=1)
def _slots() -> np.ndarray:
    """The slots of "no" for logits -512 to 512, by decimal arithmetic: the same everywhere."""
    shares = [1 / (1 + (Decimal(logit) / STEPS).exp()) for logit in range(-MOST, MOST + 1)]
    return np.array([min(max(int(share * TOTAL), 1), TOTAL - 1) for share in shares], np.uint64)


def zeros_of(logits: np.ndarray) -> np.ndarray:
    """The slots of "no", uint64, 1 to 65,535."""
    return _slots()[np.clip(logits, -MOST, MOST).astype(np.int64) + MOST]


def logits_of(no: np.ndarray, yes: np.ndarray) -> np.ndarray:
    """Logits of counts (positive), int16: for what is learned by counting."""
    return np.clip(np.rint(np.log(yes / no) * STEPS), -MOST, MOST).astype(np.int16)


class Odds(Protocol):
    """What is known of pixels of one number of channels."""

    tree: str  # of TREES
    fill: list[int]  # the colour that is thought to be about an image
    grid: tuple[int, int]  # parts of height and width that are told apart

    def flat(self, cells: np.ndarray) -> np.ndarray:
        """Logits (m,) of differing from neighbours that are all equal."""

    def copies(self, near: np.ndarray, facts: np.ndarray, cells: np.ndarray) -> np.ndarray:
        """Logits (copied, m) of differing from each neighbour of COPIED, given that it does from those before."""

    def values(
        self, near: np.ndarray, facts: np.ndarray, known: np.ndarray, channel: int, told: np.ndarray, cells: np.ndarray
    ) -> np.ndarray:
        """Logits (nodes, m) of a channel's tree, given the channels before it."""

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What `odds_from` makes them of again."""


class Tables:
    """Odds by how much the neighbours differ: learned from a handful of images, or from none."""

    def __init__(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        self.tree, self.fill, self.grid = _checked(facts)
        self.arrays = {name: np.asarray(arrays[name]) for name in ("flat", "copies", "values")}
        channels = len(self.fill)
        wanted = {
            "flat": (1,),
            "copies": (len(COPIED[channels]), LEVELS),
            "values": (channels, TREES[self.tree].nodes, LEVELS),
        }
        for name, shape in wanted.items():
            if self.arrays[name].shape != shape or self.arrays[name].dtype != np.int16:
                raise ValueError(f"a lossless coder's table {name!r} has shape {self.arrays[name].shape}, not {shape}.")

    def flat(self, cells: np.ndarray) -> np.ndarray:
        return np.broadcast_to(self.arrays["flat"], len(cells))

    def copies(self, near: np.ndarray, facts: np.ndarray, cells: np.ndarray) -> np.ndarray:
        return self.arrays["copies"][:, activity(near)]

    def values(self, near, facts, known, channel, told, cells):
        return self.arrays["values"][channel][:, activity(near)]

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {"kind": "tables", "tree": self.tree, "fill": self.fill, "grid": list(self.grid)}, self.arrays


class Networks:
    """Odds by integer networks that read the neighbours and the pixel's place: one for copies, one for each channel."""

    def __init__(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        self.tree, self.fill, self.grid = _checked(facts)
        self.arrays = dict(arrays)
        channels, (down, across) = len(self.fill), self.grid
        self._flat = np.asarray(arrays["flat"])
        if self._flat.shape != (down * across,) or self._flat.dtype != np.int16:
            raise ValueError(f"a lossless coder's table of flat places has shape {self._flat.shape}.")
        self._copies = self._network("copies/", told_of(channels), len(COPIED[channels]))
        self._values = [
            self._network(f"value{channel}/", told_of(channels, self.tree, channel), TREES[self.tree].nodes)
            for channel in range(channels)
        ]

    def _network(self, prefix: str, inputs: int, outputs: int) -> tuple[IntegerNetwork, np.ndarray]:
        """A network, and what each place adds to its first sums, float32 (hidden, cells)."""
        down, across = self.grid
        rows, columns = (np.asarray(self.arrays[prefix + name]) for name in ("rows", "columns"))
        shift = np.asarray(self.arrays[prefix + "shift"])
        if rows.dtype != np.int8 or columns.dtype != np.int8 or shift.shape != (1,) or not 0 <= int(shift[0]) <= 15:
            raise ValueError(f"places of {prefix} are {rows.dtype} and {columns.dtype}.")
        extra = 256 << int(shift[0])
        network = IntegerNetwork.from_state(self.arrays, prefix, extra=extra)
        hidden = len(network.layers[0].bias)
        if rows.shape != (down, hidden) or columns.shape != (across, hidden):
            raise ValueError(f"places of {prefix} have shapes {rows.shape} and {columns.shape}.")
        if (network.inputs, network.outputs) != (inputs, outputs):
            raise ValueError(f"{prefix} takes {network.inputs} numbers and gives {network.outputs}, not {outputs}.")
        added = rows.astype(np.float32)[:, None] + columns.astype(np.float32)
        return network, np.ascontiguousarray(added.reshape(down * across, hidden).T * np.float32(2.0 ** int(shift[0])))

    def flat(self, cells: np.ndarray) -> np.ndarray:
        return self._flat[cells]

    def copies(self, near: np.ndarray, facts: np.ndarray, cells: np.ndarray) -> np.ndarray:
        network, places = self._copies
        return network(facts, _taken(places, cells))

    def values(self, near, facts, known, channel, told, cells):
        network, places = self._values[channel]
        return network(told_to(self.tree, near, facts, known, channel, told), _taken(places, cells))

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {"kind": "networks", "tree": self.tree, "fill": self.fill, "grid": list(self.grid)}, self.arrays


def _taken(places: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """What these cells add; one column where they are all the same, as in small images."""
    return places[:, cells[:1]] if len(cells) and (cells == cells[0]).all() else places[:, cells]


def told_of(channels: int, tree: str = "values", channel: int = -1) -> int:
    """How many numbers a network reads: that of copies, or of a channel."""
    near = np.zeros((len(OFFSETS[channels]), channels, 1), np.uint8)
    facts = facts_of(near)
    if channel < 0:
        return len(facts)
    return len(told_to(tree, near, facts, np.zeros((channels, 1), np.uint8), channel, np.zeros(1, np.int32)))


def told_to(
    tree: str, near: np.ndarray, facts: np.ndarray, known: np.ndarray, channel: int, told: np.ndarray
) -> np.ndarray:
    """What a channel's network reads, float32 (inputs, m), whole numbers of 0 to 255."""
    if tree == "differences":
        return np.concatenate([facts, differences_of(near, known, channel, told)])
    return np.concatenate([facts, known[:channel].astype(np.float32)])


def cells_of(rows: np.ndarray, columns: np.ndarray, h: int, w: int, grid: tuple[int, int]) -> np.ndarray:
    """The part of an image's grid that pixels are in, int64."""
    return rows * grid[0] // h * grid[1] + columns * grid[1] // w


def _checked(facts: Mapping[str, Any]) -> tuple[str, list[int], tuple[int, int]]:
    tree, fill, grid = facts["tree"], facts["fill"], facts["grid"]
    if tree not in TREES or len(fill) not in OFFSETS or len(grid) != 2:
        raise ValueError(f"a lossless coder for {len(fill)} channels, by {tree!r}, is none that there is.")
    if not all(isinstance(v, int) and 0 <= v <= 255 for v in fill):
        raise ValueError(f"{fill} is no colour.")
    if not all(isinstance(v, int) and 1 <= v <= CELLS for v in grid):
        raise ValueError(f"a grid of {grid} parts is none: 1 to {CELLS} can be.")
    return tree, list(fill), (grid[0], grid[1])


def odds_from(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Tables | Networks":
    """The odds whose `state` these are; ValueError, KeyError or TypeError where they are none."""
    kinds: dict[str, type[Tables] | type[Networks]] = {"tables": Tables, "networks": Networks}
    return kinds[facts["kind"]](facts, arrays)
