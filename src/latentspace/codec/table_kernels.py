"""Goes through the cells of a table, row after row, and codes each bit by bit; encoder and decoder run this same code.

A cell is a code of 0 and above by its column's plan, or missing, or out of plan. Each bit halves where the code may
lie, so two sorts of contexts tell of it: what was seen at this place of the tree beside what other cells hold, and how
far the cut is from a guess made of other cells.
"""

import numpy as np

from .compiled import njit
from .mixing import CONTEXTS, DECODE, ENCODE, NIBBLE, SETS, get, learn, mixed, put

MISSING, STRANGE = -1, -2  # codes of cells without a value, and of those that the plan does not hold
PARENTS = 4
GUESSES = 8  # weights of a guess: four parents, left, above, above that, and one
_TREE = 13  # contexts of the place in the tree; after them those of guesses
_SHIFT = 16  # of a guess's weights
_FAR = 1 << 40  # of a code, where guesses end
_DEEP = 14  # bits of a number after its length that contexts look at whole; below, only how far the guess is
_STAGES = 128  # decisions of a cell that are told apart


@njit(cache=True, nogil=True)
def mingled(a, b):
    """Two numbers as one of 40 bits, as if by chance."""
    a, b = np.int64(a), np.int64(b)
    h = ((a & 0xFFFFFFFF) ^ ((a >> 32) & 0xFFFF)) * 0x2545F491 + (b & 0x3FFFFFFF) * 0x9E3779B1
    h &= 0x7FFFFFFFFFFFFFFF
    h = (h ^ (h >> 29)) & 0xFFFFFFFF
    h = (h * 0x45D9F3B3) & 0x7FFFFFFFFFFFFFFF
    return (h ^ (h >> 23)) & 0xFFFFFFFFFF


@njit(cache=True, nogil=True)
def _bin(code, width, bits, edges, first, last):
    """How many of a column's edges a code is above, and 3; 1 or 2 where it is no number. `bits` of narrow ones."""
    if code < 0:
        return -code
    if 0 <= width <= 8:
        return (code >> max(0, width - bits)) + 3
    low, high = first, last
    while low < high:
        middle = (low + high) >> 1
        if code >= edges[middle]:
            low = middle + 1
        else:
            high = middle
    return low - first + 3


@njit(cache=True, nogil=True)
def _apart(far):
    """A distance in half octaves, with its sign, 0 to 160."""
    size = -far if far < 0 else far
    steps = 0
    while size >= 4:
        size >>= 1
        steps += 2
    steps += size
    return 80 - steps if far < 0 else 80 + steps


@njit(cache=True, nogil=True)
def decide(bit, set_a, set_c, run, model, tables, work, state, data):
    """Codes one bit by the contexts in `work`, and returns it. `run` is (job, frozen)."""
    slots, inputs, dots, cost, rates = work
    known, one, two, three, times = model
    set_b = np.int64(0)
    for i in range(6, 9):  # the contexts that look at most
        seen = np.int64(0) if slots[i] < 0 else np.int64(known[slots[i]]) & 1023
        set_b = set_b * 4 + (seen if seen < 2 else (2 if seen < 4 else 3))
    weights = (one[set_a], two[set_b], three[set_c])
    chance = mixed(slots, known, weights, inputs, dots, tables)
    if run[0] == ENCODE:
        put(bit, chance, state, data)
    elif run[0] == DECODE:
        bit = get(chance, state, data)
    else:
        cost[0] += 16.0 - np.log2(float(chance if bit else 65536 - chance))
    if not run[1]:
        rates[0] = 3 + 24 * 64 // (64 + np.int64(times[set_a]))
        times[set_a] = min(times[set_a] + 1, 1 << 20)
        learn(bit, slots, known, weights, rates, inputs, dots, tables)
    return bit


@njit(cache=True, nogil=True)
def _flag(bit, mark, set_a, set_c, looks, run, model, tables, work, state, data):
    """Codes a yes or no."""
    slots, mask = work[0], len(model[0]) - 1
    for i in range(CONTEXTS):
        slots[i] = mingled(looks[i], mark) & mask if i < _TREE and looks[i] >= 0 else -1
    return decide(bit, set_a, set_c, run, model, tables, work, state, data)


@njit(cache=True, nogil=True)
def _place(node, looks, bases, mask):
    """Where the contexts have the next four bits."""
    for i in range(_TREE):
        bases[i] = (mingled(looks[i], node) & mask) // NIBBLE * NIBBLE if looks[i] >= 0 else -1


