"""Whether a direction of the space stands for a concept, or random ones do as well (after TCAV, Kim et al., 2018)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .basis import white
from .evidence import Column

_RANDOM = 500
_LEVEL = 0.05


class Concept(NamedTuple):
    """What a direction was found to be.

    Attributes
    ----------
    name : str
    column : str or None
        The metadata column that it tells most of; None where there are no columns.
    strength : float
        0 to 1: correlation with the column's ranks, of a category the root of the share between groups.
    random : float
        The median of that, for the same column, over 500 random directions; what chance does.
    p_value : float
        Share of random directions that tell as much of any column, as much above what is usual for it: small where the
        direction is no accident. NaN without columns.
    effect : float or None
        How much one standard deviation along it changes the decode, as a multiple of the median random direction's.
    along : list of (dimension, cosine)
        The dimensions that it leans on, the strongest first; cosines in units of their deviations.
    stands : bool
        Whether p is below 0.05, corrected for all concepts tested at once.
    """

    name: str
    column: str | None
    strength: float
    random: float
    p_value: float
    effect: float | None
    along: list[tuple[int, float]]
    stands: bool


def weighed_concepts(
    z: np.ndarray,
    directions: dict[str, np.ndarray],
    columns: Sequence[Column],
    decode: Callable[[np.ndarray], np.ndarray] | None = None,
    seed: int = 0,
) -> list[Concept]:
    """Tests directions of latents (n, dims) against random ones, for telling metadata and for changing the decode.

    Random directions are drawn in white coordinates, in which a direction of much variance has no head start.

    Parameters
    ----------
    z : float array of shape (n, dims)
    directions : dict of name to float array of shape (dims,)
    columns : sequence of Column
    decode : callable of latents (m, dims) to features (m, ...), optional
    seed : int

    Raises
    ------
    ValueError
        If a direction is of another shape, not finite, or zero.
    """
    for name, way in directions.items():
        way = np.asarray(way)
        if way.shape != z.shape[1:] or not np.isfinite(way).all() or not way.any():
            raise ValueError(
                f"concept {name!r} must be a direction of shape ({z.shape[1]},), finite and not all zero; "
                f"got shape {way.shape}."
            )
    if len(z) < 3 or not directions:
        return []
    from .basis import _map_of

    rng = np.random.default_rng(seed)
    y = white(z)
    if not y.shape[1]:
        return []
    centred = z - z.mean(axis=0, dtype=np.float64)
    maps = [_map_of(y, column) for column in columns]
    chance_ways = rng.standard_normal((_RANDOM, y.shape[1]))
    chance_ways /= np.linalg.norm(chance_ways, axis=1, keepdims=True)
    by_chance = _told(chance_ways, maps)
    spread = centred.std(axis=0)
    found = []
    for name, way in directions.items():
        way = np.asarray(way, np.float64)
        along = centred @ (way / np.linalg.norm(way))
        white_way = y.T @ along / len(y)  # what a projection on the direction is in white coordinates
        white_way /= max(np.linalg.norm(white_way), 1e-300)
        found.append((name, way, along.std(), _told(white_way[None], maps)[0]))
    concepts = []
    for name, way, deviation, told in found:
        column, strength, usual, p = None, 0.0, 0.0, np.nan
        if columns:
            middle = np.median(by_chance, axis=0)
            scale = np.maximum(by_chance.std(axis=0), 1e-9)
            above = (told - middle) / scale
            place = int(above.argmax())
            column, strength, usual = columns[place].name, float(told[place]), float(middle[place])
            p = (1 + (((by_chance - middle) / scale).max(axis=1) >= above[place]).sum()) / (1 + _RANDOM)
        lean = way * np.where(spread > 0, 1.0, 0.0)
        lean = lean / max(np.linalg.norm(lean), 1e-300)
        order = np.argsort(-np.abs(lean), kind="stable")[:3]
        effect = None if decode is None else _effect(z, way, deviation, decode, rng)
        concepts.append(
            Concept(
                name, column, strength, usual, float(p), effect, [(int(d), float(lean[d])) for d in order],
                bool(p * len(found) < _LEVEL),
            )
        )  # fmt: skip
    return concepts


def _told(directions: np.ndarray, maps: Sequence[np.ndarray]) -> np.ndarray:
    if not maps:
        return np.zeros((len(directions), 0))
    return np.stack([np.sqrt(np.clip(((directions @ m.T) ** 2).sum(axis=1), 0, 1)) for m in maps], axis=1)  # fmt: skip


def _effect(
    z: np.ndarray, way: np.ndarray, deviation: float, decode: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator, many: int = 24,
) -> float | None:  # fmt: skip
    """The decode's change by a deviation along the direction, over that of random directions by theirs."""
    middle = z.mean(axis=0, dtype=np.float64)
    ways = np.concatenate([way[None], rng.standard_normal((many, len(way)))])
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    centred = z - middle
    steps = ways * (centred @ ways.T).std(axis=0)[:, None]
    steps[0] = ways[0] * deviation
    both = np.asarray(decode(np.concatenate([middle + steps, middle - steps]).astype(np.float32)), np.float64)
    change = (both[: len(ways)] - both[len(ways) :]).reshape(len(ways), -1)
    size = np.sqrt((change**2).mean(axis=1))
    usual = float(np.median(size[1:]))
    return float(size[0] / usual) if usual > 0 else None
