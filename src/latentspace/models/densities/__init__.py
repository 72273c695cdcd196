"""Densities over latents, fitted after training: what `sample` draws from.

A model's own prior is only where its encoder was asked to put things; a density fitted to where it did put them draws
better items from almost every autoencoder (Ghosh et al., "From variational to deterministic autoencoders", 2020).
Densities are found by name here, and only here, so a file can name no other code.
"""

import importlib
from typing import Any, Protocol, runtime_checkable

import numpy as np

# family name -> where its class lives, simplest first: "auto" takes the earlier of two that are level.
DENSITIES: dict[str, tuple[str, str]] = {
    "gaussian": ("latentspace.models.densities.gaussian", "GaussianDensity"),
    "mixture": ("latentspace.models.densities.mixture", "MixtureDensity"),
}

_HELD_OUT_AT_MOST = 2_000  # items: the mean log-likelihood of so many is known to a few hundredths of a nat
_LEVEL = 0.01  # nats an item: below this two densities are level and the simpler one is taken


@runtime_checkable
class Density(Protocol):
    """p(z) over latents of shape (n, dims)."""

    family: str

    def fit(self, z: Any) -> "Density":
        """Fits the density to latents (n, dims), n at least 1."""
        ...

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draws latents, float32 (n, dims)."""
        ...

    def log_prob(self, z: Any) -> np.ndarray:
        """Log-density of each latent, float64 (n,), in nats; higher is likelier."""
        ...


def density_class(family: str) -> type:
    """Returns the class of a density's family.

    Raises
    ------
    ValueError
        If there is no such family; the message lists those there are.
    """
    if family not in DENSITIES:
        raise ValueError(
            f"density={family!r} is not known. Known densities: {', '.join(sorted(DENSITIES))}, or 'auto'."
        )
    module, attribute = DENSITIES[family]
    return getattr(importlib.import_module(module), attribute)


def fit_density(z: Any, name: str = "mixture", seed: int = 0) -> Density:
    """Fits a density of one family, or of the family that gives held-out latents the highest likelihood.

    Parameters
    ----------
    z : float array of shape (n, dims)
        Latents, n at least 1.
    name : str, default="mixture"
        A family of `DENSITIES`, or "auto": each is fitted to four fifths of the latents and judged on the rest.
    seed : int, default=0
        The one source of chance: subsamples, splits and starts.

    Raises
    ------
    ValueError
        If the name is not known, or `z` is empty, not two-dimensional, or holds NaN or infinity.
    """
    if name == "auto":
        name = _likeliest(z, seed)
    return density_class(name)(random_state=seed).fit(z)


def _likeliest(z: Any, seed: int) -> str:
    """Names the family under which latents that it has not seen are likeliest."""
    z = np.asarray(z)
    n_held_out = min(len(z) // 5, _HELD_OUT_AT_MOST)
    if n_held_out < 1:
        return next(iter(DENSITIES))
    order = np.random.default_rng(seed).permutation(len(z))
    held_out, rest = z[order[:n_held_out]], z[order[n_held_out:]]
    best, best_score = "", -np.inf
    for name in DENSITIES:
        score = density_class(name)(random_state=seed).fit(rest).log_prob(held_out).mean()
        if not best or score > best_score + _LEVEL:
            best, best_score = name, score
    return best
