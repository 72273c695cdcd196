"""New items: drawn, between others, along an axis."""

from typing import Any

import numpy as np

from .. import looking
from ..models import adapter
from .state import State


class GeneratingVerbs(State):
    """`sample`, `interpolate`, `traverse`."""

    def sample(self, n: int = 16, *, seed: int = 0) -> Any:
        """Synthesises n new items: latents drawn from the density fitted after training, then decoded.

        Rows of a table are drawn from what a VAE says of each column, so that they scatter as real ones do.
        """
        looking.require_way_back(self)
        if n < 0:
            raise ValueError(f"sample(n={n}) is negative; ask for 0 items or more.")
        z = self.density.sample(n, np.random.default_rng(seed)).reshape(n, self.dims)
        z = self._checked(self.model.project(z) if hasattr(self.model, "project") and n else z)
        if looking.by_neighbours(self):
            return self.decode(z)
        return looking.given_back(self, z, adapter.draw(self.model, z, looking.feature_shape(self), seed))

    def interpolate(self, a: Any, b: Any, *, steps: int = 9, path: str = "linear") -> Any:
        """Items on the way from a to b (ids, items or latents), both ends included."""
        from ..generate.interpolate import interpolate

        return self.decode(interpolate(self.latent(a)[0], self.latent(b)[0], steps, path))

    def traverse(self, item: Any, axis: int | Any = 0, *, steps: int = 9, span: float = 3.0) -> Any:
        """Items along one axis through an item, all else held.

        Parameters
        ----------
        item : id, item or latent
        axis : int or float array of shape (dims,)
            A dimension's number, or a direction.
        steps : int, default=9
        span : float, default=3.0
            How far to go to each side, in standard deviations of the space along that axis.
        """
        from ..generate.traverse import traversal

        return self.decode(traversal(self.latent(item)[0], axis, np.linspace(-span, span, steps), self.latents))
