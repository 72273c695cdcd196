"""Latent factors of users and items: two sets of vectors whose products say who takes to what."""

from typing import Any, Literal

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted

from ...resources import refuse_if_too_large
from ..base import Stateful
from .least_squares import Plan, Problem, leading, solve, threads_for
from .rows import admit, like

_STEPS = 3  # of conjugate gradients a half step, begun where the last one ended
_PRIOR_RATINGS = 5  # an item with fewer has no mean of its own to speak of
_SCALE = 0.01  # deviation of what is added to the first factors, so that none is 0 for good


class LatentFactors(Stateful, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Factorises interactions: x is about z @ item_factors', by alternating least squares.

    Implicit feedback (Hu, Koren and Volinsky, 2008), x >= 0 counts or ratings, 0 where a user did not meet an item:

        min sum_ui c_ui (1[x_ui > 0] - z_u.y_i)^2 + ridge (sum_u |z_u|^2 + sum_i |y_i|^2)      c_ui = 1 + alpha x_ui

    every pair counts, those that were met more. Explicit feedback (Zhou et al., 2008), where x says how much:

        min sum_(u,i met) (x_ui - mean_i - z_u.y_i)^2 + ridge (sum_u n_u |z_u|^2 + sum_i n_i |y_i|^2)

    A new user is folded in: the same regression on the items' factors, which depends on nobody else.

    Parameters
    ----------
    dims : int, default=64
        Factors of a user and of an item.
    feedback : {"implicit", "explicit"}, default="implicit"
        Whether x tells that a user met an item, or how much they liked it. For finding what a user will meet next,
        implicit is the better one even where there are ratings.
    alpha : float, default=1.0
        How much a met pair weighs over one that was not, a unit of x. Implicit feedback only.
    ridge : float or None, default=None
        Pull of the factors towards 0. None takes 20 for implicit feedback and 0.1 for explicit.
    max_iter : int, default=10
        Rounds over users and items. The first factors are singular vectors, from which 10 rounds lower the loss as far
        as 20 from random ones.
    random_state : int, RandomState or None, default=None
        Draws what the singular vectors are found from.

    Attributes
    ----------
    item_factors_ : float32 array of shape (p, dims)
    item_means_ : float32 array of shape (p,)
        What an item's raters give it on average, drawn to the mean of all where they are few; zeros if implicit.
    usual_ : list of float
        What values there are: the 5th, 75th and 95th percentile of those given; [1, 1, 1] where there are none.
    dims_, n_features_in_, n_iter_ : int

    References
    ----------
    Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", 2008.
    Zhou, Wilkinson, Schreiber and Pan, "Large-scale parallel collaborative filtering for the Netflix prize", 2008.

    Examples
    --------
    >>> x = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], dtype=float)
    >>> model = LatentFactors(dims=2, ridge=0.1, random_state=0).fit(x)
    >>> model.inverse_transform(model.transform([[1.0, 0, 0, 0]])).argsort(axis=1)[0, -2:].tolist()
    [1, 0]
    """

    family = "latent-factors"

    def __init__(
        self, dims: int = 64, *, feedback: Literal["implicit", "explicit"] = "implicit", alpha: float = 1.0,
        ridge: float | None = None, max_iter: int = 10, random_state: Any = None,
    ):  # fmt: skip
        self.dims = dims
        self.feedback = feedback
        self.alpha = alpha
        self.ridge = ridge
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "LatentFactors":
        """Learns the factors from interactions of shape (users, items), sparse or dense.

        Stored zeros of sparse rows are interactions too, with a value of 0 (a rating may be that); in arrays only
        what is not 0 is one.

        Raises
        ------
        ValueError
            If X holds NaN, infinity, or (implicit) a negative value; if an option is out of its range.
        """
        X = admit(self, X, fitting=True, signed=self.feedback == "explicit")
        self._check_options()
        n, p = X.shape
        refuse_if_too_large(
            4 * (n + p) * self.dims * 4 + X.nnz * 64, f"{self.dims} factors of {n:,} users and {p:,} items",
            "Pass fewer dims.",
        )  # fmt: skip
        rng = check_random_state(self.random_state)
        self.dims_ = int(self.dims)
        self.item_means_ = _shrunk_means(X) if self.feedback == "explicit" else np.zeros(p, np.float32)
        turned = X.T.tocsr()
        of_users = Plan(self._given(X))
        of_items = Plan(self._problem(turned, np.repeat(self.item_means_, np.diff(turned.indptr))))
        self.usual_ = np.quantile(X.data, (0.05, 0.75, 0.95)).tolist() if X.nnz else [1.0, 1.0, 1.0]
        users, items = leading(self._begun(X), self.dims_, rng)
        items += _SCALE * rng.standard_normal(items.shape).astype(np.float32)
        with threads_for(X.nnz * self.dims_) as threads:
            for _ in range(self.max_iter):
                users = of_users.solve(items, users, _STEPS, threads)
                items = of_items.solve(users, items, _STEPS, threads)
        self.n_iter_ = self.max_iter
        self.item_factors_ = items
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Interactions (n, items) to the users' factors, float32 (n, dims), each as if it were alone."""
        check_is_fitted(self)
        X = admit(self, X, fitting=False, signed=self.feedback == "explicit")
        return solve(self._given(X), self.item_factors_.astype(np.float64)).astype(np.float32)

    def fold_in(self, liked: Any, disliked: Any) -> np.ndarray:
        """As `transform`, from what users met and what they turned down, two matrices (n, items) that share no entry.

        What was turned down has a preference of -1, where what was not met has one of 0, and weighs as what was met
        does. With explicit feedback a low rating says the same: `disliked` holds ratings too.
        """
        check_is_fitted(self)
        liked, disliked = (admit(self, rows, fitting=False, signed=True) for rows in (liked, disliked))
        problem = self._taste(liked, disliked)
        return solve(problem, self.item_factors_.astype(np.float64)).astype(np.float32)

    def shares(self, liked: Any, disliked: Any, items: np.ndarray) -> np.ndarray:
        """What each thing that one user gave adds to the scores of items (Hu, Koren and Volinsky, 2008, section 5).

            z.y_i = sum_j  y_i' A^-1 y_j  c_j t_j        A: the user's own matrix of the regression

        Parameters
        ----------
        liked, disliked : rows of shape (1, items)
            As `fold_in` takes them.
        items : int array of shape (k,)

        Returns
        -------
        float64 array of shape (k, items)
            Adds up to z.y_i along axis 1, so to an implicit score; 0 where nothing was given.
        """
        check_is_fitted(self)
        liked, disliked = (admit(self, rows, fitting=False, signed=True) for rows in (liked, disliked))
        problem = self._taste(liked, disliked)
        y = self.item_factors_.astype(np.float64)
        columns, weights = problem.weights.indices, problem.weights.data.astype(np.float64)
        mine = y[columns]
        matrix = problem.everywhere * (y.T @ y) + (weights[:, None] * mine).T @ mine
        matrix[np.diag_indices(self.dims_)] += problem.ridge[0]
        shares = np.zeros((len(items), len(y)))
        shares[:, columns] = (y[items] @ np.linalg.solve(matrix, mine.T)) * problem.targets.data
        return shares

    def inverse_transform(self, z: Any) -> np.ndarray:
        """Users' factors (n, dims) to scores of every item, float32 (n, items); higher is likelier, or better rated."""
        check_is_fitted(self)
        z = check_array(z, dtype=np.float32, input_name="z", ensure_min_samples=0)
        if z.shape[1] != self.dims_:
            raise ValueError(f"inverse_transform() got latents of shape {z.shape}; this model has dims={self.dims_}.")
        return z @ self.item_factors_.T + self.item_means_

    def _check_options(self) -> None:
        if self.feedback not in ("implicit", "explicit"):
            raise ValueError(f"feedback={self.feedback!r} is not known: choose 'implicit' or 'explicit'.")
        for name, least in (("dims", 1), ("max_iter", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
                raise ValueError(f"{name}={value!r} is not possible: pass an int from {least}.")
        if not self.alpha > 0 or (self.ridge is not None and not self.ridge > 0):
            raise ValueError(f"alpha={self.alpha!r} and ridge={self.ridge!r} must be above 0.")

    def _begun(self, X: csr_array) -> csr_array:
        """What the first factors are singular vectors of: who met what, or what they gave beyond an item's mean."""
        if self.feedback == "implicit":
            return like(X, (X.data > 0).astype(np.float32))
        return like(X, X.data.astype(np.float32) - self.item_means_[X.indices])

    def _given(self, X: csr_array) -> Problem:
        return self._problem(X, self.item_means_[X.indices])

    def _taste(self, liked: csr_array, disliked: csr_array) -> Problem:
        """The regressions of users of whom it is known too what they turned down."""
        if self.feedback == "explicit":
            return self._given(_joined(liked, disliked))
        met, not_wanted = (self._problem(rows, 0.0) for rows in (liked, disliked))
        weights = _joined(met.weights, not_wanted.weights)
        targets = _joined(met.targets, like(disliked, -not_wanted.targets.data))
        return Problem(weights, targets, 1.0, met.ridge)

    def _problem(self, X: csr_array, means: np.ndarray | float) -> Problem:
        """The regressions of X's rows, be they users or items; `means` is the item's mean of each stored entry."""
        values = X.data.astype(np.float32)
        if self.feedback == "implicit":
            more = np.float32(self.alpha) * values  # c - 1
            return Problem(like(X, more), like(X, np.where(values > 0, more + 1, 0)), 1.0, self._ridges(X))
        return Problem(like(X, np.ones_like(values)), like(X, values - means), 0.0, self._ridges(X))

    def _ridges(self, X: csr_array) -> np.ndarray:
        if self.feedback == "implicit":
            return np.full(X.shape[0], 20.0 if self.ridge is None else self.ridge)
        return (0.1 if self.ridge is None else self.ridge) * np.maximum(np.diff(X.indptr), 1.0)

    @property
    def _n_features_out(self) -> int:
        return self.dims_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]  # z is float32 whatever comes in
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = self.feedback == "implicit"
        return tags


def _shrunk_means(X: csr_array) -> np.ndarray:
    """Each item's mean rating, drawn to the mean of all by as much as five ratings of that would."""
    ratings = X.tocsc()
    counts = np.diff(ratings.indptr)
    overall = X.data.mean() if X.nnz else 0.0
    return ((ratings.sum(axis=0) + _PRIOR_RATINGS * overall) / (counts + _PRIOR_RATINGS)).astype(np.float32)


def _joined(a: csr_array, b: csr_array) -> csr_array:
    """Two matrices that share no entry as one; stored zeros stay, which a sum would drop."""
    rows = np.concatenate([np.repeat(np.arange(a.shape[0]), np.diff(part.indptr)) for part in (a, b)])
    columns = np.concatenate([a.indices, b.indices])
    return csr_array((np.concatenate([a.data, b.data]), (rows, columns)), a.shape)
