"""Re-ranking: candidates, from codes or from latents of few dimensions, put in order by the full vectors.

Scores are float32 sums of differences or products, taken straight from the full vectors where they lie: no second copy.
An equal vector gets an equal score to the last bit; order agrees with float64 but for ties within about 1e-6.
"""

import numpy as np

from .approximate_threads import faiss
from .metrics import norms_of
from .quantise import EightBit


class Vectors:
    """Full vectors as they are: float32 rows in memory, or in a memory-mapped file.

    Parameters
    ----------
    z : float32 array of shape (n, dims)
    lengths : float array of shape (n,), optional
        For the cosine; without them, those of candidates are computed each time.
    metric : "cosine", "euclidean" or "dot"
    """

    def __init__(self, z: np.ndarray, metric: str, lengths: np.ndarray | None = None):
        self.z = z
        self.metric = metric
        self._weights = None if lengths is None else _reciprocal(lengths)

    def prepare(self, queries: np.ndarray) -> np.ndarray:
        """Queries (q, dims) as `keys` takes them: brought to length 1 for the cosine, where they have a length."""
        if self.metric != "cosine":
            return queries
        wide = queries.astype(np.float64)
        lengths = np.sqrt(np.vecdot(wide, wide))[:, None]
        lengths[lengths == 0] = 1
        return (wide / lengths).astype(np.float32)

    def keys(self, queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """Larger is nearer: cosine, dot product, or minus the squared distance.

        Parameters
        ----------
        queries : float32 array of shape (q, dims)
            As `prepare` gives them.
        candidates : int64 array of shape (q, c), C-ordered
            Rows of z, -1 for none, whose key is -inf.
        """
        keys = np.empty(candidates.shape, np.float32)
        library = faiss()
        point = library.swig_ptr
        inner = library.fvec_L2sqr_by_idx if self.metric == "euclidean" else library.fvec_inner_products_by_idx
        inner(point(keys), point(queries), point(self.z), point(candidates), queries.shape[1], *candidates.shape)
        none = candidates < 0 if candidates.size and candidates.min() < 0 else None
        if none is not None:
            keys[none] = 0
        if self.metric == "euclidean":
            np.negative(keys, out=keys)
        elif self.metric == "cosine":
            keys *= self.weights_of(candidates)
        if none is not None:
            keys[none] = -np.inf
        return keys

    def weights_of(self, candidates: np.ndarray) -> np.ndarray:
        """1 / length of candidates, of their shape; 0 for zeros."""
        if self._weights is not None:
            return self._weights[candidates]
        return _reciprocal(norms_of(self.z[candidates.ravel()])).reshape(candidates.shape)


class Frugal:
    """Full vectors that stay where they are, and 8-bit copies that choose those few of them which are looked at.

    Parameters
    ----------
    copies : EightBit
    vectors : Vectors
    """

    def __init__(self, copies: EightBit, vectors: Vectors):
        self.copies, self.vectors = copies, vectors

    def few(self, queries: np.ndarray, candidates: np.ndarray, k: int) -> np.ndarray:
        """The candidates that could be among the k nearest, half as many again by their copies: (q, fewer)."""
        few = k + k // 2 + 5
        if candidates.shape[1] <= few:
            return candidates
        return best(self.copies.keys(queries, candidates), candidates, few)[1]


def _reciprocal(lengths: np.ndarray) -> np.ndarray:
    return np.divide(1.0, lengths, out=np.zeros(len(lengths)), where=lengths > 0).astype(np.float32)


def best(keys: np.ndarray, candidates: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest keys of each row with their candidates, largest first, ties by position: two arrays (q, <= k).

    Candidates come in ascending order in each row.
    """
    rows = np.arange(len(keys))[:, None]
    if candidates.shape[1] > 2 * k + 16:
        kept = np.argpartition(keys, keys.shape[1] - k - 1, axis=1)[:, -k - 1 :]
        kept.sort(axis=1)
        keys, candidates = keys[rows, kept], candidates[rows, kept]
    order = np.argsort(-keys, axis=1, kind="stable")[:, :k]
    return keys[rows, order], candidates[rows, order]


def scores_of(keys: np.ndarray, metric: str) -> np.ndarray:
    """Keys as scores: distances for Euclid, cosines within [-1, 1]; nan for none."""
    none = keys == -np.inf
    if metric == "euclidean":
        scores = np.sqrt(np.maximum(-keys, 0))
    else:
        scores = np.minimum(np.maximum(keys, -1), 1) if metric == "cosine" else keys
    scores[none] = np.nan
    return scores
