"""Making items: where in a space a sample, a way, a move or a blend lies, and how far from the data that is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import axes, finding, looking
from .errors import UnsupportedError
from .generate.provenance import Generated
from .models import adapter
from .models.densities import fit_density
from .models.densities.manifolds import manifold, manifold_of

if TYPE_CHECKING:
    from .verbs.state import State

_NEAR = 30  # neighbours that say how far `near=` reaches
_NAMED = 3  # nearest real items that a report names
_FEW, _A_DIM = 50, 4  # items below which, or below so many a dimension, a condition's own density is blended
_ROADS = 10_000  # items that a geodesic's graph is made of at most
_K = 10  # neighbours in it


# ---------------------------------------------------------------------- samples
def sample(
    space: "State", n: int, *, density: str | None, temperature: float, where: Mapping[str, Any] | None, near: Any,
    spread: float, on_manifold: bool, seed: int,
) -> np.ndarray:  # fmt: skip
    """Latents float32 (n, dims) of new items; see `GeneratingVerbs.sample`."""
    from .generate.temper import Tempered

    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
        raise ValueError(f"sample(n={n!r}) must be a whole number of 0 or more.")
    for name, value in (("temperature", temperature), ("spread", spread)):
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value < np.inf:
            raise ValueError(f"sample({name}={value!r}) must be a finite number of at least 0.")
    if near is not None and density is not None:
        raise ValueError(f"sample() takes near= or density={density!r}, not both: near= draws around one item.")
    rows = _rows_of(space, where)
    rng = Tempered(np.random.default_rng(seed), temperature)
    if near is not None:
        draw = _near(space, near, spread, rows, rng)
    elif rows is not None:
        draw = _like(space, rows, density, temperature, seed, rng)
    else:
        fitted = space.density if density is None else fit_density(space.latents, density, seed, space.model)
        draw = _from_density(fitted, temperature, rng)

    def landed(m: int) -> np.ndarray:
        return settled(space, draw(m).reshape(m, space.dims))

    if not on_manifold or len(space) < 2:
        return landed(n)
    from .evaluate.coverage import usual_distance
    from .generate.grounded import grounded

    def nearest(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = space.index.search(z, 1, metric="euclidean")
        return found.scores[:, 0].copy(), space.latents[found.positions[:, 0]].copy()

    return grounded(landed, nearest, usual_distance(space.index, space.latents), n)


def _rows_of(space: "State", where: Mapping[str, Any] | None) -> np.ndarray | None:
    """The rows that fulfil a condition, at least one; None without a condition."""
    if not where:
        return None
    mask = finding.where_of(space, where, None, None).mask
    rows = np.flatnonzero(mask) if mask is not None else np.arange(len(space))
    if not len(rows):
        raise ValueError(f"where={dict(where)!r} fits none of the {len(space):,} items; there is nothing to draw like.")
    return rows


def _near(space: "State", near: Any, spread: float, rows: np.ndarray | None, rng: Any) -> Any:
    from .generate.conditions import around

    z = space.latent(near)
    if len(z) != 1:
        raise ValueError(f"near= holds {len(z)} items; give one to draw around.")
    mask = None
    if rows is not None:
        mask = np.zeros(len(space), bool)
        mask[rows] = True
    found = space.index.search(z, min(_NEAR, len(space)), metric="euclidean", mask=mask).positions[0]
    neighbours = space.latents[found[found >= 0]]
    return lambda m: around(z[0], neighbours, spread, m, rng)


def _like(space: "State", rows: np.ndarray, density: str | None, temperature: float, seed: int, rng: Any) -> Any:
    """Draws like the items of some rows: by their own density, blended with the whole space's where they are few."""
    own = space.latents[rows]
    if density is not None or len(rows) >= max(_FEW, _A_DIM * space.dims):
        fitted = fit_density(own, "mixture" if density is None else density, seed, space.model)
        return _from_density(fitted, temperature, rng)
    from .generate.conditions import few_like

    chart, chance = manifold(manifold_of(space.model)), np.random.RandomState(seed)
    flat, whole = (chart.flatten(z.astype(np.float64), chance) for z in (own, space.latents))
    return lambda m: chart.land(few_like(flat, whole, m, rng)).astype(np.float32)


