"""How hard to look: the settings that reach a recall on the user's own data at the least work, measured after building.

Two numbers steer a search: how many lists are looked through, and how many candidates are put in order by their full
vectors. Some items of the space serve as queries; their true neighbours are found exactly, once, and every pair of the
two numbers is read off a few searches. Half of the queries choose, the other half tell what the choice reaches.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

TARGETS = (0.9, 0.95, 0.98, 0.99, 0.995)
KS = (10, 30, 100)  # neighbours that settings are measured for; a search takes those of the next larger
CANDIDATES = 400
_TRIES = 4  # settings that are measured for one target, from the cheapest
_STEP = 1.5  # between one number of lists and the next
_MULTIPLICATIONS = 2e10  # of finding the sample's true neighbours: under a second on two cores
_FEWEST, _MOST = 250, 1000  # queries

# What a search costs, in nanoseconds of one thread (EPYC of 2024); only their ratio matters.
_CODE, _NUMBER, _CANDIDATE, _CENTRE = 0.03, 0.15, 40.0, 0.05


@dataclass(frozen=True)
class Setting:
    """One way to search, and what it reaches.

    Attributes
    ----------
    k : int
        Neighbours that were asked for.
    probes, candidates : int
        Lists looked through; items put in order by their full vectors.
    recall : float
        Share of the true k nearest that were found, mean over queries that had no part in choosing.
    sure : float
        The choosing queries' recall less two standard errors, which had to reach the target.
    """

    k: int
    probes: int
    candidates: int
    recall: float
    sure: float


def sample_size(n: int, dims: int) -> int:
    """How many queries are worth their exact answers."""
    return min(n, int(np.clip(_MULTIPLICATIONS / max(n * dims, 1), _FEWEST, _MOST)))


def cost(probes: int, candidates: int, *, n: int, nlist: int, codes: int, dims: int, turned: int = 0) -> float:
    """Estimates one query's nanoseconds.

    Parameters
    ----------
    dims : int
        Of the full vectors, by which candidates are put in order.
    turned : int, default=0
        Multiplications of turning a query into the lists' frame.
    """
    looked = probes * n / nlist
    scan = looked * codes * _CODE + nlist * codes * _CENTRE
    return scan + candidates * (_CANDIDATE + dims * _NUMBER) + turned * _CENTRE


def settings(
    candidates: Callable[[int, int], np.ndarray],
    keys: Callable[[np.ndarray], np.ndarray],
    true_keys: np.ndarray,
    own: np.ndarray,
    *,
    nlist: int,
    price: Callable[[int, int], float],
    most: int = CANDIDATES,
) -> list[Setting]:
    """Measures and chooses.

    Parameters
    ----------
    candidates : function of (probes, count)
        The sample's candidates, int64 (q, count), likeliest first.
    keys : function of candidates
        Their keys by the full vectors, float32 (q, count); larger is nearer.
    true_keys : float32 array of shape (q, up to 100)
        Keys of the true neighbours, best first.
    own : int64 array of shape (q,)
        The queries' own positions, which are no answers.
    nlist : int
    price : function of (probes, count)
        The work of one query.
    most : int, default=400
        Candidates that are tried, at most.

    Returns
    -------
    list of Setting
        For each of KS, from the least work to the most; both recall and work rise.
    """
    ks = [k for k in KS if k <= true_keys.shape[1]]

    def hits(probes: int, count: int) -> np.ndarray:
        """Which candidates are as near as the k-th neighbour, whichever of equals they are: bool (k, q, count)."""
        found = candidates(probes, count)
        near = keys(found)
        near[found == own[:, None]] = -np.inf
        return np.stack([near >= true_keys[:, k - 1, None] for k in ks])

    choosing = np.arange(len(own)) % 2 == 0
    tried: dict[int, list[tuple[float, int, int]]] = {k: [] for k in ks}  # (sure recall, probes, candidates)
    probes, seen = 1, 0.0
    while ks:
        for k, near in zip(ks, hits(probes, most)[:, choosing], strict=True):
            shares = np.minimum(np.cumsum(near, axis=1), k) / np.float32(k)
            tried[k] += [(_sure(shares[:, count - 1]), probes, count) for count in _counts(k, shares.shape[1])]
        seen = min(tried[k][-1][0] for k in ks)
        if probes >= nlist or seen > TARGETS[-1]:
            break
        probes = min(max(probes + 1, int(probes * _STEP)), nlist)

    known: list[Setting] = []
    for place, k in enumerate(ks):
        cheapest = sorted(tried[k], key=lambda each: price(each[1], each[2]))
        for target in TARGETS:
            # FAISS keeps other items of one code when it is asked for other numbers of them, so what was read off a
            # longer list is measured again as it will be used.
            for _, probes, count in [each for each in cheapest if each[0] >= target][:_TRIES]:
                shares = np.minimum(hits(probes, count)[place].sum(axis=1), k) / k
                setting = Setting(k, probes, count, float(shares[~choosing].mean()), _sure(shares[choosing]))
                if setting.sure >= target:
                    known += [setting] * (setting not in known)
                    break
    return known


def _sure(shares: np.ndarray) -> float:
    """Mean less two standard errors: the cheapest of many settings has been lucky in part."""
    return float(shares.mean() - 2 * shares.std() / max(len(shares), 1) ** 0.5)


def _counts(k: int, most: int) -> list[int]:
    """Numbers of candidates that are tried: k and more, in steps of about a fifth."""
    counts, count = [], float(k)
    while round(count) + 1 <= most:
        counts.append(round(count) + 1)  # a query that is an item finds itself
        count = max(count + 1, count * 1.2)
    return counts


def pick(known: list[Setting], k: int, recall: float) -> Setting | None:
    """The cheapest setting for k neighbours that is sure of `recall`; None where none was measured that is."""
    return next((each for each in known if each.k >= k and each.sure >= recall), None)


def to_facts(known: list[Setting]) -> list[dict[str, Any]]:
    """Settings as JSON."""
    return [asdict(each) for each in known]


def from_facts(facts: Any) -> list[Setting]:
    """Settings from a file's JSON; raises ValueError where they are damaged."""
    try:
        known = [Setting(**{name: kind(each[name]) for name, kind in _KINDS.items()}) for each in facts]
    except (TypeError, KeyError, ValueError, OverflowError):
        raise ValueError("the stored search index is damaged: its settings can't be read. Build it again.") from None
    if any(not (1 <= each.k <= 1000 and each.probes >= 1 and 1 <= each.candidates <= 10_000) for each in known):
        raise ValueError("the stored search index is damaged: a setting is out of range. Build it again.")
    return known


_KINDS: dict[str, Callable[[Any], Any]] = {"k": int, "probes": int, "candidates": int, "recall": float, "sure": float}
