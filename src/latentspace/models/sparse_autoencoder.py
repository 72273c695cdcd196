"""The sparse autoencoder: any embedding as a sum of a few out of many features that can be named."""

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..optional import require

require("torch", "neural", "SparseAutoencoder")

from torch import Tensor  # noqa: E402

from ..errors import CollapseWarning  # noqa: E402
from .networks import Plan  # noqa: E402
from .neural import NeuralModel  # noqa: E402
from .scaling import Scaling  # noqa: E402
from .scaling_rows import Seen  # noqa: E402
from .top_k import TopK  # noqa: E402

_ENOUGH = 5000  # items that settle the geometric median to a hundredth of their spread
_DEAD_SHARE = 0.1  # of the features, from which a warning is due
_FEW = 20  # items below which it is no wonder that features stay unused


class SparseAutoencoder(NeuralModel):
    """Rebuilds each item from its k strongest of many features (Gao et al., 2024).

    z = the k largest of max(0, W_e (x - b) + c), all others 0        x_hat = W_d z + b

    For embeddings of any origin: the features of a good one can be named by the items that use them most. Features come
    in one common unit, centred on their geometric median, so an embedding keeps its geometry.

    Parameters
    ----------
    dims : int or "auto", default="auto"
        Features. "auto" takes four times as many as the data has columns, within 64 and 1,024.
    k : int or "auto", default="auto"
        Features that an item may use: fewer are easier to name, more rebuild better. "auto" takes an eighth of the
        columns, at most 32 and at most an eighth of dims.
    epochs : int or "auto", default="auto"
        The most passes over the data; training ends earlier when nothing gets better.
    batch_size : int, default=128
        Items a step.
    learning_rate : float, default=0.002
        The constant rate between warm-up and fall; see `updates.Schedule`.
    validation, patience, threads, device, random_state, verbose
        As for `Autoencoder`.

    Attributes
    ----------
    usage_ : float32 array of shape (dims,)
        Share of the items that use each feature; 0 for a dead one.
    strength_ : float32 array of shape (dims,)
        Mean of each feature over the items that use it.
    dictionary_ : float32 array of shape (dims, p)
        What one unit of each feature adds to an item, in the data's own unit.
    k_ : int
        Features that an item may use.
    history_ : list of dict
        One row an epoch: "unexplained" squares as a share of all, and how many features are "dead" (lower is better).
    carried_, active_dims_
        Each feature's variance over items, and whether it is used at all.
    dims_, shape_, n_features_in_
        As for `Autoencoder`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 6))
    >>> z = SparseAutoencoder(dims=12, k=2, epochs=3, random_state=0).fit_transform(X)
    >>> z.shape, int((z > 0).sum(axis=1).max())
    ((200, 12), 2)
    """

    family: ClassVar[str] = "sparse-autoencoder"
    batches_sparse: ClassVar[bool] = False
    takes_images: ClassVar[bool] = False

    likelihood = "gaussian"  # squares; the network has no other parts to choose from
    scale = None
    network = "dense"
    hidden = ()  # type: ignore[assignment]
    weight_decay = 0.0  # would pull the encoder of rare features to nothing between their items

    def __init__(
        self, dims: int | str = "auto", *, k: int | str = "auto", epochs: int | str = "auto", batch_size: int = 128,
        learning_rate: float = 2e-3, validation: float = 0.1, patience: int = 10, threads: int | None = None,
        device: str = "auto", random_state: Any = None, verbose: bool = False,
    ):  # fmt: skip
        self._keep(locals())

    @property
    def dictionary_(self) -> np.ndarray:
        """What one unit of each feature adds to an item: float32 (dims, p), in the data's own unit."""
        check_is_fitted(self)
        return (self.network_.decoder.weight.detach().numpy().T * self.scale_).astype(np.float32)

    def _auto_dims(self, x: np.ndarray, rng: np.random.RandomState) -> int:
        return min(1024, max(64, 4 * x[0].size))

    def _scale(self, X: np.ndarray) -> tuple[str, Scaling]:
        """One unit for all columns, in which items have a mean square of 1 a column around their geometric median."""
        flat = X.reshape(len(X), -1)
        centre = geometric_median(flat[:: -(-len(flat) // _ENOUGH)])
        spread = float(np.sqrt(np.mean((flat - centre) ** 2, dtype=np.float64)))
        floor = 4 * np.finfo(X.dtype).eps * float(np.abs(centre).max())  # below it, items differ by rounding alone
        return self.likelihood, Scaling("common", centre, np.array([spread if spread > floor else 0.0]))

    def _scale_seen(self, seen: Seen) -> tuple[str, Scaling]:
        return self._scale(seen.sample)

    def _compose(self, plan: Plan, dims: int, likelihood: Any) -> Any:
        k = self.k
        if k == "auto":
            k = max(1, min(32, int(np.prod(plan.shape)) // 8, dims // 8))
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= dims:
            raise ValueError(f"k={k!r} must be an integer from 1 to dims={dims}, or 'auto'.")
        self.k_ = int(k)
        return TopK(plan.shape, dims, self.k_)

    def _note_activity(self, x: Tensor) -> None:
        """Is known once all items have been seen; see `_finish`."""

    def _finish(self, x: Tensor, order: Tensor) -> None:
        used, total, squares = (np.zeros(self.dims_) for _ in range(3))
        for block in x.split(4096):
            z = self._apply(lambda x: self.network_.infer(x).mean, block.numpy())
            used += (z > 0).sum(axis=0)
            total += z.sum(axis=0, dtype=np.float64)
            squares += np.square(z, dtype=np.float64).sum(axis=0)
        self.usage_ = (used / len(x)).astype(np.float32)
        self.strength_ = (total / np.maximum(used, 1)).astype(np.float32)
        self.carried_ = (squares / len(x) - (total / len(x)) ** 2).astype(np.float32)
        self.active_dims_ = used > 0
        dead = int((used == 0).sum())
        if dead > _DEAD_SHARE * self.dims_ and len(x) >= _FEW:
            warnings.warn(
                f"{type(self).__name__}: {dead} of {self.dims_} features are dead, no item uses them. "
                f"Pass a smaller dims (say {max(1, self.dims_ - dead)}), a larger k, or more items.",
                CollapseWarning,
                stacklevel=5,
            )


def geometric_median(x: np.ndarray, rounds: int = 50) -> np.ndarray:
    """Finds the point with the smallest sum of distances to items (n, p): float64 (p,) (Weiszfeld, 1937).

    A mean that outliers cannot move: each item counts by the inverse of its distance.
    """
    centre = x.mean(axis=0, dtype=np.float64)
    for _ in range(rounds):
        distance = np.linalg.norm(x - centre, axis=1)
        weight = 1 / np.maximum(distance, 1e-12 + 1e-6 * distance.mean())
        moved = weight @ x / weight.sum()
        if np.linalg.norm(moved - centre) <= 1e-6 * distance.mean():
            return moved
        centre = moved
    return centre
