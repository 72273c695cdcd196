"""The inner loops of UMAP and PaCMAP, compiled by numba once and kept on disk.

`deep` is None for a map in two dimensions and 1 for one in three. Each vertex reads where the others were when the
epoch began and writes its own new place, so that any number of threads gives the same map: the loops that their authors
publish race when they run on more than one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numba
import numpy as np
from numba import njit, prange

from ..resources import usable_cores

_F = np.float32  # a bare literal is float64 to numba, and makes every product with it float64 too
_CLIP, _NIL, _ONE, _TWO, _SOFT = _F(4), _F(0), _F(1), _F(2), _F(0.001)


@contextmanager
def on_usable_cores() -> Iterator[None]:
    """The loops within run on the cores that this process may use."""
    before = numba.get_num_threads()
    numba.set_num_threads(max(1, min(usable_cores(), before)))
    try:
        yield
    finally:
        numba.set_num_threads(before)


@njit(inline="always", cache=True)
def _clipped(value):
    return min(max(value, -_CLIP), _CLIP)


@njit(inline="always", cache=True)
def _next(state):
    """SplitMix64 (Steele, Lea and Flood, 2014): one 64-bit word to the next."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    mixed = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state, mixed ^ (mixed >> np.uint64(31))


@njit(parallel=True, fastmath=True, cache=True)
def umap_epoch(old, new, begins, others, every, due, epoch, a, b, alpha, negatives, seed, deep):
    """One epoch: each vertex (row of CSR `begins`, `others`) moves along those of its edges that are due.

    `every` holds how many epochs lie between two turns of an edge, `due` when its next one is. `old`, `new` (n, dims),
    `a`, `b` and `alpha` are float32.
    """
    n = np.uint64(len(old))
    for i in prange(len(old)):
        state = np.uint64(seed) ^ (np.uint64(i) * np.uint64(0xD1342543DE82EF95) + np.uint64(epoch))
        x, y = old[i, 0], old[i, 1]
        h = _NIL if deep is None else old[i, 2]
        for edge in range(begins[i], begins[i + 1]):
            if due[edge] > epoch:
                continue
            due[edge] += every[edge]
            other = others[edge]
            for _ in range(2):  # its own turn, and the one in which the other end would have drawn it
                right, up = x - old[other, 0], y - old[other, 1]
                near = _NIL if deep is None else h - old[other, 2]
                squared = right * right + up * up + near * near
                if squared > _NIL:
                    power = squared**b
                    pull = -_TWO * a * b * power / (squared * (a * power + _ONE))
                    x += alpha * _clipped(pull * right)
                    y += alpha * _clipped(pull * up)
                    h += alpha * _clipped(pull * near)
            for _ in range(negatives):
                state, drawn = _next(state)
                stranger = np.int64(((drawn >> np.uint64(32)) * n) >> np.uint64(32))  # Lemire, 2019: no division
                if stranger == i:
                    continue
                right, up = x - old[stranger, 0], y - old[stranger, 1]
                near = _NIL if deep is None else h - old[stranger, 2]
                squared = right * right + up * up + near * near
                if squared > _NIL:
                    push = _TWO * b / ((_SOFT + squared) * (a * squared**b + _ONE))
                    x += alpha * _clipped(push * right)
                    y += alpha * _clipped(push * up)
                    h += alpha * _clipped(push * near)
        new[i, 0], new[i, 1] = x, y
        if deep is not None:
            new[i, 2] = h


@njit(parallel=True, fastmath=True, cache=True)
def pacmap_gradient(y, begins, others, kinds, weights, out, deep):
    """The gradient of PaCMAP's loss: pairs of three kinds (0 near, 1 mid-near, 2 further), each listed at both ends."""
    near, mid, far = weights[0] * _F(20), weights[1] * _F(20000), -weights[2] * _TWO
    for i in prange(len(y)):
        right, up, out_of = _NIL, _NIL, _NIL
        for pair in range(begins[i], begins[i + 1]):
            other, kind = others[pair], kinds[pair]
            dx, dy = y[i, 0] - y[other, 0], y[i, 1] - y[other, 1]
            dh = _NIL if deep is None else y[i, 2] - y[other, 2]
            apart = _ONE + dx * dx + dy * dy + dh * dh
            if kind == 0:
                force = near / (_F(10) + apart) ** 2
            elif kind == 1:
                force = mid / (_F(10000) + apart) ** 2
            else:
                force = far / (_ONE + apart) ** 2
            right += force * dx
            up += force * dy
            out_of += force * dh
        out[i, 0], out[i, 1] = right, up
        if deep is not None:
            out[i, 2] = out_of
