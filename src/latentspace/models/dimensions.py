"""How many latent dimensions when none are given: what stands out from noise, by parallel analysis."""

import numpy as np

_ITEMS, _FEATURES = 1000, 2000  # a sample that large settles the answer and costs a second at most


def parallel_analysis(x: np.ndarray, rng: np.random.RandomState, most: int = 64) -> int:
    """Counts the principal components that carry more than they would if features were independent (Horn, 1965).

    Parameters
    ----------
    x : float array of shape (n, p)
        Features in the network's unit.
    rng : RandomState
        Draws the sample, and shuffles every feature on its own to make the independent data.
    most : int, default=64
        Upper bound: a latent space that a person looks at, and that a prior can fill.

    Returns
    -------
    int
        From 2 (or p, if that is less) to `most`.
    """
    n, p = x.shape
    items = rng.permutation(n)[:_ITEMS]
    features = np.sort(rng.permutation(p)[:_FEATURES])
    sample = x[np.ix_(items, features)].astype(np.float64)
    sample -= sample.mean(axis=0)
    independent = _shuffled(sample, rng)
    above = _variances(sample) > _variances(independent)
    count = len(above) if above.all() else int(np.argmin(above))
    return max(min(2, p), min(count, most))


def _shuffled(sample: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Shuffles every column on its own."""
    return np.take_along_axis(sample, rng.random_sample(sample.shape).argsort(axis=0), axis=0)


def _variances(centred: np.ndarray) -> np.ndarray:
    """Eigenvalues of the covariance, largest first, from the smaller of the two Gram matrices."""
    gram = centred @ centred.T if len(centred) < centred.shape[1] else centred.T @ centred
    return np.linalg.eigvalsh(gram)[::-1]
