"""Ridge regression onto principal components: the plainest way back from latents to items, exact and in one pass."""

from collections.abc import Mapping

import numpy as np

from .pca import PCA

_PARTS = ("mean", "weights", "axes", "offset", "range")
_COMPONENTS = 128  # of the items: more would be noise that latents do not tell, and each is a picture in the file
_STRENGTHS = np.logspace(-7, 1, 33)  # of the penalty, as shares of the largest eigenvalue of Z'Z
_HELD = 5  # one item in five chooses the strength
_FEW = 4  # held-out items below which they would choose by chance
_UNTOLD = 0.01  # the strength then


class RidgeDecoder:
    """x_hat = (z - mean) @ weights @ axes + offset, with x's principal components in between, kept in the range of x.

    weights = (Z'Z + alpha I)^-1 Z'Y, where Z are centred latents and Y the items' components (Hoerl and Kennard, "Ridge
    regression", 1970). alpha is what serves a fifth of the items best that the others have told nothing of:
    generalised cross-validation, without such items, chose far too little where latents are as many as items.

    Parameters
    ----------
    arrays : mapping
        As `learn` and a file give them: `mean` (dims,), `weights` (dims, k), `axes` (k, p), `offset` (p,) and `range`
        (2,).

    Raises
    ------
    ValueError
        If they do not fit together, or are not finite.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]):
        self.arrays = {name: arrays[name] for name in _PARTS if name in arrays}
        shapes = [array.shape for array in self.arrays.values()]
        dims, k, p = self.arrays["weights"].shape + self.arrays["axes"].shape[1:] if len(shapes) == 5 else (0, 0, 0)
        if shapes != [(dims,), (dims, k), (k, p), (p,), (2,)]:
            raise ValueError(f"The stored decoder's parts have shapes {shapes}; the file is damaged.")
        if not all(np.isfinite(array).all() for array in self.arrays.values()):
            raise ValueError("The stored decoder holds NaN or infinity; the file is damaged.")

    @classmethod
    def learn(cls, z: np.ndarray, x: np.ndarray, seed: int) -> "RidgeDecoder":
        """Learns from latents (n, dims) and items (n, p)."""
        n, p = x.shape
        k = max(1, min(_COMPONENTS, n - 1, p))
        mean = z.mean(axis=0, dtype=np.float64)
        weights, axes, offset = np.zeros((z.shape[1], k)), np.zeros((k, p)), x.mean(axis=0)
        if n > 1:
            pca = PCA(k, random_state=seed).fit(x)
            weights = _weights(z - mean, pca.transform(x).astype(np.float64), np.random.default_rng(seed))
            axes, offset = pca.axes_, pca.mean_
        learned = (mean, weights, axes, offset, np.array([x.min(), x.max()]))
        return cls({n: np.ascontiguousarray(v, dtype=np.float32) for n, v in zip(_PARTS, learned, strict=True)})

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Latents (n, dims) to float32 (n, p)."""
        mean, weights, axes, offset, (low, high) = self.arrays.values()
        return np.clip(((z - mean) @ weights) @ axes + offset, low, high)


def _weights(z: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ridge weights (dims, k) of centred z (n, dims) and y (n, k), float64."""
    order = rng.permutation(len(z))
    held, rest = order[: len(z) // _HELD], order[len(z) // _HELD :]
    strength = _UNTOLD
    if len(held) >= _FEW:
        squares, right, told = _spectrum(z[rest], y[rest])
        seen = z[held] @ right
        errors = [
            float(((y[held] - seen @ (told / (squares + share * squares.max(initial=0)))) ** 2).sum())
            for share in _STRENGTHS
        ]
        strength = float(_STRENGTHS[int(np.argmin(errors))])
    squares, right, told = _spectrum(z, y)
    return right @ (told / (squares + strength * squares.max(initial=0)))


def _spectrum(z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Z'Z = right squares right', where not zero: squares (rank, 1), right (dims, rank); and right' Z'Y (rank, k)."""
    wide = z.shape[1] > len(z)
    squares, vectors = np.linalg.eigh(z @ z.T if wide else z.T @ z)
    there = squares > 1e-10 * max(float(squares[-1]), 1e-300)
    squares, vectors = squares[there], vectors[:, there]
    right = (z.T @ vectors) / np.sqrt(squares) if wide else vectors
    return squares[:, None], right, right.T @ (z.T @ y)
