"""What a coder of tables knows of each column before it codes: where its numbers lie, and which columns tell of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .compiled import njit
from .table_kernels import GUESSES, MISSING, PARENTS, STRANGE

HOLE = np.iinfo(np.int64).min  # the value of a cell without one
_GUESSED = 2**15  # numbers that guesses are found on
_LEARNS = 4096  # rows that parents and guesses are found on
_WINDOW = 256  # columns before one that may be its parents
_CANDIDATES = 12  # of them, the best alone, that are tried beside the best
_LOOKS = 2**28  # cells that are looked at to find parents
_FINE, _ROUGH = 127, 14  # edges of a column, at most
_NARROW = 8  # bits of codes that are taken as they are
_WIDEST = 16  # bits of a code that has a fixed width
_WORDS = 4096  # different values that are listed, at most
_HEAVIEST = 8.0  # of a weight of a guess
_ONE = 1 << 16
_SORT = 12  # columns of one scale, from which they share what is learned
_COMMON = 0.5  # of the cells, from which the most common value has a question of its own


@dataclass
class Plan:
    """Of c columns.

    Attributes
    ----------
    kinds : int8 (c,)
        0: a code is (value - base) / step; 1: a code is a place in the column's list of values.
    bases, steps : int64 (c,)
    lists : int64 (total,), list_ends : int64 (c + 1,)
        Values of listed columns, rising.
    widths : int8 (c,)
        Bits of a code; -1 where it may have any size.
    tops : int64 (c,)
        Codes are below; of columns with a width.
    common : int64 (c,)
        The code of most cells, -1 where there is none such.
    holes : bool (c,)
        Whether cells may be missing.
    groups : int64 (c,)
        Columns of one group are of one sort and scale and share what is learned; -1 for those that are alone.
    edges, edge_ends, rough, rough_ends : int64
        Where codes are cut for contexts that look at this column; those of 8 bits and fewer are taken as they are, and
        by their highest four.
    parents : int16 (c, 4)
        Columns before that tell of it, the best first; -1 for none.
    guessers : int16 (c,)
        Which of the weights are a column's.
    weights : int64 (k, 2, 8)
        Of guesses, in 2^16ths.
    """

    kinds: np.ndarray
    bases: np.ndarray
    steps: np.ndarray
    lists: np.ndarray
    list_ends: np.ndarray
    widths: np.ndarray
    tops: np.ndarray
    common: np.ndarray
    holes: np.ndarray
    groups: np.ndarray
    edges: np.ndarray
    edge_ends: np.ndarray
    rough: np.ndarray
    rough_ends: np.ndarray
    parents: np.ndarray
    guessers: np.ndarray
    weights: np.ndarray

    # ------------------------------------------------------------------ codes
    def codes(self, values: np.ndarray) -> np.ndarray:
        """Values (n, c) as codes: 0 and above, MISSING, or STRANGE for what the plan does not hold."""
        codes = np.empty(values.shape, np.int64)
        for column in range(values.shape[1]):
            codes[:, column] = self._codes_of(values[:, column], column)
        return codes

    def _codes_of(self, values: np.ndarray, column: int) -> np.ndarray:
        if self.kinds[column] == 1:
            listed = self._list(column)
            places = np.minimum(np.searchsorted(listed, values), max(0, len(listed) - 1))
            known = listed[places] == values if len(listed) else np.zeros(len(values), bool)
            codes = np.where(known, places, STRANGE)
        else:
            base, step = int(self.bases[column]), int(self.steps[column])
            below = values < base
            apart = values.view(np.uint64) - np.uint64(base & (2**64 - 1))
            codes = (apart // np.uint64(step)).view(np.int64)
            off = (apart % np.uint64(step) != 0) | below | (codes < 0) | (codes >= 2**62)
            if self.widths[column] >= 0:
                off |= codes >= int(self.tops[column])
            codes = np.where(off, STRANGE, codes)
        hole = values == HOLE
        if hole.any():
            codes = np.where(hole, MISSING if self.holes[column] else STRANGE, codes)
        return codes

    def values(self, codes: np.ndarray, strange: np.ndarray) -> np.ndarray:
        """What `codes` was given; codes that the plan does not hold come to its ends."""
        values = np.empty(codes.shape, np.int64)
        for column in range(codes.shape[1]):
            own = codes[:, column]
            if self.kinds[column] == 1:
                listed = self._list(column)
                found = (
                    listed[np.clip(own, 0, max(0, len(listed) - 1))] if len(listed) else np.zeros(len(own), np.int64)
                )
            else:
                scaled = own.view(np.uint64) * np.uint64(int(self.steps[column]))
                found = (scaled + np.uint64(int(self.bases[column]) & (2**64 - 1))).view(np.int64)
            found = np.where(own == MISSING, HOLE, found)
            values[:, column] = np.where(own == STRANGE, strange[:, column], found)
        return values

    def _list(self, column: int) -> np.ndarray:
        return self.lists[self.list_ends[column] : self.list_ends[column + 1]]

    # ------------------------------------------------------------------ keeping
    def kernel(self) -> tuple[np.ndarray, ...]:
        """As the loops take it."""
        return (
            self.widths, self.common, self.holes, self.groups, self.edges, self.edge_ends, self.rough, self.rough_ends,
            self.parents, self.guessers, self.weights,
        )  # fmt: skip

    def state(self) -> dict[str, np.ndarray]:
        """Its arrays, by name."""
        return dict(vars(self))

    @classmethod
    def from_state(cls, arrays: Mapping[str, Any]) -> "Plan":
        """What `state` gave. Raises ValueError or KeyError for what no plan would have given."""
        plan = cls(**{name: np.ascontiguousarray(arrays[name]) for name in cls.__dataclass_fields__})
        c = len(plan.kinds)
        plan._check_types(c)
        for ends, flat in (
            (plan.list_ends, plan.lists), (plan.edge_ends, plan.edges), (plan.rough_ends, plan.rough),
        ):  # fmt: skip
            if len(ends) != c + 1 or ends[0] != 0 or ends[-1] != len(flat) or (np.diff(ends) < 0).any():
                raise ValueError("lists that do not add up")
        if (np.diff(plan.rough_ends) > _ROUGH).any() or (np.diff(plan.edge_ends) > _FINE).any():
            raise ValueError("more edges than there are bins")
        if (plan.parents >= np.arange(c)[:, None]).any() or (plan.parents < -1).any():
            raise ValueError("parents that do not come before their columns")
        if (plan.steps < 1).any() or (plan.widths > _WIDEST).any() or (plan.widths < -1).any():
            raise ValueError("steps or widths out of range")
        if (plan.groups < -1).any() or (plan.groups >= max(1, c)).any():
            raise ValueError("groups that there are not")
        k = len(plan.weights)
        if plan.weights.dtype != np.int64 or plan.weights.shape != (k, 2, GUESSES):
            raise ValueError(f"weights of type {plan.weights.dtype} and shape {plan.weights.shape}")
        if (plan.guessers < 0).any() or (plan.guessers >= k).any() or k > max(1, c):
            raise ValueError("guesses that there are not")
        if (np.abs(plan.weights) > 2**62).any() or (plan.common >= 2**61).any():
            raise ValueError("numbers out of range")
        return plan

    def _check_types(self, c: int) -> None:
        for name, (dtype, shape) in _TYPES.items():
            array = getattr(self, name)
            wanted = tuple(c if side == "c" else side for side in shape)
            if array.dtype != dtype or (array.shape != wanted if wanted else array.ndim != 1):
                raise ValueError(f"{name} of type {array.dtype} and shape {array.shape}")


_TYPES: dict[str, tuple[Any, tuple]] = {
    "kinds": (np.int8, ("c",)), "bases": (np.int64, ("c",)), "steps": (np.int64, ("c",)), "lists": (np.int64, ()),
    "list_ends": (np.int64, ()), "widths": (np.int8, ("c",)), "tops": (np.int64, ("c",)), "common": (np.int64, ("c",)),
    "holes": (np.bool_, ("c",)), "groups": (np.int64, ("c",)), "edges": (np.int64, ()),
    "edge_ends": (np.int64, ()), "rough": (np.int64, ()), "rough_ends": (np.int64, ()),
    "parents": (np.int16, ("c", PARENTS)), "guessers": (np.int16, ("c",)),
}  # fmt: skip


# ---------------------------------------------------------------------- learning
def learned(values: np.ndarray) -> Plan:
    """The plan of a table of whole numbers (n, c), HOLE where a cell is missing."""
    n, c = values.shape
    columns = [_Column(values[:, place]) for place in range(c)]
    groups = _grouped(columns)
    # Columns of a sort guess alike; so what is kept of a thousand columns is little.
    alone = np.where(groups < 0, np.arange(c) + c, groups)
    guessers = np.unique(alone, return_inverse=True)[1]
    ends = np.cumsum([0, *(len(column.listed) for column in columns)]).astype(np.int64)
    plan = Plan(
        kinds=np.array([column.kind for column in columns], np.int8),
        bases=np.array([column.base for column in columns], np.int64),
        steps=np.array([column.step for column in columns], np.int64),
        lists=_joined([column.listed for column in columns]), list_ends=ends,
        widths=np.array([column.width for column in columns], np.int8),
        tops=np.array([column.top for column in columns], np.int64),
        common=np.array([column.common for column in columns], np.int64),
        holes=np.array([column.holes for column in columns], bool), groups=groups,
        edges=np.empty(0, np.int64), edge_ends=np.zeros(c + 1, np.int64), rough=np.empty(0, np.int64),
        rough_ends=np.zeros(c + 1, np.int64), parents=np.full((c, PARENTS), -1, np.int16),
        guessers=guessers.astype(np.int16), weights=np.zeros((int(guessers.max(initial=0)) + 1, 2, GUESSES), np.int64),
    )  # fmt: skip
    rows = np.linspace(0, n - 1, min(n, _LEARNS)).astype(int) if n else np.empty(0, int)
    codes = plan.codes(values[rows])
    narrow = (plan.widths >= 0) & (plan.widths <= _NARROW)
    fine = [_edges(codes[:, place], 0 if narrow[place] else _FINE) for place in range(c)]
    rough = [_edges(codes[:, place], 0 if narrow[place] else _ROUGH) for place in range(c)]
    plan.edges, plan.edge_ends = _joined(fine), np.cumsum([0, *map(len, fine)]).astype(np.int64)
    plan.rough, plan.rough_ends = _joined(rough), np.cumsum([0, *map(len, rough)]).astype(np.int64)
    if len(rows) >= 16:
        bins = [_binned(codes[:, i], _edges(codes[:, i], _ROUGH)) for i in range(c)]
        few = max(256, _LOOKS // max(1, c * min(c, _WINDOW)))
        sixteenths = np.stack(bins)[:, :few].astype(np.int8)
        tops = sixteenths.max(axis=1, keepdims=True).astype(np.int64) + 1
        _find_parents(sixteenths, (sixteenths * 4 // tops).astype(np.int8), _WINDOW, plan.parents)
        # Guesses look at rows above as well, which a spread sample does not hold: they are found on a run of rows.
        run = plan.codes(values[:_LEARNS])
        for which in range(len(plan.weights)):
            plan.weights[which] = _guess(run, np.flatnonzero(guessers == which), plan.parents)
    return plan


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([*parts, np.empty(0, np.int64)]).astype(np.int64)


class _Column:
    """Where one column's values lie."""

    def __init__(self, values: np.ndarray):
        there = values[values != HOLE]
        self.holes = len(there) < len(values)
        self.kind, self.base, self.step, self.width, self.top, self.common = 0, 0, 1, -1, 0, -1
        self.listed = np.empty(0, np.int64)
        if not len(there):
            return
        found, counts = np.unique(there, return_counts=True)
        reach = int(found[-1]) - int(found[0])
        self.base = int(found[0])
        gaps = np.diff(found.astype(np.uint64))  # wraps to the true gap
        self.step = min(max(1, int(np.gcd.reduce(gaps))) if len(gaps) else 1, 2**62)
        span = reach // self.step + 1
        few = len(found) <= _WORDS and len(found) * 3 <= len(there)
        if few and span > max(256, 2 * len(found)):
            self.kind, self.listed, span = 1, found.astype(np.int64), len(found)
        self.top = span
        if span <= 1 << _WIDEST:
            self.width = (span - 1).bit_length()
        else:
            self.top = 0
        most = int(np.argmax(counts))
        if counts[most] > _COMMON * len(there) and self.width > 1:
            place = most if self.kind else (int(found[most]) - self.base) // self.step
            self.common = place


