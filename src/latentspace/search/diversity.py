"""Diversity: of many good answers, a few that are not all the same one."""

import numpy as np

POOL = 10  # times k: candidates that may take part, for the best k alone leave nothing to choose from
_FEWEST = 100


def diverse(
    scores: np.ndarray, z: np.ndarray, k: int, diversity: float, centre: np.ndarray | float = 0.0
) -> np.ndarray:
    """Chooses k candidates by maximal marginal relevance, best first.

        next = argmax_i (1 - diversity) relevance_i - diversity max_(j chosen) cosine(z_i, z_j)

    Relevance is the score, brought to 0 (the last of the pool) to 1 (the first), so that the knob means the same
    whatever unit the scores have. The pool are the 10 k best candidates, 100 at least.

    Parameters
    ----------
    scores : float array of shape (n,)
        Higher is better; -inf never takes part.
    z : float array of shape (n, dims)
        What two candidates are compared by.
    k : int
    diversity : float
        0: the k best; 1: only that each differs from those before it.
    centre : float array of shape (dims,), default=0
        Taken off z before cosines.

    Returns
    -------
    int64 array of shape (at most k,)
        Positions; fewer than k where fewer take part.

    References
    ----------
    Carbonell and Goldstein, "The use of MMR, diversity-based reranking", 1998.

    Examples
    --------
    >>> z = np.array([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0]])
    >>> diverse(np.array([3.0, 2.9, 2.0]), z, 2, diversity=0.0).tolist()
    [0, 1]
    >>> diverse(np.array([3.0, 2.9, 2.0]), z, 2, diversity=0.6).tolist()
    [0, 2]
    """
    pool = best(scores, k if diversity == 0 else max(POOL * k, _FEWEST))
    if diversity == 0 or len(pool) <= 1:
        return pool[:k]
    relevance = np.asarray(scores, np.float64)[pool]
    spread = relevance[0] - relevance[-1]
    relevance = (relevance - relevance[-1]) / spread if spread > 0 else np.ones(len(pool))
    unit = unit_rows(np.asarray(z)[pool] - centre)
    nearest = np.zeros(len(pool))  # cosine with the nearest that is chosen already; what points away is as good as new
    left = np.ones(len(pool), bool)
    chosen = []
    for _ in range(min(k, len(pool))):
        gain = np.where(left, (1 - diversity) * relevance - diversity * nearest, -np.inf)
        one = int(np.argmax(gain))  # the first of equals: the better one
        chosen.append(one)
        left[one] = False
        nearest = np.maximum(nearest, unit @ unit[one])
    return pool[np.array(chosen)]


def best(scores: np.ndarray, k: int) -> np.ndarray:
    """Positions of the k highest scores, best first, equal ones by position; without those of -inf: int64."""
    scores = np.asarray(scores)
    there = np.flatnonzero(scores > -np.inf)
    if len(there) > k:
        least = np.partition(scores[there], len(there) - k)[len(there) - k]
        there = there[scores[there] >= least]
    return there[np.argsort(-scores[there], kind="stable")][:k]


def unit_rows(z: np.ndarray) -> np.ndarray:
    """Rows brought to length 1, float32; rows of zeros stay."""
    z = np.asarray(z, np.float32)
    length = np.linalg.norm(z, axis=1, keepdims=True)
    return np.divide(z, length, out=np.zeros_like(z), where=length > 0)


def spread_of(z: np.ndarray) -> float:
    """How unlike a list's members are: 1 - cosine, the mean over all pairs; 0 for fewer than two. Higher is more so."""
    unit = unit_rows(z).astype(np.float64)
    n = len(unit)
    if n < 2:
        return 0.0
    total = unit.sum(axis=0)
    own = float((unit * unit).sum())
    return 1 - (float(total @ total) - own) / (n * (n - 1))