@njit(cache=True, nogil=True)
def _cut(bit, cell, sub, stage, at, guess, bases, run, model, tables, work, state, data):
    """Codes one halving: the code is below `at`, or not. `sub` 0 says that contexts shall not look at the place."""
    slots, mask = work[0], len(model[0]) - 1
    column, group, rough = cell
    for i in range(_TREE):
        slots[i] = bases[i] + sub if sub and bases[i] >= 0 else -1
    place = column * _STAGES + stage
    near = _apart(guess[0] - at)
    slots[_TREE] = mingled(place * 256 + near, 1) & mask
    slots[_TREE + 1] = mingled(place * 256 + _apart(guess[1] - at), 2) & mask
    slots[_TREE + 2] = mingled((place * 256 + near) * 64 + rough, 3) & mask
    slots[_TREE + 3] = mingled((group * _STAGES + stage) * 256 + near, 4) & mask if group >= 0 else -1
    set_a = (place if group < 0 else group * _STAGES + stage) % SETS[0]
    return decide(bit, set_a, column % SETS[2], run, model, tables, work, state, data)


@njit(cache=True, nogil=True)
def _fixed(code, cell, width, guess, looks, bases, run, model, tables, work, state, data):
    """A code of so many bits, the highest first."""
    value, sub = np.int64(0), 1
    for depth in range(width - 1, -1, -1):
        if (width - 1 - depth) & 3 == 0:
            _place((1 << (width - 1 - depth)) + (value >> (depth + 1)) + 16, looks, bases, len(model[0]) - 1)
            sub = 1
        at = value + (1 << depth)
        bit = (code >> depth) & 1
        bit = _cut(bit, cell, sub, depth, at, guess, bases, run, model, tables, work, state, data)
        sub = sub * 2 + bit
        value += bit << depth
    return value


@njit(cache=True, nogil=True)
def _open(code, cell, guess, looks, bases, run, model, tables, work, state, data):
    """A code of any size: how many bits it has (of code + 1), then these, the highest first."""
    length = 0
    while (code + 1) >> (length + 1):
        length += 1
    mask = len(model[0]) - 1
    low, sub = 0, 1
    for depth in range(5, -1, -1):
        if depth == 5 or depth == 1:
            _place((1 << 20) + (low >> 2) * 4 + (depth == 1), looks, bases, mask)
            sub = 1
        at = (np.int64(1) << min(low + (1 << depth), 61)) - 1
        bit = (length >> depth) & 1
        bit = _cut(bit, cell, sub, 64 + depth, at, guess, bases, run, model, tables, work, state, data)
        sub = sub * 2 + bit
        low += bit << depth
    length = min(low, 61)
    value = np.int64(1) << length
    for depth in range(length - 1, -1, -1):
        done = length - 1 - depth
        if done & 3 == 0:
            _place((2 << 20) + (length << 40) + (value >> (depth + 1)), looks, bases, mask)
            sub = 1
        at = value + (np.int64(1) << depth) - 1
        bit = ((code + 1) >> depth) & 1
        bit = _cut(
            bit, cell, sub if done < _DEEP else 0, depth, at, guess, bases, run, model, tables, work, state, data
        )  # fmt: skip
        sub = sub * 2 + bit
        value += np.int64(bit) << depth
    return value - 1


@njit(cache=True, nogil=True)
def _raw(value, run, work, state, data):
    """64 bits as they are."""
    read = np.int64(0)
    for depth in range(63, -1, -1):
        bit = (value >> depth) & 1
        if run[0] == ENCODE:
            put(bit, 32768, state, data)
        elif run[0] == DECODE:
            bit = get(32768, state, data)
        else:
            work[3][0] += 1.0
        read = (read << 1) | bit
    return read


@njit(cache=True, nogil=True)
def _guessed(codes, row, column, parents, guessers, weights, above, guess):
    """Fills two guesses of a code from cells that are known: from its row, and from the rows above as well."""
    which = guessers[column]
    guess[0] = weights[which, 0, GUESSES - 1]
    guess[1] = weights[which, 1, GUESSES - 1]
    for i in range(GUESSES - 1):
        code = np.int64(0)
        if i < PARENTS:
            if parents[column, i] >= 0:
                code = codes[row, parents[column, i]]
        elif i == PARENTS:
            if column > 0:
                code = codes[row, column - 1]
        elif above >= i - PARENTS:
            code = codes[row - (i - PARENTS), column]
        code = min(max(code, np.int64(0)), np.int64(_FAR))
        guess[0] += weights[which, 0, i] * code
        guess[1] += weights[which, 1, i] * code
    guess[0] >>= _SHIFT
    guess[1] >>= _SHIFT


