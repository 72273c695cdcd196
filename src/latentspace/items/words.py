"""Words with weights: what a text looks like once it has been a point in a latent space."""

from collections.abc import Sequence

import numpy as np

_SHOWN = 12  # words that are printed


class Words(dict[str, float]):
    """Words and their weights, heaviest first; prints as words.

    Examples
    --------
    >>> Words({"tea": 0.8, "milk": 0.5})
    tea 0.8, milk 0.5
    """

    def __repr__(self) -> str:
        shown = ", ".join(f"{word} {weight:.3g}" for word, weight in list(self.items())[:_SHOWN])
        return f"{shown}, and {len(self) - _SHOWN:,} more" if len(self) > _SHOWN else shown or "(no words)"

    __str__ = __repr__


def heaviest(weights: np.ndarray, names: Sequence[str], most: int) -> Words:
    """The names of the largest weights (p,) above 0, heaviest first; equal ones in the names' order."""
    most = min(most, len(weights))
    if most == 0:
        return Words()
    least = np.partition(weights, -most)[-most]
    top = np.flatnonzero(weights >= max(least, np.finfo(np.float32).tiny))
    top = top[np.argsort(-weights[top], kind="stable")][:most]
    return Words((names[place], float(weights[place])) for place in top.tolist())
