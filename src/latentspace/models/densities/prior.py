"""A model's own prior as a density: what it was trained towards, to be compared with densities fitted afterwards."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from .base import LatentDensity, check_latents


class PriorDensity(LatentDensity):
    """The prior that a model was trained with; nothing is fitted, and nothing but dims is kept: the model holds it.

    On a sphere or a ball, `log_prob` is per the measure that the prior itself uses.

    Parameters
    ----------
    manifold : str
        Has no effect: the prior lives where the model's latents do.
    random_state : ignored

    Attributes
    ----------
    dims_ : int
    """

    family = "prior"
    of_model = True
    rows_at_most = 1

    def __init__(self, *, manifold: str = "euclidean", random_state: Any = None):
        self.manifold = manifold
        self.random_state = random_state

    def attach(self, model: Any) -> "PriorDensity":
        """Takes the prior of a fitted model.

        Raises
        ------
        UnsupportedError
            If the model has none.
        """
        prior = own_prior(model)
        if prior is None:
            raise UnsupportedError(
                f"density={self.family!r} is a model's own, but {type(model).__name__} was trained without a prior. "
                "Take density='auto', or a model that has one: model='vae'."
            )
        self._prior = prior
        return self

    def _fit(self, z: np.ndarray, rng: np.random.RandomState) -> None:
        if not hasattr(self, "_prior"):
            raise ValueError(f"density={self.family!r} is a model's own: pass the model, fit_density(z, model=model).")
        self.dims_ = z.shape[1]

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draws latents from the prior, float32 (n, dims)."""
        import torch

        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        with torch.inference_mode():
            z = self._prior.sample(n, generator).numpy()
        return z.reshape(n, self.dims_).astype(np.float32)

    def log_prob(self, z: Any) -> np.ndarray:
        """Log-density of latents (n, dims) under the prior: float64 (n,), in nats; higher is likelier."""
        import torch

        z = check_latents(z, "log_prob", self.dims_).astype(np.float32)
        with torch.inference_mode():
            return self._prior.log_prob(torch.from_numpy(z)).numpy().astype(np.float64)

    @property
    def _dims(self) -> int:
        return self.dims_

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        super()._set_state(facts, arrays)
        if not isinstance(getattr(self, "dims_", None), int) or self.dims_ < 1:
            raise ValueError(f"The stored {self.family} density does not say its dims; the file is damaged.")


class VampDensity(PriorDensity):
    """The mixture of posteriors of learned pseudo-inputs, of a model that has it (Tomczak and Welling, 2018).

    p(z) = 1/K sum_k q(z given pseudo_k)
    """

    family = "vamp"

    def attach(self, model: Any) -> "VampDensity":
        """Takes the VampPrior of a fitted model.

        Raises
        ------
        UnsupportedError
            If the model has another prior, or none.
        """
        super().attach(model)
        if (name := getattr(self._prior, "name", None)) != "vamp":
            raise UnsupportedError(
                f"density='vamp' is what a model with prior='vamp' learned, but this {type(model).__name__} has "
                f"{name!r}. Fit model='vae' with prior='vamp', or take density='auto'."
            )
        return self


def own_prior(model: Any) -> Any:
    """Returns the prior of a fitted model, or None."""
    return getattr(getattr(model, "network_", None), "prior", None)
