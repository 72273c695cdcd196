"""The shortest way between two latents where steps cost what the decoder shows of them and how empty the space is."""

from collections.abc import Callable

import numpy as np

from .roads import road
from .terrain import Decoded, Emptiness

_KNOTS = 32  # points between the ends whose places are sought
_DECODED = 8_192  # latents that are decoded at most to measure slopes, in a round: fewer points where dims are many
_ROUNDS = 6  # of slopes measured anew along the way found so far
_WORK = 60  # gradients a round
_PLACES = np.array([0.125, 0.375, 0.625, 0.875])  # within a step, where it is asked how empty the space is
_NEAR = 800  # items that tell how empty the space is along the way
_FEWEST = 8  # of those points, however many the dims
_GAIN = 1e-3  # of the energy that a round must save to be worth another
_SMOOTH = 0.15  # of its length: how much of a road from item to item is averaged before it is improved


def geodesic(
    a: np.ndarray,
    b: np.ndarray,
    z: np.ndarray,
    positions: np.ndarray,
    distances: np.ndarray,
    decode: Callable[[np.ndarray], np.ndarray] | None = None,
    points: int = 64,
) -> np.ndarray:
    """Latents along a geodesic from a to b, both ends bit for bit.

    energy = sum_i cost_i |g(z_i+1) - g(z_i)|^2

    g is the decoder, whose metric this is the discretised length of, squared, and the cost says how empty the space is
    (see `terrain`). It starts from the shortest path on the neighbour graph, and the energy of 32 points is lowered by
    L-BFGS, the decoder taken as linear around each, up to six times anew while that lowers the energy itself. The way
    of lowest energy is the shortest, at an even speed (Shao, Kumar and Fletcher, 2018). Of a linear model only the data
    bend the way. What is found is the shortest way near the graph's, not of all: begun at the straight line, it leaps
    over the turns of a swiss roll.

    Parameters
    ----------
    a, b : float32 array of shape (dims,)
    z : float32 array of shape (n, dims)
        Latents of the items.
    positions, distances : arrays of shape (n, k)
        Their neighbour graph, Euclidean. With fewer than 3 items, or no neighbours, the way is the straight line.
    decode : callable, optional
        Latents (m, dims) to features (m, ...), of models that have a way back.
    points : int, default=64
        How many latents the way is given by, equal steps apart.

    Returns
    -------
    float32 array of shape (points, dims)
    """
    from .even import evenly

    knots = _KNOTS if decode is None else int(np.clip(_DECODED // len(a), _FEWEST, _KNOTS))
    share = np.linspace(0, 1, knots + 2)[:, None]
    line = (1 - share) * a.astype(np.float64) + share * b.astype(np.float64)
    if len(z) < 3 or not positions.shape[1] or np.array_equal(a, b):
        return _given(evenly(line, points), a, b)
    way = _smooth(evenly(road(a, b, z, positions, distances), knots + 2).astype(np.float64))
    width = float(np.median(distances[:, 0]))
    ground = _ground(z, np.concatenate([line, way]), width)
    spread = float(np.sqrt(z.var(axis=0, dtype=np.float64).mean()))
    for _ in range(_ROUNDS if decode is not None else 1):
        lower = _lowered(way, ground, Decoded(decode, way, spread))
        if lower is None:
            break
        way = lower
    return _given(evenly(way, points), a, b)


def _given(way: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    way[0], way[-1] = a, b
    return way


def _ground(z: np.ndarray, ways: np.ndarray, width: float) -> Emptiness:
    """How empty it is near some ways, from the items nearest to them."""
    if len(z) > _NEAR:
        squares = (
            (ways**2).sum(axis=1)[:, None] - 2 * ways @ z.T.astype(np.float64) + (z.astype(np.float64) ** 2).sum(1)
        )
        z = z[np.argpartition(squares.min(axis=0), _NEAR)[:_NEAR]]
    return Emptiness(z, width)


def _smooth(way: np.ndarray) -> np.ndarray:
    """A way averaged over a few of its points, the ends held."""
    reach = max(1, int(_SMOOTH * len(way) / 2))
    out = way.copy()
    for i in range(1, len(way) - 1):
        r = min(reach, i, len(way) - 1 - i)
        out[i] = way[i - r : i + r + 1].mean(axis=0)
    return out


def _lowered(way: np.ndarray, ground: Emptiness, seen: Decoded) -> np.ndarray | None:
    """A way of lower energy near this one; None where none was found."""
    from scipy.optimize import minimize

    shape = way[1:-1].shape
    before = _true_energy(way, ground, seen)
    scale = max(before, 1e-300)

    def energy(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = _energy(np.concatenate([way[:1], flat.reshape(shape), way[-1:]]), ground, seen)
        return value / scale, (slope[1:-1] / scale).ravel()

    found = minimize(energy, way[1:-1].ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _WORK})
    if not np.isfinite(found.x).all():
        return None
    moved = np.concatenate([way[:1], found.x.reshape(shape), way[-1:]]) - way
    for share in (1.0, 0.5, 0.25, 0.1):  # the decoder is no line farther off
        if _true_energy(way + share * moved, ground, seen) < (1 - _GAIN) * before:
            return way + share * moved
    return None


def _energy(way: np.ndarray, ground: Emptiness, seen: Decoded) -> tuple[float, np.ndarray]:
    """The energy of a way (m, dims), the decoder taken as linear, and its gradient."""
    cost, slope = _costs(way, ground)  # (m - 1, q), (m - 1, q, dims)
    mean = cost.mean(axis=1)
    squares, begin, end = seen(way)
    gradient = np.zeros_like(way)
    gradient[1:] += mean[:, None] * end + squares[:, None] * np.einsum("q,mqd->md", _PLACES, slope) / len(_PLACES)
    gradient[:-1] += mean[:, None] * begin + squares[:, None] * np.einsum("q,mqd->md", 1 - _PLACES, slope) / len(
        _PLACES
    )
    return float(mean @ squares), gradient


def _true_energy(way: np.ndarray, ground: Emptiness, seen: Decoded) -> float:
    return float(_costs(way, ground)[0].mean(axis=1) @ seen.exactly(way))


def _costs(way: np.ndarray, ground: Emptiness) -> tuple[np.ndarray, np.ndarray]:
    """Costs and their slopes at places within each step: of middles alone, a long step would leap over a gap."""
    places = _PLACES[:, None]
    points = (1 - places) * way[:-1, None] + places * way[1:, None]  # (m - 1, q, dims)
    cost, slope = ground(points.reshape(-1, way.shape[1]))
    return cost.reshape(points.shape[:2]), slope.reshape(points.shape)
