"""Offline evaluation of recommenders: interactions split in two, what was hidden looked for, users counted."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy.sparse import csr_array

from ..models.factors.ranking import best, hide, ndcg_at_k, recall_at_k

How = Literal["time", "people", "leave-out"]
HOWS: tuple[str, ...] = get_args(How)
_REDRAWN = 2000  # times that users are drawn with repetition, for an interval

Recommender = Callable[
    [csr_array, csr_array], np.ndarray
]  # (fitted on, seen) -> scores of every thing for each of seen


class Split(NamedTuple):
    """Interactions in two parts.

    Attributes
    ----------
    train : csr_array (m, p)
        What recommenders are fitted on.
    seen : csr_array (q, p)
        What they are shown of the q users that are asked about.
    hidden : csr_array (q, p)
        What those users met besides; disjoint from `seen`.
    how : str
        In words.
    """

    train: csr_array
    seen: csr_array
    hidden: csr_array
    how: str


def split(x: csr_array, how: How, *, times: csr_array | None = None, share: float = 0.2, seed: int = 0) -> Split:
    """Splits users' interactions (n, p) for an evaluation.

    "time": what came after one moment is hidden, the same for all, so that nobody is predicted from the future of
    others; users and things that came later than it are not asked about. "people": a share of the users is kept from
    the models and folded in with the rest of their interactions (Liang et al., 2018). "leave-out": a share of every
    user's interactions is hidden, at random.

    Parameters
    ----------
    x : csr_array (n, p)
        Values above 0 where a user met a thing.
    how : "time", "people" or "leave-out"
    times : csr_array (n, p), for "time"
        When, in any unit; the same pattern as x.
    share : float, default=0.2
        Of the interactions to hide, over 0 to below 1; of the users too, with "people".
    seed : int, default=0

    Raises
    ------
    ValueError
        If `how` is not known or has no times; if `share` is out of its range; if nothing would be hidden.
    """
    if how not in HOWS:
        raise ValueError(f"split={how!r} is not known; choose {', '.join(map(repr, HOWS))}.")
    if not 0 < share < 1:
        raise ValueError(f"share={share!r} of the interactions cannot be hidden; pass a number between 0 and 1.")
    rng = np.random.default_rng(seed)
    if how == "time":
        parts = _by_time(x, times, share)
    elif how == "people":
        order = rng.permutation(x.shape[0])
        asked = order[: max(1, int(share * x.shape[0]))]
        seen, hidden = hide(x[asked], share, rng)
        parts = Split(x[order[len(asked) :]], seen, hidden, f"{len(asked):,} users kept from the models")
    else:
        seen, hidden = hide(x, share, rng)
        parts = Split(seen, seen, hidden, f"{share:.0%} of each user's interactions hidden")
    there = np.flatnonzero(np.diff(parts.hidden.indptr))
    if not len(there) or not parts.train.nnz:
        raise ValueError(
            f"split={how!r} with share={share:g} leaves nothing to ask for: {x.nnz:,} interactions of "
            f"{x.shape[0]:,} users are too few. Pass a larger share, or split='leave-out'."
        )
    return parts._replace(seen=parts.seen[there], hidden=parts.hidden[there])


def _by_time(x: csr_array, times: csr_array | None, share: float) -> Split:
    if times is None:
        raise ValueError("split='time' needs to know when: a column of times. Choose split='people' or 'leave-out'.")
    moment = float(np.quantile(times.data, 1 - share))
    before = times.data <= moment
    rows = np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))
    first, later = (csr_array((x.data[part], (rows[part], x.indices[part])), x.shape) for part in (before, ~before))
    known = np.bincount(first.indices, minlength=x.shape[1]) > 0  # what nobody had met by then no history can tell of
    rows = np.repeat(np.arange(x.shape[0]), np.diff(later.indptr))
    asked = known[later.indices] & (np.diff(first.indptr) > 0)[rows]
    hidden = csr_array((later.data[asked], (rows[asked], later.indices[asked])), x.shape)
    return Split(first, first, hidden, f"the last {share:.0%} of all interactions hidden")


def judge(
    recommenders: Mapping[str, Recommender], parts: Split, *, k: int = 20, wide: int = 100, seed: int = 0
) -> list[dict[str, float | str]]:
    """Ranks things for every asked user by each recommender, without those seen, and counts what was hidden.

    Parameters
    ----------
    recommenders : {name: function}
        Each is fitted on `parts.train` and scores `parts.seen`: float (q, p), higher is likelier.
    parts : Split
    k, wide : int, default=20, 100
        Recall and the lists' own figures are of the first k, NDCG of the first `wide`.
    seed : int, default=0
        Draws users for the intervals.

    Returns
    -------
    list of dict, one a recommender
        `recall` and `ndcg`: means over users, 0 to 1, higher is better; `recall_low`, `recall_high`, `ndcg_low` and
        `ndcg_high`: the middle 95% of them when users are drawn anew. `coverage`: share of the things that are in
        anybody's first k. `popularity`: how many users met a thing of the lists, the median.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.integers(parts.seen.shape[0], size=(_REDRAWN, parts.seen.shape[0]))
    met = np.bincount(parts.train.indices, minlength=parts.train.shape[1])
    rows: list[dict[str, float | str]] = []
    for name, recommender in recommenders.items():
        ranked = best(recommender(parts.train, parts.seen), parts.seen, wide)
        row: dict[str, float | str] = {"recommender": name}
        for measure, values in (
            ("recall", recall_at_k(ranked, parts.hidden, k)),
            ("ndcg", ndcg_at_k(ranked, parts.hidden, wide)),
        ):
            low, high = np.quantile(values[drawn].mean(axis=1), (0.025, 0.975))
            row |= {measure: float(values.mean()), f"{measure}_low": float(low), f"{measure}_high": float(high)}
        first = ranked[:, :k]
        row |= {"coverage": len(np.unique(first)) / parts.train.shape[1], "popularity": float(np.median(met[first]))}
        rows.append(row)
    return rows