@njit(cache=True, nogil=True)
def _look(row, column, group, above, fine, rough, parents, so_far, looks):
    """Fills `looks` with what the contexts of a cell see besides the place in its tree."""
    p, q, r, s = parents[column, 0], parents[column, 1], parents[column, 2], parents[column, 3]
    base = column * 16
    looks[0] = base
    looks[1] = -1 if above < 1 else mingled(base + 1, fine[row - 1, column])
    looks[2] = -1 if p < 0 else mingled(base + 2, fine[row, p])
    looks[3] = -1 if q < 0 else mingled(base + 3, fine[row, q])
    looks[4] = -1 if r < 0 else mingled(base + 4, fine[row, r])
    both = -1 if q < 0 else mingled(mingled(base + 5, rough[row, p]), rough[row, q])
    three = -1 if r < 0 else mingled(both, rough[row, r] + 64)
    looks[5] = both
    looks[6] = three
    looks[7] = -1 if q < 0 else mingled(mingled(base + 6, fine[row, p]), fine[row, q])
    looks[8] = mingled(base + 9, so_far)
    looks[9] = -1 if s < 0 else mingled(three, rough[row, s] + 128)
    for i in range(10, _TREE):
        looks[i] = -1
    if group >= 0 and q >= 0:  # what columns of one sort have in common
        shared = -16 * group - 3 & 0x3FFFFFFF
        looks[10] = mingled(mingled(shared, fine[row, p]), rough[row, q])
        looks[11] = mingled(mingled(shared + 1, fine[row, column - 1]), rough[row, p])
        if r >= 0:
            looks[12] = mingled(mingled(mingled(shared + 2, rough[row, p]), rough[row, q]), rough[row, r])


@njit(cache=True, nogil=True)
def _cell(code, strange, row, column, odd, look, plan, cells, alone, run, model, tables, work, state, data):
    """Codes one cell: whether it is out of plan, missing, the usual, and else its bits."""
    widths, common, holes, groups, _, _, _, _, parents, guessers, weights = plan
    looks, bases, guess = look
    codes, above, rough = cells
    group = groups[column]
    kind = column if group < 0 else group
    if odd:
        alone[0] = column + 16
        if _flag(code == STRANGE, 9, 0, column % SETS[2], alone, run, model, tables, work, state, data):
            strange[row, column] = _raw(strange[row, column], run, work, state, data)
            return np.int64(STRANGE)
    if holes[column]:
        set_a = (kind * _STAGES + 126) % SETS[0]
        if _flag(code == MISSING, 10, set_a, column % SETS[2], looks, run, model, tables, work, state, data):
            return np.int64(MISSING)
    if common[column] >= 0:
        set_a = (kind * _STAGES + 127) % SETS[0]
        if _flag(code == common[column], 11, set_a, column % SETS[2], looks, run, model, tables, work, state, data):
            return common[column]
    _guessed(codes, row, column, parents, guessers, weights, above, guess)
    code = max(code, 0)
    cell = (column, group, rough)
    if widths[column] >= 0:
        return _fixed(code, cell, widths[column], guess, looks, bases, run, model, tables, work, state, data)
    return _open(code, cell, guess, looks, bases, run, model, tables, work, state, data)


@njit(cache=True, nogil=True)
def walk(run, use_above, codes, strange, plan, model, tables, work, state, data):
    """Codes all rows; in DECODE, `codes` and `strange` are filled.

    Parameters
    ----------
    run : (int, bool)
        ENCODE, DECODE or COST; whether what is known stays as it is.
    use_above : bool
        Whether the rows before are looked at.
    codes, strange : int64 arrays of shape (n, columns)
        Codes, MISSING or STRANGE; the values of STRANGE cells.
    plan : tuple of arrays
        widths, common, holes, groups, edges, their ends, rough edges, their ends, parents, guessers, weights: see
        `table_plan`.
    """
    widths, groups, edges, ends, redges, rends, parents = plan[0], plan[3], plan[4], plan[5], plan[6], plan[7], plan[8]
    n, columns = codes.shape
    fine = np.zeros((n, columns), np.int16)
    rough = np.zeros((n, columns), np.int8)
    looks = np.full(CONTEXTS, -1, np.int64)
    look = (looks, np.full(CONTEXTS, -1, np.int64), np.zeros(2, np.int64))
    alone = np.full(CONTEXTS, -1, np.int64)
    was = np.int64(0)
    for row in range(n):
        above = min(row, 2) if use_above else 0
        odd = np.int64(0)
        for column in range(columns):
            odd |= np.int64(codes[row, column] == STRANGE)
        alone[0] = 3
        odd = np.int64(_flag(odd, 5 + was, 1, 0, alone, run, model, tables, work, state, data))
        was = odd if use_above else np.int64(0)
        so_far = np.int64(0)
        for column in range(columns):
            _look(row, column, groups[column], above, fine, rough, parents, so_far, looks)
            p = parents[column, 0]
            cells = (codes, above, np.int64(0) if p < 0 else np.int64(rough[row, p]))
            code = _cell(
                codes[row, column], strange, row, column, odd, look, plan, cells, alone, run, model, tables, work,
                state, data,
            )  # fmt: skip
            codes[row, column] = code
            fine[row, column] = _bin(code, widths[column], 8, edges, ends[column], ends[column + 1])
            rough[row, column] = _bin(code, widths[column], 4, redges, rends[column], rends[column + 1])
            so_far = mingled(so_far + 1, code + 3)
