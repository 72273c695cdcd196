"""Densities over latents, fitted after training: what `sample` draws from.

A model's own prior is only where its encoder was asked to put things; a density fitted to where it did put them draws
better items from almost every autoencoder (Ghosh et al., "From variational to deterministic autoencoders", 2020).
Densities are found by name here, and only here, so a file can name no other code.
"""

import importlib
import importlib.util
from typing import Any, Protocol, runtime_checkable

import numpy as np

# family name -> where its class lives, imported when asked for, simplest first: "auto" takes the earlier of two that
# are level.
DENSITIES: dict[str, tuple[str, str]] = {
    "prior": ("latentspace.models.densities.prior", "PriorDensity"),
    "vamp": ("latentspace.models.densities.prior", "VampDensity"),
    "gaussian": ("latentspace.models.densities.gaussian", "GaussianDensity"),
    "mixture": ("latentspace.models.densities.mixture", "MixtureDensity"),
    "flow": ("latentspace.models.densities.flow", "FlowDensity"),
    "flow-matching": ("latentspace.models.densities.flow_matching", "FlowMatchingDensity"),
    "two-stage": ("latentspace.models.densities.two_stage", "TwoStageDensity"),
}

# What "auto" weighs besides the Gaussian. The other learned ones take twice as long, and won on no latents of digits.
_SIMPLE, _LEARNED = ("mixture",), ("flow-matching",)
_FEWEST_TO_LEARN = 400  # distinct latents below which "auto" tries no network: it would repeat the mixture, or do worse
_DIMS_TO_LEARN = 64  # dims past which it tries none: a step of training costs too much


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
    MissingExtraError
        If it needs a package that is not installed.
    """
    if family not in DENSITIES:
        raise ValueError(f"density={family!r} is not known. Known densities: {', '.join(DENSITIES)}, or 'auto'.")
    module, attribute = DENSITIES[family]
    return getattr(importlib.import_module(module), attribute)


def fit_density(z: Any, name: str = "auto", seed: int = 0, model: Any = None) -> Any:
    """Fits a density of one family, or of the family that gives held-out latents the highest likelihood.

    Parameters
    ----------
    z : float array of shape (n, dims)
        Latents, n at least 1.
    name : str, default="auto"
        A family of `DENSITIES`, or "auto": Gaussian, mixture and the model's own prior are fitted to four fifths of
        the latents and judged on up to 500 of the rest, in under 2 s. Where one of them finds what a Gaussian misses,
        there are at least 400 latents of at most 64 dims, and the model is a network itself (or none is given), flow
        matching is tried as well: about 10 s on one core, whatever n.
    seed : int, default=0
        The one source of chance: subsamples, splits and starts.
    model : estimator, optional
        The fitted model whose latents these are: it says on which manifold they live, and has the prior that "prior"
        and "vamp" are.

    Returns
    -------
    Density
        Its `scores_` are the mean log-likelihoods of held-out latents by family, where "auto" chose.

    Raises
    ------
    ValueError
        If the name is not known, or `z` is empty, not two-dimensional, or holds NaN or infinity.
    UnsupportedError
        If "prior" or "vamp" is asked of a model that has none.
    """
    if name != "auto":
        return _unfitted(name, seed, model).fit(z)
    from .base import check_latents
    from .choose import choose
    from .prior import own_prior

    z = check_latents(z, "fit")
    simple = (*_SIMPLE, "prior") if own_prior(model) is not None else _SIMPLE
    return choose(
        lambda family: _unfitted(family, seed, model), simple, _LEARNED if _can_learn(z, model) else (), z, seed
    )


def _can_learn(z: np.ndarray, model: Any) -> bool:
    """Whether ten seconds are well spent: beside a linear model, fitted in less than one, they and torch are not."""
    dims = z.shape[1]
    if model is not None and not hasattr(model, "network_"):
        return False
    installed = all(importlib.util.find_spec(package) is not None for package in ("torch", "zuko"))
    # Latents that repeat, as discrete codes do, are points: a network's density would only rise there without end.
    distinct = len(np.unique(z[: 2 * _FEWEST_TO_LEARN], axis=0))
    return installed and distinct >= _FEWEST_TO_LEARN and dims <= _DIMS_TO_LEARN


def _unfitted(name: str, seed: int, model: Any) -> Any:
    from .manifolds import manifold_of

    density = density_class(name)(manifold=manifold_of(model), random_state=seed)
    return density.attach(model) if density.of_model and model is not None else density