def _grouped(columns: list[_Column]) -> np.ndarray:
    """Puts columns of whole numbers with one step and like spans together, on one scale."""
    groups = np.full(len(columns), -1, np.int64)
    sorts: dict[tuple[int, int], list[int]] = {}
    for place, column in enumerate(columns):
        if column.kind == 0 and 0 <= column.width <= 12 and abs(column.base) < 2**12:
            sorts.setdefault((1 if column.width < 2 else column.step, column.base // 2**12), []).append(place)
    for number, places in enumerate(sorts.values()):
        if len(places) < _SORT:
            continue
        base = min(columns[place].base for place in places)
        top = max(columns[place].base + columns[place].step * (columns[place].top - 1) for place in places) - base
        step = columns[places[-1]].step if len(places) > 1 else 1
        step = int(
            np.gcd.reduce([columns[place].step for place in places] + [columns[place].base - base for place in places])
        )
        for place in places:
            column = columns[place]
            common = -1 if column.common < 0 else (column.base - base) // step + column.common * column.step // step
            column.base, column.step, column.common = base, step, common
            column.top = top // step + 1
            column.width = (column.top - 1).bit_length()
            groups[place] = number
    return groups


def _edges(codes: np.ndarray, most: int) -> np.ndarray:
    """Where to cut codes so that each bin has its share; every code its own bin where there are few."""
    there = np.sort(codes[codes >= 0])
    if not len(there) or not most:
        return np.empty(0, np.int64)
    found = np.unique(there)
    if len(found) <= most + 1:
        return found[1:]
    return np.unique(there[np.linspace(0, len(there) - 1, most + 2).astype(int)[1:-1]])


def _binned(codes: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.where(codes < 0, 0, np.searchsorted(edges, codes, side="right") + 1)


@njit(cache=True)
def _told(target, contexts, table):
    """What contexts (0 to 15) tell of a column's bins: their log-likelihood, less what learning the odds costs."""
    n = len(target)
    table[:] = 0
    for row in range(n):
        table[contexts[row], target[row]] += 1
    told, seen = 0.0, 0
    for context in range(16):
        total = table[context].sum()
        for k in range(16):
            if table[context, k]:
                seen += 1
                told += table[context, k] * np.log2(table[context, k] / total)
    return told - 0.15 * seen * np.log2(n + 1.0)


@njit(cache=True)
def _find_parents(bins, quarters, window, parents):
    """For each column those before it that tell most of it: the best alone, then those that add most to it.

    `bins` are (columns, n) of 0 to 15, `quarters` the same of 0 to 3: two columns together have 16 contexts as well.
    """
    c = len(bins)
    table = np.zeros((16, 16), np.int64)
    for column in range(1, c):
        first = max(0, column - window)
        alone = np.empty(column - first)
        for other in range(first, column):
            alone[other - first] = _told(bins[column], bins[other], table)
        order = np.argsort(-alone)
        best = first + order[0]
        parents[column, 0] = best
        beside = order[1 : _CANDIDATES + 1]
        more = np.empty(len(beside))
        for k in range(len(beside)):
            more[k] = _told(bins[column], quarters[best] * 4 + quarters[first + beside[k]], table)
        ranks = np.argsort(-more)
        for k in range(min(len(ranks), parents.shape[1] - 1)):
            parents[column, k + 1] = first + beside[ranks[k]]


def _guess(codes: np.ndarray, columns: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Weights of the two guesses of some columns by least squares, in 2^16ths, 2^10ths kept."""
    few = columns[np.linspace(0, len(columns) - 1, min(len(columns), 64)).astype(int)]
    rows = max(64, _GUESSED // len(few))
    told = [_told_by(codes[:rows], column, parents[column]) for column in few]
    x, goal = np.concatenate([x for x, _ in told]), np.concatenate([goal for _, goal in told])
    weights = np.zeros((2, GUESSES))
    for which, usable in enumerate(((0, 1, 2, 3, 4, 7), (0, 1, 2, 3, 4, 5, 6, 7))):
        seen = [i for i in usable if x[:, i].any()]
        weights[which, seen] = _least_squares(x[:, seen], goal)
    whole = np.rint(weights * 2**10) * 2**6
    whole[:, :-1] = np.clip(whole[:, :-1], -_HEAVIEST * _ONE, _HEAVIEST * _ONE)
    return np.clip(whole, -(2.0**60), 2.0**60).astype(np.int64)


def _told_by(codes: np.ndarray, column: int, parents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a column's guesses are made of, (n, 8), and the column, of the rows where it is a number."""
    clipped = np.clip(codes, 0, 2**40).astype(np.float64)
    goal = clipped[:, column]
    x = np.zeros((len(codes), GUESSES))
    for place, parent in enumerate(parents):
        if parent >= 0:
            x[:, place] = clipped[:, parent]
    if column:
        x[:, PARENTS] = clipped[:, column - 1]
    x[1:, PARENTS + 1] = goal[:-1]
    x[2:, PARENTS + 2] = goal[:-2]
    x[:, GUESSES - 1] = 1
    known = codes[:, column] >= 0
    return x[known], goal[known]


def _least_squares(x: np.ndarray, goal: np.ndarray) -> np.ndarray:
    if not x.shape[1]:
        return np.zeros(0)
    if len(x) < 2 * x.shape[1] + 8:
        weights = np.zeros(x.shape[1])
        weights[-1] = np.median(goal) if len(goal) else 0.0
        return weights
    scale = np.sqrt((x**2).mean(axis=0))
    scaled = x / scale
    gram = scaled.T @ scaled + 1e-6 * len(x) * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, scaled.T @ goal) / scale
    # Far cells bend least squares: once more with those that are near weighing most.
    apart = np.abs(goal - x @ weights)
    near = 1 / np.maximum(apart, np.median(apart) + 1e-9)
    gram = (scaled * near[:, None]).T @ scaled + 1e-6 * near.sum() * np.eye(x.shape[1])
    return np.linalg.solve(gram, (scaled * near[:, None]).T @ goal) / scale
