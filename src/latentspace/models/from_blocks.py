"""Fitting on features that stay on disk: what networks have beside `fit`."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from . import door, scaling
from .block_items import BlockItems
from .likelihoods import LIKELIHOODS
from .parts import Spec, kind_of
from .scaling_rows import Seen


class FromBlocks:
    """`fit_from` for estimators that can `_fit_items` and `_check`."""

    likelihood: Any
    scale: Any
    n_features_in_: int

    def _check(self) -> None:
        raise NotImplementedError

    def _fit_items(
        self, x: Any, units: scaling.Scaling, y: Any, callback: Any, checkpoint: Any, without: np.ndarray | None = None
    ) -> Any:
        raise NotImplementedError

    def fit_from(
        self,
        rows: Any,
        y: Any = None,
        *,
        callback: Callable[[dict[str, Any]], Any] | None = None,
        checkpoint: str | Path | None = None,
        on_error: Literal["raise", "skip"] = "raise",
    ) -> Any:
        """Learns the latent space of features that stay on disk; as `fit` in all else.

        One pass looks at them, then each epoch reads them once, in blocks in a random order and shuffled within a
        window of 128 MB, the next window while this one is trained on. Memory is two windows, the network, and some
        ten bytes an item; what is held out to judge by is at most 64 MB.

        Parameters
        ----------
        rows : array of shape (n, p), (n, c, t) or (n, c, h, w), memory-mapped, or `latentspace.blocks(...)`
            Finite numbers.
        y, callback, checkpoint
            As for `fit`.
        on_error : "raise" or "skip", default="raise"
            Whether a row with NaN or infinity is an error, or is not learned from.

        Raises
        ------
        ValueError
            As `fit`, and for a row that holds NaN or infinity; the message names it.
        """
        self._check()
        door.parameters(self)
        if len(rows.shape) not in (2, 3, 4) or 0 in rows.shape:
            raise ValueError(
                f"{type(self).__name__}.fit_from() got rows of shape {tuple(rows.shape)}: vectors (n, p), sequences "
                "(n, c, t) or images (n, c, h, w) are wanted, at least one."
            )
        self.n_features_in_ = math.prod(rows.shape[1:])
        seen = Seen(rows, skip=on_error == "skip")
        self.likelihood_, units = self._scale_seen(seen)
        return self._fit_items(BlockItems(rows, units), units, y, callback, checkpoint, without=seen.bad)

    def _scale_seen(self, seen: Seen) -> tuple[Spec, scaling.Scaling]:
        """As `_scale`, of rows that a pass has seen."""
        if self.likelihood == "auto":
            unit: str = seen.choose()
            return "bernoulli" if unit == "unit" and self.scale is None else "gaussian", seen.learn(unit)
        unit = LIKELIHOODS[kind_of(self.likelihood)].unit
        return self.likelihood, seen.learn(seen.choose() if unit == "any" else unit)