def _from_density(density: Any, temperature: float, rng: Any) -> Any:
    if density is None:
        raise UnsupportedError("this space has no density to draw from; fit one: sample(density='mixture').")
    if not density.of_model:
        return lambda m: density.sample(m, rng)
    # A prior draws its own chance: only of a normal one it is known what narrower noise is.
    plain = getattr(getattr(density, "_prior", None), "name", None) == "normal"
    if temperature != 1 and not plain:
        raise UnsupportedError(
            f"temperature={temperature:g} is for densities fitted to the latents; this one is the model's own "
            f"{density.family!r}. Say which: sample(density='mixture', temperature={temperature:g})."
        )
    return lambda m: np.float32(temperature) * density.sample(m, rng)


def settled(space: "State", z: np.ndarray) -> np.ndarray:
    """Latents where the model can decode them: on its sphere, at its codes, within its bounds; finite."""
    z = np.asarray(z, dtype=np.float32)
    return space._checked(adapter.project(space.model, z) if len(z) else z)


def drawn(space: "State", z: np.ndarray, seed: int) -> Any:
    """Latents as new items: features drawn from p(x given z) where the model says what that is."""
    if looking.by_neighbours(space):
        return space.decode(z)
    return looking.given_back(space, z, adapter.draw(space.model, z, looking.feature_shape(space), seed))


# ---------------------------------------------------------------------- ways
def way(space: "State", a: Any, b: Any, steps: int, path: str, even: str) -> np.ndarray:
    """Latents (steps, dims) from a to b; see `GeneratingVerbs.interpolate`."""
    from .generate.even import evenly, fineness
    from .generate.interpolate import PATHS, interpolate

    if even not in ("latent", "seen"):
        raise ValueError(f"even={even!r} is not known; choose 'latent' or 'seen'.")
    known = [*sorted(PATHS), "geodesic"]
    if path not in known:
        raise ValueError(f"path={path!r} is not known. Known paths: {', '.join(known)}.")
    ends = one(space, a, "a"), one(space, b, "b")
    interpolate(*ends, steps)  # checks what is given
    if path != "geodesic" and even == "latent":
        return interpolate(*ends, steps, path)
    fine = fineness(steps)
    laid = _geodesic(space, *ends, fine) if path == "geodesic" else interpolate(*ends, fine, path)
    if even == "seen":
        looking.require_way_back(space)
        return evenly(laid, steps, _seen(space))
    return evenly(laid, steps)


def one(space: "State", what: Any, name: str) -> np.ndarray:
    """The latent (dims,) of one id, item or latent."""
    z = space.latent(what)
    if len(z) != 1:
        raise ValueError(f"{name} holds {len(z)} items; give one.")
    return z[0]


def _several(space: "State", items: Any) -> np.ndarray:
    """Latents (m, dims) of an id, an item or a latent, or of a list of them."""
    if isinstance(items, list | tuple) and len(items):
        return np.concatenate([space.latent(item) for item in items])
    return space.latent(items)


def _seen(space: "State") -> Any:
    """What latents look like once decoded, for measuring how much changes; None where there is no way back."""
    if not hasattr(space.model, "inverse_transform"):
        return None
    return lambda z: adapter.decode(space.model, z, looking.feature_shape(space))


def _geodesic(space: "State", a: np.ndarray, b: np.ndarray, points: int) -> np.ndarray:
    from .generate.geodesic import geodesic
    from .search.graph import neighbour_graph

    if len(space) <= _ROADS:
        z, graph = space.latents, space.graph(_K)
        positions, distances = graph.positions[:, :_K], graph.distances[:, :_K]
    else:
        rows = np.sort(np.random.default_rng(0).choice(len(space), _ROADS, replace=False))
        ends = space.index.search(np.stack([a, b]), _K, metric="euclidean").positions.ravel()
        z = space.latents[np.union1d(rows, ends[ends >= 0])]
        graph = neighbour_graph(z, _K)
        positions, distances = graph.positions, graph.distances
    laid = geodesic(a, b, z, positions, distances, _seen(space), points)
    if hasattr(space.model, "project"):
        laid[1:-1] = settled(space, laid[1:-1])
    return laid


