"""Range search: everything within a radius, however much that is, and nothing else."""

import numpy as np

from .exact import Neighbours
from .metrics import as_latents, check_metric, exact_scores, make_form, norms_of

_ITEMS = 65536  # rows of z whose keys are looked at together


def within(z, queries, radius: float, metric: str = "cosine", mask=None, exclude=None) -> list[Neighbours]:
    """Finds all items within a radius of each query, nearest first; equal scores are ordered by position.

    Exact, like `ExactIndex`: float32 products choose candidates with a margin for their rounding, float64 decides.

    Parameters
    ----------
    z : array of shape (n, dims)
    queries : array of shape (q, dims)
    radius : float
        The largest Euclidean distance, or the least cosine or dot product, as the metric has it; float32, so that a
        score of an earlier search finds its item again.
    metric : "cosine", "euclidean" or "dot", default="cosine"
    mask : bool array of shape (n,), optional
        Only items that are True take part.
    exclude : sequence of q sequences of int, optional
        Positions that each query must not find.

    Returns
    -------
    list of q Neighbours, each with positions int64 (m,) and scores float32 (m,)

    Raises
    ------
    ValueError
        If dims differ, the metric is unknown, the radius is no number, or a distance is negative.

    Examples
    --------
    >>> within([[0.0], [1.0], [5.0]], [[0.4]], 1.0, "euclidean")[0].positions
    array([0, 1])
    """
    check_metric(metric)
    z, queries = as_latents(z), as_latents(queries, "queries")
    if queries.shape[1] != z.shape[1]:
        raise ValueError(f"queries have {queries.shape[1]} dims, but the searched latents have {z.shape[1]}.")
    if np.isnan(radius) or (metric == "euclidean" and radius < 0):
        raise ValueError(f"within={radius} is no {'distance' if metric == 'euclidean' else 'score'} to stay within.")
    norms, query_norms = norms_of(z), norms_of(queries)
    form = make_form(z, norms, metric)
    q = form.prepare(queries, query_norms)
    key = np.full(len(q), float(radius))
    if metric == "euclidean":
        key = ((q.astype(np.float64) ** 2).sum(axis=1) - float(radius) ** 2) / 2
    # A share of the radius more, for what rounds to it in float32 is still within.
    bound = key - form.margin(q, key) - 1e-6 * np.abs(key) - (1e-6 * radius**2 if metric == "euclidean" else 1e-37)
    found = []
    for row in range(len(q)):
        positions = np.concatenate(
            [np.zeros(0, np.int64)]
            + [
                start
                + np.flatnonzero(form.keys(q[row : row + 1], start, min(start + _ITEMS, len(z)), None)[0] >= bound[row])
                for start in range(0, len(z), _ITEMS)
            ]
        )
        if mask is not None:
            positions = positions[np.asarray(mask)[positions]]
        if exclude is not None and len(exclude[row]):
            positions = positions[~np.isin(positions, exclude[row])]
        zeros = np.zeros(len(positions), np.int64)
        one = slice(row, row + 1)
        scores = exact_scores(z, norms, queries[one], query_norms[one], metric, zeros, positions).astype(np.float32)
        limit = np.float32(radius)
        inside = scores <= limit if metric == "euclidean" else scores >= limit
        positions, scores = positions[inside], scores[inside]
        order = np.lexsort((positions, scores if metric == "euclidean" else -scores))
        found.append(Neighbours(positions[order], scores[order]))
    return found
