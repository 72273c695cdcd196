"""The compressive model as an estimator: latents are block coefficients, and its networks serve the codec."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .. import door
from ..base import Stateful
from . import blocks as b
from .learning import AXES_BITS, learn
from .smoothing import smoothed

_AT_ONCE = 2**22  # values in one go


class Compressive(Stateful, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Learns to write pictures in few bits with little error; what `compress` of its space codes with.

    z are the coefficients of 4 x 4 blocks along orthonormal axes learned from them (Karhunen and Loeve), row by row,

        z = T (x - ground)        |z_a - z_b| = |x_a - x_b|

    so there are as many as pixels, distances are those of pixels, and the first of each block hold most. With `step`
    they
    are rounded to its multiples, as a codec rounds them; `inverse_transform` then smooths what rounding did.

    Beside the axes, `fit` trains two networks for the codec: p(z of a block | decoded pixels above and left of it),
    which
    says how many bits each value takes, and the smoothing. Both hold for every step from 6 to 160 grey levels.

    Parameters
    ----------
    step : float or None, default=None
        Step of the latents in grey levels, 6 to 160, of features from 0 to 1 in 255ths; larger is coarser. None leaves
        them as they are.
    steps : int or None, default=None
        Training steps of 1,024 blocks, 30 to 100 ms each. None: by the number of blocks, at most 6,000.
    widths : list of three ints or None, default=None
        Units of the context's layers, of each coefficient's own layer, of the smoothing. None is [96, 24, 64] for grey
        pictures, 100 kB as they are kept, and [128, 24, 96] for colour ones, 330 kB.
    random_state : int, RandomState or None, default=None
        Of weights and of what is trained on.

    Attributes
    ----------
    dims_, n_features_in_ : int
    shape_ : tuple of int
        Of one item.
    range_ : (float, float)
        Features that count as black and white: 0 and 1, or the least and the largest where some lie beyond.

    References
    ----------
    Minnen, Balle and Toderici, "Joint autoregressive and hierarchical priors for learned image compression", 2018, for
    coding with a learned context; decision 0020 says why the transform is a linear one here.

    Examples
    --------
    >>> x = np.random.default_rng(0).random((3, 1, 8, 8))
    >>> model = Compressive(steps=1, random_state=0).fit(x)
    >>> model.transform(x).shape
    (3, 64)
    """

    family = "compressive"
    rebuilt: ClassVar[frozenset[str]] = frozenset({"networks_"})
    coder: ClassVar[str] = "pictures"  # what `compress` of its space codes with
    takes_images: ClassVar[bool] = True

    def __init__(
        self,
        *,
        step: float | None = None,
        steps: int | None = None,
        widths: Sequence[int] | None = None,
        random_state: Any = None,
    ):
        self.step = step
        self.steps = steps
        self.widths = widths
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "Compressive":
        """Learns from pictures.

        Parameters
        ----------
        X : float array of shape (n, c, h, w), or (n, p)
            Grey (c = 1) or colour (c = 3) pictures. Vectors are read as pictures of four rows.

        Raises
        ------
        ValueError
            If X holds NaN or infinity, items are no pictures, or a parameter is out of range; the message says what
            would do.
        MissingExtraError
            If torch is not installed.
        """
        X = door.features(self, X)
        self._check(X)
        self.shape_ = tuple(int(size) for size in X.shape[1:])
        low, high = float(X.min()), float(X.max())
        self.range_ = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high if high > low else low + 1)
        pictures = self._pictures(X)
        self.facts_, self.networks_ = learn(pictures, seed=self.random_state, steps=self.steps, widths=self.widths)
        self._settle()
        return self

    def _check(self, X: np.ndarray) -> None:
        if X.ndim == 3 or (X.ndim == 4 and X.shape[1] not in (1, 3)):
            raise ValueError(
                f"Compressive is for pictures (n, 1, h, w) or (n, 3, h, w), not {X.shape}. "
                "Choose another model for these, such as 'vae'."
            )
        if self.step is not None and not b.FINEST <= self.step <= b.COARSEST:
            raise ValueError(f"step={self.step!r} must be from {b.FINEST:g} to {b.COARSEST:g} grey levels, or None.")
        if self.steps is not None and (not isinstance(self.steps, int | np.integer) or self.steps < 1):
            raise ValueError(f"steps={self.steps!r} must be an integer of at least 1, or None.")
        if self.widths is not None and (
            len(self.widths) != 3 or not all(isinstance(w, int | np.integer) and 1 <= w <= 2048 for w in self.widths)
        ):
            raise ValueError(f"widths={self.widths!r} must be three integers from 1 to 2048, or None.")

    def _settle(self) -> None:
        rows, columns = b.grid(*self._size()[:2])
        self._axes = self.networks_["axes"].astype(np.float32) / np.float32(2**AXES_BITS)
        self.dims_ = rows * columns * len(self._axes)

    def _size(self) -> tuple[int, int, int]:
        """Height, width and channels of the picture that an item is read as."""
        if len(self.shape_) == 1:
            return b.SIDE, -(-self.shape_[0] // b.SIDE), 1
        return self.shape_[1], self.shape_[2], self.shape_[0]

    def _pictures(self, X: np.ndarray) -> np.ndarray:
        """Features as grey levels, float32 (n, h, w, c) of 0 to 255."""
        low, high = self.range_
        x = np.asarray((X - low) * (255 / (high - low)), np.float32)
        if x.ndim == 4:
            return x.transpose(0, 2, 3, 1)
        h, w, _ = self._size()
        return np.pad(x, ((0, 0), (0, h * w - x.shape[1])), mode="edge").reshape(len(x), h, w, 1)

    def transform(self, X: Any) -> np.ndarray:
        """Features to latents (n, dims), float32, in units of the features' range."""
        check_is_fitted(self)
        X = door.features(self, X, self.shape_)
        some, out = max(1, _AT_ONCE // max(1, self.dims_)), np.empty((len(X), self.dims_), np.float32)
        for start in range(0, len(X), some):
            part = b.to_blocks(self._pictures(X[start : start + some]), self.networks_["ground"])
            c = np.matmul(part, self._axes.T)
            if self.step is not None:
                c = np.rint(c / np.float32(self.step)) * np.float32(self.step)
            out[start : start + some] = c.reshape(len(part), -1) / 255
        return out

    def inverse_transform(self, z: Any) -> np.ndarray:
        """Latents (n, dims) back to features, float32, shaped as those that were fitted and in their range."""
        check_is_fitted(self)
        z = door.latents(self, z)
        h, w, _ = self._size()
        rows, columns = b.grid(h, w)
        out = np.empty((len(z), *self.shape_), np.float32)
        some, (low, high) = max(1, _AT_ONCE // self.dims_), self.range_
        for start in range(0, len(z), some):
            c = z[start : start + some].reshape(-1, rows, columns, len(self._axes)) * np.float32(255)
            decoded = c @ self._axes
            if self.step is not None:
                decoded = smoothed(decoded, round(8 * self.step), self.networks_)
            x = (b.to_pixels(decoded)[:, :h, :w] + self.networks_["ground"].astype(np.float32)).transpose(0, 3, 1, 2)
            flat = x.reshape(len(x), -1)[:, : int(np.prod(self.shape_))]
            out[start : start + some] = flat.reshape(-1, *self.shape_) * np.float32((high - low) / 255) + np.float32(
                low
            )
        return out

    def picture_state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What the codec's coder of pictures needs: facts and arrays, as `learning.learn` gives them."""
        check_is_fitted(self)
        return self.facts_, self.networks_

    def get_state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, np.ndarray]]:
        """Returns `(params, facts, arrays)`; what was learned is arrays named as "networks/axes"."""
        check_is_fitted(self)
        params, facts, arrays = super().get_state()
        return params, facts, arrays | {f"networks/{name}": value for name, value in self.networks_.items()}

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        learned = {name.removeprefix("networks/"): value for name, value in arrays.items() if "/" in name}
        super()._set_state(facts, {name: value for name, value in arrays.items() if "/" not in name})
        try:
            self.shape_, self.range_, self.networks_ = tuple(self.shape_), tuple(self.range_), learned
            channels = self._size()[2]
            for name, shape in (("axes", (b.SIDE**2 * channels,) * 2), ("ground", (channels,))):
                if learned[name].shape != shape:
                    raise ValueError(f"{name} has shape {learned[name].shape} instead of {shape}")
            self._settle()
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueError(
                f"The compressive model in this file cannot be built: {error}. The file is damaged."
            ) from None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.non_deterministic = self.random_state is None
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.dims_
