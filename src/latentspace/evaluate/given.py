"""What an evaluation is given: a space as arrays and functions, and how many of its items each part looks at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..features import Features
from .probes import WIDEST

_VALUES = 1e8  # float32 values of features that the task is scored on: 400 MB, four times that with the copies


@dataclass
class Given:
    """A space, as far as it is judged.

    Attributes
    ----------
    title : str
    ids : sequence of str
    z : float32 array of shape (n, dims)
    features : Features or None
        What the model was fitted on; None where it is no longer at hand.
    model : estimator
    decodes : bool
        Whether latents can be decoded to features.
    metadata : mapping of column name to n values
    target, task : str or None, and "auto", "classes" or "numbers"
    factors : sequence of str
        Columns that are known factors.
    seen : str or None
        The column that the model was fitted with.
    draw : callable(n, seed) -> float32 array (n, ...), or None
        Features of new items.
    picture : callable(features of one item) -> PIL image or None
    encoder : (name, callable(features) -> (n, d)), or None
        What drawn items are compared by.
    item_bytes : int
        Of an item's features as they are kept.
    seed, quick : int, bool
    """

    title: str
    ids: Sequence[str]
    z: np.ndarray
    features: Features | None
    model: Any
    decodes: bool
    metadata: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    target: str | None = None
    task: str = "auto"
    factors: Sequence[str] = ()
    seen: str | None = None
    draw: Callable[[int, int], np.ndarray] | None = None
    picture: Callable[[np.ndarray], Any] | None = None
    encoder: tuple[str, Callable[[np.ndarray], np.ndarray]] | None = None
    item_bytes: int = 0
    seed: int = 0
    quick: bool = False

    @property
    def n(self) -> int:
        return len(self.z)

    @property
    def dims(self) -> int:
        return self.z.shape[1]

    @property
    def p(self) -> int:
        """Numbers in one item's features; 0 where they are not known."""
        return int(np.prod(self.features.shape, dtype=np.int64)) if self.features is not None else 0

    def sample(self, most: int, of: np.ndarray | None = None, salt: int = 0) -> np.ndarray:
        """At most so many rows, drawn from all or from `of`, ascending."""
        rows = np.arange(self.n) if of is None else of
        if len(rows) <= most:
            return rows
        return np.sort(np.random.default_rng([self.seed, salt]).choice(rows, most, replace=False))

    def most(self, part: str) -> int:
        """How many items a part looks at."""
        return _QUICK[part] if self.quick else _WHOLE[part]

    def most_for_task(self) -> int:
        """How many items the task is scored on: all, unless their features are too wide or too many for memory."""
        if self.p > WIDEST:
            return min(WIDEST, self.most("task"))
        return max(min(self.most("task"), int(_VALUES / max(self.p, 1))), 500)

    def rows(self, rows: np.ndarray) -> Any:
        """Features of some items: an array (m, p), or CSR."""
        assert self.features is not None
        x = self.features.rows(rows)
        return x if issparse(x) else x.reshape(len(x), -1)


# Neighbours cost the items measured times all items; the task costs the items alone.
_WHOLE = {
    "task": 200_000,
    "reconstruction": 10**9,
    "neighbours": 1_000,
    "shape": 2_000,
    "generation": 2_000,
    "pairs": 5_000,
}
_QUICK = {"task": 5_000, "reconstruction": 2_000, "neighbours": 200, "shape": 500, "generation": 500, "pairs": 2_000}
