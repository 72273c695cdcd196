"""Non-negative matrix factorisation: items as sums of parts, none of which is ever taken away."""

from typing import Any, Literal

import numpy as np
from scipy.optimize import nnls
from scipy.sparse import issparse
from sklearn.decomposition import NMF as Factorisation

from .base import LinearModel, Maps, first_entry
from .lsa import LSA


class NMF(LinearModel):
    """Finds parts that the items are sums of; parts and amounts are at least 0.

    z = argmin |x - z @ decoder|^2 over z >= 0        x_hat = z @ decoder

    The parts come from coordinate descent (Cichocki and Phan, 2009) as scikit-learn has it. Encoding then solves each
    item's own least squares to the end, by active sets (Lawson and Hanson, 1974): its latent does not depend on the
    items beside it, and decoding and encoding it again changes nothing.

    Parameters
    ----------
    dims : int or "auto", default="auto"
        Parts, 1 to min(n, p). "auto": as many as PCA finds directions that stand out from noise.
    max_iter : int, default=2000
        Rounds of coordinate descent at most. Ending there unfinished is warned of; handwritten digits in 16 parts
        take 1,300.
    tol : float, default=1e-4
        Rounds end when the projected gradient falls below this share of its first size.
    random_state : int, RandomState or None, default=None
        Starts the singular vectors that the parts begin from (Boutsidis and Gallopoulos, 2008).

    Attributes
    ----------
    decoder_ : float64 array of shape (dims, p)
        The parts, each of length 1, by falling share in the fitted items. Latents are thus in the features' unit.
    mean_ : float64 array of shape (p,)
        Zeros.
    dims_, n_features_in_, n_iter_ : int

    Raises
    ------
    ValueError
        If a feature is negative; the message names its row and column.

    References
    ----------
    Lee and Seung, "Learning the parts of objects by non-negative matrix factorization", 1999.

    Examples
    --------
    >>> x = [[3.0, 0.0, 0.0], [0.0, 1.0, 1.0], [3.0, 1.0, 1.0]]
    >>> NMF(dims=2, random_state=0).fit(x).decoder_.round(2) + 0.0
    array([[1.  , 0.  , 0.  ],
           [0.  , 0.71, 0.71]])
    """

    family = "nmf"
    accepts_sparse = True
    centred = False

    def __init__(
        self,
        dims: int | Literal["auto"] = "auto",
        *,
        max_iter: int = 2000,
        tol: float = 1e-4,
        random_state: Any = None,
    ):
        self.dims = dims
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def _admit(self, X: Any, fitting: bool) -> Any:
        X = super()._admit(X, fitting)
        stored = X.data if issparse(X) else X
        if stored.size and stored.min() < 0:
            if issparse(X):
                row, column, value = first_entry(X, stored < 0)
            else:
                row, column = np.argwhere(X < 0)[0]
                value = X[row, column]
            names = getattr(self, "feature_names_in_", None)
            where = f"column {column}" if names is None else f"column {column} ({names[column]!r})"
            raise ValueError(
                f"Negative values in data passed to NMF: {value:g} in row {row}, {where}. Every feature must be at "
                "least 0: scale the features to [0, 1], or use model='pca'."
            )
        return X

    def _learn(self, x: Any, dims: int, target: Any) -> Maps:
        p = x.shape[1]
        if not x.sum() > 0:
            return Maps(np.zeros((p, 0)), np.zeros((0, p)))
        if dims == 1:
            # The leading singular vector has no negative weight (Perron, 1907) and nothing is better. Coordinate
            # descent begins there, and as its end is relative to its first step, it would run for max_iter.
            self.n_iter_ = 1
            axis = np.abs(LSA(1, random_state=self.random_state).fit(x).decoder_)
            return Maps(axis.T, axis)
        model = Factorisation(dims, max_iter=self.max_iter, tol=self.tol, random_state=self.random_state)
        amounts = model.fit_transform(x)
        self.n_iter_ = int(model.n_iter_)
        lengths = np.linalg.norm(model.components_, axis=1)
        shares = amounts.mean(axis=0) * lengths
        order = [part for part in np.argsort(-shares, kind="stable") if shares[part] > 0]
        decoder = model.components_[order] / lengths[order, None]
        return Maps(decoder.T, decoder)

    def _encode(self, x: Any) -> np.ndarray:
        # |x - z h|^2 is |z' r - q|^2 plus a constant, with r'r = h h' and r'q = h x': dims unknowns, whatever p is.
        # The millionth of a millionth settles which of two equal parts is taken.
        h = self.decoder_
        r = np.linalg.cholesky(h @ h.T + 1e-12 * np.eye(self.dims_)).T
        z = np.zeros((x.shape[0], self.dims_))
        for i, b in enumerate(np.asarray(x @ h.T)):
            if (size := b.max()) > 0:  # b is then not 0; scaled, as nnls stops at an absolute size
                z[i] = size * nnls(r, np.linalg.solve(r.T, b / size))[0]
        return z

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags
