"""What every density shares: checks at its door, the manifold its latents live on, and a state that can be trusted."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..base import Stateful
from .manifolds import manifold


class LatentDensity(Stateful, BaseEstimator):
    """The base of the densities: a family says how it is fitted, drawn from and evaluated in flat space.

    Parameters
    ----------
    manifold : {"euclidean", "sphere", "ball"}, default="euclidean"
        Where the latents live, and the samples with them; see `manifolds`.
    random_state : int, RandomState or None, default=None
        The one source of chance while fitting.
    """

    rows_at_most: ClassVar[int]  # items that stand for all when there are more
    of_model: ClassVar[bool] = False  # needs the model itself, not its latents alone: `attach`

    manifold: str
    random_state: Any
    scores_: dict[str, float]  # of the families that were weighed, where this one was chosen among several

    @abstractmethod
    def _fit(self, z: np.ndarray, rng: np.random.RandomState) -> None:
        """Fits to flat latents, float64 (n, dims)."""

    @abstractmethod
    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draws flat latents, float64 (n, dims)."""

    @abstractmethod
    def _log_prob(self, z: np.ndarray) -> np.ndarray:
        """Log-density of flat latents, float64 (n,), in nats."""

    @property
    @abstractmethod
    def _dims(self) -> int:
        """Latent dimensions, from what was fitted."""

    def fit(self, z: Any, y: Any = None) -> Any:
        """Fits the density to latents (n, dims).

        Raises
        ------
        ValueError
            If `z` is empty, not of two dimensions, or holds NaN or infinity.
        """
        chart = manifold(self.manifold)
        rng = check_random_state(self.random_state)
        z = subsample(check_latents(z, "fit"), self.rows_at_most, rng).astype(np.float64)
        self._fit(chart.flatten(z, rng), rng)
        return self

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draws latents on the manifold, float32 (n, dims)."""
        check_is_fitted(self)
        if n == 0:
            return np.empty((0, self._dims), np.float32)
        return manifold(self.manifold).land(self._draw(n, rng)).astype(np.float32)

    def log_prob(self, z: Any) -> np.ndarray:
        """Log-density of latents (n, dims): float64 (n,), in nats; higher is likelier."""
        check_is_fitted(self)
        z = check_latents(z, "log_prob", self._dims).astype(np.float64)
        if len(z) == 0:
            return np.empty(0)
        return manifold(self.manifold).log_prob(z, self._log_prob)

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        manifold(self.manifold)
        super()._set_state(facts, arrays)


def subsample(z: np.ndarray, at_most: int, rng: np.random.RandomState) -> np.ndarray:
    """At most so many rows, drawn without replacement."""
    return z if len(z) <= at_most else z[rng.permutation(len(z))[:at_most]]


def check_latents(z: Any, verb: str, dims: int | None = None) -> np.ndarray:
    """Latents as a finite float array (n, dims), n at least 1 for `fit`."""
    z = np.asarray(z)
    if z.dtype.kind != "f":
        z = z.astype(np.float64)
    if z.ndim != 2 or z.shape[1] == 0:
        raise ValueError(f"{verb}() got latents of shape {z.shape}; expected (n, dims) with dims at least 1.")
    if dims is not None and z.shape[1] != dims:
        raise ValueError(f"{verb}() got latents of {z.shape[1]} dims, but this density was fitted on {dims}.")
    if verb == "fit" and len(z) == 0:
        raise ValueError("fit() got no latents: a density needs at least one item.")
    if not np.isfinite(z).all():
        row = int(np.flatnonzero(~np.isfinite(z).all(axis=1))[0])
        raise ValueError(f"{verb}() got NaN or infinity, first in row {row} of {len(z)}. Remove such rows first.")
    return z


def check_stored(density: Any, **shapes: tuple[int | None, ...]) -> None:
    """Checks arrays that came from a file: present, of these dimensions, all finite, latent sizes agreeing.

    A None in a shape is a latent size; all of them must be equal.
    """
    sizes: set[int] = set()
    for name, shape in shapes.items():
        array = getattr(density, name, None)
        if not isinstance(array, np.ndarray) or array.dtype != np.float64 or array.ndim != len(shape):
            raise ValueError(f"The stored {density.family} density lacks a float64 {name!r}; the file is damaged.")
        if not np.isfinite(array).all() or array.size == 0:
            raise ValueError(
                f"The stored {density.family} density's {name!r} is empty or not finite; the file is damaged."
            )
        sizes.update(size for size, wanted in zip(array.shape, shape, strict=True) if wanted is None)
        if any(wanted not in (None, size) for size, wanted in zip(array.shape, shape, strict=True)):
            raise ValueError(
                f"The stored {density.family} density's {name!r} is of shape {array.shape}; the file is damaged."
            )
    if len(sizes) != 1:
        raise ValueError(
            f"The stored {density.family} density's arrays disagree in dims: {sorted(sizes)}; the file is damaged."
        )
