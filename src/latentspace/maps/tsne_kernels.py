"""The inner loops of t-SNE, compiled by numba once and kept on disk.

Sums run over each item's own edges and over a fixed number of shares of the items, so that any number of threads gives
the same map.
"""

import numpy as np
from numba import njit, prange

_F = np.float32  # a bare literal is float64 to numba, and makes every product with it float64 too
_NIL, _ONE, _TWO, _THREE, _FOUR, _SIX = _F(0), _F(1), _F(2), _F(3), _F(4), _F(6)
_LEAST_GAIN, _MORE_GAIN, _LESS_GAIN = _F(0.01), _F(0.2), _F(0.8)  # Jacobs, 1988, as van der Maaten has them
_LONGEST = _F(5)  # a step, in the map's unit: longer ones throw items out of their groups


@njit(parallel=True, cache=True)
def bandwidths(squared, perplexity, steps):
    """Gaussian affinities of rows (n, k) of squared distances, each row's entropy being log(perplexity): float64."""
    n, k = squared.shape
    out = np.empty((n, k))
    wanted = np.log(perplexity)
    for i in prange(n):
        nearest = squared[i, 0]
        beta, low, high = 1.0, 0.0, np.inf
        for _ in range(steps):
            total, weighed = 0.0, 0.0
            for j in range(k):
                beyond = squared[i, j] - nearest
                p = np.exp(-beta * beyond)
                total += p
                weighed += p * beyond
            entropy = np.log(total) + beta * weighed / total
            if abs(entropy - wanted) < 1e-6:
                break
            if entropy > wanted:
                low = beta
                beta = beta * 2 if high == np.inf else (low + high) / 2
            else:
                high = beta
                beta = (low + high) / 2
        total = 0.0
        for j in range(k):
            out[i, j] = np.exp(-beta * (squared[i, j] - nearest))
            total += out[i, j]
        for j in range(k):
            out[i, j] /= total
    return out


@njit(cache=True)
def bounds(y):
    """The least and the largest coordinate along each axis, float64 (dims,); infinite where any is no number."""
    n, dims = y.shape
    low, high = np.full(dims, np.inf), np.full(dims, -np.inf)
    for i in range(n):
        for d in range(dims):
            if not np.isfinite(y[i, d]):
                return np.full(dims, -np.inf), np.full(dims, np.inf)
            low[d] = min(low[d], y[i, d])
            high[d] = max(high[d], y[i, d])
    return low, high


@njit(inline="always")
def _spline(t):
    """The four weights of a cubic B-spline at t in [0, 1) between the two middle nodes."""
    rest = _ONE - t
    first = rest * rest * rest / _SIX
    last = t * t * t / _SIX
    second = (_FOUR - _SIX * t * t + _THREE * t * t * t) / _SIX
    return first, second, _ONE - first - second - last, last


@njit(parallel=True, fastmath=True, error_model="numpy", cache=True)
def spread(y, origin, inverse, row, grids):
    """Adds each item (n, 2) to a grid by cubic B-splines: `grids` (shares, nodes) holds one share of the items each.

    `row` is how many nodes a row of the grid has.
    """
    shares = len(grids)
    n = len(y)
    for share in prange(shares):
        grid = grids[share]
        grid[:] = _NIL
        for i in range(n * share // shares, n * (share + 1) // shares):
            u, v = (y[i, 0] - origin[0]) * inverse, (y[i, 1] - origin[1]) * inverse
            a, b = np.int64(u), np.int64(v)
            us, vs = _spline(u - _F(a)), _spline(v - _F(b))
            node = (a - 1) * row + b - 1
            for p in range(4):
                for q in range(4):
                    grid[node + p * row + q] += us[p] * vs[q]


@njit(parallel=True, fastmath=True, error_model="numpy", cache=True)
def step(y, velocity, gains, begins, others, weights, fields, row, origin, inverse, pull, push, rate, momentum):
    """One step of gradient descent with momentum and gains, in place in `velocity` and `gains`; returns the new y.

    attraction_i = sum over edges of weight (y_i - y_j) / (1 + |y_i - y_j|^2), times `pull`; repulsion comes from
    `fields` (2, nodes) at the item's place, times `push`.
    """
    out = np.empty_like(y)
    for i in prange(len(y)):
        x0, x1 = y[i, 0], y[i, 1]
        g0, g1 = _NIL, _NIL
        for edge in range(begins[i], begins[i + 1]):
            j = others[edge]
            d0, d1 = x0 - y[j, 0], x1 - y[j, 1]
            force = weights[edge] / (_ONE + d0 * d0 + d1 * d1)
            g0 += force * d0
            g1 += force * d1
        u, v = (x0 - origin[0]) * inverse, (x1 - origin[1]) * inverse
        a, b = np.int64(u), np.int64(v)
        us, vs = _spline(u - _F(a)), _spline(v - _F(b))
        node = (a - 1) * row + b - 1
        f0, f1 = _NIL, _NIL
        for p in range(4):
            for q in range(4):
                share = us[p] * vs[q]
                f0 += share * fields[0, node + p * row + q]
                f1 += share * fields[1, node + p * row + q]
        _descend(out, i, 0, x0, pull * g0 - push * f0, velocity, gains, rate, momentum)
        _descend(out, i, 1, x1, pull * g1 - push * f1, velocity, gains, rate, momentum)
    return out


@njit(inline="always")
def _descend(out, i, d, x, gradient, velocity, gains, rate, momentum):
    if (gradient > _NIL) != (velocity[i, d] > _NIL):
        gain = gains[i, d] + _MORE_GAIN
    else:
        gain = max(gains[i, d] * _LESS_GAIN, _LEAST_GAIN)
    gains[i, d] = gain
    moved = momentum * velocity[i, d] - rate * gain * gradient
    moved = min(max(moved, -_LONGEST), _LONGEST)
    velocity[i, d] = moved
    out[i, d] = x + moved


@njit(parallel=True, fastmath=True, error_model="numpy", cache=True)
def divergence(y, begins, others, weights, parts):
    """Sums weight log(1 + |y_i - y_j|^2) over the edges, in as many shares as `parts` has: float64."""
    shares = len(parts)
    n = len(y)
    for share in prange(shares):
        total = 0.0
        for i in range(n * share // shares, n * (share + 1) // shares):
            for edge in range(begins[i], begins[i + 1]):
                j = others[edge]
                d0, d1 = y[i, 0] - y[j, 0], y[i, 1] - y[j, 1]
                total += weights[edge] * np.log(_ONE + d0 * d0 + d1 * d1)
        parts[share] = total
