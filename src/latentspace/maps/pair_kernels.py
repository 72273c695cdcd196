"""Attraction along edges and repulsion between all pairs of items of a t-SNE map, compiled by numba and kept on disk.

Coordinates are (3, n) float32, the third row zero on a map of two dimensions. Each item's sums are its own, so that any
number of threads gives the same.
"""

import numpy as np
from numba import njit, prange

_F = np.float32
_NIL, _ONE = _F(0), _F(1)


@njit(parallel=True, fastmath=True, error_model="numpy", cache=True)
def repel(y, out, near):
    """out_i = sum over j of (y_i - y_j) / (1 + |y_i - y_j|^2)^2;  near_i = sum over j != i of 1 / (1 + ...)."""
    n = y.shape[1]
    first, second, third = y[0], y[1], y[2]
    for i in prange(n):
        a, b, c = first[i], second[i], third[i]
        f0, f1, f2, total = _NIL, _NIL, _NIL, _NIL
        for j in range(n):
            d0, d1, d2 = a - first[j], b - second[j], c - third[j]
            one = _ONE / (_ONE + d0 * d0 + d1 * d1 + d2 * d2)
            total += one
            square = one * one
            f0 += square * d0
            f1 += square * d1
            f2 += square * d2
        out[0, i], out[1, i], out[2, i] = f0, f1, f2
        near[i] = total - _ONE


@njit(parallel=True, fastmath=True, error_model="numpy", cache=True)
def attract(y, begins, others, weights, out, logs):
    """out_i = sum over edges of weight (y_i - y_j) / (1 + |y_i - y_j|^2);  logs_i = sum of weight log(1 + ...)."""
    for i in prange(y.shape[1]):
        f0, f1, f2, total = _NIL, _NIL, _NIL, 0.0
        for edge in range(begins[i], begins[i + 1]):
            j = others[edge]
            d0, d1, d2 = y[0, i] - y[0, j], y[1, i] - y[1, j], y[2, i] - y[2, j]
            apart = _ONE + d0 * d0 + d1 * d1 + d2 * d2
            force = weights[edge] / apart
            f0 += force * d0
            f1 += force * d1
            f2 += force * d2
            total += weights[edge] * np.log(apart)
        out[0, i], out[1, i], out[2, i] = f0, f1, f2
        logs[i] = total
