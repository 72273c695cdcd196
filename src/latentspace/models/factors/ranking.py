"""How well scores rank what a user meets next: interactions hidden, the best of the others taken, and counted."""

import numpy as np
from scipy.sparse import csr_array


def hide(X: csr_array, share: float, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
    """Splits each row's interactions at random into those that a model may see, and a share that it is asked for.

    Parameters
    ----------
    X : csr_array of shape (n, p)
    share : float
        Of each row's interactions to hide, 0 to 1, rounded down; at least one stays seen, where there is one.
    rng : Generator

    Returns
    -------
    (seen, hidden) : csr_array of shape (n, p)
    """
    counts = np.diff(X.indptr)
    rows = np.repeat(np.arange(X.shape[0]), counts)
    order = np.lexsort((rng.random(X.nnz), rows))  # each row's own entries, shuffled
    place = np.arange(X.nnz) - np.repeat(X.indptr[:-1], counts)
    taken = np.minimum(np.floor(share * counts).astype(int), np.maximum(counts - 1, 0))
    is_hidden = np.empty(X.nnz, dtype=bool)
    is_hidden[order] = place < np.repeat(taken, counts)
    seen, hidden = (
        csr_array((X.data[part], (rows[part], X.indices[part])), X.shape) for part in (~is_hidden, is_hidden)
    )
    return seen, hidden


def best(scores: np.ndarray, seen: csr_array, k: int) -> np.ndarray:
    """The k columns with the highest scores of each row, best first, without those seen; int64 (n, k).

    Where fewer than k are left, seen ones stand at the end.
    """
    scores = np.array(scores, dtype=np.float64)
    scores[np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr)), seen.indices] = -np.inf
    k = min(k, scores.shape[1])
    top = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1)


def recall_at_k(ranked: np.ndarray, hidden: csr_array, k: int) -> np.ndarray:
    """Share of what was hidden that is among the first k, of at most k: float64 (n,), 0 to 1, higher is better.

    Rows that had nothing hidden are NaN. As in Liang et al., "Variational autoencoders for collaborative filtering",
    2018, equation 9.

    Examples
    --------
    >>> hidden = csr_array(np.array([[0, 1, 0, 1]]))
    >>> recall_at_k(np.array([[1, 0, 2, 3]]), hidden, k=2)
    array([0.5])
    """
    most = np.minimum(k, np.diff(hidden.indptr))
    return _ratio(_found(ranked[:, :k], hidden).sum(axis=1), most)


def ndcg_at_k(ranked: np.ndarray, hidden: csr_array, k: int) -> np.ndarray:
    """Discounted gain of the first k over the best there could be: float64 (n,), 0 to 1, higher is better.

    What was hidden counts 1 / log2(1 + rank), rank from 1. Rows that had nothing hidden are NaN.
    """
    discount = 1 / np.log2(np.arange(2, ranked[:, :k].shape[1] + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discount)])
    return _ratio(_found(ranked[:, :k], hidden) @ discount, ideal[np.minimum(len(discount), np.diff(hidden.indptr))])


def _found(ranked: np.ndarray, hidden: csr_array) -> np.ndarray:
    is_hidden = np.zeros(hidden.shape, dtype=bool)
    is_hidden[np.repeat(np.arange(hidden.shape[0]), np.diff(hidden.indptr)), hidden.indices] = True
    return np.take_along_axis(is_hidden, ranked, axis=1)


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.full(len(a), np.nan), where=b > 0)
