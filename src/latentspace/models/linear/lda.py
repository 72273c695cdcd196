"""Linear discriminant analysis: the axes along which known classes stand apart, against their spread within."""

from typing import Any, Literal

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from ..target import Classes, classes
from .supervised import SupervisedModel


class LDA(SupervisedModel):
    """Finds the axes with the most variance between classes for their variance within (Fisher, 1936; Rao, 1948).

    z = (x - mean) @ encoder        x_hat = z @ decoder + mean

    The mean of the classes' covariances is the identity in z, so distances there weigh every direction by how much the
    items of one class differ along it. There are at most as many axes as classes, less one. The decoder is ridge least
    squares (see SupervisedModel): what has nothing to do with the classes comes back as its mean.

    Parameters
    ----------
    dims : int or "auto", default="auto"
        Dimensions of the latent space, 1 to min(classes - 1, p). "auto": as many as there are.
    shrinkage : float in [0, 1], "auto" or None, default=None
        Draws the covariance within classes towards a multiple of the identity, which is worth it where a class has
        few items for the number of features; "auto" by how much is expected to pay (Ledoit and Wolf, 2004).
    random_state : ignored
        There is no chance in it; taken so that every family can be given one.

    Attributes
    ----------
    encoder_ : float64 array of shape (p, dims)
        Discriminant axes as columns, by falling ratio of variance between classes to variance within.
    decoder_ : float64 array of shape (dims, p)
        What one unit of z moves the features by, on average.
    mean_ : float64 array of shape (p,)
        Means of all items, in the features' own unit.
    classes_ : list
        The classes, sorted.
    dims_, n_features_in_ : int

    Raises
    ------
    ValueError
        If there is no target, it has fewer than two classes or fractions, or every class's items are all equal.

    Examples
    --------
    >>> x = [[0, 0], [0, 9], [2, 0], [2, 9], [8, 0], [8, 9], [10, 0], [10, 9]]  # the classes differ by the first only
    >>> LDA().fit(x, ["a"] * 4 + ["b"] * 4).encoder_.round(3) + 0.0
    array([[1.],
           [0.]])
    """

    family = "lda"

    classes_: list[Any]

    def __init__(
        self,
        dims: int | Literal["auto"] = "auto",
        *,
        shrinkage: float | Literal["auto"] | None = None,
        random_state: Any = None,
    ):
        self.dims = dims
        self.shrinkage = shrinkage
        self.random_state = random_state

    def _read(self, y: Any, n: int) -> Classes:
        target = classes(y, n, "LDA")
        self.classes_ = target.names
        return target

    def _most_dims(self, n: int, p: int, target: Classes) -> tuple[int, str]:
        count = len(target.names)
        return min(count - 1, p), f"the target has {count} classes and the data n_features={p}"

    def _auto_dims(self, X: Any, target: Classes) -> int:
        return self._most_dims(X.shape[0], X.shape[1], target)[0]

    def _learn_encoder(self, x: np.ndarray, dims: int, target: Classes) -> np.ndarray:
        known = target.codes >= 0
        x, codes = x[known], target.codes[known]
        return discriminants(x, codes, self.shrinkage)[:, :dims]


def discriminants(x: np.ndarray, codes: np.ndarray, shrinkage: float | str | None = None) -> np.ndarray:
    """All discriminant axes of features (n, p) with classes (n,), as columns (p, r)."""
    groups = [x[codes == code] for code in np.unique(codes)]
    if all((group == group[0]).all() for group in groups):
        raise ValueError(
            f"LDA has no spread within classes to measure by: the items of each of the {len(groups)} classes are all "
            "equal, or there is only one. Pass more items of each class, or use model='pca'."
        )
    model = LinearDiscriminantAnalysis(solver="svd" if shrinkage is None else "eigen", shrinkage=shrinkage)
    try:
        model.fit(x, codes)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"LDA(shrinkage={shrinkage!r}) leaves the covariance within classes singular. "
            "Pass a larger share up to 1, or None, which leaves out the directions that it has no variance in."
        ) from None
    # The eigen solver gives axes without a ratio too, after those that there can be.
    axes = model.scalings_[:, : min(len(groups) - 1, x.shape[1])]
    if shrinkage is not None:
        return axes
    # Whether scikit-learn divides by n or by n - classes is a matter of its version.
    within = np.concatenate([group - group.mean(axis=0) for group in groups]) @ axes
    return axes / np.sqrt(np.mean(within**2, axis=0))