# ---------------------------------------------------------------------- along axes
def traverse(space: "State", item: Any, axis: Any, steps: int, span: float | None) -> np.ndarray:
    """Latents along one axis (steps, dims), or two (steps * steps, dims), row by row; see `GeneratingVerbs`."""
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
        raise ValueError(f"traverse(steps={steps!r}) must be a whole number of at least 1.")
    z = one(space, item, "item")
    both = axes.two(axis)
    if both is None:
        step = axes.step_of(space, axis)
        return z + _places(axis, steps, span)[:, None].astype(np.float32) * step
    across, down = both
    right = _places(across, steps, span)[:, None].astype(np.float32) * axes.step_of(space, across)
    below = _places(down, steps, span)[:, None].astype(np.float32) * axes.step_of(space, down)
    return (z + below[:, None] + right[None]).reshape(-1, space.dims).astype(np.float32)


def _places(axis: Any, steps: int, span: float | None) -> np.ndarray:
    reach = (1.0 if axes.is_named(axis) else 3.0) if span is None else span
    if isinstance(reach, bool) or not isinstance(reach, int | float | np.number) or not np.isfinite(reach):
        raise ValueError(f"traverse(span={span!r}) must be a finite number.")
    return np.linspace(-reach, reach, steps) if steps > 1 else np.zeros(1)


def move(space: "State", item: Any, axis: Any, amount: Any) -> np.ndarray:
    """Latents of items moved along an axis, (m, dims): of one item by several amounts, or several by one."""
    z, amounts = _several(space, item), np.atleast_1d(np.asarray(amount, dtype=np.float64))
    if amounts.ndim != 1 or not np.isfinite(amounts).all():
        raise ValueError(f"move(amount={amount!r}) must be a finite number, or a list of them.")
    if len(z) > 1 and len(amounts) not in (1, len(z)):
        raise ValueError(f"move() got {len(z)} items and {len(amounts)} amounts; give one amount, or one for each.")
    return (z + amounts[:, None] * axes.step_of(space, axis).astype(np.float64)).astype(np.float32)


def blend(space: "State", items: Sequence[Any], weights: Sequence[float] | None) -> np.ndarray:
    """The latent (1, dims) of several items in one."""
    from .generate.blend import blend as blended

    several = finding.as_list(items)
    if not several:
        raise ValueError("blend() got no items; name at least one.")
    z = _several(space, several)
    return settled(space, blended(z, weights)[None])


def analogy(space: "State", a: Any, b: Any, c: Any) -> np.ndarray:
    """The latent (1, dims) of what is to c as b is to a."""
    from .generate.blend import analogy as carried

    return settled(space, carried(one(space, a, "a"), one(space, b, "b"), one(space, c, "c"))[None])


# ---------------------------------------------------------------------- how far from the data
def provenance(space: "State", z: np.ndarray, items: Any) -> Generated:
    """Items that were made, with how far from the data they are and their nearest real items."""
    from .evaluate.coverage import usual_distances

    if not len(space):
        return Generated(items, z, np.full(len(z), np.inf, np.float32), [[] for _ in z], 0.0, 0.0)
    found = space.index.search(z, min(_NAMED, len(space)), metric="euclidean")
    ids = [space.ids_at([int(row) for row in rows if row >= 0]) for rows in found.positions]
    apart = usual_distances(space.index, space.latents)
    copy, usual = (float(np.quantile(apart, share)) for share in (0.01, 0.99)) if len(apart) else (0.0, 0.0)
    return Generated(items, z, np.asarray(found.scores[:, 0], np.float32), ids, usual, copy)
