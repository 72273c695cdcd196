"""Neighbourhood components: the linear map in whose space an item's nearest neighbours share its class."""

from numbers import Integral
from typing import Any, Literal

import numpy as np
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.utils import check_random_state

from ..target import Classes, classes
from .base import reduced
from .lda import discriminants
from .supervised import SupervisedModel

_NULL = 1e-7  # of the largest spread: directions below it carry rounding only


class NCA(SupervisedModel):
    """Learns the map under which a random near neighbour is most likely of the item's own class.

    z = (x - mean) @ encoder        x_hat = z @ decoder + mean

    max sum_i sum_{j of i's class} p_ij        p_ij = exp(-|z_i - z_j|^2) / sum_{k != i} exp(-|z_i - z_k|^2)

    Where LDA takes each class for one Gaussian, NCA asks only about neighbours: classes may be bent or in pieces, and
    search in z is what it is for. Begins from LDA's axes, and principal axes of variance 1 beyond them, so it does not
    depend on the features' units. Rotations of z are all alike to it; latents are turned onto their principal axes. The
    decoder is ridge least squares (see SupervisedModel).

    Parameters
    ----------
    dims : int or "auto", default="auto"
        Dimensions of the latent space, 1 to p. "auto": classes - 1, at least 2.
    items : int, default=2000
        Items with a label that it learns from at most, drawn evenly from the classes: time and memory grow with their
        square (2,000 take 32 MB a matrix of distances, of which there are several).
    max_iter : int, default=50
        Iterations of L-BFGS at most. Ending there is no fault: the objective goes on growing a little as z spreads.
    tol : float, default=1e-5
        Iterations end before that when the gradient falls below this.
    random_state : int, RandomState or None, default=None
        Draws the items.

    Attributes
    ----------
    encoder_ : float64 array of shape (p, dims)
        The learned map, by falling variance of the latents.
    decoder_ : float64 array of shape (dims, p)
        What one unit of z moves the features by, on average.
    mean_ : float64 array of shape (p,)
        Means of all items, in the features' own unit.
    classes_ : list
        The classes, sorted.
    dims_, n_features_in_, n_iter_ : int

    Raises
    ------
    ValueError
        If there is no target, or it has fewer than two classes or fractions.

    References
    ----------
    Goldberger, Roweis, Hinton and Salakhutdinov, "Neighbourhood components analysis", 2005.
    """

    family = "nca"

    classes_: list[Any]

    def __init__(
        self,
        dims: int | Literal["auto"] = "auto",
        *,
        items: int = 2000,
        max_iter: int = 50,
        tol: float = 1e-5,
        random_state: Any = None,
    ):
        self.dims = dims
        self.items = items
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def _read(self, y: Any, n: int) -> Classes:
        target = classes(y, n, "NCA")
        self.classes_ = target.names
        return target

    def _most_dims(self, n: int, p: int, target: Classes) -> tuple[int, str]:
        return p, f"the data has n_features={p}"

    def _auto_dims(self, X: Any, target: Classes) -> int:
        return min(max(len(target.names) - 1, 2), X.shape[1])

    def _learn_encoder(self, x: np.ndarray, dims: int, target: Classes) -> np.ndarray:
        if not isinstance(self.items, Integral) or self.items < 2:
            raise ValueError(f"items={self.items!r} is not possible: pass an int from 2.")
        rng = check_random_state(self.random_state)
        chosen = _drawn(target.codes, int(self.items), rng)
        x, codes = x[chosen] - x[chosen].mean(axis=0), target.codes[chosen]
        spread = x.std(axis=0)
        spread[spread == 0] = 1
        x = x / spread
        # The objective sees differences of items only: in the coordinates of their span nothing is lost.
        _, lengths, axes = np.linalg.svd(reduced(x), full_matrices=False)
        axes = axes[lengths > lengths[0] * max(x.shape) * np.finfo(np.float64).eps]
        if not len(axes):
            return np.zeros((x.shape[1], 0))
        x = x @ axes.T
        begin = _beginning(x, codes, dims)
        model = NeighborhoodComponentsAnalysis(
            begin.shape[1], init=begin.T, max_iter=self.max_iter, tol=self.tol, random_state=rng
        )
        learned = model.fit(x, codes).components_.T
        self.n_iter_ = int(model.n_iter_)
        _, sizes, turn = np.linalg.svd(reduced(x @ learned), full_matrices=False)
        turn = turn[sizes > _NULL * sizes[0]]
        return axes.T @ learned @ turn.T / spread[:, None]


def _drawn(codes: np.ndarray, most: int, rng: np.random.RandomState) -> np.ndarray:
    """Positions of at most `most` items with a label, in order: of small classes all, of large ones equally many."""
    order = rng.permutation(len(codes))
    groups = [order[codes[order] == code] for code in range(codes.max() + 1)]
    turns = np.concatenate([np.arange(len(group)) for group in groups])
    first = np.argsort(turns, kind="stable")[:most]  # one of each class, then a second of each
    return np.sort(np.concatenate(groups)[first])


def _beginning(x: np.ndarray, codes: np.ndarray, dims: int) -> np.ndarray:
    """LDA's axes, then principal axes of what they leave, at variance 1: at most as many as x has directions."""
    dims = min(dims, x.shape[1])
    begin = np.zeros((x.shape[1], 0))
    if any((x[codes == code] != x[codes == code][0]).any() for code in np.unique(codes)):
        begin = discriminants(x, codes)[:, :dims]
    z = x @ begin
    away = np.eye(x.shape[1]) - begin @ np.linalg.pinv(z) @ x  # x @ away is uncorrelated with z
    _, lengths, axes = np.linalg.svd(reduced(x @ away), full_matrices=False)
    some = lengths > _NULL * np.linalg.norm(x)
    more = away @ (axes[some] / lengths[some, None]).T * np.sqrt(len(x))
    return np.hstack([begin, more])[:, :dims]
