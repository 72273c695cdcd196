"""Temperature: how far samples stray from what is usual, for any density that is pushed forward from normal noise."""

from typing import Any

import numpy as np


class Tempered:
    """A source of chance whose normal noise is `temperature` times as wide; all else is drawn as it was.

    Every density here carries standard normal noise to latents, so that narrower noise gives likelier latents, as
    Glow's samples do (Kingma and Dhariwal, 2018). Which component of a mixture is drawn is left to chance as before:
    no kind of item dies out, each is drawn nearer to its own middle.

    Parameters
    ----------
    rng : numpy Generator
    temperature : float
        0: the middles themselves; 1: the density as it was fitted; above 1: farther out than the items are.

    Examples
    --------
    >>> abs(Tempered(np.random.default_rng(0), 0.0).standard_normal(3))
    array([0., 0., 0.])
    """

    def __init__(self, rng: np.random.Generator, temperature: float):
        self._rng, self._temperature = rng, temperature

    def standard_normal(self, size: Any = None) -> Any:
        """Normal noise of standard deviation `temperature`."""
        return self._temperature * self._rng.standard_normal(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rng, name)
